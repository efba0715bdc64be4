//! Forward pass by Winograd's F(2x2, 3x3) under a 2x2 pool (Lavin and Gray 2016): 16 multiplications where the direct
//! convolution needs 36. Each pool window is one output tile; `conv2d/winograd/mod.rs` has the formulas.

use super::padding::{padded, padded_len, padded_size};
use super::panels::{Panels, ROWS, multiply, rows_of};
use super::pool;
use crate::kernels::conv2d::dims::Dims;
use crate::kernels::conv2d::winograd::matrices::{G, TILE_LEN};
use crate::plan::Io;
use crate::simd::{SimdLevel, store_u32s, with_scratch};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// Pool windows per task, at least: few enough for the L2 cache, many enough to reuse the loaded weights.
const MIN_WINDOWS: usize = 96;
/// Floats of the transformed input and output of one image, at most.
const MAX_FLOATS: usize = 1 << 22;
/// Multiplications as a share of those of the direct sums.
pub(in crate::kernels::conv2d) const SHARE: f64 = 16.0 / 36.0;

/// Whether the kernel computes these sizes: channels fill whole vectors, and an image's transforms fit the caches.
pub(in crate::kernels::conv2d) fn supports(d: &Dims, level: SimdLevel) -> bool {
    let Dims { batch: _, h, w, c_in, c_out, groups: _, bias: _, pool_h, pool_w } = *d;
    let square = [h, w].iter().all(|axis| axis.kernel == 3 && axis.stride == 1);
    let pooled = [pool_h, pool_w].iter().all(|axis| axis.kernel == 2 && axis.stride == 2);
    let channels = [c_in, c_out].iter().all(|c| c.is_multiple_of(level.vector_width()));
    let small = TILE_LEN * d.image_windows() * (c_in + c_out) <= MAX_FLOATS;
    square && pooled && channels && small && d.is_plain()
}

/// SIMD variant of `Conv2dForward`. The argmax is not written if no backward pass follows.
pub(in crate::kernels::conv2d) fn forward(d: &Dims, relu: bool, level: SimdLevel, mut io: Io<'_, f32>) {
    let (x, weights, y) = (io.input(0), io.input(1), io.output(0));
    let (_, bias) = d.split_weights(weights);
    let panels = Panels::new(level, d.c_out);
    let images = MIN_WINDOWS.div_ceil(d.image_windows());
    let argmax = io.optional_chunks_u32(1, d.batch.div_ceil(images), images * d.out_image());
    with_scratch([TILE_LEN * panels.len(d.c_in)], |[u]| {
        u.par_chunks_mut(panels.len(d.c_in)).enumerate().for_each(|(element, u)| {
            level.run(Weights { d, panels, element, w: weights, u });
        });
        let (y, x) = (y.par_chunks_mut(images * d.out_image()), x.par_chunks(images * d.in_image()));
        y.zip(x).zip(argmax).for_each(|((y, x), argmax)| {
            let windows = y.len() / d.c_out;
            let rows = windows.next_multiple_of(ROWS);
            let (v_len, m_len) = (rows * d.c_in, rows * panels.len(1));
            with_scratch([TILE_LEN * v_len, TILE_LEN * m_len, padded_len(d)], |[v, m, scratch]| {
                for (image, x) in x.chunks_exact(d.in_image()).enumerate() {
                    let first = image * d.image_windows() * d.c_in;
                    level.run(Input { d, x: padded(d, 0, x, scratch), v: &mut v[first..], matrix_len: v_len });
                }
                let u = u.chunks_exact(panels.len(d.c_in));
                for ((v, m), u) in v.chunks_exact(v_len).zip(m.chunks_exact_mut(m_len)).zip(u) {
                    level.run(Product { d, panels, v, u, m });
                }
                level.run(Output { d, relu, panels, m, matrix_len: m_len, bias, y, argmax });
            });
        });
    });
}

/// One element (r, c) of the 4x4 tile of `u = G w G^T`, for all channel pairs: [panel, c_in, width].
struct Weights<'a> {
    d: &'a Dims,
    panels: Panels,
    /// 4 r + c.
    element: usize,
    w: &'a [f32],
    u: &'a mut [f32],
}

impl WithSimd for Weights<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let d = self.d;
        let tap_len = d.c_in * d.c_out;
        for (panel, u) in self.u.chunks_exact_mut(d.c_in * self.panels.width).enumerate() {
            let cols = self.panels.cols_of(panel);
            for (i, u) in u.chunks_exact_mut(self.panels.width).enumerate() {
                u.fill(0.0);
                for tap in 0..9 {
                    let factor = G[self.element / 4][tap / 3] * G[self.element % 4][tap % 3];
                    let w = &self.w[tap * tap_len + i * d.c_out..][cols.clone()];
                    for (u, w) in u.iter_mut().zip(w).filter(|_| factor != 0.0) {
                        *u += factor as f32 * *w;
                    }
                }
            }
        }
    }
}

/// `v = B^T d B`, d being the 4x4 inputs under each window of one image: [16, windows, c_in], where each of the 16
/// matrices takes `matrix_len` floats.
struct Input<'a> {
    d: &'a Dims,
    x: &'a [f32],
    v: &'a mut [f32],
    matrix_len: usize,
}

