//! A Conv2D fused with the MaxPooling2D after it: the convolution's output never goes to memory.

use super::dims::Dims;
use super::forward::Conv2dForward;
use super::{Conv2D, backward_input, backward_weights, patch, select, winograd};
use crate::kernels::max_pool2d::MaxPooling2D;
use crate::kernels::{Activation, Gate, Gradients, LayerContext, LayerSpec, Record};
use crate::plan::{BufferSlice, Recorder};

/// Positions of a window: as many as a tile has rows.
const MAX_WINDOW_LEN: usize = 32;

/// Both layers as one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conv2DPooled {
    conv: Conv2D,
    pool: MaxPooling2D,
}

impl Conv2DPooled {
    /// The pair over images of `input`, if it can be fused: windows that do not overlap, whole, of 2 to 32 pixels.
    pub(crate) fn new(conv: &Conv2D, pool: &MaxPooling2D, input: &[usize]) -> Option<Self> {
        let between = conv.output_shape(input).ok()?;
        let windows = pool.dims(1, &between).ok()?;
        let apart = |axis: crate::kernels::WindowAxis| axis.stride >= axis.kernel && !axis.is_padded();
        let window_len = windows.h.kernel * windows.w.kernel;
        let fusible = apart(windows.h) && apart(windows.w) && (2..=MAX_WINDOW_LEN).contains(&window_len);
        fusible.then_some(Self { conv: *conv, pool: *pool })
    }

    /// How layers above hand their gradient to this one, whose index they see.
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
    /// Returns the index, and what Winograd's algorithm keeps.
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
