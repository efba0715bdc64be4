//! Which convolutions Winograd's algorithm takes on adapters, and how its dispatches are recorded.

use super::matrices::TILE_LEN;
use super::products::{Product, ProductBackward};
use super::transforms::{BackwardInput, InputTransform, OutputTransform, WeightsTransform};
use crate::kernels::conv2d::dims::Dims;
use crate::kernels::conv2d::passes::{ForwardPass, InputPass};
use crate::kernels::gate::GateKind;
use crate::kernels::tile::MAX_ITERATIONS;
use crate::plan::{Profile, Recorder};

/// Whether the kernels compute these sizes, on adapters that are limited by arithmetic rather than by launches.
pub(in crate::kernels::conv2d) fn supports(d: &Dims, profile: &Profile) -> bool {
    let Dims { batch: _, h, w, c_in, c_out, groups: _, bias: _, pool_h, pool_w } = *d;
    let conv = [h, w].iter().all(|axis| axis.kernel == 3 && axis.stride == 1);
    let pool = [pool_h, pool_w].iter().all(|axis| axis.kernel == 2 && axis.stride == 2);
    let channels = [c_in, c_out].iter().all(|c| c.is_multiple_of(4));
    let shape = profile.winograd && conv && pool && channels && d.is_plain();
    shape && BackwardInput { dims: *d, gate: GateKind::None }.iterations() <= MAX_ITERATIONS
}

/// 16 products in place of 36; the transforms cost as much as the products of this many further channels.
pub(in crate::kernels::conv2d) fn cost(d: &Dims) -> f64 {
    const TRANSFORMS: f64 = 20.0;
    16.0 * (1.0 + TRANSFORMS / d.c_in.min(d.c_out) as f64) / 36.0
}

/// The label of the transformed weights [16, c_in, c_out], which both passes read.
fn transformed_weights(name: &str) -> String {
    format!("{name} transformed weights")
}

/// Records the forward pass.
pub(in crate::kernels::conv2d) fn record_forward(r: &mut Recorder, pass: &ForwardPass<'_>) {
    let ForwardPass { name, dims, relu, x, weights, y, argmax } = *pass;
    let profile = r.profile;
    let transformed = r.floats(transformed_weights(name), TILE_LEN * dims.c_in * dims.c_out);
    let input = r.floats(format!("{name} transformed input"), TILE_LEN * dims.windows() * dims.c_in);
    let product = r.floats(format!("{name} transformed output"), TILE_LEN * dims.windows() * dims.c_out);
    let label = |part: &str| format!("{name} forward {part}");
    r.dispatch(label("weights transform"), WeightsTransform { dims }, &[weights], &[transformed]);
    r.dispatch(label("input transform"), InputTransform { dims }, &[x], &[input]);
    r.dispatch(label("product"), Product { dims, profile }, &[input, transformed], &[product]);
    let output = OutputTransform { dims, relu, argmax: argmax.is_some() };
    let outputs: Vec<_> = [y].into_iter().chain(argmax).collect();
    r.dispatch(label("output transform"), output, &[product, weights], &outputs);
}

/// Records the gradient w.r.t. the input, over the transformed weights of the forward pass if it has left them.
pub(in crate::kernels::conv2d) fn record_backward_input(r: &mut Recorder, pass: &InputPass<'_>) {
    let InputPass { name, dims, weights, dy, dx } = *pass;
    let profile = r.profile;
    let label = |part: &str| format!("{name} backward input {part}");
    let transformed = r.known(&transformed_weights(name)).unwrap_or_else(|| {
        let transformed = r.floats(transformed_weights(name), TILE_LEN * dims.c_in * dims.c_out);
        r.dispatch(label("weights transform"), WeightsTransform { dims }, &[weights], &[transformed]);
        transformed
    });
    let product = r.floats(format!("{name} transformed input gradient"), TILE_LEN * dims.windows() * dims.c_in);
    r.dispatch(label("product"), ProductBackward { dims, profile }, &[dy, transformed], &[product]);
    let output = BackwardInput { dims, gate: dx.gate.kind() };
    r.dispatch(label("transform"), output, &dx.inputs(&[product]), &[dx.to]);
}
