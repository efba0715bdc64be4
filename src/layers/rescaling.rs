//! Rescaling: a factor and a constant, the same for all elements.

use super::activation::Elementwise;
use super::args::in_f32;
use crate::error::{Number, Result, usage};
use crate::kernels::activation::Function;
use serde::{Deserialize, Serialize};

/// `scale x + offset`. A model that begins with it takes pixels from 0 to 255, others from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rescaling {
    /// The factor, such as 1/255.
    pub scale: f64,
    /// What is added after it (default 0).
    #[serde(default)]
    pub offset: f64,
}

impl Rescaling {
    /// The factor `scale`, then plus `offset`.
    pub fn new(scale: f64, offset: f64) -> Self {
        Self { scale, offset }
    }
}

impl Elementwise for Rescaling {
    const KIND: &'static str = "Rescaling";

    fn check(&self) -> Result<()> {
        for (name, value) in [("scale", self.scale), ("offset", self.offset)] {
            if !in_f32(value) {
                return Err(usage!("Rescaling: {name} is {}; it must be a number that f32 can hold", Number(value)));
            }
        }
        Ok(())
    }

    fn function(&self) -> Function {
        Function::Affine { scale: self.scale, offset: self.offset }
    }
}
