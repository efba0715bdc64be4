//! ELU: x, below zero an exponential that ends at -alpha.

use super::activation::Elementwise;
use crate::error::{Number, Result, usage};
use crate::kernels::activation::Function;
use serde::{Deserialize, Serialize};

/// x, below zero `alpha (exp(x) - 1)` (Clevert et al. 2016).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ELU {
    /// Minus the value far below zero (default 1).
    pub alpha: f64,
}

impl Default for ELU {
    fn default() -> Self {
        Self { alpha: 1.0 }
    }
}

impl Elementwise for ELU {
    const KIND: &'static str = "ELU";

    fn check(&self) -> Result<()> {
        match (self.alpha as f32).is_finite() {
            true => Ok(()),
            false => Err(usage!("ELU: alpha is {}; it must be a finite number", Number(self.alpha))),
        }
    }

    fn function(&self) -> Function {
        Function::Elu { alpha: self.alpha, scale: 1.0 }
    }
}
