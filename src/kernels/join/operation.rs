//! What becomes of two elements, and its derivatives.

use crate::plan::{Constants, constants, wgsl};
use crate::real::{Real, is_better};

/// What becomes of two elements.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Operation {
    /// `scale (a + b)`.
    Add { scale: f64 },
    /// `a - b`.
    Subtract,
    /// `a b`.
    Multiply,
    /// The larger of the two, a of equals; the first NaN.
    Maximum,
}

impl Operation {
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Add { .. } => wgsl!("join_add.wgsl"),
            Self::Subtract => wgsl!("join_subtract.wgsl"),
            Self::Multiply => wgsl!("join_multiply.wgsl"),
            Self::Maximum => wgsl!("join_maximum.wgsl"),
        }
    }

    pub(super) fn constants(self) -> Constants {
        match self {
            Self::Add { scale } => constants! { SCALE: scale as f32 },
            _ => Constants::new(),
        }
    }

    /// Whether the gradients depend on the elements that are joined.
    pub(crate) fn gradient_reads_operands(self) -> bool {
        matches!(self, Self::Multiply | Self::Maximum)
    }

    #[inline(always)]
    pub(super) fn join<F: Real>(self, a: F, b: F) -> F {
        match self {
            Self::Add { scale } => F::from_f64(scale) * (a + b),
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Maximum => {
                if is_better(b, a) {
                    b
                } else {
                    a
                }
            }
        }
    }

    /// The gradient w.r.t. b if `second`, else w.r.t. a.
    #[inline(always)]
    pub(super) fn gradient<F: Real>(self, second: bool, a: F, b: F, dy: F) -> F {
        match self {
            Self::Add { scale } => F::from_f64(scale) * dy,
            Self::Subtract if second => -dy,
            Self::Subtract => dy,
            Self::Multiply => dy * if second { a } else { b },
            Self::Maximum if is_better(b, a) == second => dy,
            Self::Maximum => F::ZERO,
        }
    }
}
