//! Add: the sum of several tensors, as at the end of a residual block.

use super::layer::{Inferred, Layer, Saved, Site};
use crate::error::{Result, usage};
use crate::kernels::elementwise::Sum;
use crate::kernels::{GateKind, GradientOut};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// `y = x_1 + x_2 + ...`, in the order of the inputs; all of one shape.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Add {}

impl Layer for Add {
    fn kind(&self) -> &'static str {
        "Add"
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        match inputs {
            [] | [_] => Err(usage!("Add takes at least two inputs, it has {}", inputs.len())),
            [first, others @ ..] => match others.iter().find(|shape| *shape != first) {
                Some(other) => Err(usage!("Add takes inputs of one shape, it has {first:?} and {other:?}")),
                None => Ok(Inferred::output(*first)),
            },
        }
    }

    /// Two inputs in one dispatch; each further one in another, through a buffer of partial sums.
    fn forward(&self, r: &mut Recorder, site: &Site<'_>, _: Mode) -> Saved {
        let output = site.output.slice;
        let kernel = Sum { count: output.len, terms: 2, relu: false, gate: GateKind::None };
        let last = site.inputs.len() - 1;
        let mut sum = site.x();
        for (i, input) in site.inputs.iter().enumerate().skip(1) {
            let to = match i == last {
                true => output,
                false => r.floats(format!("{} partial sum {i}", site.name), output.len),
            };
            let label = if i == 1 { "forward".to_owned() } else { format!("forward {i}") };
            r.dispatch(format!("{} {label}", site.name), kernel, &[sum, input.slice], &[to]);
            sum = to;
        }
        Saved::default()
    }

    fn backward(&self, _: &mut Recorder, _: &Site<'_>, _: &Saved, _: BufferSlice, _: &[Option<GradientOut>]) {}

    fn passes_gradient(&self) -> bool {
        true
    }
}
