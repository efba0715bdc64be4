//! What becomes of a transformed output tile: the maxima of its pool windows, or its pixels.

use super::tile::{MAX_INPUT, MAX_OUTPUT, Tile};
use super::tiling::{Element, Position, Tiling};
use crate::kernels::conv2d::cpu::pool;
use crate::simd::store_u32s;
use pulp::Simd;

/// Writes tiles in ascending order.
pub(super) trait Output {
    /// Writes the tile at `at`, which is tile `tile` of the group `m`: a block for each vector of channels.
    fn write<S: Simd, T: Tile>(
        &mut self,
        simd: S,
        tiling: &Tiling<T>,
        at: Position,
        m: &[Element<S::f32s>],
        tile: usize,
    );
}

/// The sums `A^T m A` of a tile for one vector of channels.
#[inline(always)]
fn tile_sums<S: Simd, T: Tile>(simd: S, m: &[Element<S::f32s>], tile: usize) -> [[S::f32s; MAX_OUTPUT]; MAX_OUTPUT] {
    // Written out: an array that is cleared first takes a call of memset.
    let mut last = [[simd.splat_f32s(0.0); MAX_OUTPUT]; 2];
    if T::INPUT == MAX_INPUT {
        last = [column_sums::<S, T>(simd, m, tile, 4), column_sums::<S, T>(simd, m, tile, 5)];
    }
    let half = [
        column_sums::<S, T>(simd, m, tile, 0),
        column_sums::<S, T>(simd, m, tile, 1),
        column_sums::<S, T>(simd, m, tile, 2),
        column_sums::<S, T>(simd, m, tile, 3),
        last[0],
        last[1],
    ];
    let row = |r: usize| [half[0][r], half[1][r], half[2][r], half[3][r], half[4][r], half[5][r]];
    let mut lower = [[simd.splat_f32s(0.0); MAX_OUTPUT]; 2];
    if T::OUTPUT == MAX_OUTPUT {
        lower = [T::transform_output(simd, row(2)), T::transform_output(simd, row(3))];
    }
    [T::transform_output(simd, row(0)), T::transform_output(simd, row(1)), lower[0], lower[1]]
}

/// `A^T m` for column c of a tile.
#[inline(always)]
fn column_sums<S: Simd, T: Tile>(simd: S, m: &[Element<S::f32s>], tile: usize, c: usize) -> [S::f32s; MAX_OUTPUT] {
    let m = &m[..T::LEN];
    let mut column = [simd.splat_f32s(0.0); MAX_INPUT];
    for r in 0..T::INPUT {
        column[r] = m[r * T::INPUT + c][tile];
    }
    T::transform_output(simd, column)
}

/// `y = act(max(A^T m A) + b)` for the 2x2 pool windows of each tile, and the argmax.
pub(super) struct Maxima<'a> {
    pub(super) relu: bool,
    pub(super) bias: &'a [f32],
    pub(super) y: &'a mut [f32],
    pub(super) argmax: Option<&'a mut [u32]>,
}

impl Output for Maxima<'_> {
    #[inline(always)]
    fn write<S: Simd, T: Tile>(
        &mut self,
        simd: S,
        tiling: &Tiling<T>,
        at: Position,
        m: &[Element<S::f32s>],
        tile: usize,
    ) {
        let blocks = tiling.c_out / S::F32_LANES;
        let [height, width] = tiling.output;
        // Rows and columns of pool windows, of those of a tile inside the output.
        let windows = T::OUTPUT / 2;
        let (top, left) = (windows * at.row, windows * at.col);
        let [rows, cols] = [windows.min(height / 2 - top), windows.min(width / 2 - left)];
        let bias = S::as_simd_f32s(self.bias).0;
        for (block, (bias, m)) in bias.iter().zip(m.chunks_exact(T::LEN)).enumerate() {
            let sums = tile_sums::<S, T>(simd, m, tile);
            for r in 0..rows {
                for c in 0..cols {
                    let (upper, lower) = (&sums[2 * r][2 * c..], &sums[2 * r + 1][2 * c..]);
                    let window = [upper[0], upper[1], lower[0], lower[1]];
                    let (value, window_offset) = pool::max_of_window(simd, window, *bias, self.relu);
                    let first = ((at.image * (height / 2) + top + r) * (width / 2) + left + c) * blocks + block;
                    S::as_mut_simd_f32s(self.y).0[first] = value;
                    if let Some(argmax) = &mut self.argmax {
                        let first = first * S::F32_LANES;
                        store_u32s(simd, &mut argmax[first..][..S::F32_LANES], [window_offset]);
                    }
                }
            }
        }
    }
}

/// `y = act(A^T m A + b)` for the pixels of each tile that are inside the output; no bias where it is empty.
pub(super) struct Pixels<'a> {
    pub(super) relu: bool,
    pub(super) bias: &'a [f32],
    pub(super) y: &'a mut [f32],
}

impl Output for Pixels<'_> {
    #[inline(always)]
    fn write<S: Simd, T: Tile>(
        &mut self,
        simd: S,
        tiling: &Tiling<T>,
        at: Position,
        m: &[Element<S::f32s>],
        tile: usize,
    ) {
        let blocks = tiling.c_out / S::F32_LANES;
        let ((first, [rows, cols]), width) = (tiling.pixels(at), tiling.output[1]);
        let bias = S::as_simd_f32s(self.bias).0;
        let y = &mut S::as_mut_simd_f32s(self.y).0[first * blocks..];
        for (block, m) in m.chunks_exact(T::LEN).enumerate().take(blocks) {
            let bias = bias.get(block).copied().unwrap_or(simd.splat_f32s(0.0));
            let sums = tile_sums::<S, T>(simd, m, tile);
            for (r, sums) in sums.iter().enumerate().take(rows) {
                for (c, sum) in sums.iter().enumerate().take(cols) {
                    y[(r * width + c) * blocks + block] = pool::activate(simd, *sum, bias, self.relu);
                }
            }
        }
    }
}
