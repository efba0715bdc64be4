//! The tiles of a convolution by Winograd's algorithm, and the transforms of its weights and inputs.

use super::tile::{Column, KERNEL, MAX_INPUT, Tile};
use crate::kernels::conv2d::cpu::panels::Panels;
use crate::simd::{SimdLevel, load, store};
use pulp::{Simd, WithSimd};
use std::marker::PhantomData;
use std::ops::Range;

/// Tiles that are transformed and multiplied at a time: so few that the caches hold them.
pub(super) const GROUP: usize = 16;

/// Tiles of a group and one that is not used: at a stride of a power of two the elements of a tile would share few sets of a cache.
pub(super) const STRIDE: usize = GROUP + 1;

/// One element of the tiles of a group, transformed, for one vector of channels. A block is all elements of the tiles for one vector of
/// channels.
pub(super) type Element<V> = [V; STRIDE];

/// A convolution as Winograd's algorithm sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiling<T> {
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
    tile: PhantomData<T>,
}

impl<T: Tile> Tiling<T> {
    /// A convolution of [c_in, c_out] channels, with heights and widths of the input, of its padding before the first pixel, and of the output.
    pub(super) fn new(level: SimdLevel, [c_in, c_out]: [usize; 2], [input, pad, output]: [[usize; 2]; 3]) -> Self {
        let tiles = output.map(|n| n.div_ceil(T::OUTPUT));
        Self { c_in, c_out, input, pad, output, tiles, panels: Panels::new(level, c_out), tile: PhantomData }
    }

    /// The first output pixel of the tile at `at`, among those of all images; and how many of its rows and columns are inside the output.
    #[inline(always)]
    pub(super) fn pixels(&self, at: Position) -> (usize, [usize; 2]) {
        let [height, width] = self.output;
        let (y, x) = (T::OUTPUT * at.row, T::OUTPUT * at.col);
        ((at.image * height + y) * width + x, [T::OUTPUT.min(height - y), T::OUTPUT.min(width - x)])
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
        STRIDE * T::LEN * channels
    }

    /// The number of tiles in each group of those of the images in `x`.
    pub(super) fn groups(&self, x: &[f32]) -> impl Iterator<Item = usize> + use<T> {
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
    pub(super) fn advance<T>(&mut self, tiling: &Tiling<T>) {
        self.col += 1;
        if self.col == tiling.tiles[1] {
            (self.row, self.col) = (self.row + 1, 0);
        }
        if self.row == tiling.tiles[0] {
            (self.image, self.row) = (self.image + 1, 0);
        }
    }
}

/// `u = G w G^T` for some inputs and the outputs of a panel.
pub(super) struct Weights<'a, T> {
    pub(super) tiling: &'a Tiling<T>,
    /// [3, 3, c_in, c_out].
    pub(super) w: &'a [f32],
    /// For each element of a tile, the inputs' rows of the panel.
    pub(super) u: Vec<&'a mut [f32]>,
    /// The panel's outputs.
    pub(super) cols: Range<usize>,
    /// The first of the inputs.
    pub(super) first: usize,
}

impl<T: Tile> WithSimd for Weights<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let Tiling { c_in, c_out, panels, .. } = *self.tiling;
        let (lanes, pairs) = (S::F32_LANES, c_in * c_out);
        for i in 0..self.u[0].len() / panels.width {
            for col in (0..self.cols.len()).step_by(lanes) {
                let w = &self.w[(self.first + i) * c_out + self.cols.start + col..];
                let a = kernel_column::<S, T>(simd, w, 0, KERNEL * pairs);
                let b = kernel_column::<S, T>(simd, w, pairs, KERNEL * pairs);
                let c = kernel_column::<S, T>(simd, w, 2 * pairs, KERNEL * pairs);
                let mut half = [[simd.splat_f32s(0.0); KERNEL]; MAX_INPUT];
                for (r, half) in half.iter_mut().enumerate() {
                    *half = [a[r], b[r], c[r]];
                }
                for (half, u) in half.iter().zip(self.u.chunks_exact_mut(T::INPUT)) {
                    let row = T::transform_kernel(simd, *half);
                    for (value, u) in row.iter().zip(u) {
                        store(simd, &mut u[i * panels.width + col..][..lanes], [*value]);
                    }
                }
            }
        }
    }
}

