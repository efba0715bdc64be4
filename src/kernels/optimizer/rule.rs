//! Rules by which a parameter follows its gradient.

use crate::plan::{Constants, constants, wgsl};
use crate::real::Real;

/// How a parameter follows its gradient g, with Keras's formulas. `lr` is the step's learning rate, `s` its two scalars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rule {
    /// `p -= lr g`.
    Sgd,
    /// `m = momentum m - lr g`, then `p += m`, or with Nesterov `p += momentum m - lr g`.
    Momentum { momentum: f64, nesterov: bool },
    /// Moments m and v, `p -= s_0 m / (sqrt(v) + epsilon)` (Kingma and Ba 2015, end of section 2).
    Adam { beta_1: f64, beta_2: f64, epsilon: f64 },
    /// `v = rho v + (1 - rho) g^2`, `p -= lr g / sqrt(v + epsilon)`; with momentum through `m = momentum m + increment`.
    RmsProp { rho: f64, momentum: f64, epsilon: f64 },
    /// `v += g^2`, `p -= lr g / sqrt(v + epsilon)`.
    Adagrad { epsilon: f64 },
    /// Adam's moments, `p -= (s_0 m + s_1 g) / (sqrt(v) + epsilon sqrt(1 - beta_2^t))` (Dozat 2016).
    Nadam { beta_1: f64, beta_2: f64, epsilon: f64 },
    /// `p -= lr sign(beta_1 m + (1 - beta_1) g)`, then `m = beta_2 m + (1 - beta_2) g` (Chen et al. 2023).
    Lion { beta_1: f64, beta_2: f64 },
}

impl Rule {
    /// Arenas of state.
    pub(crate) fn arenas(self) -> usize {
        match self {
            Self::Sgd => 0,
            Self::Momentum { .. } | Self::Adagrad { .. } | Self::Lion { .. } => 1,
            Self::RmsProp { momentum: 0.0, .. } => 1,
            Self::Adam { .. } | Self::Nadam { .. } | Self::RmsProp { .. } => 2,
        }
    }

    /// The file with `update`.
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Sgd => wgsl!("rule_sgd.wgsl"),
            Self::Momentum { .. } => wgsl!("rule_momentum.wgsl"),
            Self::Adam { .. } => wgsl!("rule_adam.wgsl"),
            Self::RmsProp { .. } => wgsl!("rule_rmsprop.wgsl"),
            Self::Adagrad { .. } => wgsl!("rule_adagrad.wgsl"),
            Self::Nadam { .. } => wgsl!("rule_nadam.wgsl"),
            Self::Lion { .. } => wgsl!("rule_lion.wgsl"),
        }
    }

    pub(super) fn constants(self) -> Constants {
        let rest = |decay: f64| (1.0 - decay) as f32;
        match self {
            Self::Sgd => Constants::new(),
            Self::Momentum { momentum, nesterov } => constants! { MOMENTUM: momentum as f32, NESTEROV: nesterov },
            Self::Adam { beta_1, beta_2, epsilon } => constants! {
                ONE_MINUS_BETA_1: rest(beta_1),
                ONE_MINUS_BETA_2: rest(beta_2),
                EPSILON: epsilon as f32,
            },
            Self::RmsProp { rho, momentum, epsilon } => constants! {
                RHO: rho as f32,
                ONE_MINUS_RHO: rest(rho),
                MOMENTUM: momentum as f32,
                EPSILON: epsilon as f32,
            },
            Self::Adagrad { epsilon } => constants! { EPSILON: epsilon as f32 },
            Self::Nadam { beta_1, beta_2, epsilon } => constants! {
                ONE_MINUS_BETA_1: rest(beta_1),
                ONE_MINUS_BETA_2: rest(beta_2),
                LN_BETA_2: beta_2.ln() as f32,
                EPSILON: epsilon as f32,
            },
            Self::Lion { beta_1, beta_2 } => constants! {
                BETA_1: beta_1 as f32,
                ONE_MINUS_BETA_1: rest(beta_1),
                BETA_2: beta_2 as f32,
                ONE_MINUS_BETA_2: rest(beta_2),
            },
        }
    }

    /// The parameter and its state after the update; what a rule does not keep is zero.
    ///
    /// Subnormal moments are flushed to zero, as on adapters: a moment without gradients shrinks to them, and processors are
    /// slow at arithmetic with them.
    #[inline(always)]
    pub(super) fn update<F: Real>(self, step: &Scalars<F>, p: F, g: F, [m, v]: [F; 2]) -> (F, [F; 2]) {
        let f = F::from_f64;
        let rest = |decay: f64| f(1.0 - decay);
        let Scalars { learning_rate: lr, scalars: s, root } = *step;
        match self {
            Self::Sgd => (p - lr * g, [F::ZERO; 2]),
            Self::Momentum { momentum, nesterov } => {
                let m = flushed(f(momentum) * m - lr * g);
                (p + if nesterov { f(momentum) * m - lr * g } else { m }, [m, F::ZERO])
            }
            Self::Adam { beta_1, beta_2, epsilon } => {
                let m = flushed(m + (g - m) * rest(beta_1));
                let v = flushed(v + (g * g - v) * rest(beta_2));
                (p - s[0] * m / (v.sqrt() + f(epsilon)), [m, v])
            }
            Self::RmsProp { rho, momentum, epsilon } => {
                // The first arena is the mean square.
                let square = flushed(f(rho) * m + rest(rho) * g * g);
                let increment = lr * g / (square + f(epsilon)).sqrt();
                let m = flushed(f(momentum) * v + increment);
                (p - m, [square, m])
            }
            Self::Adagrad { epsilon } => {
                let sum = m + g * g;
                (p - lr * g / (sum + f(epsilon)).sqrt(), [sum, F::ZERO])
            }
            Self::Nadam { beta_1, beta_2, epsilon } => {
                let m = flushed(m + (g - m) * rest(beta_1));
                let v = flushed(v + (g * g - v) * rest(beta_2));
                (p - (s[0] * m + s[1] * g) / (v.sqrt() + f(epsilon) * root), [m, v])
            }
            Self::Lion { beta_1, beta_2 } => {
                let direction = sign(f(beta_1) * m + rest(beta_1) * g);
                let m = flushed(f(beta_2) * m + rest(beta_2) * g);
                (p - lr * direction, [m, F::ZERO])
            }
        }
    }
}

/// What a step brings to an update.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scalars<F> {
    pub(super) learning_rate: F,
    pub(super) scalars: [F; 2],
    /// sqrt(1 - beta_2^t) of [`Rule::Nadam`], beside epsilon, where precision is of no matter.
    pub(super) root: F,
}

/// 1, 0 or -1; NaN stays NaN.
#[inline(always)]
fn sign<F: Real>(x: F) -> F {
    if x > F::ZERO {
        F::ONE
    } else if x < F::ZERO {
        -F::ONE
    } else {
        x
    }
}

/// Zero for a subnormal number.
#[inline(always)]
fn flushed<F: Real>(value: F) -> F {
    let smallest = F::from_f64(f64::from(f32::MIN_POSITIVE));
    if value < smallest && value > -smallest { F::ZERO } else { value }
}
