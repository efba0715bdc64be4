//! Add: the sum of several tensors, as at the end of a residual block.

use super::joins::{Pair, broadcast, forward_label, infer, pairs};
use super::layer::{Inferred, Layer, Saved, Site};
use crate::error::Result;
use crate::kernels::elementwise::Sum;
use crate::kernels::join::{Broadcast, Join, Operation};
use crate::kernels::{GateKind, GradientOut};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// `y = x_1 + x_2 + ...`, in the order of the inputs; axes of 1 are broadcast.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Add {}

impl Add {
    /// Whether one dispatch joins inputs of these shapes: two of one shape.
    pub(crate) fn is_one_sum(inputs: &[&[usize]]) -> bool {
        matches!(inputs, [a, b] if a == b)
    }
}

const OPERATION: Operation = Operation::Add { scale: 1.0 };

impl Layer for Add {
    fn kind(&self) -> &'static str {
        "Add"
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        infer("Add", usize::MAX, inputs)
    }

    /// Two inputs in one dispatch; each further one in another, through a buffer of partial sums.
    fn forward(&self, r: &mut Recorder, site: &Site<'_>, _: Mode) -> Saved {
        for (i, Pair { operands, broadcasts, to }) in pairs(r, site).into_iter().enumerate() {
            let (label, count) = (forward_label(site, i), to.len);
            if broadcasts == [Broadcast::NONE; 2] {
                r.dispatch(label, Sum { count, terms: 2, relu: false, gate: GateKind::None }, &operands, &[to]);
            } else {
                r.dispatch(label, Join { count, operation: OPERATION, broadcasts }, &operands, &[to]);
            }
        }
        Saved::default()
    }

    /// The gradients w.r.t. the inputs that are broadcast; of the others they are `dy`.
    fn backward(&self, r: &mut Recorder, site: &Site<'_>, _: &Saved, dy: BufferSlice, dx: &[Option<GradientOut>]) {
        for (i, (input, dx)) in site.inputs.iter().zip(dx).enumerate() {
            let Some(dx) = dx else { continue };
            let broadcasts = [broadcast(input.shape, site.output.shape), Broadcast::NONE];
            let pair = Pair { operands: [input.slice, dy], broadcasts, to: site.output.slice };
            pair.record_gradient(r, &format!("{} backward {i}", site.name), OPERATION, 0, dy, dx.to);
        }
    }

    fn passes_gradient(&self) -> bool {
        true
    }
}

/// A sum and the ReLU after it as one, where [`Add::is_one_sum`]; made by the graph.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AddRelu;

impl Layer for AddRelu {
    fn kind(&self) -> &'static str {
        Add {}.kind()
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        Add {}.infer(inputs)
    }

    fn forward(&self, r: &mut Recorder, site: &Site<'_>, _: Mode) -> Saved {
        let output = site.output.slice;
        let kernel = Sum { count: output.len, terms: 2, relu: true, gate: GateKind::None };
        let inputs = [site.inputs[0].slice, site.inputs[1].slice];
        r.dispatch(format!("{} forward", site.name), kernel, &inputs, &[output]);
        Saved::of_relu(true, output)
    }

    /// The gate of the ReLU is all that there is, and what writes the output's gradient applies it.
    fn backward(&self, _: &mut Recorder, _: &Site<'_>, _: &Saved, _: BufferSlice, _: &[Option<GradientOut>]) {}

    fn passes_gradient(&self) -> bool {
        true
    }
}
