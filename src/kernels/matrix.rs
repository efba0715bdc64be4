//! Matrix helpers of the CPU twins.

use super::maximum;
use crate::real::{MatMul, Real, Strided};

/// `c = a b` on all threads; the bits do not depend on their number.
pub(crate) fn par_matmul<F: Real>(size: MatMul, a: Strided<'_, F>, b: Strided<'_, F>, c: &mut [F]) {
    F::matmul(size, a, b, false, c, rayon::current_num_threads());
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

/// Adds `bias`, unless it is empty, to each row of `y`, which has rows of `cols`, and applies ReLU where asked.
pub(crate) fn bias_and_relu<F: Real>(y: &mut [F], cols: usize, bias: &[F], relu: bool) {
    for row in y.chunks_exact_mut(cols) {
        row.iter_mut().zip(bias).for_each(|(v, b)| *v += *b);
        if relu {
            row.iter_mut().for_each(|v| *v = maximum::relu(*v));
        }
    }
}
