//! The gradient w.r.t. the weights by Winograd's algorithm, without a pool: the adjoint of the forward pass,
//! `dw = G^T [sum over tiles of (B^T d B) (A dy A^T)] G`, so that a matrix product is left for each of the 36 elements of a tile.

use super::tile::{KERNEL, MAX_INPUT as INPUT, MAX_OUTPUT as OUTPUT, Tile, Tile4};
use super::tiling::{Element, Position, STRIDE, Tiling, elements_of, transform_input};
use crate::kernels::conv2d::cpu::panels::{MAX_ROWS, ROWS};
use crate::kernels::conv2d::dims::Dims;
use crate::kernels::matrix::sum_rows;
use crate::plan::Io;
use crate::simd::{SimdLevel, load, store, with_scratch};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// Tasks that share the images, at most: their number does not depend on that of the threads, so that the order of additions, and with it
/// every bit of the result, does not either.
const TASKS: usize = 8;
/// Tiles of a task, at least, unless there are fewer: adding up the sums of tasks costs time, too.
const MIN_TILES: usize = 32;
/// Elements of a transformed tile.
const TILE_LEN: usize = Tile4::LEN;
/// Pairs of channels of a task of the last transform.
const PAIRS: usize = 128;

/// SIMD variant of `Conv2dBackwardWeights` without a pool and with split-K 1.
pub(in crate::kernels::conv2d) fn backward_weights(d: &Dims, level: SimdLevel, mut io: Io<'_, f32>) {
    let (x, dy, out) = (io.input(0), io.input(1), io.output(0));
    let sizes = [[d.h.input, d.w.input], [d.h.pad, d.w.pad], [d.h.output, d.w.output]];
    let tiling = Tiling::<Tile4>::new(level, [d.c_in, d.c_out], sizes);
    let images = d.batch.div_ceil(TASKS).max(MIN_TILES.div_ceil(tiling.count()));
    let pairs = d.c_in * d.c_out;
    let (weights, bias) = out.split_at_mut(d.taps() * pairs);
    with_scratch([d.batch.div_ceil(images) * TILE_LEN * pairs], |[sums]| {
        let tasks = x.par_chunks(images * d.in_image()).zip(dy.par_chunks(images * d.out_image()));
        sums.par_chunks_exact_mut(TILE_LEN * pairs).zip(tasks).for_each(|(sums, (x, dy))| {
            let lens = [Tiling::<Tile4>::group_len(d.c_in), Tiling::<Tile4>::group_len(d.c_out), d.w.input * d.c_in];
            sums.fill(0.0);
            with_scratch(lens, |scratch| level.run(Correlation { tiling: &tiling, x, dy, scratch, sums }));
        });
        let mut taps: Vec<_> = weights.chunks_exact_mut(pairs).map(|tap| tap.chunks_mut(PAIRS)).collect();
        let chunks = pairs.div_ceil(PAIRS);
        let chunks: Vec<Vec<_>> = (0..chunks).map(|_| taps.iter_mut().filter_map(Iterator::next).collect()).collect();
        chunks.into_par_iter().enumerate().for_each(|(chunk, weights)| {
            level.run(Merge { sums, pairs, first: chunk * PAIRS, weights });
        });
    });
    sum_rows(dy, d.c_out, bias);
}

/// `dw = G^T s G` for some pairs of channels, s being the sum of the tasks' sums.
struct Merge<'a> {
    /// [tasks, 36, pairs].
    sums: &'a [f32],
    pairs: usize,
    /// The first of the pairs.
    first: usize,
    /// For each tap, the gradients of [`PAIRS`] pairs or fewer.
    weights: Vec<&'a mut [f32]>,
}

