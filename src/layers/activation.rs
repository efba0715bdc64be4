//! Activation: ReLU or softmax as a layer of its own.

use super::args::{Activation, single};
use super::layer::{Inferred, Layer, Saved, Site};
use crate::error::Result;
use crate::kernels::elementwise::Sum;
use crate::kernels::{Gate, GradientOut};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// An activation as a layer, as after an [`Add`](super::Add): `Activation` in model files and summaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivationLayer {
    /// The function that is applied.
    pub activation: Activation,
}

impl ActivationLayer {
    /// The layer that applies `activation`.
    pub fn new(activation: Activation) -> Self {
        Self { activation }
    }
}

impl Layer for ActivationLayer {
    fn kind(&self) -> &'static str {
        "Activation"
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        Ok(Inferred::output(single("Activation", inputs)?))
    }

    /// Softmax over a whole row is recorded here for inference; in training the graph fuses it with the loss.
    fn forward(&self, r: &mut Recorder, site: &Site<'_>, _: Mode) -> Saved {
        let label = format!("{} forward", site.name);
        let output = site.output.slice;
        match self.activation {
            Activation::Linear => Saved::default(),
            Activation::Relu => {
                r.dispatch(label, Sum::relu(output.len), &[site.x()], &[output]);
                Saved { gate: Gate::Relu { output } }
            }
            Activation::Softmax => unreachable!("the graph records softmax with the loss and the predictions"),
        }
    }

    fn backward(&self, _: &mut Recorder, _: &Site<'_>, _: &Saved, _: BufferSlice, _: &[Option<GradientOut>]) {}

    fn activation(&self) -> Activation {
        self.activation
    }

    /// The derivative of ReLU is its gate; what is left is the identity.
    fn passes_gradient(&self) -> bool {
        true
    }

    fn is_view(&self) -> bool {
        self.activation == Activation::Linear
    }
}
