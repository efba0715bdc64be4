//! Gradient w.r.t. the weights: nonzero gradients are listed by filter, and each adds a multiple of its input patch to
//! the filter's sums.

use super::sizes::{by_block, panel_len, vectors_of_panel};
use crate::kernels::conv2d::cpu::padding::{first_pixels, padded_size};
use crate::kernels::conv2d::dims::Dims;
use crate::plan::Io;
use crate::real::Real;
use crate::simd::{SimdLevel, load, with_scratch};
use bytemuck::{Pod, Zeroable};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// A nonzero gradient with the index of the first pixel of its patch in the padded image.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Entry {
    index: u32,
    value: f32,
}

/// Size of an entry in floats.
const ENTRY: usize = 2;

/// Minimum number of images per chunk, and maximum number of images whose entries are listed at a time.
const IMAGES: usize = 8;
/// Entries that are listed at a time, at most (unless a single image has more), so that they fit into a core's caches.
const MAX_ENTRIES: usize = 1 << 17;
/// Floats of a panel of channels of these images, at most (unless a single image has more).
const MAX_PADDED: usize = 1 << 17;
/// Chunks that the batch is summed in, at most.
const MAX_CHUNKS: usize = 16;
/// Floats of the partial sums of all chunks together, at most, unless a single chunk needs more.
const MAX_SUMS: usize = 1 << 24;
/// Floats per task when the partial sums are added.
const SUM_BLOCK: usize = 4096;
/// Filters that are summed together where a panel is one vector, so that their sums stay in the L1 cache.
const FILTERS: usize = 32;

