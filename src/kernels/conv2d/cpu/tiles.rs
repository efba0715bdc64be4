//! The steps of Winograd's algorithm over some images, as operations for a SIMD level.

use super::panels::{Panels, ROWS, multiply, rows_of};
use super::pool;
use crate::kernels::conv2d::winograd::matrices::G;
use crate::kernels::matrix::copy_block;
use crate::simd::store_u32s;
use pulp::{Simd, WithSimd};

/// A convolution as Winograd's algorithm sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiling {
    pub(super) c_in: usize,
    pub(super) c_out: usize,
    /// Tiles along height and width.
    pub(super) tiles: [usize; 2],
    /// Height and width of the input.
    pub(super) input: [usize; 2],
    /// Zero padding before the first pixel.
    pub(super) pad: [usize; 2],
    pub(super) panels: Panels,
}

impl Tiling {
    /// Tiles of an image.
    pub(super) fn count(&self) -> usize {
        self.tiles.iter().product()
    }

    /// Height and width of the input that the tiles cover.
    fn size(&self) -> [usize; 2] {
        self.tiles.map(|tiles| 2 * tiles + 2)
    }

    /// Whether the input can be read as it is: the tiles cover nothing beyond it.
    fn is_inside(&self) -> bool {
        self.pad == [0, 0] && self.size()[0] <= self.input[0] && self.size()[1] <= self.input[1]
    }

    /// Pixels in a row of the input as it is read.
    fn width(&self) -> usize {
        if self.is_inside() { self.input[1] } else { self.size()[1] }
    }

    /// Floats of the padded input, 0 where the input can be read as it is.
    pub(super) fn padded_len(&self) -> usize {
        if self.is_inside() { 0 } else { self.size().iter().product::<usize>() * self.c_in }
    }

    /// `x` [h, w, c_in] with what the tiles cover beyond it as zeros, copied to `scratch` unless that is empty.
    pub(super) fn padded<'a>(&self, x: &'a [f32], scratch: &'a mut [f32]) -> &'a [f32] {
        if scratch.is_empty() {
            return x;
        }
        let ([top, left], c) = (self.pad, self.c_in);
        scratch.fill(0.0);
        copy_block(x, self.input[1] * c, scratch, self.width() * c, [top, left * c]);
        scratch
    }
}

/// One element (r, c) of the 4x4 tile of `u = G w G^T`, for all channel pairs: [panel, c_in, width].
pub(super) struct Weights<'a> {
    pub(super) tiling: &'a Tiling,
    /// 4 r + c.
    pub(super) element: usize,
    /// [3, 3, c_in, c_out].
    pub(super) w: &'a [f32],
    pub(super) u: &'a mut [f32],
}

impl WithSimd for Weights<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Tiling { c_in, c_out, panels, .. } = *self.tiling;
        for (panel, u) in self.u.chunks_exact_mut(c_in * panels.width).enumerate() {
            let cols = panels.cols_of(panel);
            for (i, u) in u.chunks_exact_mut(panels.width).enumerate() {
                u.fill(0.0);
                for tap in 0..9 {
                    let factor = G[self.element / 4][tap / 3] * G[self.element % 4][tap % 3];
                    let w = &self.w[(tap * c_in + i) * c_out..][cols.clone()];
                    for (u, w) in u.iter_mut().zip(w).filter(|_| factor != 0.0) {
                        *u += factor as f32 * *w;
                    }
                }
            }
        }
    }
}

/// `v = B^T d B`, d being the 4x4 inputs under each tile of one image: [16, tiles, c_in], where each of the 16 matrices takes
/// `matrix_len` floats.
pub(super) struct Input<'a> {
    pub(super) tiling: &'a Tiling,
    pub(super) x: &'a [f32],
    pub(super) v: &'a mut [f32],
    pub(super) matrix_len: usize,
}

impl WithSimd for Input<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let blocks = self.tiling.c_in / S::F32_LANES;
        let (width, across) = (self.tiling.width(), self.tiling.tiles[1]);
        let x = S::as_simd_f32s(self.x).0;
        let matrix_len = self.matrix_len / S::F32_LANES;
        let v = S::as_mut_simd_f32s(self.v).0;
        for tile in 0..self.tiling.count() {
            let pixel = 2 * (tile / across * width + tile % across);
            for block in 0..blocks {
                let mut rows = [[simd.splat_f32s(0.0); 4]; 4];
                for (r, row) in rows.iter_mut().enumerate() {
                    let first = (pixel + r * width) * blocks + block;
                    *row = b_t(simd, [0, 1, 2, 3].map(|c| x[first + c * blocks]));
                }
                for c in 0..4 {
                    let column = b_t(simd, [rows[0][c], rows[1][c], rows[2][c], rows[3][c]]);
                    for (r, value) in column.into_iter().enumerate() {
                        v[(r * 4 + c) * matrix_len + tile * blocks + block] = value;
                    }
                }
            }
        }
    }
}

