//! Gradient w.r.t. the input: each nonzero gradient adds a multiple of its filter to the patch under its pixel. For each pixel, bits
//! tell which filters have one.

use super::active::{Bits, OFFSETS_PER_FLOAT, WORD, WORD_FLOATS, bits_where, split_tagged};
use super::sizes::{by_block, panel_len};
use crate::kernels::conv2d::cpu::padding::{first_pixels, padded_size};
use crate::kernels::conv2d::dims::Dims;
use crate::kernels::gate::GateKind;
use crate::plan::{Io, View};
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
    let words = d.c_out.div_ceil(WORD);
    with_scratch([blocks * d.c_out * d.taps() * lanes], |[packed]| {
        packed.par_chunks_exact_mut(d.c_out * d.taps() * lanes).enumerate().for_each(|(block, packed)| {
            pack_channels(d, weights, block * lanes, lanes, packed);
        });
        let images = dx.par_chunks_exact_mut(d.in_image()).zip(dy.par_chunks_exact(d.out_image()));
        images.enumerate().for_each(|(image, (dx, dy))| {
            let active = pixels.len() * words * WORD_FLOATS;
            let lens = [d.out_image(), d.out_image().div_ceil(OFFSETS_PER_FLOAT), active, panel_len(d, lanes)];
            with_scratch(lens, |[values, offsets, active, padded]| {
                let first = image * d.in_image();
                level.run(InputSums {
                    d,
                    pixels: &pixels,
                    dy,
                    values,
                    offsets: bytemuck::cast_slice_mut(offsets),
                    active: bytemuck::cast_slice_mut(active),
                    has_registers: level.vector_registers() >= 32,
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

/// One image's gradient w.r.t. the input, one block of channels after the other, then the gate.
struct InputSums<'a> {
    d: &'a Dims,
    pixels: &'a [usize],
    /// Tagged, [windows, c_out].
    dy: &'a [f32],
    /// Scratch: `dy` taken apart, and for each pixel the bits of the filters that have a gradient there, [pixels, words].
    values: &'a mut [f32],
    offsets: &'a mut [u8],
    active: &'a mut [u64],
    /// Whether the sums of the patches under a pool window fit into the registers.
    has_registers: bool,
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
        let (words, pixels) = (d.c_out.div_ceil(WORD), self.pixels.chunks_exact(d.window_len()));
        let offsets = &mut self.offsets[..d.out_image()];
        split_tagged(d, self.dy, self.values, offsets);
        for (offsets, active) in offsets.chunks_exact(d.c_out).zip(self.active.chunks_exact_mut(d.window_len() * words))
        {
            for (offset, active) in active.chunks_exact_mut(words).enumerate() {
                for (offsets, active) in offsets.chunks(WORD).zip(active) {
                    *active = bits_where(offsets, offset as u8);
                }
            }
        }
        let padded = S::as_mut_simd_f32s(self.padded).0;
        let blocks = S::as_simd_f32s(self.w).0.chunks_exact(d.c_out * d.taps());
        let (last, row_len) = (blocks.len() - 1, d.w.input * d.c_in);
        let by_window = self.has_registers
            && [d.h, d.w].iter().all(|axis| axis.kernel == 3 && axis.stride == 1)
            && [d.pool_h, d.pool_w].iter().all(|axis| axis.kernel == 2);
        for (block, weights) in blocks.enumerate() {
            padded.fill(simd.splat_f32s(0.0));
            let windows = self.active.chunks_exact(d.window_len() * words).zip(self.values.chunks_exact(d.c_out));
            for ((active, values), pixels) in windows.zip(pixels.clone()) {
                if by_window {
                    add_window(simd, (active, values), weights, &mut padded[pixels[0]..], width);
                    continue;
                }
                for (active, pixel) in active.chunks_exact(words).zip(pixels) {
                    if active.iter().any(|bits| *bits != 0) {
                        let padded = &mut padded[*pixel..];
                        by_block!(d, 1, add_weights(simd, (active, values), weights, d.taps(), padded, width));
                    }
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

/// `padded[tap] += sum of values[filter] * weights[filter, tap]` over the filters whose bits are set in `active` [words], for each tap; `width` is that of the padded
/// image.
#[inline(always)]
fn add_weights<S: Simd, const ROWS: usize, const WIDTH: usize>(
    simd: S,
    (active, values): (&[u64], &[f32]),
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
        for (i, active) in active.iter().enumerate() {
            for bit in Bits(*active) {
                let filter = i * WORD + bit;
                let value = simd.splat_f32s(values[filter]);
                let weights = &weights[filter * taps + block * ROWS * WIDTH..][..ROWS * WIDTH];
                for (total, weight) in total.as_flattened_mut().iter_mut().zip(weights) {
                    *total = simd.mul_add_e_f32s(value, *weight, *total);
                }
            }
        }
        for (row, total) in total.iter().enumerate() {
            padded[row * width..][..WIDTH].copy_from_slice(total);
        }
    }
}

/// As [`add_weights`], of a 3x3 kernel with a stride of 1 for the four pixels of a 2x2 window: `padded` begins at the first one. What their
/// patches share stays in registers.
#[inline(always)]
fn add_window<S: Simd>(
    simd: S,
    (active, values): (&[u64], &[f32]),
    weights: &[S::f32s],
    padded: &mut [S::f32s],
    width: usize,
) {
    if active.iter().all(|bits| *bits == 0) {
        return;
    }
    let words = active.len() / 4;
    let mut total = [[simd.splat_f32s(0.0); 4]; 4];
    for (row, total) in total.iter_mut().enumerate() {
        total.copy_from_slice(&padded[row * width..][..4]);
    }
    add_pixel::<S, 0, 0>(simd, (&active[..words], values), weights, &mut total);
    add_pixel::<S, 0, 1>(simd, (&active[words..2 * words], values), weights, &mut total);
    add_pixel::<S, 1, 0>(simd, (&active[2 * words..3 * words], values), weights, &mut total);
    add_pixel::<S, 1, 1>(simd, (&active[3 * words..], values), weights, &mut total);
    for (row, total) in total.iter().enumerate() {
        padded[row * width..][..4].copy_from_slice(total);
    }
}

/// The part of [`add_window`] of the pixel at row `Y` and column `X` of the window.
#[inline(always)]
fn add_pixel<S: Simd, const Y: usize, const X: usize>(
    simd: S,
    (active, values): (&[u64], &[f32]),
    weights: &[S::f32s],
    total: &mut [[S::f32s; 4]; 4],
) {
    let weights = weights.as_chunks::<9>().0;
    for (i, active) in active.iter().enumerate() {
        for bit in Bits(*active) {
            let filter = i * WORD + bit;
            let value = simd.splat_f32s(values[filter]);
            for (row, weights) in weights[filter].as_chunks::<3>().0.iter().enumerate() {
                for (col, weight) in weights.iter().enumerate() {
                    let total = &mut total[Y + row][X + col];
                    *total = simd.mul_add_e_f32s(value, *weight, *total);
                }
            }
        }
    }
}
