//! The Conv2D layer, alone or fused with the max pool that follows it, and its kernels.

mod backward_input;
mod backward_weights;
mod cpu;
mod dims;
mod forward;
mod patch;
mod pooled;
mod select;
mod winograd;

pub(crate) use pooled::Conv2DPooled;

use self::dims::Dims;
use self::{backward_input::Conv2dBackwardInput, backward_weights::Conv2dBackwardWeights, forward::Conv2dForward};
use super::tile::{Tiles, record_split_k};
use super::{
    Activation, Gradients, Init, LayerContext, LayerSpec, Padding, Pair, ParamSpec, Record, WindowAxis, image_shape,
};
use crate::error::{Result, usage};
use crate::plan::{BufferSlice, Recorder};
use serde::{Deserialize, Serialize};

/// A 2D convolution over [h, w, c_in] images (channels last). Its parameters are `kernel` [kh, kw, c_in, filters] and
/// `bias` `[filters]`, in Keras's layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2D {
    /// Number of filters, which is the number of output channels.
    pub filters: usize,
    /// Height and width of the kernel in pixels.
    pub kernel_size: Pair,
    /// Strides along height and width in pixels (default 1).
    #[serde(default)]
    pub strides: Pair,
    /// Border handling (default `valid`: no padding).
    #[serde(default)]
    pub padding: Padding,
    /// Activation applied to `conv(x, kernel) + bias` (default `linear`).
    #[serde(default)]
    pub activation: Activation,
}

impl Conv2D {
    /// A convolution with `filters` filters of `kernel_size`, stride 1, no padding and no activation.
    pub fn new(filters: usize, kernel_size: impl Into<Pair>) -> Self {
        Self {
            filters,
            kernel_size: kernel_size.into(),
            strides: 1.into(),
            padding: Padding::Valid,
            activation: Activation::Linear,
        }
    }

    /// The same layer with `activation`.
    #[must_use]
    pub fn activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    /// The same layer with `strides`.
    #[must_use]
    pub fn strides(self, strides: impl Into<Pair>) -> Self {
        Self { strides: strides.into(), ..self }
    }

    /// The same layer with `padding`.
    #[must_use]
    pub fn padding(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }

    fn dims(&self, batch: usize, input: &[usize]) -> Result<Dims> {
        let [rows, cols, c_in] = image_shape("Conv2D", input)?;
        if self.filters == 0 {
            return Err(usage!("Conv2D needs at least 1 filter"));
        }
        let h = WindowAxis::new(rows, self.kernel_size.h, self.strides.h, self.padding)?;
        let w = WindowAxis::new(cols, self.kernel_size.w, self.strides.w, self.padding)?;
        let (pool_h, pool_w) = (WindowAxis::pixels(h.output), WindowAxis::pixels(w.output));
        Ok(Dims { batch, h, w, c_in, c_out: self.filters, pool_h, pool_w })
    }
}

impl LayerSpec for Conv2D {
    fn kind(&self) -> &'static str {
        "Conv2D"
    }

    fn base_name(&self) -> &'static str {
        "conv2d"
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let d = self.dims(1, input)?;
        Ok(vec![d.h.output, d.w.output, d.c_out])
    }

    fn params(&self, input: &[usize]) -> Vec<ParamSpec> {
        let (taps, c_in) = (self.kernel_size.h * self.kernel_size.w, input[2]);
        let init = Init::GlorotUniform { fan_in: taps * c_in, fan_out: taps * self.filters };
        vec![
            ParamSpec { name: "kernel", shape: vec![self.kernel_size.h, self.kernel_size.w, c_in, self.filters], init },
            ParamSpec { name: "bias", shape: vec![self.filters], init: Init::Zeros },
        ]
    }

    fn activation(&self) -> Activation {
        self.activation
    }
}

impl Record for Conv2D {
    fn forward(&self, recorder: &mut Recorder, ctx: &LayerContext<'_>, y: BufferSlice) -> Vec<BufferSlice> {
        let dims = self.dims(ctx.batch, ctx.input).expect("the shape was inferred before");
        let kernel = Conv2dForward { dims, relu: self.activation == Activation::Relu, profile: recorder.profile };
        recorder.dispatch(format!("{} forward", ctx.name), kernel, &[ctx.x, ctx.weights], &[y]);
        Vec::new()
    }

    fn backward(&self, recorder: &mut Recorder, ctx: &LayerContext<'_>, _: &[BufferSlice], gradients: &Gradients) {
        let dims = self.dims(ctx.batch, ctx.input).expect("the shape was inferred before");
        backward_weights(recorder, ctx, dims, gradients.dy);
        backward_input(recorder, ctx, dims, gradients);
    }
}

/// Records the general kernel for the gradient w.r.t. weights and bias, which supports every convolution.
fn backward_weights(recorder: &mut Recorder, ctx: &LayerContext<'_>, dims: Dims, dy: BufferSlice) {
    let tiles = Tiles::new(dims.patch_len() + 1, dims.c_out, dims.rows(), recorder.profile).split();
    let label = format!("{} backward weights", ctx.name);
    let kernel = Conv2dBackwardWeights { dims, tiles };
    record_split_k(recorder, &label, tiles.split_k, kernel, &[ctx.x, dy], ctx.grads, None);
}

/// Records the general kernel for the gradient w.r.t. the input, which supports every convolution; records nothing if
/// the plan needs no such gradient (first layer).
fn backward_input(recorder: &mut Recorder, ctx: &LayerContext<'_>, dims: Dims, gradients: &Gradients) {
    let Some(dx) = gradients.dx else { return };
    let tiles = Tiles::new(dims.in_pixels(), dims.c_in, dims.taps() * dims.c_out, recorder.profile);
    let kernel = Conv2dBackwardInput { dims, tiles, gate: dx.gate };
    let inputs = [gradients.dy, ctx.weights, dx.gate_input];
    recorder.dispatch(format!("{} backward input", ctx.name), kernel, &inputs, &[dx.slot]);
}
