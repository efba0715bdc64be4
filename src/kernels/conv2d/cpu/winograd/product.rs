//! A convolution by Winograd's algorithm, group of tiles by group: transform, a product for each element of a tile, transform back.

use super::outputs::Output;
use super::tile::Tile;
use super::tiling::{Element, Position, STRIDE, Tiling, elements_of, transform_input};
use crate::kernels::conv2d::cpu::panels::{MAX_ROWS, ROWS, multiply, rows_of};
use pulp::{Simd, WithSimd};

/// The convolution of the images `x` [images, h, w, c_in] with the transformed weights `u` [elements, panel, c_in, width].
pub(super) struct Convolution<'a, T, O> {
    pub(super) tiling: &'a Tiling<T>,
    pub(super) x: &'a [f32],
    pub(super) u: &'a [f32],
    /// Scratch: the transformed inputs and outputs of a group of tiles, and a row of zeros [w, c_in].
    pub(super) scratch: [&'a mut [f32]; 3],
    pub(super) output: O,
}

impl<T: Tile, O: Output> WithSimd for Convolution<'_, T, O> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let tiling = self.tiling;
        let [v, m, zeros] = self.scratch;
        zeros.fill(0.0);
        let (mut from, mut to) = (Position::default(), Position::default());
        for tiles in tiling.groups(self.x) {
            transform_input(simd, tiling, self.x, (&mut from, tiles), v, zeros);
            let m = elements_of::<S>(m);
            match tiling.panels.width / S::F32_LANES {
                1 => multiply_group::<S, T, 1, MAX_ROWS>(simd, tiling, (v, tiles), self.u, m),
                2 if S::REGISTER_COUNT >= 32 => {
                    multiply_group::<S, T, 2, MAX_ROWS>(simd, tiling, (v, tiles), self.u, m)
                }
                2 => multiply_group::<S, T, 2, ROWS>(simd, tiling, (v, tiles), self.u, m),
                _ if cfg!(target_family = "wasm") => unreachable!("panels of two vectors at most"),
                _ => multiply_group::<S, T, 4, ROWS>(simd, tiling, (v, tiles), self.u, m),
            }
            for tile in 0..tiles {
                self.output.write(simd, tiling, to, m, tile);
                to.advance(tiling);
            }
        }
    }
}

/// The products `m = v u` for the tiles of a group, `R` tiles and `V` vectors of outputs at a time.
#[inline(always)]
fn multiply_group<S: Simd, T: Tile, const V: usize, const R: usize>(
    simd: S,
    tiling: &Tiling<T>,
    (v, tiles): (&[f32], usize),
    u: &[f32],
    m: &mut [Element<S::f32s>],
) {
    let lanes = S::F32_LANES;
    for (element, u) in rows_of::<S, V>(u).chunks_exact(tiling.panels.count() * tiling.c_in).enumerate() {
        for (panel, u) in u.chunks_exact(tiling.c_in).enumerate() {
            for first in (0..tiles).step_by(R) {
                let mut sums = [[simd.splat_f32s(0.0); V]; R];
                for (block, u) in u.chunks_exact(lanes).enumerate() {
                    let v = &v[((block * T::LEN + element) * STRIDE + first) * lanes..][..R * lanes];
                    let mut rows = [v; R];
                    for (row, v) in rows.iter_mut().zip(v.chunks_exact(lanes)) {
                        *row = v;
                    }
                    multiply(simd, rows, u, &mut sums);
                }
                for i in 0..V {
                    let m = &mut m[(panel * V + i) * T::LEN + element][first..][..R];
                    for (sums, m) in sums.iter().zip(m) {
                        *m = sums[i];
                    }
                }
            }
        }
    }
}
