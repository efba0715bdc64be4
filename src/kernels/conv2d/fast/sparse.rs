//! The gradients of a convolution through its pool: of each window, one position per filter receives a gradient, and only
//! where the ReLU was open. Those that are not zero are listed; each adds its multiple of a patch of x to the weights'
//! gradient, and of a patch of weights to the input's. Sums stay in registers, one vector of input channels a tap.

use super::{first_pixels, load, padded_size, store};
use crate::kernels::below::Below;
use crate::kernels::conv2d::dims::Dims;
use crate::plan::{Io, View};
use crate::real::Real;
use crate::simd::{Vectors, with_rooms};
use bytemuck::{Pod, Zeroable};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// A gradient that is not zero, and where it belongs: in the padded picture, or among the filters.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Entry {
    at: u32,
    value: f32,
}

/// Floats that an entry takes.
const ENTRY: usize = 2;
/// Images of a part, at least; their entries are listed at a time, if they are not too many for a core's caches.
const IMAGES: usize = 8;
/// Entries that are listed at a time, if one image has fewer.
const ENTRIES: usize = 1 << 17;
/// Parts that the images are summed in, at most.
const PARTS: usize = 16;
/// Sums of all parts, if one has fewer.
const SUMS: usize = 1 << 24;
/// Sums that a thread adds up at a time.
const CHUNK: usize = 4096;
/// Filters whose sums a task keeps in the first-level cache.
const FILTERS: usize = 32;

/// Whether the kernels take these sizes.
pub(in crate::kernels::conv2d) fn fits(d: &Dims, vectors: Vectors) -> bool {
    let kernel = d.x.window == 3 && d.y.window == 3 || matches!(d.x.window, 2..=5 | 7);
    d.positions() > 1 && kernel && 2 * d.c_in >= vectors.lanes()
}

/// `$f::<S, rows, width>(..)` for the block of a kernel's taps that is summed at once: all of a 3x3, else a row.
macro_rules! by_block {
    ($d:expr, $f:ident($($arg:expr),*)) => {
        match ($d.y.window, $d.x.window) {
            (3, 3) => $f::<S, 3, 3>($($arg),*),
            (_, 2) => $f::<S, 1, 2>($($arg),*),
            (_, 3) => $f::<S, 1, 3>($($arg),*),
            (_, 4) => $f::<S, 1, 4>($($arg),*),
            (_, 5) => $f::<S, 1, 5>($($arg),*),
            (_, 7) => $f::<S, 1, 7>($($arg),*),
            (_, width) => unreachable!("a kernel {width} wide"),
        }
    };
}

/// As `Conv2dBackwardWeights` in one split: some images' sums a task, then their sum in order.
pub(in crate::kernels::conv2d) fn backward_weights(d: &Dims, vectors: Vectors, mut io: Io<'_, f32>) {
    let (x, dy, out) = (io.input(0), io.input(1), io.output(0));
    let (dw, db) = out.split_at_mut(d.window() * d.c_out);
    let lanes = vectors.lanes();
    let (blocks, sums_of_filter) = (d.c_in.div_ceil(lanes), d.taps() * lanes);
    let pixels = first_pixels(d);
    // Fixed, so that the bits are the same for any number of threads.
    let len = blocks * d.c_out * sums_of_filter;
    let images = d.batch.div_ceil((SUMS / len).clamp(1, PARTS)).max(IMAGES);
    let listed = (ENTRIES / d.out_image()).clamp(1, IMAGES);
    let parts = d.batch.div_ceil(images);
    with_rooms([parts * len, parts * d.c_out], |[sums, biases]| {
        let images = x.par_chunks(images * d.in_image()).zip(dy.par_chunks(images * d.out_image()));
        let parts = sums.par_chunks_exact_mut(len).zip(biases.par_chunks_exact_mut(d.c_out));
        parts.zip(images).for_each(|((sums, biases), (x, dy))| {
            sums.fill(0.0);
            biases.fill(0.0);
            for (x, dy) in x.chunks(listed * d.in_image()).zip(dy.chunks(listed * d.out_image())) {
                add_images(d, &pixels, vectors, x, dy, sums, biases);
            }
        });
        db.fill(0.0);
        for biases in biases.chunks_exact(d.c_out) {
            db.iter_mut().zip(biases).for_each(|(total, part)| *total += *part);
        }
        let (total, others) = sums.split_at_mut(len);
        total.par_chunks_mut(CHUNK).enumerate().for_each(|(i, total)| {
            for part in others.chunks_exact(len) {
                total.iter_mut().zip(&part[i * CHUNK..]).for_each(|(total, part)| *total += *part);
            }
        });
        // [block, filter, tap, lane] to [tap, channel, filter].
        dw.par_chunks_mut(d.c_in * d.c_out).enumerate().for_each(|(tap, dw)| {
            for (i, row) in dw.chunks_exact_mut(d.c_out).enumerate() {
                let from = &total[i / lanes * d.c_out * sums_of_filter + tap * lanes + i % lanes..];
                for (dw, sum) in row.iter_mut().zip(from.iter().step_by(sums_of_filter)) {
                    *dw = *sum;
                }
            }
        });
    });
}