/// One of the 16 products `m = v u`: v [tiles, c_in], u [c_in, c_out] packed in panels, m [tiles, columns of all panels]. The
/// number of tiles is rounded up to a multiple of [`ROWS`].
pub(super) struct Product<'a> {
    pub(super) tiling: &'a Tiling,
    pub(super) v: &'a [f32],
    pub(super) u: &'a [f32],
    pub(super) m: &'a mut [f32],
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.tiling.panels.width / S::F32_LANES {
            1 => self.multiply::<S, 1>(simd),
            2 => self.multiply::<S, 2>(simd),
            _ => self.multiply::<S, 4>(simd),
        }
    }
}

impl Product<'_> {
    #[inline(always)]
    fn multiply<S: Simd, const V: usize>(self, simd: S) {
        let c_in = self.tiling.c_in;
        let m = S::as_mut_simd_f32s(self.m).0.as_chunks_mut::<V>().0;
        let count = self.tiling.panels.count();
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

/// The sums `A^T m A` of tile `tile` for one vector of channels: [top left, top right, bottom left, bottom right].
#[inline(always)]
fn tile_sums<S: Simd>(simd: S, m: &[S::f32s], first: usize, matrix_len: usize) -> [S::f32s; 4] {
    let mut rows = [[simd.splat_f32s(0.0); 2]; 4];
    for (r, rows) in rows.iter_mut().enumerate() {
        let first = first + r * 4 * matrix_len;
        *rows = a_t(simd, [0, 1, 2, 3].map(|c| m[first + c * matrix_len]));
    }
    let left = a_t(simd, [rows[0][0], rows[1][0], rows[2][0], rows[3][0]]);
    let right = a_t(simd, [rows[0][1], rows[1][1], rows[2][1], rows[3][1]]);
    [left[0], right[0], left[1], right[1]]
}

/// `y = act(max(A^T m A) + b)` for each tile, which is a pool window, and the argmax; each of the 16 matrices of m takes
/// `matrix_len` floats.
pub(super) struct Maxima<'a> {
    pub(super) tiling: &'a Tiling,
    pub(super) relu: bool,
    pub(super) m: &'a [f32],
    pub(super) matrix_len: usize,
    pub(super) bias: &'a [f32],
    pub(super) y: &'a mut [f32],
    pub(super) argmax: Option<&'a mut [u32]>,
}

impl WithSimd for Maxima<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let blocks = self.tiling.c_out / S::F32_LANES;
        let (row, matrix_len) = (self.tiling.panels.len(1) / S::F32_LANES, self.matrix_len / S::F32_LANES);
        let (m, bias) = (S::as_simd_f32s(self.m).0, S::as_simd_f32s(self.bias).0);
        let y = S::as_mut_simd_f32s(self.y).0;
        for (index, y) in y.iter_mut().enumerate() {
            let (tile, block) = (index / blocks, index % blocks);
            let sums = tile_sums(simd, m, tile * row + block, matrix_len);
            let (value, window_offset) = pool::max_of_window(simd, sums, bias[block], self.relu);
            *y = value;
            if let Some(argmax) = &mut self.argmax {
                store_u32s(simd, &mut argmax[index * S::F32_LANES..][..S::F32_LANES], [window_offset]);
            }
        }
    }
}

/// `y = act(A^T m A + b)` for the pixels of each tile that are inside an output of `size`; no bias where it is empty.
pub(super) struct Pixels<'a> {
    pub(super) tiling: &'a Tiling,
    pub(super) size: [usize; 2],
    pub(super) relu: bool,
    pub(super) m: &'a [f32],
    pub(super) matrix_len: usize,
    pub(super) bias: &'a [f32],
    pub(super) y: &'a mut [f32],
}

impl WithSimd for Pixels<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let blocks = self.tiling.c_out / S::F32_LANES;
        let (row, matrix_len) = (self.tiling.panels.len(1) / S::F32_LANES, self.matrix_len / S::F32_LANES);
        let ([height, width], across) = (self.size, self.tiling.tiles[1]);
        let (m, bias) = (S::as_simd_f32s(self.m).0, S::as_simd_f32s(self.bias).0);
        let images = S::as_mut_simd_f32s(self.y).0.chunks_exact_mut(height * width * blocks);
        for (image, y) in images.enumerate() {
            for tile in 0..self.tiling.count() {
                let (oy, ox) = (2 * (tile / across), 2 * (tile % across));
                for block in 0..blocks {
                    let first = (image * self.tiling.count() + tile) * row + block;
                    let sums = tile_sums(simd, m, first, matrix_len);
                    let bias = bias.get(block).copied().unwrap_or(simd.splat_f32s(0.0));
                    for (i, sum) in sums.into_iter().enumerate() {
                        let (oy, ox) = (oy + i / 2, ox + i % 2);
                        if oy < height && ox < width {
                            y[(oy * width + ox) * blocks + block] = pool::activate(simd, sum, bias, self.relu);
                        }
                    }
                }
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
