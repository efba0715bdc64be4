//! The epilogue of a convolution: bias, ReLU, and the maximum and argmax of a pool window.

use crate::kernels::gate::INACTIVE;
use crate::kernels::maximum::better;
use pulp::Simd;

/// Pixels of the pool windows that are pooled in registers.
pub(super) const WINDOW_LEN: usize = 4;

/// Maximum of `sums`, then bias and optional ReLU; and the argmax (the first maximum), or [`INACTIVE`].
#[inline(always)]
pub(super) fn max_of_window<S: Simd>(
    simd: S,
    sums: [S::f32s; WINDOW_LEN],
    bias: S::f32s,
    relu: bool,
) -> (S::f32s, S::u32s) {
    // Without a loop, since one that is not unrolled keeps the vectors in memory.
    let [first, second, third, fourth] = sums;
    let best = better(simd, (first, simd.splat_u32s(0)), second, 1);
    let best = better(simd, best, third, 2);
    let best = better(simd, best, fourth, 3);
    bias_and_relu(simd, best, bias, relu)
}

/// Adds the bias to the maximum `best` and applies the optional ReLU. Where the ReLU outputs 0, the argmax becomes
/// [`INACTIVE`].
#[inline(always)]
pub(super) fn bias_and_relu<S: Simd>(
    simd: S,
    (best, window_offset): (S::f32s, S::u32s),
    bias: S::f32s,
    relu: bool,
) -> (S::f32s, S::u32s) {
    let sum = simd.add_f32s(best, bias);
    if !relu {
        return (sum, window_offset);
    }
    // As in the reference implementation, a NaN counts as active, so that it reaches the output.
    let zero = simd.splat_f32s(0.0);
    let inactive = simd.less_than_or_equal_f32s(sum, zero);
    (simd.select_f32s(inactive, zero, sum), simd.select_u32s(inactive, simd.splat_u32s(INACTIVE), window_offset))
}

/// `sum + bias`, then the optional ReLU; NaN stays NaN.
#[inline(always)]
pub(super) fn activate<S: Simd>(simd: S, sum: S::f32s, bias: S::f32s, relu: bool) -> S::f32s {
    let sum = simd.add_f32s(sum, bias);
    let zero = simd.splat_f32s(0.0);
    match relu {
        true => simd.select_f32s(simd.less_than_f32s(sum, zero), zero, sum),
        false => sum,
    }
}
