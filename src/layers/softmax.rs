//! Softmax at the end of a model, as a layer of its own.

use super::args::{Activation, single};
use super::layer::{Inferred, Layer, Saved, Site};
use crate::error::{Result, usage};
use crate::kernels::GradientOut;
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// Class probabilities, at the end of a model; the graph records it with the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Softmax {
    /// The axis of the classes: -1, the last.
    pub axis: i64,
}

impl Default for Softmax {
    fn default() -> Self {
        Self { axis: -1 }
    }
}

impl Layer for Softmax {
    fn kind(&self) -> &'static str {
        "Softmax"
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        let input = single("Softmax", inputs)?;
        match self.axis {
            // Keras counts the batch, too.
            axis if axis == -1 || axis == input.len() as i64 => Ok(Inferred::output(input)),
            axis => Err(usage!("Softmax: axis {axis}; only the last, -1, is supported")),
        }
    }

    fn forward(&self, _: &mut Recorder, _: &Site<'_>, _: Mode) -> Saved {
        unreachable!("the graph records softmax with the loss and the predictions")
    }

    fn backward(&self, _: &mut Recorder, _: &Site<'_>, _: &Saved, _: BufferSlice, _: &[Option<GradientOut>]) {}

    fn activation(&self) -> Activation {
        Activation::Softmax
    }
}
