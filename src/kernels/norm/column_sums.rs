//! Sums over the rows of a matrix, column by column, by SIMD: accumulators and the coefficients of their columns stay in registers.

use pulp::{Simd, WithSimd};

/// What a row adds to `M` sums of each column: from `N` matrices and `C` coefficients of the columns.
pub(super) trait Terms<const N: usize, const C: usize, const M: usize>: Copy {
    /// Adds what vectors of the matrices contribute.
    fn add<S: Simd>(self, simd: S, x: [S::f32s; N], coefficients: [S::f32s; C], sums: &mut [S::f32s; M]);
}

/// Vectors that are summed side by side, to hide the latency of an addition.
const SIDE: usize = 4;

/// Sums over the rows of a chunk.
pub(super) struct ColumnSums<'a, T, const N: usize, const C: usize, const M: usize> {
    pub(super) terms: T,
    /// [rows, cols] each.
    pub(super) x: [&'a [f32]; N],
    /// [cols] each.
    pub(super) coefficients: [&'a [f32]; C],
    /// [cols] each.
    pub(super) sums: [&'a mut [f32]; M],
}

/// Whether [`ColumnSums`] computes rows of `cols` elements with vectors of `lanes`.
pub(super) fn supports(cols: usize, lanes: usize) -> bool {
    cols.is_multiple_of(lanes)
}

impl<T: Terms<N, C, M>, const N: usize, const C: usize, const M: usize> WithSimd for ColumnSums<'_, T, N, C, M> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let zero = simd.splat_f32s(0.0);
        let width = self.sums[0].len() / S::F32_LANES;
        // Where a row is not several times as long, vector i of several rows is that of column i % width.
        let span = if width.is_multiple_of(SIDE) { width } else { width * SIDE };
        let mut x = [&[] as &[S::f32s]; N];
        for (to, x) in x.iter_mut().zip(self.x) {
            *to = S::as_simd_f32s(x).0;
        }
        for sums in &mut self.sums {
            sums.fill(0.0);
        }
        let len = x.first().map_or(0, |x| x.len());
        for first in (0..span).step_by(SIDE) {
            let mut coefficients = [[zero; C]; SIDE];
            for (side, coefficients) in coefficients.iter_mut().enumerate() {
                for (to, from) in coefficients.iter_mut().zip(self.coefficients) {
                    *to = S::as_simd_f32s(from).0[(first + side) % width];
                }
            }
            let mut sums = [[zero; M]; SIDE];
            let mut at = first;
            while at + SIDE <= len {
                for side in 0..SIDE {
                    let mut vectors = [zero; N];
                    for n in 0..N {
                        vectors[n] = x[n][at + side];
                    }
                    self.terms.add(simd, vectors, coefficients[side], &mut sums[side]);
                }
                at += span;
            }
            for side in 0..len.saturating_sub(at).min(SIDE) {
                let mut vectors = [zero; N];
                for n in 0..N {
                    vectors[n] = x[n][at + side];
                }
                self.terms.add(simd, vectors, coefficients[side], &mut sums[side]);
            }
            for (side, sums) in sums.iter().enumerate() {
                for (total, sum) in self.sums.iter_mut().zip(sums) {
                    let total = &mut S::as_mut_simd_f32s(total).0[(first + side) % width];
                    *total = simd.add_f32s(*total, *sum);
                }
            }
        }
    }
}
