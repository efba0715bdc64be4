//! LeakyReLU: x, below zero a small multiple of it.

use super::activation::Elementwise;
use crate::error::{Number, Result, usage};
use crate::kernels::activation::Function;
use serde::{Deserialize, Serialize};

/// x, below zero `negative_slope` x.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeakyReLU {
    /// Slope below zero (default 0.3).
    pub negative_slope: f64,
}

impl Default for LeakyReLU {
    fn default() -> Self {
        Self { negative_slope: 0.3 }
    }
}

impl Elementwise for LeakyReLU {
    const KIND: &'static str = "LeakyReLU";

    fn check(&self) -> Result<()> {
        match self.negative_slope {
            slope if (slope as f32).is_finite() && slope >= 0.0 => Ok(()),
            slope => Err(usage!("LeakyReLU: negative_slope is {}; it must be a number of at least 0", Number(slope))),
        }
    }

    fn function(&self) -> Function {
        Function::Rectify { max_value: None, negative_slope: self.negative_slope, threshold: 0.0 }
    }
}
