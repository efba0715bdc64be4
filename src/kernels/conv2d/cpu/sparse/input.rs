//! Gradient w.r.t. the input: nonzero gradients are listed by pixel, and each adds a multiple of its filter to the
//! patch under that pixel.

use super::entry::{ENTRY, Entry, by_block, panel_len};
use crate::kernels::conv2d::cpu::padding::{first_pixels, padded_size};
use crate::kernels::conv2d::dims::Dims;
use crate::kernels::gate::GateKind;
use crate::plan::{Io, View};
use crate::real::Real;
use crate::simd::{SimdLevel, store, with_scratch};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// SIMD variant of `Conv2dBackwardInput`.
pub(in crate::kernels::conv2d) fn backward_input(d: &Dims, gate: GateKind, level: SimdLevel, mut io: Io<'_, f32>) {
    let (dy, weights, dx) = (io.input(0), io.input(1), io.output(0));
    let gate_input = io.inputs[2];
    let lanes = level.vector_width();
    let blocks = d.c_in.div_ceil(lanes);
    let pixels = first_pixels(d);
    let rows = d.image_windows() * d.window_len();
    with_scratch([blocks * d.c_out * d.taps() * lanes], |[packed]| {
        packed.par_chunks_exact_mut(d.c_out * d.taps() * lanes).enumerate().for_each(|(block, packed)| {
            pack_channels(d, weights, block * lanes, lanes, packed);
        });
        let images = dx.par_chunks_exact_mut(d.in_image()).zip(dy.par_chunks_exact(d.out_image()));
        images.enumerate().for_each(|(image, (dx, dy))| {
            let padded = panel_len(d, lanes);
            let lens = [d.image_windows() * d.c_out * ENTRY, rows, d.window_len() * d.c_out * ENTRY, padded];
            with_scratch(lens, |[entries, ends, buckets, padded]| {
                let (entries, ends) = (bytemuck::cast_slice_mut(entries), bytemuck::cast_slice_mut(ends));
                list_by_pixel(d, dy, entries, ends, bytemuck::cast_slice_mut(buckets));
                let first = image * d.in_image();
                level.run(InputSums {
                    d,
                    pixels: &pixels,
                    entries,
                    ends,
                    w: packed,
                    padded,
                    dx,
                    gate,
                    gate_input,
                    first,
                });
            });
        });
    });
}

/// Packs the weights of input channels `first..first + lanes` to `packed` [filter, tap, lane]; lanes after the last
/// channel are 0.
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

/// Lists the nonzero elements of one image's tagged gradient `dy` [windows, c_out], ordered by window and window
/// offset. `ends` [rows] receives the end of each pixel's list in `entries`; `buckets` [window_len, c_out] is scratch.
fn list_by_pixel(d: &Dims, dy: &[f32], entries: &mut [Entry], ends: &mut [u32], buckets: &mut [Entry]) {
    let mut end = 0;
    for (dy, ends) in dy.chunks_exact(d.c_out).zip(ends.chunks_exact_mut(d.window_len())) {
        ends.fill(0);
        for (filter, tagged) in dy.iter().enumerate() {
            let (value, window_offset) = tagged.split_low_bits(d.offset_mask());
            let count = &mut ends[window_offset as usize];
            buckets[window_offset as usize * d.c_out + *count as usize] = Entry { index: filter as u32, value };
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

/// One image's gradient w.r.t. the input, one block of channels after the other, then the gate.
struct InputSums<'a> {
    d: &'a Dims,
    pixels: &'a [usize],
    entries: &'a [Entry],
    ends: &'a [u32],
    /// [block, filter, tap, lane].
    w: &'a [f32],
    /// Scratch for one block of channels of the padded image's gradient.
    padded: &'a mut [f32],
    dx: &'a mut [f32],
    gate: GateKind,
    gate_input: View<'a, f32>,
    /// Index in `gate_input` of the first element of `dx`.
    first: usize,
}

impl WithSimd for InputSums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let d = self.d;
        let [_, width] = padded_size(d);
        let padded = S::as_mut_simd_f32s(self.padded).0;
        let blocks = S::as_simd_f32s(self.w).0.chunks_exact(d.c_out * d.taps());
        let (last, row_len) = (blocks.len() - 1, d.w.input * d.c_in);
        for (block, weights) in blocks.enumerate() {
            padded.fill(simd.splat_f32s(0.0));
            let mut start = 0;
            for (pixel, end) in self.pixels.iter().zip(self.ends) {
                let entries = &self.entries[start..*end as usize];
                start = *end as usize;
                if !entries.is_empty() {
                    by_block!(d, 1, add_weights(simd, entries, weights, d.taps(), &mut padded[*pixel..], width));
                }
            }
            let channels = block * S::F32_LANES..d.c_in.min((block + 1) * S::F32_LANES);
            for (y, dx) in self.dx.chunks_exact_mut(row_len).enumerate() {
                let row = &padded[(y + d.h.pad) * width + d.w.pad..];
                for (dx, sum) in dx.chunks_exact_mut(d.c_in).zip(row) {
                    store(simd, &mut dx[channels.clone()], [*sum]);
                }
                if block == last {
                    self.gate.apply(dx, self.gate_input, self.first + y * row_len);
                }
            }
        }
    }
}

/// `padded[tap] += sum of value * weights[filter, tap]` over the entries, for each tap; `width` is that of the padded
/// image.
#[inline(always)]
fn add_weights<S: Simd, const ROWS: usize, const WIDTH: usize>(
    simd: S,
    entries: &[Entry],
    weights: &[S::f32s],
    taps: usize,
    padded: &mut [S::f32s],
    width: usize,
) {
    for block in 0..taps / (ROWS * WIDTH) {
        let padded = &mut padded[block * ROWS * width..];
        let mut total = [[simd.splat_f32s(0.0); WIDTH]; ROWS];
        for (row, total) in total.iter_mut().enumerate() {
            total.copy_from_slice(&padded[row * width..][..WIDTH]);
        }
        for entry in entries {
            let value = simd.splat_f32s(entry.value);
            let weights = &weights[entry.index as usize * taps + block * ROWS * WIDTH..][..ROWS * WIDTH];
            for (total, weight) in total.as_flattened_mut().iter_mut().zip(weights) {
                *total = simd.mul_add_e_f32s(value, *weight, *total);
            }
        }
        for (row, total) in total.iter().enumerate() {
            padded[row * width..][..WIDTH].copy_from_slice(total);
        }
    }
}