impl WithSimd for Input<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let d = self.d;
        let blocks = d.c_in / S::F32_LANES;
        let width = padded_size(d)[1];
        let x = S::as_simd_f32s(self.x).0;
        let matrix_len = self.matrix_len / S::F32_LANES;
        let v = S::as_mut_simd_f32s(self.v).0;
        for window in 0..d.image_windows() {
            let pixel = 2 * (window / d.pool_w.output * width + window % d.pool_w.output);
            for block in 0..blocks {
                let mut rows = [[simd.splat_f32s(0.0); 4]; 4];
                for (r, row) in rows.iter_mut().enumerate() {
                    let first = (pixel + r * width) * blocks + block;
                    *row = b_t(simd, [0, 1, 2, 3].map(|c| x[first + c * blocks]));
                }
                for c in 0..4 {
                    let column = b_t(simd, [rows[0][c], rows[1][c], rows[2][c], rows[3][c]]);
                    for (r, value) in column.into_iter().enumerate() {
                        v[(r * 4 + c) * matrix_len + window * blocks + block] = value;
                    }
                }
            }
        }
    }
}

/// One of the 16 products `m = v u`: v [windows, c_in], u [c_in, c_out] packed in panels, m [windows, columns of all
/// panels]. The number of windows is rounded up to a multiple of [`ROWS`].
struct Product<'a> {
    d: &'a Dims,
    panels: Panels,
    v: &'a [f32],
    u: &'a [f32],
    m: &'a mut [f32],
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.panels.width / S::F32_LANES {
            1 => self.multiply::<S, 1>(simd),
            2 => self.multiply::<S, 2>(simd),
            _ => self.multiply::<S, 4>(simd),
        }
    }
}

impl Product<'_> {
    #[inline(always)]
    fn multiply<S: Simd, const V: usize>(self, simd: S) {
        let c_in = self.d.c_in;
        let m = S::as_mut_simd_f32s(self.m).0.as_chunks_mut::<V>().0;
        let count = self.panels.count();
        for (panel, u) in rows_of::<S, V>(self.u).chunks_exact(c_in).enumerate() {
            for (tile, v) in self.v.chunks_exact(ROWS * c_in).enumerate() {
                let mut sums = [[simd.splat_f32s(0.0); V]; ROWS];
                multiply(simd, [0, 1, 2, 3].map(|r| &v[r * c_in..][..c_in]), u, &mut sums);
                for (r, sums) in sums.into_iter().enumerate() {
                    m[(tile * ROWS + r) * count + panel] = sums;
                }
            }
        }
    }
}

/// `y = act(max(A^T m A) + b)` for each window, and the argmax; each of the 16 matrices of m takes `matrix_len` floats.
struct Output<'a> {
    d: &'a Dims,
    relu: bool,
    panels: Panels,
    m: &'a [f32],
    matrix_len: usize,
    bias: &'a [f32],
    y: &'a mut [f32],
    argmax: Option<&'a mut [u32]>,
}

impl WithSimd for Output<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let blocks = self.d.c_out / S::F32_LANES;
        let (row, matrix_len) = (self.panels.len(1) / S::F32_LANES, self.matrix_len / S::F32_LANES);
        let (m, bias) = (S::as_simd_f32s(self.m).0, S::as_simd_f32s(self.bias).0);
        let y = S::as_mut_simd_f32s(self.y).0;
        for (index, y) in y.iter_mut().enumerate() {
            let (window, block) = (index / blocks, index % blocks);
            let mut rows = [[simd.splat_f32s(0.0); 2]; 4];
            for (r, rows) in rows.iter_mut().enumerate() {
                let first = window * row + block + r * 4 * matrix_len;
                *rows = a_t(simd, [0, 1, 2, 3].map(|c| m[first + c * matrix_len]));
            }
            let left = a_t(simd, [rows[0][0], rows[1][0], rows[2][0], rows[3][0]]);
            let right = a_t(simd, [rows[0][1], rows[1][1], rows[2][1], rows[3][1]]);
            let sums = [left[0], right[0], left[1], right[1]];
            let (value, window_offset) = pool::max_of_window(simd, sums, bias[block], self.relu);
            *y = value;
            if let Some(argmax) = &mut self.argmax {
                store_u32s(simd, &mut argmax[index * S::F32_LANES..][..S::F32_LANES], [window_offset]);
            }
        }
    }
}

/// `B^T d` for a column d.
#[inline(always)]
fn b_t<S: Simd>(simd: S, d: [S::f32s; 4]) -> [S::f32s; 4] {
    [simd.sub_f32s(d[0], d[2]), simd.add_f32s(d[1], d[2]), simd.sub_f32s(d[2], d[1]), simd.sub_f32s(d[1], d[3])]
}

/// `A^T m` for a column m.
#[inline(always)]
fn a_t<S: Simd>(simd: S, m: [S::f32s; 4]) -> [S::f32s; 2] {
    [simd.add_f32s(simd.add_f32s(m[0], m[1]), m[2]), simd.sub_f32s(simd.sub_f32s(m[1], m[2]), m[3])]
}
