//! Softmax: along the last axis, positive numbers whose sum is 1.

use super::args::{Activation, single};
use super::layer::{Inferred, Layer, Saved, Site};
use crate::error::{Result, usage};
use crate::kernels::GradientOut;
use crate::kernels::softmax::{Softmax as Kernel, SoftmaxBackward};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// `exp(x) / sum of exp(x)` along the last axis, as in gates and attention; at the end of a model class probabilities, which the graph records with
/// the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Softmax {
    /// The axis: -1, the last (default), or its number, counted with the batch.
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

    fn forward(&self, r: &mut Recorder, site: &Site<'_>, _: Mode) -> Saved {
        record_forward(r, site)
    }

    fn backward(&self, r: &mut Recorder, site: &Site<'_>, _: &Saved, dy: BufferSlice, dx: &[Option<GradientOut>]) {
        record_backward(r, site, dy, dx);
    }

    fn supports_gates(&self) -> bool {
        true
    }

    fn activation(&self) -> Activation {
        Activation::Softmax
    }
}

/// Rows and columns: the last axis and all others.
fn matrix(site: &Site<'_>) -> [usize; 2] {
    let cols = *site.output.shape.last().expect("an activation has an axis");
    [site.output.slice.len / cols, cols]
}

/// Records softmax along the last axis.
pub(super) fn record_forward(r: &mut Recorder, site: &Site<'_>) -> Saved {
    let [rows, cols] = matrix(site);
    let kernel = Kernel { rows, cols, of_upload: false };
    r.dispatch(format!("{} forward", site.name), kernel, &[site.x()], &[site.output.slice]);
    Saved::default()
}

/// Records the gradient w.r.t. the input of [`record_forward`].
pub(super) fn record_backward(r: &mut Recorder, site: &Site<'_>, dy: BufferSlice, dx: &[Option<GradientOut>]) {
    let [Some(dx)] = dx else { return };
    let [rows, cols] = matrix(site);
    let kernel = SoftmaxBackward { rows, cols, gate: dx.gate.kind() };
    r.dispatch(format!("{} backward", site.name), kernel, &dx.inputs(&[site.output.slice, dy]), &[dx.to]);
}