/// `G w` for a column w of kernels: the first is at `first`, those below it each `row` on.
#[inline(always)]
fn kernel_column<S: Simd, T: Tile>(simd: S, w: &[f32], first: usize, row: usize) -> Column<S::f32s> {
    // Not by closures, which were calls here, compiled for no SIMD level.
    let w = &w[first..];
    let column = [
        load(simd, &w[..S::F32_LANES]),
        load(simd, &w[row..][..S::F32_LANES]),
        load(simd, &w[2 * row..][..S::F32_LANES]),
    ];
    T::transform_kernel(simd, column)
}

/// `v = B^T d B`, d being the inputs under each of `tiles` tiles from `at` on, which moves on: a block for each vector of channels.
/// `x` is [images, h, w, c_in], `zeros` a row of zeros [w, c_in].
#[inline(always)]
pub(super) fn transform_input<S: Simd, T: Tile>(
    simd: S,
    tiling: &Tiling<T>,
    x: &[f32],
    (at, tiles): (&mut Position, usize),
    v: &mut [f32],
    zeros: &[f32],
) {
    let blocks = tiling.c_in / S::F32_LANES;
    let ([height, width], [top, left]) = (tiling.input, tiling.pad);
    let (x, zeros) = (S::as_simd_f32s(x).0, S::as_simd_f32s(zeros).0);
    let v = elements_of::<S>(v);
    for tile in 0..tiles {
        let x = &x[at.image * height * width * blocks..][..height * width * blocks];
        let mut rows = [zeros; MAX_INPUT];
        for (r, row) in rows.iter_mut().enumerate().take(T::INPUT) {
            let y = T::OUTPUT * at.row + r;
            if y >= top && y < height + top {
                *row = &x[(y - top) * width * blocks..][..width * blocks];
            }
        }
        let first = T::OUTPUT * at.col;
        let is_inside = first >= left && first + T::INPUT <= width + left;
        for (block, v) in v.chunks_exact_mut(T::LEN).enumerate().take(blocks) {
            // Written out: an array that is cleared first takes a call of memset.
            let row = InputRow { first, left, width, blocks, block, is_inside };
            let mut last = [[simd.splat_f32s(0.0); MAX_INPUT]; 2];
            if T::INPUT == MAX_INPUT {
                last = [row.transform::<S, T>(simd, rows[4]), row.transform::<S, T>(simd, rows[5])];
            }
            let half = [
                row.transform::<S, T>(simd, rows[0]),
                row.transform::<S, T>(simd, rows[1]),
                row.transform::<S, T>(simd, rows[2]),
                row.transform::<S, T>(simd, rows[3]),
                last[0],
                last[1],
            ];
            for c in 0..T::INPUT {
                let d = [half[0][c], half[1][c], half[2][c], half[3][c], half[4][c], half[5][c]];
                let column = T::transform_input(simd, d);
                for r in 0..T::INPUT {
                    v[r * T::INPUT + c][tile] = column[r];
                }
            }
        }
        at.advance(tiling);
    }
}

/// A row of a tile's input pixels in one vector of channels.
#[derive(Clone, Copy)]
struct InputRow {
    /// Its first pixel, in the padded row.
    first: usize,
    /// Padding before the row, and its pixels.
    left: usize,
    width: usize,
    blocks: usize,
    block: usize,
    /// Whether all pixels are inside the image.
    is_inside: bool,
}

impl InputRow {
    /// `d B` for the row d.
    #[inline(always)]
    fn transform<S: Simd, T: Tile>(self, simd: S, row: &[S::f32s]) -> Column<S::f32s> {
        let Self { first, left, width, blocks, block, is_inside } = self;
        let mut d = [simd.splat_f32s(0.0); MAX_INPUT];
        if is_inside {
            let row = &row[(first - left) * blocks + block..][..(T::INPUT - 1) * blocks + 1];
            for c in 0..T::INPUT {
                d[c] = row[c * blocks];
            }
        } else {
            for c in 0..T::INPUT {
                if first + c >= left && first + c < width + left {
                    d[c] = row[(first + c - left) * blocks + block];
                }
            }
        }
        T::transform_input(simd, d)
    }
}

/// The elements of the transformed tiles of a group in `floats`, block by block of channels.
#[inline(always)]
pub(super) fn elements_of<S: Simd>(floats: &mut [f32]) -> &mut [Element<S::f32s>] {
    S::as_mut_simd_f32s(floats).0.as_chunks_mut::<STRIDE>().0
}
