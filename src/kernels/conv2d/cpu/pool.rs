//! What follows the sums of a convolution: bias, ReLU, the maximum of a window and its position.

use crate::kernels::gate::INACTIVE;
pub(super) use crate::kernels::max_pool2d::greater;
use pulp::Simd;

/// Positions of the windows that are pooled in registers.
pub(super) const WINDOW_LEN: usize = 4;

/// The greatest of `sums` through bias and ReLU, and its first position.
#[inline(always)]
pub(super) fn max_of_window<S: Simd>(
    simd: S,
    sums: [S::f32s; WINDOW_LEN],
    bias: S::f32s,
    relu: bool,
) -> (S::f32s, S::u32s) {
    let mut best = (sums[0], simd.splat_u32s(0));
    for (at, sum) in sums.into_iter().enumerate().skip(1) {
        best = greater(simd, best, sum, at as u32);
    }
    bias_and_relu(simd, best, bias, relu)
}

/// The best through bias and ReLU, and its position.
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
    // Like the twin's: a sum that is not a number stays open and shows.
    let zero = simd.splat_f32s(0.0);
    let shut = simd.less_than_or_equal_f32s(sum, zero);
    (simd.select_f32s(shut, zero, sum), simd.select_u32s(shut, simd.splat_u32s(INACTIVE), window_offset))
}

/// A sum through bias and ReLU.
#[inline(always)]
pub(super) fn activate<S: Simd>(simd: S, sum: S::f32s, bias: S::f32s, relu: bool) -> S::f32s {
    let sum = simd.add_f32s(sum, bias);
    let zero = simd.splat_f32s(0.0);
    match relu {
        true => simd.select_f32s(simd.less_than_f32s(sum, zero), zero, sum),
        false => sum,
    }
}
