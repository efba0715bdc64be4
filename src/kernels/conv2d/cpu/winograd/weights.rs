//! The gradient w.r.t. the weights by Winograd's algorithm, without a pool: the adjoint of the forward pass,
//! `dw = G^T [sum over tiles of (B^T d B) (A dy A^T)] G`, so that a matrix product is left for each of the 16 elements of a tile.

use super::tiling::{Block, GROUP, Position, Tiling, blocks_of, transform_input};
use crate::kernels::conv2d::cpu::panels::{MAX_ROWS, ROWS};
use crate::kernels::conv2d::dims::Dims;
use crate::kernels::conv2d::winograd::matrices::{TILE_LEN, weight_factor};
use crate::kernels::matrix::sum_rows;
use crate::plan::Io;
use crate::simd::{SimdLevel, with_scratch};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// Tasks that share the images: their number does not depend on that of the threads, so that the order of additions, and with it every
/// bit of the result, does not either.
const TASKS: usize = 8;

/// SIMD variant of `Conv2dBackwardWeights` without a pool and with split-K 1.
pub(in crate::kernels::conv2d) fn backward_weights(d: &Dims, level: SimdLevel, mut io: Io<'_, f32>) {
    let (x, dy, out) = (io.input(0), io.input(1), io.output(0));
    let sizes = [[d.h.input, d.w.input], [d.h.pad, d.w.pad], [d.h.output, d.w.output]];
    let tiling = Tiling::new(level, [d.c_in, d.c_out], sizes);
    let images = d.batch.div_ceil(TASKS);
    let pairs = d.c_in * d.c_out;
    let (weights, bias) = out.split_at_mut(d.taps() * pairs);
    with_scratch([d.batch.div_ceil(images) * TILE_LEN * pairs], |[sums]| {
        let tasks = x.par_chunks(images * d.in_image()).zip(dy.par_chunks(images * d.out_image()));
        sums.par_chunks_exact_mut(TILE_LEN * pairs).zip(tasks).for_each(|(sums, (x, dy))| {
            let lens = [Tiling::group_len(d.c_in), Tiling::group_len(d.c_out), d.w.input * d.c_in];
            sums.fill(0.0);
            with_scratch(lens, |scratch| level.run(Correlation { tiling: &tiling, x, dy, scratch, sums }));
        });
        let (total, others) = sums.split_at_mut(TILE_LEN * pairs);
        total.par_chunks_exact_mut(pairs).enumerate().for_each(|(element, total)| {
            for sums in others.chunks_exact(TILE_LEN * pairs) {
                total.iter_mut().zip(&sums[element * pairs..]).for_each(|(total, sum)| *total += *sum);
            }
        });
        weights.par_chunks_exact_mut(pairs).enumerate().for_each(|(tap, weights)| {
            weights.fill(0.0);
            for (element, sums) in total.chunks_exact(pairs).enumerate() {
                let factor = weight_factor(element, tap);
                if factor != 0.0 {
                    weights.iter_mut().zip(sums).for_each(|(weight, sum)| *weight += factor as f32 * *sum);
                }
            }
        });
    });
    sum_rows(dy, d.c_out, bias);
}

/// The sums over the tiles of some images, `sums += (B^T d B)^T (A dy A^T)` for each element of a tile: [16, c_in, c_out].
struct Correlation<'a> {
    tiling: &'a Tiling,
    x: &'a [f32],
    dy: &'a [f32],
    /// Scratch: a group's transformed inputs and gradients, and a row of zeros [w, c_in].
    scratch: [&'a mut [f32]; 3],
    sums: &'a mut [f32],
}