/// Adds what a few images say to `sums`, [block, filter, tap, lane], and `biases`.
fn add_images(
    d: &Dims,
    pixels: &[usize],
    vectors: Vectors,
    x: &[f32],
    dy: &[f32],
    sums: &mut [f32],
    biases: &mut [f32],
) {
    let lanes = vectors.lanes();
    let images = dy.len() / d.out_image();
    // One entry more, which the last may be written to that is not counted.
    let room = d.image_windows() + 1;
    let picture = padded_size(d).iter().product::<usize>() * lanes;
    with_rooms([images * d.c_out * room * ENTRY, images * d.c_out, picture], |[entries, counts, picture]| {
        let (entries, counts) = (bytemuck::cast_slice_mut(entries), bytemuck::cast_slice_mut(counts));
        let lists = entries.chunks_exact_mut(d.c_out * room).zip(counts.chunks_exact_mut(d.c_out));
        for ((entries, counts), dy) in lists.zip(dy.chunks_exact(d.out_image())) {
            list_by_filter(d, pixels, dy, entries, counts, biases);
        }
        picture.fill(0.0);
        for (block, sums) in sums.chunks_exact_mut(d.c_out * d.taps() * lanes).enumerate() {
            for (group, sums) in sums.chunks_mut(FILTERS * d.taps() * lanes).enumerate() {
                vectors.run(WeightSums { d, x, entries, counts, block, first: group * FILTERS, sums, picture });
            }
        }
    });
}

/// Lists one image's gradients, dy [windows, c_out], filter by filter; and adds them to `sums`.
fn list_by_filter(d: &Dims, pixels: &[usize], dy: &[f32], entries: &mut [Entry], counts: &mut [u32], sums: &mut [f32]) {
    counts.fill(0);
    let room = entries.len() / d.c_out;
    for (pixels, dy) in pixels.chunks_exact(d.positions()).zip(dy.chunks_exact(d.c_out)) {
        let filters = entries.chunks_exact_mut(room).zip(counts.iter_mut()).zip(sums.iter_mut());
        for (packed, ((entries, count), sum)) in dy.iter().zip(filters) {
            let (value, position) = packed.split_low_bits(d.position_mask());
            entries[*count as usize] = Entry { at: pixels[position as usize] as u32, value };
            *count += u32::from(value != 0.0);
            *sum += value;
        }
    }
}

/// Adds to the sums of the filters from `first` on over one block of channels, [filters, taps, lanes], what some images say.
struct WeightSums<'a> {
    d: &'a Dims,
    x: &'a [f32],
    entries: &'a [Entry],
    counts: &'a [u32],
    block: usize,
    first: usize,
    sums: &'a mut [f32],
    /// Room for a block of channels of one padded picture; its border is zero.
    picture: &'a mut [f32],
}

