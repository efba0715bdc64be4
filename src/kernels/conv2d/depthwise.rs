//! Groups of one input channel, or the only one, which are a depthwise convolution: same weights, same output.

use super::dims::Dims;
use super::passes::{ForwardPass, InputPass, WeightsPass};
use crate::kernels::depthwise_conv2d;
use crate::plan::{Profile, Recorder, Target};

/// Estimated time as a share of that of matrix products with one column.
pub(super) const COST: f64 = 0.1;

/// Whether each group has one input channel.
pub(super) fn supports(d: &Dims, _: &Profile) -> bool {
    let Dims { batch: _, h: _, w: _, c_in, c_out: _, groups, bias: _, pool_h: _, pool_w: _ } = *d;
    groups > 1 && groups == c_in
}

/// For the passes that read the input. As [`supports`], or on adapters there is one channel and the depthwise kernels have their fast form:
/// a matrix product would have a few rows or columns only.
pub(super) fn supports_reading_input(d: &Dims, profile: &Profile) -> bool {
    let is_single = d.c_in == 1 && d.window_len() == 1 && depthwise_conv2d::takes_rows(&depthwise(d));
    supports(d, profile) || (is_single && profile.target == Target::Adapter)
}

fn depthwise(d: &Dims) -> depthwise_conv2d::Dims {
    let Dims { batch, h, w, c_in, bias, .. } = *d;
    depthwise_conv2d::Dims { batch, h, w, channels: c_in, multiplier: d.group_out(), bias }
}

/// Records the forward pass.
pub(super) fn record_forward(r: &mut Recorder, pass: &ForwardPass<'_>) {
    let ForwardPass { name, dims, relu, x, weights, y, argmax: _ } = *pass;
    depthwise_conv2d::record_forward(r, &format!("{name} forward"), depthwise(&dims), relu, [x, weights, y]);
}

/// Records the gradient w.r.t. weights and bias.
pub(super) fn record_backward_weights(r: &mut Recorder, pass: &WeightsPass<'_>) {
    let WeightsPass { name, dims, x, dy, gradients } = *pass;
    let label = format!("{name} backward weights");
    depthwise_conv2d::record_backward_weights(r, &label, depthwise(&dims), [x, dy, gradients]);
}

/// Records the gradient w.r.t. the input.
pub(super) fn record_backward_input(r: &mut Recorder, pass: &InputPass<'_>) {
    let InputPass { name, dims, weights, dy, dx } = *pass;
    let label = format!("{name} backward input");
    depthwise_conv2d::record_backward_input(r, &label, depthwise(&dims), [dy, weights], dx);
}