impl WithSimd for Correlation<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let tiling = self.tiling;
        let vectors = tiling.c_out / S::F32_LANES;
        let [v, w, zeros] = self.scratch;
        zeros.fill(0.0);
        let (mut from, mut to) = (Position::default(), Position::default());
        for tiles in tiling.groups(self.x) {
            transform_input(simd, tiling, self.x, (&mut from, tiles), v, zeros);
            let w = blocks_of::<S>(w);
            for tile in 0..tiles {
                transform_gradient(simd, tiling, self.dy, to, w, tile);
                to.advance(tiling);
            }
            let few = S::REGISTER_COUNT < 32;
            let (w, sums) = ((&*w, tiles), &mut *self.sums);
            match vectors {
                _ if S::F32_LANES < MAX_ROWS => add_products::<S, 1, ROWS>(simd, tiling.c_in, v, w, sums),
                n if n.is_multiple_of(4) && !few => add_products::<S, 4, ROWS>(simd, tiling.c_in, v, w, sums),
                n if n.is_multiple_of(2) && !few => add_products::<S, 2, MAX_ROWS>(simd, tiling.c_in, v, w, sums),
                n if n.is_multiple_of(2) => add_products::<S, 2, ROWS>(simd, tiling.c_in, v, w, sums),
                _ => add_products::<S, 1, MAX_ROWS>(simd, tiling.c_in, v, w, sums),
            }
        }
    }
}

/// `sums += v^T w` for each element, over the tiles of a group: `R` channels of v and `V` vectors of w at a time.
#[inline(always)]
fn add_products<S: Simd, const V: usize, const R: usize>(
    simd: S,
    c_in: usize,
    v: &[f32],
    (w, tiles): (&[Block<S::f32s>], usize),
    sums: &mut [f32],
) {
    let (lanes, panels) = (S::F32_LANES, w.len() / V);
    let sums = S::as_mut_simd_f32s(sums).0.as_chunks_mut::<V>().0;
    for (element, sums) in sums.chunks_exact_mut(c_in * panels).enumerate() {
        for (panel, w) in w.chunks_exact(V).enumerate() {
            for first in (0..c_in).step_by(R) {
                let v = &v[(first / lanes * TILE_LEN + element) * GROUP * lanes..][..tiles * lanes];
                let mut totals = [[simd.splat_f32s(0.0); V]; R];
                for (tile, v) in v.chunks_exact(lanes).enumerate() {
                    let mut vectors = [simd.splat_f32s(0.0); V];
                    for (vector, w) in vectors.iter_mut().zip(w) {
                        *vector = w[element][tile];
                    }
                    for (v, totals) in v[first % lanes..][..R].iter().zip(&mut totals) {
                        let v = simd.splat_f32s(*v);
                        for (total, w) in totals.iter_mut().zip(vectors) {
                            *total = simd.mul_add_e_f32s(v, w, *total);
                        }
                    }
                }
                for (totals, sums) in totals.iter().zip(sums[first * panels + panel..].iter_mut().step_by(panels)) {
                    for (total, sum) in totals.iter().zip(sums) {
                        *sum = simd.add_f32s(*sum, *total);
                    }
                }
            }
        }
    }
}

/// `w = A dy A^T` for the 2x2 gradients under the tile at `at`, zero outside of dy [images, h, w, c_out]; it becomes tile `tile` of the
/// group `w`.
#[inline(always)]
fn transform_gradient<S: Simd>(
    simd: S,
    tiling: &Tiling,
    dy: &[f32],
    at: Position,
    w: &mut [Block<S::f32s>],
    tile: usize,
) {
    let blocks = w.len();
    let zero = simd.splat_f32s(0.0);
    let ((first, right, below), width) = (tiling.pixel(at), tiling.output[1]);
    let dy = &S::as_simd_f32s(dy).0[first * blocks..];
    for (block, w) in w.iter_mut().enumerate() {
        let at = |inside: bool, pixel: usize| if inside { dy[pixel * blocks + block] } else { zero };
        let rows = [a(simd, [at(true, 0), at(right, 1)]), a(simd, [at(below, width), at(right && below, width + 1)])];
        for c in 0..4 {
            let column = a(simd, [rows[0][c], rows[1][c]]);
            for r in 0..4 {
                w[r * 4 + c][tile] = column[r];
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