impl WithSimd for WeightSums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let d = self.d;
        let [_, width] = padded_size(d);
        let room = d.image_windows() + 1;
        let sums = S::as_mut_simd_f32s(self.sums).0;
        let picture = S::as_mut_simd_f32s(self.picture).0;
        let channels = self.block * S::F32_LANES..d.c_in.min((self.block + 1) * S::F32_LANES);
        for (image, x) in self.x.chunks_exact(d.in_image()).enumerate() {
            for (y, x) in x.chunks_exact(d.x.input * d.c_in).enumerate() {
                let row = &mut picture[(y + d.y.pad) * width + d.x.pad..][..d.x.input];
                for (to, x) in row.iter_mut().zip(x.chunks_exact(d.c_in)) {
                    *to = load(simd, &x[channels.clone()]);
                }
            }
            for (filter, sums) in sums.chunks_exact_mut(d.taps()).enumerate() {
                let list = image * d.c_out + self.first + filter;
                let entries = &self.entries[list * room..][..self.counts[list] as usize];
                by_block!(d, add_patches(simd, entries, picture, width, sums));
            }
        }
    }
}

/// `sums[tap] += sum of value * picture[at + tap]` over the entries.
#[inline(always)]
fn add_patches<S: Simd, const ROWS: usize, const WIDTH: usize>(
    simd: S,
    entries: &[Entry],
    picture: &[S::f32s],
    width: usize,
    sums: &mut [S::f32s],
) {
    let blocks = sums.as_chunks_mut::<WIDTH>().0.as_chunks_mut::<ROWS>().0;
    for (block, sums) in blocks.iter_mut().enumerate() {
        let picture = &picture[block * ROWS * width..];
        let mut total = *sums;
        for entry in entries {
            let value = simd.splat_f32s(entry.value);
            for (row, total) in total.iter_mut().enumerate() {
                let patch = &picture[entry.at as usize + row * width..][..WIDTH];
                for (total, x) in total.iter_mut().zip(patch) {
                    *total = simd.mul_add_e_f32s(value, *x, *total);
                }
            }
        }
        *sums = total;
    }
}

/// As `Conv2dBackwardInput`.
pub(in crate::kernels::conv2d) fn backward_input(d: &Dims, below: Below, vectors: Vectors, mut io: Io<'_, f32>) {
    let (dy, weights, dx) = (io.input(0), io.input(1), io.output(0));
    let seen = io.inputs[2];
    let lanes = vectors.lanes();
    let blocks = d.c_in.div_ceil(lanes);
    let pixels = first_pixels(d);
    let rows = d.image_windows() * d.positions();
    with_rooms([blocks * d.c_out * d.taps() * lanes], |[packed]| {
        packed.par_chunks_exact_mut(d.c_out * d.taps() * lanes).enumerate().for_each(|(block, packed)| {
            pack_channels(d, weights, block * lanes, lanes, packed);
        });
        let images = dx.par_chunks_exact_mut(d.in_image()).zip(dy.par_chunks_exact(d.out_image()));
        images.enumerate().for_each(|(image, (dx, dy))| {
            let picture = padded_size(d).iter().product::<usize>() * lanes;
            let lens = [d.image_windows() * d.c_out * ENTRY, rows, d.positions() * d.c_out * ENTRY, picture];
            with_rooms(lens, |[entries, ends, buckets, picture]| {
                let (entries, ends) = (bytemuck::cast_slice_mut(entries), bytemuck::cast_slice_mut(ends));
                list_by_position(d, dy, entries, ends, bytemuck::cast_slice_mut(buckets));
                let at = image * d.in_image();
                vectors.run(InputSums { d, pixels: &pixels, entries, ends, w: packed, picture, dx, below, seen, at });
            });
        });
    });
}

/// `packed`: [filter, tap, lane], the weights of `lanes` channels from `first` on, zeros after the last.
fn pack_channels(d: &Dims, weights: &[f32], first: usize, lanes: usize, packed: &mut [f32]) {
    for tap in 0..d.taps() {
        for lane in 0..lanes {
            let to = packed[tap * lanes + lane..].iter_mut().step_by(d.taps() * lanes);
            match first + lane {
                i if i < d.c_in => {
                    to.zip(&weights[(tap * d.c_in + i) * d.c_out..]).for_each(|(to, weight)| *to = *weight);
                }
                _ => to.for_each(|to| *to = 0.0),
            }
        }
    }
}

