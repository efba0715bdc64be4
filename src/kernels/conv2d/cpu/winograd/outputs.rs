//! What becomes of a transformed output tile: a pool window's maximum, or 2x2 pixels.

use super::tiling::{Block, Position, Tiling};
use crate::kernels::conv2d::cpu::pool;
use crate::simd::store_u32s;
use pulp::Simd;

/// Writes tiles in ascending order.
pub(super) trait Output {
    /// Writes the tile at `at`, which is tile `tile` of the group `m`: a [`Block`] for each vector of channels.
    fn write<S: Simd>(&mut self, simd: S, tiling: &Tiling, at: Position, m: &[Block<S::f32s>], tile: usize);
}

/// The sums `A^T m A` of a tile for one vector of channels: [top left, top right, bottom left, bottom right].
#[inline(always)]
fn tile_sums<S: Simd>(simd: S, m: &Block<S::f32s>, tile: usize) -> [S::f32s; 4] {
    let mut rows = [[simd.splat_f32s(0.0); 2]; 4];
    for (r, rows) in rows.iter_mut().enumerate() {
        *rows = a_t(simd, [m[r * 4][tile], m[r * 4 + 1][tile], m[r * 4 + 2][tile], m[r * 4 + 3][tile]]);
    }
    let left = a_t(simd, [rows[0][0], rows[1][0], rows[2][0], rows[3][0]]);
    let right = a_t(simd, [rows[0][1], rows[1][1], rows[2][1], rows[3][1]]);
    [left[0], right[0], left[1], right[1]]
}

/// `y = act(max(A^T m A) + b)` for each tile, which is a pool window, and the argmax.
pub(super) struct Maxima<'a> {
    pub(super) relu: bool,
    pub(super) bias: &'a [f32],
    pub(super) y: &'a mut [f32],
    pub(super) argmax: Option<&'a mut [u32]>,
}

impl Output for Maxima<'_> {
    #[inline(always)]
    fn write<S: Simd>(&mut self, simd: S, tiling: &Tiling, at: Position, m: &[Block<S::f32s>], tile: usize) {
        let blocks = tiling.c_out / S::F32_LANES;
        let window = (at.image * tiling.tiles[0] + at.row) * tiling.tiles[1] + at.col;
        let y = &mut S::as_mut_simd_f32s(self.y).0[window * blocks..][..blocks];
        let bias = S::as_simd_f32s(self.bias).0;
        for (block, ((y, bias), m)) in y.iter_mut().zip(bias).zip(m).enumerate() {
            let (value, window_offset) = pool::max_of_window(simd, tile_sums(simd, m, tile), *bias, self.relu);
            *y = value;
            if let Some(argmax) = &mut self.argmax {
                let first = (window * blocks + block) * S::F32_LANES;
                store_u32s(simd, &mut argmax[first..][..S::F32_LANES], [window_offset]);
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
    fn write<S: Simd>(&mut self, simd: S, tiling: &Tiling, at: Position, m: &[Block<S::f32s>], tile: usize) {
        let blocks = tiling.c_out / S::F32_LANES;
        let ((first, right, below), width) = (tiling.pixel(at), tiling.output[1]);
        let bias = S::as_simd_f32s(self.bias).0;
        let y = &mut S::as_mut_simd_f32s(self.y).0[first * blocks..];
        for (block, m) in m.iter().enumerate().take(blocks) {
            let bias = bias.get(block).copied().unwrap_or(simd.splat_f32s(0.0));
            let sums = tile_sums(simd, m, tile);
            y[block] = pool::activate(simd, sums[0], bias, self.relu);
            if right {
                y[blocks + block] = pool::activate(simd, sums[1], bias, self.relu);
            }
            if below {
                y[width * blocks + block] = pool::activate(simd, sums[2], bias, self.relu);
                if right {
                    y[(width + 1) * blocks + block] = pool::activate(simd, sums[3], bias, self.relu);
                }
            }
        }
    }
}

/// `A^T m` for a column m.
#[inline(always)]
fn a_t<S: Simd>(simd: S, m: [S::f32s; 4]) -> [S::f32s; 2] {
    [simd.add_f32s(simd.add_f32s(m[0], m[1]), m[2]), simd.sub_f32s(simd.sub_f32s(m[1], m[2]), m[3])]
}
