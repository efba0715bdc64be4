//! Matrices with coefficients of their columns, by SIMD: the coefficients of some columns, and what is summed over their rows, stay in
//! registers.

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

/// Whether rows of `cols` elements are whole vectors of `lanes`, as they are here.
pub(super) fn supports(cols: usize, lanes: usize) -> bool {
    cols.is_multiple_of(lanes)
}

impl<T: Terms<N, C, M>, const N: usize, const C: usize, const M: usize> WithSimd for ColumnSums<'_, T, N, C, M> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let zero = simd.splat_f32s(0.0);
        let width = self.sums[0].len() / S::F32_LANES;
        let span = span(width);
        let x = vectors::<S, N>(self.x);
        for sums in &mut self.sums {
            sums.fill(0.0);
        }
        let len = x.first().map_or(0, |x| x.len());
        for first in (0..span).step_by(SIDE) {
            let coefficients = coefficients_at(simd, self.coefficients, first, width);
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

/// Vectors after which the columns of [`SIDE`] neighbouring ones are the same again, `width` vectors being a row: a row or several.
fn span(width: usize) -> usize {
    if width.is_multiple_of(SIDE) { width } else { width * SIDE }
}

/// Matrices as vectors.
#[inline(always)]
fn vectors<S: Simd, const N: usize>(x: [&[f32]; N]) -> [&[S::f32s]; N] {
    let mut vectors = [&[] as &[S::f32s]; N];
    for (to, x) in vectors.iter_mut().zip(x) {
        *to = S::as_simd_f32s(x).0;
    }
    vectors
}

/// The coefficients of the columns of vectors `first` and the following ones.
#[inline(always)]
fn coefficients_at<S: Simd, const C: usize>(
    simd: S,
    coefficients: [&[f32]; C],
    first: usize,
    width: usize,
) -> [[S::f32s; C]; SIDE] {
    let mut at = [[simd.splat_f32s(0.0); C]; SIDE];
    for (side, at) in at.iter_mut().enumerate() {
        for (to, from) in at.iter_mut().zip(coefficients) {
            *to = S::as_simd_f32s(from).0[(first + side) % width];
        }
    }
    at
}

/// An element of a matrix from those of `N` others and `C` coefficients of its column.
pub(super) trait Formula<const N: usize, const C: usize>: Copy {
    /// The formula, for vectors of elements.
    fn of<S: Simd>(self, simd: S, x: [S::f32s; N], coefficients: [S::f32s; C]) -> S::f32s;
}

/// A formula for all elements of some rows.
pub(super) struct ColumnMap<'a, F, const N: usize, const C: usize> {
    pub(super) formula: F,
    /// [rows, cols] each.
    pub(super) x: [&'a [f32]; N],
    /// [cols] each.
    pub(super) coefficients: [&'a [f32]; C],
    /// [rows, cols].
    pub(super) y: &'a mut [f32],
}

impl<F: Formula<N, C>, const N: usize, const C: usize> WithSimd for ColumnMap<'_, F, N, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.coefficients[0].len() / S::F32_LANES;
        let span = span(width);
        let (x, y) = (vectors::<S, N>(self.x), S::as_mut_simd_f32s(self.y).0);
        // Short rows by the registers' coefficients; long ones in the order of memory.
        let run = if span == SIDE { y.len() } else { span };
        for begin in (0..y.len()).step_by(run.max(1)) {
            let end = y.len().min(begin + run);
            for first in (0..span).step_by(SIDE) {
                let coefficients = coefficients_at(simd, self.coefficients, first, width);
                for at in (begin + first..end).step_by(span) {
                    let y = &mut y[at..end];
                    for side in 0..y.len().min(SIDE) {
                        let mut vectors = [simd.splat_f32s(0.0); N];
                        for n in 0..N {
                            vectors[n] = x[n][at + side];
                        }
                        y[side] = self.formula.of(simd, vectors, coefficients[side]);
                    }
                }
            }
        }
    }
}
