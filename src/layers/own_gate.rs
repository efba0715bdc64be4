//! Gates for kernels that have no binding left for what a gate reads.

use super::layer::Site;
use crate::kernels::elementwise::Sum;
use crate::kernels::{Gate, GradientOut};
use crate::plan::{BufferSlice, Recorder};

/// Records the gradient w.r.t. the first input by `record(recorder, to, gated)`, where `gated` asks for the gate of a ReLU whose output
/// that input is. Another gate is a dispatch of its own.
pub(super) fn record_gated(
    r: &mut Recorder,
    site: &Site<'_>,
    dx: GradientOut,
    record: impl FnOnce(&mut Recorder, BufferSlice, bool),
) {
    match dx.gate {
        Gate::None => record(r, dx.to, false),
        // What the producer of the input fused is its output, the input.
        Gate::Relu { output } if output == site.x() => record(r, dx.to, true),
        gate => {
            let plain = r.floats(format!("{} input gradient before the gate", site.name), dx.to.len);
            record(r, plain, false);
            let kernel = Sum { count: plain.len, terms: 1, relu: false, gate: gate.kind() };
            r.dispatch(format!("{} backward input gate", site.name), kernel, &dx.inputs(&[plain]), &[dx.to]);
        }
    }
}
