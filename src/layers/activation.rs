//! Activation: a function of each element, or softmax, as a layer of its own.

use super::args::{Activation, single};
use super::layer::{Inferred, Layer, Saved, Site};
use super::softmax;
use crate::error::Result;
use crate::kernels::activation::{Activate, ActivateBackward, Function};
use crate::kernels::elementwise::Sum;
use crate::kernels::{Gate, GradientOut};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};
use std::fmt::Debug;

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

    fn forward(&self, r: &mut Recorder, site: &Site<'_>, _: Mode) -> Saved {
        let label = format!("{} forward", site.name);
        let output = site.output.slice;
        match (self.activation, self.activation.function()) {
            (_, Some(function)) => record_forward(r, site, function),
            (Activation::Relu, _) => {
                r.dispatch(label, Sum::relu(output.len), &[site.x()], &[output]);
                Saved { gate: Gate::Relu { output } }
            }
            (Activation::Softmax, _) => softmax::record_forward(r, site),
            _ => Saved::default(),
        }
    }

    fn backward(&self, r: &mut Recorder, site: &Site<'_>, _: &Saved, dy: BufferSlice, dx: &[Option<GradientOut>]) {
        match (self.activation, self.activation.function()) {
            (_, Some(function)) => record_backward(r, site, function, dy, dx),
            (Activation::Softmax, _) => softmax::record_backward(r, site, dy, dx),
            _ => {}
        }
    }

    fn activation(&self) -> Activation {
        self.activation
    }

    /// The derivative of ReLU is its gate; what is left is the identity.
    fn passes_gradient(&self) -> bool {
        !self.activation.is_dispatch()
    }

    fn supports_gates(&self) -> bool {
        true
    }

    fn is_view(&self) -> bool {
        self.activation == Activation::Linear
    }
}

/// A layer that applies a function to each element: all that differs between such layers.
pub(super) trait Elementwise: Debug {
    const KIND: &'static str;
    /// Whether the arguments are in range.
    fn check(&self) -> Result<()>;
    fn function(&self) -> Function;
}

impl<E: Elementwise> Layer for E {
    fn kind(&self) -> &'static str {
        E::KIND
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        self.check()?;
        Ok(Inferred::output(single(E::KIND, inputs)?))
    }

    fn forward(&self, r: &mut Recorder, site: &Site<'_>, _: Mode) -> Saved {
        record_forward(r, site, self.function())
    }

    fn backward(&self, r: &mut Recorder, site: &Site<'_>, _: &Saved, dy: BufferSlice, dx: &[Option<GradientOut>]) {
        record_backward(r, site, self.function(), dy, dx);
    }

    fn supports_gates(&self) -> bool {
        true
    }
}

/// Records `y = f(x)`.
fn record_forward(r: &mut Recorder, site: &Site<'_>, function: Function) -> Saved {
    let output = site.output.slice;
    let kernel = Activate { count: output.len, function };
    r.dispatch(format!("{} forward", site.name), kernel, &[site.x()], &[output]);
    Saved::default()
}

/// Records the gradient w.r.t. the input of [`record_forward`].
fn record_backward(r: &mut Recorder, site: &Site<'_>, function: Function, dy: BufferSlice, dx: &[Option<GradientOut>]) {
    let [Some(dx)] = dx else { return };
    let kernel = ActivateBackward { count: dy.len, function, gate: dx.gate.kind() };
    r.dispatch(format!("{} backward", site.name), kernel, &dx.inputs(&[site.x(), dy]), &[dx.to]);
}
