//! ReLU: a rectifier with Keras's three arguments.

use super::activation::Elementwise;
use crate::error::{Number, Result, usage};
use crate::kernels::activation::Function;
use serde::{Deserialize, Serialize};

/// `negative_slope (x - threshold)` up to `threshold`, beyond it x, at most `max_value`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReLU {
    /// The largest output; none without limit (default).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_value: Option<f64>,
    /// Slope below the threshold (default 0).
    pub negative_slope: f64,
    /// Where the input passes (default 0).
    pub threshold: f64,
}

impl ReLU {
    /// Whether the layer is `max(0, x)`.
    pub(crate) fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

impl Elementwise for ReLU {
    const KIND: &'static str = "ReLU";

    fn check(&self) -> Result<()> {
        for (name, value) in [
            ("max_value", self.max_value.unwrap_or_default()),
            ("negative_slope", self.negative_slope),
            ("threshold", self.threshold),
        ] {
            if !(value as f32).is_finite() || value < 0.0 {
                return Err(usage!("ReLU: {name} is {}; it must be a number of at least 0", Number(value)));
            }
        }
        Ok(())
    }

    fn function(&self) -> Function {
        let Self { max_value, negative_slope, threshold } = *self;
        Function::Rectify { max_value, negative_slope, threshold }
    }
}