impl WithSimd for Merge<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let len = self.weights[0].len();
        let mut totals = [[0.0; PAIRS]; TILE_LEN];
        for sums in self.sums.chunks_exact(TILE_LEN * self.pairs) {
            for (sums, totals) in sums.chunks_exact(self.pairs).zip(&mut totals) {
                for (total, sum) in totals.iter_mut().zip(&sums[self.first..][..len]) {
                    *total += *sum;
                }
            }
        }
        let lanes = S::F32_LANES;
        for first in (0..len).step_by(lanes) {
            let mut half = [[simd.splat_f32s(0.0); INPUT]; KERNEL];
            for c in 0..INPUT {
                // Not by a closure, which was a call here, compiled for no SIMD level.
                let mut column = [simd.splat_f32s(0.0); INPUT];
                for (r, value) in column.iter_mut().enumerate() {
                    *value = load(simd, &totals[r * INPUT + c][first..][..lanes]);
                }
                for (half, value) in half.iter_mut().zip(Tile4::transform_sums(simd, column)) {
                    half[c] = value;
                }
            }
            for (half, weights) in half.iter().zip(self.weights.chunks_exact_mut(KERNEL)) {
                for (value, weights) in Tile4::transform_sums(simd, *half).iter().zip(weights) {
                    store(simd, &mut weights[first..][..lanes], [*value]);
                }
            }
        }
    }
}

/// The sums over the tiles of some images, `sums += (B^T d B)^T (A dy A^T)` for each element of a tile: [36, c_in, c_out].
struct Correlation<'a> {
    tiling: &'a Tiling<Tile4>,
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
            let w = elements_of::<S>(w);
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
    (w, tiles): (&[Element<S::f32s>], usize),
    sums: &mut [f32],
) {
    let (lanes, panels) = (S::F32_LANES, w.len() / TILE_LEN / V);
    let sums = S::as_mut_simd_f32s(sums).0.as_chunks_mut::<V>().0;
    for (element, sums) in sums.chunks_exact_mut(c_in * panels).enumerate() {
        for (panel, w) in w.chunks_exact(V * TILE_LEN).enumerate() {
            for first in (0..c_in).step_by(R) {
                let v = &v[(first / lanes * TILE_LEN + element) * STRIDE * lanes..][..tiles * lanes];
                let mut totals = [[simd.splat_f32s(0.0); V]; R];
                for (tile, v) in v.chunks_exact(lanes).enumerate() {
                    let mut vectors = [simd.splat_f32s(0.0); V];
                    for (i, vector) in vectors.iter_mut().enumerate() {
                        *vector = w[i * TILE_LEN + element][tile];
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

/// `w = A dy A^T` for the 4x4 gradients under the tile at `at`, zero outside of dy [images, h, w, c_out]; it becomes tile `tile` of the
/// group `w`.
#[inline(always)]
fn transform_gradient<S: Simd>(
    simd: S,
    tiling: &Tiling<Tile4>,
    dy: &[f32],
    at: Position,
    w: &mut [Element<S::f32s>],
    tile: usize,
) {
    let blocks = w.len() / TILE_LEN;
    let ((first, [rows, cols]), width) = (tiling.pixels(at), tiling.output[1]);
    let dy = &S::as_simd_f32s(dy).0[first * blocks..];
    for (block, w) in w.chunks_exact_mut(TILE_LEN).enumerate() {
        let half = [
            gradient_row(simd, dy, [block, blocks], [0, width], [rows, cols]),
            gradient_row(simd, dy, [block, blocks], [1, width], [rows, cols]),
            gradient_row(simd, dy, [block, blocks], [2, width], [rows, cols]),
            gradient_row(simd, dy, [block, blocks], [3, width], [rows, cols]),
        ];
        for c in 0..INPUT {
            let column = Tile4::transform_gradient(simd, [half[0][c], half[1][c], half[2][c], half[3][c]]);
            for (r, value) in column.iter().enumerate() {
                w[r * INPUT + c][tile] = *value;
            }
        }
    }
}

/// `dy A^T` for row r of a tile's gradients, of which `rows` rows and `cols` columns are inside: one of `blocks` vectors of the channels.
#[inline(always)]
fn gradient_row<S: Simd>(
    simd: S,
    dy: &[S::f32s],
    [block, blocks]: [usize; 2],
    [r, width]: [usize; 2],
    [rows, cols]: [usize; 2],
) -> [S::f32s; INPUT] {
    let mut pixels = [simd.splat_f32s(0.0); OUTPUT];
    for (c, pixel) in pixels.iter_mut().enumerate() {
        if r < rows && c < cols {
            *pixel = dy[(r * width + c) * blocks + block];
        }
    }
    Tile4::transform_gradient(simd, pixels)
}
