//! The functions that activations apply to each element, and their derivatives.

use crate::plan::{Constants, constants, wgsl};
use crate::real::Real;

/// What is applied to each element, as Keras defines it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Function {
    /// `negative_slope (x - threshold)` up to `threshold`, beyond it x, at most `max_value`.
    Rectify {
        max_value: Option<f64>,
        negative_slope: f64,
        threshold: f64,
    },
    /// x above zero, else `alpha (exp(x) - 1)`, all times `scale`.
    Elu {
        alpha: f64,
        scale: f64,
    },
    /// x times the normal distribution's cumulative function.
    Gelu,
    /// Its approximation by tanh.
    GeluTanh,
    /// x sigmoid(x).
    Silu,
    Sigmoid,
    Tanh,
    /// ln(1 + exp(x)).
    Softplus,
    /// x / 6 + 1 / 2, from 0 to 1.
    HardSigmoid,
    /// `scale x + offset`.
    Affine {
        scale: f64,
        offset: f64,
    },
}

/// sqrt(2 / pi) and the factor of x^3, of [`Function::GeluTanh`].
const GELU_TANH: [f64; 2] = [0.797_884_560_802_865_4, 0.044_715];

impl Function {
    /// The file with `activate` and `derivative`.
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Rectify { .. } => wgsl!("function_rectify.wgsl"),
            Self::Elu { .. } => wgsl!("function_elu.wgsl"),
            Self::Gelu => wgsl!("function_gelu.wgsl"),
            Self::GeluTanh => wgsl!("function_gelu_tanh.wgsl"),
            Self::Silu => wgsl!("function_silu.wgsl"),
            Self::Sigmoid => wgsl!("function_sigmoid.wgsl"),
            Self::Tanh => wgsl!("function_tanh.wgsl"),
            Self::Softplus => wgsl!("function_softplus.wgsl"),
            Self::HardSigmoid => wgsl!("function_hard_sigmoid.wgsl"),
            Self::Affine { .. } => wgsl!("function_affine.wgsl"),
        }
    }

    pub(super) fn constants(self) -> Constants {
        match self {
            Self::Rectify { max_value, negative_slope, threshold } => constants! {
                HAS_MAX: max_value.is_some(),
                MAX_VALUE: max_value.unwrap_or_default() as f32,
                NEGATIVE_SLOPE: negative_slope as f32,
                THRESHOLD: threshold as f32,
            },
            Self::Elu { alpha, scale } => constants! { ALPHA: alpha as f32, SCALE: scale as f32 },
            Self::Affine { scale, offset } => constants! { SCALE: scale as f32, OFFSET: offset as f32 },
            _ => Constants::new(),
        }
    }

    /// f(x).
    #[inline(always)]
    pub(super) fn activate<F: Real>(self, x: F) -> F {
        let (zero, one, two) = (F::ZERO, F::ONE, F::from_f64(2.0));
        match self {
            Self::Rectify { max_value, negative_slope, threshold } => {
                let threshold = F::from_f64(threshold);
                // No slope times minus infinity is NaN.
                let below = if negative_slope == 0.0 { zero } else { F::from_f64(negative_slope) * (x - threshold) };
                let limited = match max_value.map(F::from_f64) {
                    Some(max) if x >= max => max,
                    _ => x,
                };
                if x <= threshold { below } else { limited }
            }
            Self::Elu { alpha, scale } => {
                let y = if x > zero { x } else { F::from_f64(alpha) * (x.exp_each() - one) };
                F::from_f64(scale) * y
            }
            Self::Gelu => x * normal_cdf(x),
            Self::GeluTanh => x * (one + gelu_inner(x).tanh_each()) / two,
            Self::Silu => x * sigmoid(x),
            Self::Sigmoid => sigmoid(x),
            Self::Tanh => x.tanh_each(),
            Self::Softplus => {
                let positive = if x < zero { zero } else { x };
                positive + (-magnitude(x)).exp_each().ln_1p_unit()
            }
            Self::Affine { scale, offset } => F::from_f64(scale) * x + F::from_f64(offset),
            Self::HardSigmoid => {
                let y = x / F::from_f64(6.0) + one / two;
                let y = if y < zero { zero } else { y };
                if y > one { one } else { y }
            }
        }
    }

    /// f'(x).
    #[inline(always)]
    pub(super) fn derivative<F: Real>(self, x: F) -> F {
        let (zero, one, two) = (F::ZERO, F::ONE, F::from_f64(2.0));
        match self {
            Self::Rectify { max_value, negative_slope, threshold } => {
                let limited = match max_value.map(F::from_f64) {
                    Some(max) if x >= max => zero,
                    _ => one,
                };
                if x <= F::from_f64(threshold) { F::from_f64(negative_slope) } else { limited }
            }
            Self::Elu { alpha, scale } => {
                let slope = if x > zero { one } else { F::from_f64(alpha) * x.exp_each() };
                F::from_f64(scale) * slope
            }
            Self::Gelu => {
                // 1 / sqrt(2 pi)
                let density = F::from_f64(0.398_942_280_401_432_7) * (-x * x / two).exp_each();
                normal_cdf(x) + x * density
            }
            Self::GeluTanh => {
                let t = gelu_inner(x).tanh_each();
                let [factor, cubic] = GELU_TANH.map(F::from_f64);
                let inner = factor * (one + F::from_f64(3.0) * cubic * x * x);
                (one + t) / two + x * (one - t * t) * inner / two
            }
            Self::Silu => {
                let s = sigmoid(x);
                s * (one + x * (one - s))
            }
            Self::Sigmoid => {
                let s = sigmoid(x);
                s * (one - s)
            }
            Self::Tanh => {
                let t = x.tanh_each();
                one - t * t
            }
            Self::Softplus => sigmoid(x),
            Self::Affine { scale, .. } => F::from_f64(scale),
            Self::HardSigmoid => {
                let limit = F::from_f64(3.0);
                if x > -limit && x < limit { one / F::from_f64(6.0) } else { zero }
            }
        }
    }
}