/// Lists one image's gradients, window by window and position by position; `ends` says where each list ends.
fn list_by_position(d: &Dims, dy: &[f32], entries: &mut [Entry], ends: &mut [u32], buckets: &mut [Entry]) {
    let mut end = 0;
    for (dy, ends) in dy.chunks_exact(d.c_out).zip(ends.chunks_exact_mut(d.positions())) {
        ends.fill(0);
        for (filter, packed) in dy.iter().enumerate() {
            let (value, position) = packed.split_low_bits(d.position_mask());
            let count = &mut ends[position as usize];
            buckets[position as usize * d.c_out + *count as usize] = Entry { at: filter as u32, value };
            *count += u32::from(value != 0.0);
        }
        for (bucket, count) in buckets.chunks_exact(d.c_out).zip(ends) {
            let list = &bucket[..*count as usize];
            entries[end..end + list.len()].copy_from_slice(list);
            end += list.len();
            *count = end as u32;
        }
    }
}

/// One image's input gradient, block of channels by block, and what `below` makes of it.
struct InputSums<'a> {
    d: &'a Dims,
    pixels: &'a [usize],
    entries: &'a [Entry],
    ends: &'a [u32],
    /// [block, filter, tap, lane].
    w: &'a [f32],
    /// Room for a block of channels of the padded picture.
    picture: &'a mut [f32],
    dx: &'a mut [f32],
    below: Below,
    seen: View<'a, f32>,
    /// Where `dx` starts in what `seen` shows.
    at: usize,
}

impl WithSimd for InputSums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let d = self.d;
        let [_, width] = padded_size(d);
        let picture = S::as_mut_simd_f32s(self.picture).0;
        let blocks = S::as_simd_f32s(self.w).0.chunks_exact(d.c_out * d.taps());
        for (block, weights) in blocks.enumerate() {
            picture.fill(simd.splat_f32s(0.0));
            let mut start = 0;
            for (pixel, end) in self.pixels.iter().zip(self.ends) {
                let entries = &self.entries[start..*end as usize];
                start = *end as usize;
                if !entries.is_empty() {
                    by_block!(d, add_weights(simd, entries, weights, d.taps(), &mut picture[*pixel..], width));
                }
            }
            let channels = block * S::F32_LANES..d.c_in.min((block + 1) * S::F32_LANES);
            for (y, dx) in self.dx.chunks_exact_mut(d.x.input * d.c_in).enumerate() {
                let row = &picture[(y + d.y.pad) * width + d.x.pad..];
                for (dx, sum) in dx.chunks_exact_mut(d.c_in).zip(row) {
                    store(simd, &mut dx[channels.clone()], [*sum]);
                }
            }
        }
        self.below.pass_down(self.dx, self.seen, self.at);
    }
}

/// `picture[tap] += sum of value * weights[filter, tap]` over the entries.
#[inline(always)]
fn add_weights<S: Simd, const ROWS: usize, const WIDTH: usize>(
    simd: S,
    entries: &[Entry],
    weights: &[S::f32s],
    taps: usize,
    picture: &mut [S::f32s],
    width: usize,
) {
    for block in 0..taps / (ROWS * WIDTH) {
        let picture = &mut picture[block * ROWS * width..];
        let mut total = [[simd.splat_f32s(0.0); WIDTH]; ROWS];
        for (row, total) in total.iter_mut().enumerate() {
            total.copy_from_slice(&picture[row * width..][..WIDTH]);
        }
        for entry in entries {
            let value = simd.splat_f32s(entry.value);
            let weights = &weights[entry.at as usize * taps + block * ROWS * WIDTH..][..ROWS * WIDTH];
            for (total, weight) in total.as_flattened_mut().iter_mut().zip(weights) {
                *total = simd.mul_add_e_f32s(value, *weight, *total);
            }
        }
        for (row, total) in total.iter().enumerate() {
            picture[row * width..][..WIDTH].copy_from_slice(total);
        }
    }
}
