//! A Conv2D fused with the MaxPooling2D after it, so that the convolution's output is never written to memory.

use super::dims::Dims;
use super::forward::Conv2dForward;
use super::{Conv2D, backward_input, backward_weights, patch, select, winograd};
use crate::kernels::max_pool2d::MaxPooling2D;
use crate::kernels::{Activation, Gate, Gradients, LayerContext, LayerSpec, Record};
use crate::plan::{BufferSlice, Recorder};

/// Largest pool window in pixels: the rows of a window must fit into one tile of the matrix product.
const MAX_WINDOW_LEN: usize = 32;

/// A convolution and its pool, recorded as one node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conv2DPooled {
    conv: Conv2D,
    pool: MaxPooling2D,
}

impl Conv2DPooled {
    /// The fused pair for `input` [h, w, c_in], or `None` if it cannot be fused. Pool windows must not overlap, must
    /// not be padded, and must have 2 to 32 pixels.
    pub(crate) fn new(conv: &Conv2D, pool: &MaxPooling2D, input: &[usize]) -> Option<Self> {
        let between = conv.output_shape(input).ok()?;
        let windows = pool.dims(1, &between).ok()?;
        let disjoint = |axis: crate::kernels::WindowAxis| axis.stride >= axis.kernel && !axis.is_padded();
        let window_len = windows.h.kernel * windows.w.kernel;
        let fusible = disjoint(windows.h) && disjoint(windows.w) && (2..=MAX_WINDOW_LEN).contains(&window_len);
        fusible.then_some(Self { conv: *conv, pool: *pool })
    }

    /// The gate that the next layer's backward kernel applies, with the pool's argmax as its input.
    pub(crate) fn gate(&self, input: &[usize]) -> Gate {
        self.dims(1, input).gate()
    }

    fn dims(&self, batch: usize, input: &[usize]) -> Dims {
        let dims = self.conv.dims(batch, input).expect("the shape was inferred before");
        let between = [dims.h.output, dims.w.output, dims.c_out];
        let windows = self.pool.dims(batch, &between).expect("the shape was inferred before");
        Dims { pool_h: windows.h, pool_w: windows.w, ..dims }
    }
}

impl Record for Conv2DPooled {
    /// Returns the argmax buffer and, under Winograd's algorithm, the transformed weights.
    fn forward(&self, recorder: &mut Recorder, ctx: &LayerContext<'_>, y: BufferSlice) -> Vec<BufferSlice> {
        let (dims, profile) = (self.dims(ctx.batch, ctx.input), recorder.profile);
        let relu = self.conv.activation == Activation::Relu;
        let argmax = recorder.words(format!("{} argmax", ctx.name), y.len);
        if winograd::supports(&dims, profile) {
            return vec![argmax, winograd::forward(recorder, ctx, dims, relu, y, argmax)];
        }
        let label = format!("{} forward", ctx.name);
        let (inputs, outputs) = ([ctx.x, ctx.weights], [y, argmax]);
        match patch::supports(&dims, profile) {
            true => recorder.dispatch(label, patch::Conv2dPoolPatchForward { dims, relu }, &inputs, &outputs),
            false => recorder.dispatch(label, Conv2dForward { dims, relu, profile }, &inputs, &outputs),
        };
        vec![argmax]
    }

    fn backward(&self, recorder: &mut Recorder, ctx: &LayerContext<'_>, saved: &[BufferSlice], gradients: &Gradients) {
        let (dims, profile) = (self.dims(ctx.batch, ctx.input), recorder.profile);
        match select::supports(&dims, profile) {
            true => select::record(recorder, ctx, dims, gradients.dy),
            false => backward_weights(recorder, ctx, dims, gradients.dy),
        }
        match saved {
            [_, transformed_weights] => winograd::backward_input(recorder, ctx, dims, *transformed_weights, gradients),
            _ => backward_input(recorder, ctx, dims, gradients),
        }
    }
}