/// Evaluates `$body` with `$known` bound to `$function`, whose variant the compiler then knows: a loop in it has no branches.
macro_rules! with_known {
    ($function:expr, $known:ident => $body:expr) => {
        match $function {
            Function::Rectify { max_value: None, negative_slope, threshold } => {
                let $known = Function::Rectify { max_value: None, negative_slope, threshold };
                $body
            }
            Function::Rectify { max_value: Some(max), negative_slope, threshold } => {
                let $known = Function::Rectify { max_value: Some(max), negative_slope, threshold };
                $body
            }
            Function::Elu { alpha, scale } => {
                let $known = Function::Elu { alpha, scale };
                $body
            }
            Function::Gelu => {
                let $known = Function::Gelu;
                $body
            }
            Function::GeluTanh => {
                let $known = Function::GeluTanh;
                $body
            }
            Function::Silu => {
                let $known = Function::Silu;
                $body
            }
            Function::Sigmoid => {
                let $known = Function::Sigmoid;
                $body
            }
            Function::Tanh => {
                let $known = Function::Tanh;
                $body
            }
            Function::Softplus => {
                let $known = Function::Softplus;
                $body
            }
            Function::Affine { scale, offset } => {
                let $known = Function::Affine { scale, offset };
                $body
            }
            Function::HardSigmoid => {
                let $known = Function::HardSigmoid;
                $body
            }
        }
    };
}
pub(super) use with_known;

#[inline(always)]
fn magnitude<F: Real>(x: F) -> F {
    if x < F::ZERO { -x } else { x }
}

/// 1 / (1 + exp(-x)).
#[inline(always)]
fn sigmoid<F: Real>(x: F) -> F {
    F::ONE / (F::ONE + (-x).exp_each())
}

/// The probability that a standard normal variable is at most x.
#[inline(always)]
fn normal_cdf<F: Real>(x: F) -> F {
    F::from_f64(0.5) * (-x * F::from_f64(std::f64::consts::FRAC_1_SQRT_2)).erfc_each()
}

/// What [`Function::GeluTanh`] takes the tanh of.
#[inline(always)]
fn gelu_inner<F: Real>(x: F) -> F {
    let [factor, cubic] = GELU_TANH.map(F::from_f64);
    factor * (x + cubic * x * x * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Function; 13] = [
        Function::Rectify { max_value: Some(0.3), negative_slope: 0.1, threshold: 1.2 },
        Function::Rectify { max_value: Some(6.0), negative_slope: 0.1, threshold: 0.5 },
        Function::Rectify { max_value: None, negative_slope: 0.2, threshold: 0.0 },
        Function::Elu { alpha: 0.7, scale: 1.0 },
        Function::Elu { alpha: 1.6, scale: 1.05 },
        Function::Gelu,
        Function::GeluTanh,
        Function::Silu,
        Function::Sigmoid,
        Function::Tanh,
        Function::Softplus,
        Function::HardSigmoid,
        Function::Affine { scale: -0.7, offset: 0.3 },
    ];

    /// From -30 to 30, never at a kink.
    fn points() -> impl Iterator<Item = f64> {
        (0..2000).map(|i| -30.0 + 0.030_01 * f64::from(i))
    }

    #[test]
    fn derivatives_agree_with_differences() {
        const H: f64 = 1e-5;
        for function in ALL {
            for x in points() {
                let difference = (function.activate(x + H) - function.activate(x - H)) / (2.0 * H);
                let derivative = function.derivative(x);
                assert!((difference - derivative).abs() < 1e-7, "{function:?} at {x}: {derivative}, {difference}");
            }
        }
    }

    /// keras.layers.ReLU(max_value=0.05, threshold=0.1) and (max_value=1, threshold=0.5).
    #[test]
    fn a_threshold_comes_before_the_limit() {
        let rectify = |max, threshold| Function::Rectify { max_value: Some(max), negative_slope: 0.0, threshold };
        assert_eq!([0.06, 0.09, 0.11].map(|x| rectify(0.05, 0.1).activate(x)), [0.0, 0.0, 0.05]);
        assert_eq!([0.5, 0.6, 1.4].map(|x| rectify(1.0, 0.5).activate(x)), [0.0, 0.6, 1.0]);
    }

    #[test]
    fn single_precision_agrees_with_double_and_keeps_nan() {
        for function in ALL {
            for x in points().map(|x| x as f32) {
                let wide = f64::from(x);
                for (found, expected) in [
                    (function.activate(x), function.activate(wide)),
                    (function.derivative(x), function.derivative(wide)),
                ] {
                    // gelu_tanh cancels: 1 + tanh(u) far below zero.
                    let error = (f64::from(found) - expected).abs();
                    assert!(error < 2e-6 * expected.abs().max(1.0), "{function:?} at {x}: {found}, {expected}");
                }
            }
            assert!(function.activate(f32::NAN).is_nan(), "{function:?}");
        }
    }
}
