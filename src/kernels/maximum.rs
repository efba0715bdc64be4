//! ReLU and running maxima that keep NaN; twins of `shaders/numbers.wgsl`.

use crate::real::Real;
use pulp::Simd;

/// max(0, x); NaN stays NaN.
#[inline(always)]
pub(crate) fn relu<F: Real>(x: F) -> F {
    if x < F::ZERO { F::ZERO } else { x }
}

/// The gradient of a ReLU whose input or output is `y`; where that is NaN, `dy` passes.
#[inline(always)]
pub(crate) fn through_relu<F: Real>(dy: F, y: F) -> F {
    if y <= F::ZERO { F::ZERO } else { dy }
}

/// [`through_relu`], lane by lane.
#[inline(always)]
pub(crate) fn through_relu_simd<S: Simd>(simd: S, dy: S::f32s, y: S::f32s) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    simd.select_f32s(simd.less_than_or_equal_f32s(y, zero), zero, dy)
}

/// One step of a running maximum, lane by lane: `best`, found at `window_offset`, or `value`, found at `offset`, as
/// [`crate::real::is_better`] says; with the window offset of each.
#[inline(always)]
pub(crate) fn better<S: Simd>(
    simd: S,
    (best, window_offset): (S::f32s, S::u32s),
    value: S::f32s,
    offset: u32,
) -> (S::f32s, S::u32s) {
    // Not less or equal: greater, or one of the two is NaN. A NaN in `best` stays.
    let not_worse = simd.not_m32s(simd.less_than_or_equal_f32s(value, best));
    let better = simd.and_m32s(not_worse, simd.equal_f32s(best, best));
    let window_offset = simd.select_u32s(better, simd.splat_u32s(offset), window_offset);
    (simd.select_f32s(better, value, best), window_offset)
}
