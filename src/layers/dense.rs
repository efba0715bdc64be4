//! Dense: `y = act(x w + b)`.

use super::args::{Activation, single, yes};
use super::layer::{Inferred, Init, Layer, Saved, Site, TensorSpec};
use crate::error::{Result, usage};
use crate::kernels::GradientOut;
use crate::kernels::dense::DenseDims;
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// A fully connected layer over the last axis, the same for each element of the others; `kernel` is [inputs, units], `bias` `[units]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dense {
    /// Number of outputs.
    pub units: usize,
    /// What follows the sum.
    #[serde(default)]
    pub activation: Activation,
    /// Whether there is a bias (default true).
    #[serde(default = "yes")]
    pub use_bias: bool,
}

impl Dense {
    /// `units` outputs, no activation.
    pub fn new(units: usize) -> Self {
        Self { units, activation: Activation::Linear, use_bias: true }
    }

    /// The same layer with `activation`.
    #[must_use]
    pub fn activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    /// The same layer with a bias or without.
    #[must_use]
    pub fn use_bias(self, use_bias: bool) -> Self {
        Self { use_bias, ..self }
    }
}

impl Dense {
    fn dims(&self, site: &Site<'_>) -> DenseDims {
        let (inputs, leading) = site.inputs[0].shape.split_last().expect("the shape was inferred before");
        let batch = site.batch * leading.iter().product::<usize>();
        DenseDims { batch, inputs: *inputs, units: self.units, bias: self.use_bias }
    }
}

impl Layer for Dense {
    fn kind(&self) -> &'static str {
        "Dense"
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        let Some((inputs, leading)) = single("Dense", inputs)?.split_last() else {
            return Err(usage!("Dense: an input without axes"));
        };
        if self.units == 0 {
            return Err(usage!("Dense needs at least 1 unit"));
        }
        let init = Init::GlorotUniform { fan_in: *inputs, fan_out: self.units };
        let kernel = TensorSpec { name: "kernel", shape: vec![*inputs, self.units], init };
        let parameters = kernel.and_bias(self.units, self.use_bias);
        Ok(Inferred { parameters, ..Inferred::output([leading, &[self.units]].concat()) })
    }

    fn forward(&self, r: &mut Recorder, site: &Site<'_>, _: Mode) -> Saved {
        let (relu, output) = (self.activation == Activation::Relu, site.output.slice);
        self.dims(site).record_forward(r, site.name, relu, [site.x(), site.parameters, output]);
        Saved::of_relu(relu, output)
    }

    fn backward(&self, r: &mut Recorder, site: &Site<'_>, _: &Saved, dy: BufferSlice, dx: &[Option<GradientOut>]) {
        let dims = self.dims(site);
        dims.record_backward_weights(r, site.name, [site.x(), dy, site.gradients]);
        if let [Some(dx)] = dx {
            dims.record_backward_input(r, site.name, [dy, site.parameters], *dx);
        }
    }

    fn activation(&self) -> Activation {
        self.activation
    }

    fn supports_gates(&self) -> bool {
        true
    }
}
