//! The gradient w.r.t. the weights by Winograd's algorithm, without a pool: the adjoint of the forward pass,
//! `dw = G^T [sum over tiles of (B^T d B) (A dy A^T)] G`, so that a matrix product is left for each of the 16 elements of a tile.

use super::panels::Panels;
use super::tiles::{Input, Tiling};
use crate::kernels::conv2d::dims::Dims;
use crate::kernels::conv2d::winograd::matrices::{G, TILE_LEN};
use crate::kernels::matrix::sum_rows;
use crate::plan::Io;
use crate::real::{MatMul, Real, Strided};
use crate::simd::{SimdLevel, with_scratch};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// Tasks that share the images: their number does not depend on that of the threads, so that the order of additions, and with it every
/// bit of the result, does not either.
const TASKS: usize = 8;

/// SIMD variant of `Conv2dBackwardWeights` without a pool and with split-K 1.
pub(in crate::kernels::conv2d) fn backward_weights(d: &Dims, level: SimdLevel, mut io: Io<'_, f32>) {
    let (x, dy, out) = (io.input(0), io.input(1), io.output(0));
    let tiling = Tiling {
        c_in: d.c_in,
        c_out: d.c_out,
        tiles: [d.h.output, d.w.output].map(|n| n.div_ceil(2)),
        input: [d.h.input, d.w.input],
        pad: [d.h.pad, d.w.pad],
        panels: Panels::new(level, d.c_out),
    };
    let images = d.batch.div_ceil(TASKS);
    let pairs = d.c_in * d.c_out;
    let (weights, bias) = out.split_at_mut(d.taps() * pairs);
    with_scratch([d.batch.div_ceil(images) * TILE_LEN * pairs], |[sums]| {
        let tasks = x.par_chunks(images * d.in_image()).zip(dy.par_chunks(images * d.out_image()));
        sums.par_chunks_exact_mut(TILE_LEN * pairs).zip(tasks).for_each(|(sums, (x, dy))| {
            let [v_len, w_len] = [d.c_in, d.c_out].map(|channels| tiling.count() * channels);
            let lens = [TILE_LEN * v_len, TILE_LEN * w_len, tiling.padded_len()];
            with_scratch(lens, |[v, w, scratch]| {
                let each = x.chunks_exact(d.in_image()).zip(dy.chunks_exact(d.out_image()));
                for (image, (x, dy)) in each.enumerate() {
                    level.run(Input { tiling: &tiling, x: tiling.padded(x, scratch), v, matrix_len: v_len });
                    level.run(Gradients { d, tiling: &tiling, dy, w, matrix_len: w_len });
                    let size = MatMul { m: d.c_in, k: tiling.count(), n: d.c_out };
                    let elements = v.chunks_exact(v_len).zip(w.chunks_exact(w_len));
                    for ((v, w), sums) in elements.zip(sums.chunks_exact_mut(pairs)) {
                        let (v, w) = (Strided::transposed(v, d.c_in), Strided::rows(w, d.c_out));
                        f32::matmul(size, v, w, image > 0, sums, 1);
                    }
                }
            });
        });
        let (total, others) = sums.split_at_mut(TILE_LEN * pairs);
        for sums in others.chunks_exact(TILE_LEN * pairs) {
            total.iter_mut().zip(sums).for_each(|(total, sum)| *total += *sum);
        }
        weights.par_chunks_exact_mut(pairs).enumerate().for_each(|(tap, weights)| {
            weights.fill(0.0);
            for (element, sums) in total.chunks_exact(pairs).enumerate() {
                let factor = G[element / 4][tap / 3] * G[element % 4][tap % 3];
                if factor != 0.0 {
                    weights.iter_mut().zip(sums).for_each(|(weight, sum)| *weight += factor as f32 * *sum);
                }
            }
        });
    });
    sum_rows(dy, d.c_out, bias);
}

/// `w = A dy A^T` for the 2x2 gradients under each tile of one image, zero outside it: [16, tiles, c_out], where each of the 16
/// matrices takes `matrix_len` floats.
struct Gradients<'a> {
    d: &'a Dims,
    tiling: &'a Tiling,
    dy: &'a [f32],
    w: &'a mut [f32],
    matrix_len: usize,
}

impl WithSimd for Gradients<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let blocks = self.d.c_out / S::F32_LANES;
        let ([height, width], across) = ([self.d.h.output, self.d.w.output], self.tiling.tiles[1]);
        let matrix_len = self.matrix_len / S::F32_LANES;
        let dy = S::as_simd_f32s(self.dy).0;
        let w = S::as_mut_simd_f32s(self.w).0;
        let zero = simd.splat_f32s(0.0);
        for tile in 0..self.tiling.count() {
            let (oy, ox) = (2 * (tile / across), 2 * (tile % across));
            for block in 0..blocks {
                let at = |r: usize, c: usize| match oy + r < height && ox + c < width {
                    true => dy[((oy + r) * width + ox + c) * blocks + block],
                    false => zero,
                };
                let rows = [a(simd, [at(0, 0), at(0, 1)]), a(simd, [at(1, 0), at(1, 1)])];
                for c in 0..4 {
                    for (r, value) in a(simd, [rows[0][c], rows[1][c]]).into_iter().enumerate() {
                        w[(r * 4 + c) * matrix_len + tile * blocks + block] = value;
                    }
                }
            }
        }
    }
}

/// `A v` for a column v.
#[inline(always)]
fn a<S: Simd>(simd: S, v: [S::f32s; 2]) -> [S::f32s; 4] {
    let zero = simd.splat_f32s(0.0);
    [v[0], simd.add_f32s(v[0], v[1]), simd.sub_f32s(v[0], v[1]), simd.sub_f32s(zero, v[1])]
}
