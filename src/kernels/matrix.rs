//! Matrix helpers of the CPU twins.

use super::maximum;
use crate::real::{MatMul, Real, Strided};

/// `c = a b` on all threads; the bits do not depend on their number.
pub(crate) fn par_matmul<F: Real>(size: MatMul, a: Strided<'_, F>, b: Strided<'_, F>, c: &mut [F]) {
    F::matmul(size, a, b, false, c, rayon::current_num_threads());
}

/// `to` [cols, rows] becomes the transpose of `from` [rows, cols], block by block, so that few cache lines are in use.
pub(crate) fn transpose<F: Copy>(from: &[F], cols: usize, to: &mut [F]) {
    const SIDE: usize = 16;
    let rows = from.len() / cols;
    for first_row in (0..rows).step_by(SIDE) {
        for first_col in (0..cols).step_by(SIDE) {
            for col in first_col..cols.min(first_col + SIDE) {
                let to = &mut to[col * rows..][first_row..rows.min(first_row + SIDE)];
                for (to, from) in to.iter_mut().zip(from[first_row * cols + col..].iter().step_by(cols)) {
                    *to = *from;
                }
            }
        }
    }
}

/// Sums the columns of a row-major matrix with `cols` columns into `out`, rows in order; an empty `out` (a layer without bias)
/// stays so.
pub(crate) fn sum_rows<F: Real>(matrix: &[F], cols: usize, out: &mut [F]) {
    out.fill(F::ZERO);
    if out.is_empty() {
        return;
    }
    for row in matrix.chunks_exact(cols) {
        for (sum, v) in out.iter_mut().zip(row) {
            *sum += *v;
        }
    }
}

/// Copies the rows of `from`, of `from_row` elements, into those of `to`, of `to_row` elements, from row and column `at` on; as much as
/// there is room for. All else in `to` stays.
pub(crate) fn copy_block<F: Copy>(from: &[F], from_row: usize, to: &mut [F], to_row: usize, at: [usize; 2]) {
    let [top, left] = at;
    let len = from_row.min(to_row - left);
    for (from, to) in from.chunks_exact(from_row).zip(to.chunks_exact_mut(to_row).skip(top)) {
        to[left..][..len].copy_from_slice(&from[..len]);
    }
}

/// As [`copy_block`], with zeros in all else of `to`.
pub(crate) fn pad_block<F: Real>(from: &[F], from_row: usize, to: &mut [F], to_row: usize, at: [usize; 2]) {
    let [top, left] = at;
    let (rows, len) = (from.len() / from_row, from_row.min(to_row - left));
    for (r, to) in to.chunks_exact_mut(to_row).enumerate() {
        let Some(r) = r.checked_sub(top).filter(|r| *r < rows) else {
            to.fill(F::ZERO);
            continue;
        };
        to[..left].fill(F::ZERO);
        to[left..][..len].copy_from_slice(&from[r * from_row..][..len]);
        to[left + len..].fill(F::ZERO);
    }
}

/// Adds `bias`, unless it is empty, to each row of `y`, which has rows of `cols`, and applies ReLU where asked.
pub(crate) fn bias_and_relu<F: Real>(y: &mut [F], cols: usize, bias: &[F], relu: bool) {
    for row in y.chunks_exact_mut(cols) {
        row.iter_mut().zip(bias).for_each(|(v, b)| *v += *b);
        if relu {
            row.iter_mut().for_each(|v| *v = maximum::relu(*v));
        }
    }
}