/// SIMD variant of `Conv2dBackwardWeights` with split-K 1: each task sums a chunk of the batch, then the partial sums
/// are added in order.
pub(in crate::kernels::conv2d) fn backward_weights(d: &Dims, level: SimdLevel, mut io: Io<'_, f32>) {
    let (x, dy, out) = (io.input(0), io.input(1), io.output(0));
    let (dw, db) = out.split_at_mut(d.patch_len() * d.c_out);
    let vectors = vectors_of_panel(d, level);
    let lanes = vectors * level.vector_width();
    let (panels, sums_of_filter) = (d.c_in.div_ceil(lanes), d.taps() * lanes);
    // The entries' indices: of vectors.
    let pixels: Vec<usize> = first_pixels(d).into_iter().map(|pixel| pixel * vectors).collect();
    // The chunks do not depend on the number of threads, so every bit of the result is the same for any number.
    let len = panels * d.c_out * sums_of_filter;
    let images = d.batch.div_ceil((MAX_SUMS / len).clamp(1, MAX_CHUNKS)).max(IMAGES);
    let listed = (MAX_ENTRIES / d.out_image()).min(MAX_PADDED / panel_len(d, lanes)).clamp(1, IMAGES);
    let chunks = d.batch.div_ceil(images);
    with_scratch([chunks * len, chunks * d.c_out], |[sums, biases]| {
        let images = x.par_chunks(images * d.in_image()).zip(dy.par_chunks(images * d.out_image()));
        let partials = sums.par_chunks_exact_mut(len).zip(biases.par_chunks_exact_mut(d.c_out));
        partials.zip(images).for_each(|((sums, biases), (x, dy))| {
            sums.fill(0.0);
            biases.fill(0.0);
            for (x, dy) in x.chunks(listed * d.in_image()).zip(dy.chunks(listed * d.out_image())) {
                add_images(d, (&pixels, vectors), level, x, dy, sums, biases);
            }
        });
        db.fill(0.0);
        for biases in biases.chunks_exact(d.c_out) {
            db.iter_mut().zip(biases).for_each(|(total, partial)| *total += *partial);
        }
        let (total, others) = sums.split_at_mut(len);
        total.par_chunks_mut(SUM_BLOCK).enumerate().for_each(|(i, total)| {
            for partial in others.chunks_exact(len) {
                total.iter_mut().zip(&partial[i * SUM_BLOCK..]).for_each(|(total, partial)| *total += *partial);
            }
        });
        // Transposes [panel, filter, tap, lane] to [tap, channel, filter].
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

/// Adds the contribution of a few images to `sums` [panel, filter, tap, lane] and `biases` [filter]. `pixels` and `vectors`: where the
/// patch of each pixel begins, and the vectors of a panel.
fn add_images(
    d: &Dims,
    (pixels, vectors): (&[usize], usize),
    level: SimdLevel,
    x: &[f32],
    dy: &[f32],
    sums: &mut [f32],
    biases: &mut [f32],
) {
    let lanes = vectors * level.vector_width();
    let images = dy.len() / d.out_image();
    // One spare entry per list: `list_by_filter` writes each gradient before it decides whether to count it.
    let capacity = d.image_windows() + 1;
    let padded = panel_len(d, lanes);
    let lens = [images * d.c_out * capacity * ENTRY, images * d.c_out, images * padded];
    with_scratch(lens, |[entries, counts, padded]| {
        let (entries, counts) = (bytemuck::cast_slice_mut(entries), bytemuck::cast_slice_mut(counts));
        let lists = entries.chunks_exact_mut(d.c_out * capacity).zip(counts.chunks_exact_mut(d.c_out));
        for ((entries, counts), dy) in lists.zip(dy.chunks_exact(d.out_image())) {
            list_by_filter(d, pixels, dy, entries, counts, biases);
        }
        if d.is_padded() {
            padded.fill(0.0);
        }
        for (panel, sums) in sums.chunks_exact_mut(d.c_out * d.taps() * lanes).enumerate() {
            level.run(WeightSums { d, vectors, x, entries, counts, panel, sums, padded });
        }
    });
}

/// Lists the nonzero elements of one image's tagged gradient `dy` [windows, c_out] by filter: `entries` [c_out,
/// capacity], `counts` [c_out]. Also adds the gradients to `sums` [c_out], the gradient w.r.t. the bias.
fn list_by_filter(d: &Dims, pixels: &[usize], dy: &[f32], entries: &mut [Entry], counts: &mut [u32], sums: &mut [f32]) {
    counts.fill(0);
    let capacity = entries.len() / d.c_out;
    for (pixels, dy) in pixels.chunks_exact(d.window_len()).zip(dy.chunks_exact(d.c_out)) {
        for (sum, tagged) in sums.iter_mut().zip(dy) {
            *sum += tagged.split_low_bits(d.offset_mask()).0;
        }
        let filters = entries.chunks_exact_mut(capacity).zip(counts.iter_mut());
        for (tagged, (entries, count)) in dy.iter().zip(filters) {
            let (value, window_offset) = tagged.split_low_bits(d.offset_mask());
            entries[*count as usize] = Entry { index: pixels[window_offset as usize] as u32, value };
            *count += u32::from(value != 0.0);
        }
    }
}

/// Adds the contribution of some images to `sums` [filters, taps, lanes] over one panel of input channels.
struct WeightSums<'a> {
    d: &'a Dims,
    /// Of a panel.
    vectors: usize,
    x: &'a [f32],
    entries: &'a [Entry],
    counts: &'a [u32],
    panel: usize,
    sums: &'a mut [f32],
    /// Scratch for one panel of channels of the padded images; their padding must be zero on entry.
    padded: &'a mut [f32],
}

impl WithSimd for WeightSums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (d, vectors) = (self.d, self.vectors);
        let [height, width] = padded_size(d);
        let capacity = d.image_windows() + 1;
        let sums = S::as_mut_simd_f32s(self.sums).0;
        let padded = S::as_mut_simd_f32s(self.padded).0;
        let lanes = vectors * S::F32_LANES;
        let channels = self.panel * lanes..d.c_in.min((self.panel + 1) * lanes);
        let (width, len) = (width * vectors, height * width * vectors);
        for (x, padded) in self.x.chunks_exact(d.in_image()).zip(padded.chunks_exact_mut(len)) {
            for (y, x) in x.chunks_exact(d.w.input * d.c_in).enumerate() {
                let row = &mut padded[(y + d.h.pad) * width + d.w.pad * vectors..][..d.w.input * vectors];
                for (to, x) in row.chunks_exact_mut(vectors).zip(x.chunks_exact(d.c_in)) {
                    for (to, x) in to.iter_mut().zip(x[channels.clone()].chunks(S::F32_LANES)) {
                        *to = load(simd, x);
                    }
                }
            }
        }
        let (of_filter, filters) = (d.taps() * vectors, FILTERS / vectors);
        for (group, sums) in sums.chunks_mut(filters * of_filter).enumerate() {
            for (image, padded) in padded.chunks_exact(len).enumerate() {
                for (filter, sums) in sums.chunks_exact_mut(of_filter).enumerate() {
                    let list = image * d.c_out + group * filters + filter;
                    let entries = &self.entries[list * capacity..][..self.counts[list] as usize];
                    by_block!(d, vectors, add_patches(simd, entries, padded, width, sums));
                }
            }
        }
    }
}

/// `sums[tap] += sum of value * padded[index + tap]` over the entries, for each tap; `width` are the vectors of a row of
/// the padded image.
#[inline(always)]
fn add_patches<S: Simd, const ROWS: usize, const WIDTH: usize>(
    simd: S,
    entries: &[Entry],
    padded: &[S::f32s],
    width: usize,
    sums: &mut [S::f32s],
) {
    let blocks = sums.as_chunks_mut::<WIDTH>().0.as_chunks_mut::<ROWS>().0;
    for (block, sums) in blocks.iter_mut().enumerate() {
        let padded = &padded[block * ROWS * width..];
        let mut total = *sums;
        for entry in entries {
            let value = simd.splat_f32s(entry.value);
            for (row, total) in total.iter_mut().enumerate() {
                let patch = &padded[entry.index as usize + row * width..][..WIDTH];
                for (total, x) in total.iter_mut().zip(patch) {
                    *total = simd.mul_add_e_f32s(value, *x, *total);
                }
            }
        }
        *sums = total;
    }
}
