//! A Conv2D fused with the MaxPooling2D after it: the convolution's output never goes to memory.

use super::dims::Dims;
use super::forward::Conv2dForward;
use super::{Conv2D, backward_input, backward_weights, patch, select, winograd};
use crate::kernels::max_pool2d::MaxPooling2D;
use crate::kernels::{Activation, Below, Gradients, LayerContext, LayerSpec, Record};
use crate::plan::{Recorder, Slot};

/// Positions of a window: as many as a tile has rows.
const MAX_POSITIONS: usize = 32;

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
        let apart = |axis: crate::kernels::Axis| axis.stride >= axis.window && !axis.is_padded();
        let positions = windows.y.window * windows.x.window;
        let fits = apart(windows.y) && apart(windows.x) && (2..=MAX_POSITIONS).contains(&positions);
        fits.then_some(Self { conv: *conv, pool: *pool })
    }

    /// How layers above hand their gradient to this one, whose index they see.
    pub(crate) fn below(&self, input: &[usize]) -> Below {
        self.dims(1, input).below()
    }

    fn dims(&self, batch: usize, input: &[usize]) -> Dims {
        let dims = self.conv.dims(batch, input).expect("the shape was inferred before");
        let between = [dims.y.output, dims.x.output, dims.c_out];
        let windows = self.pool.dims(batch, &between).expect("the shape was inferred before");
        Dims { pool_y: windows.y, pool_x: windows.x, ..dims }
    }
}

impl Record for Conv2DPooled {
    /// Returns the index, and what Winograd's algorithm keeps.
    fn forward(&self, recorder: &mut Recorder, at: &LayerContext<'_>, y: Slot) -> Vec<Slot> {
        let (dims, profile) = (self.dims(at.batch, at.input), recorder.profile);
        let relu = self.conv.activation == Activation::Relu;
        let index = recorder.words(format!("{} index", at.name), y.len);
        if winograd::fits(&dims, profile) {
            return vec![index, winograd::forward(recorder, at, dims, relu, y, index)];
        }
        let label = format!("{} forward", at.name);
        let (inputs, outputs) = ([at.x, at.weights], [y, index]);
        match patch::fits(&dims, profile) {
            true => recorder.dispatch(label, patch::Conv2dPoolPatchForward { dims, relu }, &inputs, &outputs),
            false => recorder.dispatch(label, Conv2dForward { dims, relu, profile }, &inputs, &outputs),
        };
        vec![index]
    }

    fn backward(&self, recorder: &mut Recorder, at: &LayerContext<'_>, saved: &[Slot], gradients: &Gradients) {
        let (dims, profile) = (self.dims(at.batch, at.input), recorder.profile);
        match select::fits(&dims, profile) {
            true => select::record(recorder, at, dims, gradients.dy),
            false => backward_weights(recorder, at, dims, gradients.dy),
        }
        match saved {
            [_, transformed_weights] => winograd::backward_input(recorder, at, dims, *transformed_weights, gradients),
            _ => backward_input(recorder, at, dims, gradients),
        }
    }
}
