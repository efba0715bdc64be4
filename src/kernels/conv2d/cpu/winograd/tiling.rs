//! The tiles of a convolution by Winograd's algorithm, and the transforms of its weights and inputs.

use crate::kernels::conv2d::cpu::panels::Panels;
use crate::kernels::conv2d::winograd::matrices::{TILE_LEN, weight_factor};
use crate::simd::SimdLevel;
use pulp::{Simd, WithSimd};

/// Tiles that are transformed and multiplied at a time: so few that the caches hold them.
pub(super) const GROUP: usize = 16;

/// One vector of channels of the tiles of a group, transformed: a vector for each element of a tile and each tile.
pub(super) type Block<V> = [[V; GROUP]; TILE_LEN];

/// A convolution as Winograd's algorithm sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiling {
    pub(super) c_in: usize,
    pub(super) c_out: usize,
    /// Height and width of the input.
    pub(super) input: [usize; 2],
    /// Zero padding before the first pixel.
    pub(super) pad: [usize; 2],
    /// Height and width of the output.
    pub(super) output: [usize; 2],
    /// Tiles along height and width of the output.
    pub(super) tiles: [usize; 2],
    pub(super) panels: Panels,
}

impl Tiling {
    /// A convolution of [c_in, c_out] channels, with heights and widths of the input, of its padding before the first pixel, and of the output.
    pub(super) fn new(level: SimdLevel, [c_in, c_out]: [usize; 2], [input, pad, output]: [[usize; 2]; 3]) -> Self {
        let tiles = output.map(|n| n.div_ceil(2));
        Self { c_in, c_out, input, pad, output, tiles, panels: Panels::new(level, c_out) }
    }

    /// The first of the 2x2 output pixels of the tile at `at`, among those of all images; and whether those to the right and below are
    /// inside the output.
    #[inline(always)]
    pub(super) fn pixel(&self, at: Position) -> (usize, bool, bool) {
        let [height, width] = self.output;
        let first = (at.image * height + 2 * at.row) * width + 2 * at.col;
        (first, 2 * at.col + 1 < width, 2 * at.row + 1 < height)
    }

    /// Tiles of an image.
    pub(super) fn count(&self) -> usize {
        self.tiles.iter().product()
    }

    /// Floats of an input image.
    pub(super) fn in_image(&self) -> usize {
        self.input.iter().product::<usize>() * self.c_in
    }

    /// Floats of a group's tiles with `channels` channels, transformed.
    pub(super) fn group_len(channels: usize) -> usize {
        GROUP * TILE_LEN * channels
    }

    /// The number of tiles in each group of those of the images in `x`.
    pub(super) fn groups(&self, x: &[f32]) -> impl Iterator<Item = usize> + use<> {
        let tiles = x.len() / self.in_image() * self.count();
        (0..tiles).step_by(GROUP).map(move |first| GROUP.min(tiles - first))
    }
}

/// A tile of some images.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Position {
    pub(super) image: usize,
    pub(super) row: usize,
    pub(super) col: usize,
}

impl Position {
    /// Goes to the next tile.
    #[inline(always)]
    pub(super) fn advance(&mut self, tiling: &Tiling) {
        self.col += 1;
        if self.col == tiling.tiles[1] {
            (self.row, self.col) = (self.row + 1, 0);
        }
        if self.row == tiling.tiles[0] {
            (self.image, self.row) = (self.image + 1, 0);
        }
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
                    let factor = weight_factor(self.element, tap);
                    let w = &self.w[(tap * c_in + i) * c_out..][cols.clone()];
                    for (u, w) in u.iter_mut().zip(w).filter(|_| factor != 0.0) {
                        *u += factor as f32 * *w;
                    }
                }
            }
        }
    }
}

/// `v = B^T d B`, d being the 4x4 inputs under each of `tiles` tiles from `at` on, which moves on: a [`Block`] for each vector of channels.
/// `x` is [images, h, w, c_in], `zeros` a row of zeros [w, c_in].
#[inline(always)]
pub(super) fn transform_input<S: Simd>(
    simd: S,
    tiling: &Tiling,
    x: &[f32],
    (at, tiles): (&mut Position, usize),
    v: &mut [f32],
    zeros: &[f32],
) {
    let blocks = tiling.c_in / S::F32_LANES;
    let ([height, width], [top, left]) = (tiling.input, tiling.pad);
    let (x, zeros) = (S::as_simd_f32s(x).0, S::as_simd_f32s(zeros).0);
    let v = blocks_of::<S>(v);
    for tile in 0..tiles {
        let x = &x[at.image * height * width * blocks..][..height * width * blocks];
        let mut rows = [zeros; 4];
        for (r, row) in rows.iter_mut().enumerate() {
            let y = 2 * at.row + r;
            if y >= top && y < height + top {
                *row = &x[(y - top) * width * blocks..][..width * blocks];
            }
        }
        let first = 2 * at.col;
        if first >= left && first + 4 <= width + left {
            for (block, v) in v.iter_mut().enumerate() {
                let mut d = [[simd.splat_f32s(0.0); 4]; 4];
                for (d, row) in d.iter_mut().zip(rows) {
                    let row = &row[(first - left) * blocks + block..][..3 * blocks + 1];
                    *d = [row[0], row[blocks], row[2 * blocks], row[3 * blocks]];
                }
                transform_tile(simd, d, v, tile);
            }
        } else {
            for (block, v) in v.iter_mut().enumerate() {
                let mut d = [[simd.splat_f32s(0.0); 4]; 4];
                for c in (0..4).filter(|c| first + c >= left && first + c < width + left) {
                    for (d, row) in d.iter_mut().zip(rows) {
                        d[c] = row[(first + c - left) * blocks + block];
                    }
                }
                transform_tile(simd, d, v, tile);
            }
        }
        at.advance(tiling);
    }
}

/// `B^T d B`, as tile `tile` of a group.
#[inline(always)]
fn transform_tile<S: Simd>(simd: S, d: [[S::f32s; 4]; 4], v: &mut Block<S::f32s>, tile: usize) {
    let rows = [b_t(simd, d[0]), b_t(simd, d[1]), b_t(simd, d[2]), b_t(simd, d[3])];
    for c in 0..4 {
        let column = b_t(simd, [rows[0][c], rows[1][c], rows[2][c], rows[3][c]]);
        for r in 0..4 {
            v[r * 4 + c][tile] = column[r];
        }
    }
}

/// The transformed tiles of a group in `floats`, block by block of channels.
#[inline(always)]
pub(super) fn blocks_of<S: Simd>(floats: &mut [f32]) -> &mut [Block<S::f32s>] {
    S::as_mut_simd_f32s(floats).0.as_chunks_mut::<GROUP>().0.as_chunks_mut::<TILE_LEN>().0
}

/// `B^T d` for a column d.
#[inline(always)]
fn b_t<S: Simd>(simd: S, d: [S::f32s; 4]) -> [S::f32s; 4] {
    [simd.sub_f32s(d[0], d[2]), simd.add_f32s(d[1], d[2]), simd.sub_f32s(d[2], d[1]), simd.sub_f32s(d[1], d[3])]
}
