//! SeparableConv2D: a depthwise convolution, then one of 1x1 over its channels.

use super::args::{Activation, Padding, Pair, builders, image_shape, one, yes};
use super::conv2d::{Conv2D, record_gradients};
use super::depthwise_conv2d::DepthwiseConv2D;
use super::layer::{Inferred, Init, Layer, Saved, Site, TensorSpec};
use crate::error::Result;
use crate::kernels::conv2d::{self, ForwardPass};
use crate::kernels::{Gate, GradientOut, depthwise_conv2d};
use crate::plan::{BufferSlice, Mode, Recorder, SLICE_ALIGN};
use serde::{Deserialize, Serialize};

/// A depthwise convolution and a 1x1 convolution as one layer. Its parameters are `depthwise_kernel`,
/// [kh, kw, c_in, depth_multiplier], `pointwise_kernel`, [1, 1, c_in depth_multiplier, filters], and `bias`, `[filters]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeparableConv2D {
    /// Number of filters, which is the number of output channels.
    pub filters: usize,
    /// Height and width of the depthwise kernel in pixels.
    pub kernel_size: Pair,
    /// Strides of the depthwise convolution along height and width in pixels (default 1).
    #[serde(default)]
    pub strides: Pair,
    /// Border handling of the depthwise convolution (default `valid`: no padding).
    #[serde(default)]
    pub padding: Padding,
    /// Pixels from tap to tap along height and width (default 1); not together with strides.
    #[serde(default)]
    pub dilation_rate: Pair,
    /// Filters of each channel in the depthwise convolution (default 1).
    #[serde(default = "one")]
    pub depth_multiplier: usize,
    /// Activation applied to the sum of the 1x1 convolution and the bias (default `linear`).
    #[serde(default)]
    pub activation: Activation,
    /// Whether there is a bias (default true).
    #[serde(default = "yes")]
    pub use_bias: bool,
}

impl SeparableConv2D {
    /// `filters` filters over the outputs of one depthwise filter of `kernel_size` a channel.
    pub fn new(filters: usize, kernel_size: impl Into<Pair>) -> Self {
        Self {
            filters,
            kernel_size: kernel_size.into(),
            strides: 1.into(),
            padding: Padding::Valid,
            dilation_rate: 1.into(),
            depth_multiplier: 1,
            activation: Activation::Linear,
            use_bias: true,
        }
    }

    /// The first of the two convolutions.
    fn depthwise(&self) -> DepthwiseConv2D {
        let Self { kernel_size, strides, padding, dilation_rate, depth_multiplier, .. } = *self;
        DepthwiseConv2D {
            kernel_size,
            strides,
            padding,
            dilation_rate,
            depth_multiplier,
            activation: Activation::Linear,
            use_bias: false,
        }
    }

    /// The second of the two convolutions.
    fn pointwise(&self) -> Conv2D {
        Conv2D::new(self.filters, 1).activation(self.activation).use_bias(self.use_bias)
    }

    fn dims_at(&self, site: &Site<'_>) -> (depthwise_conv2d::Dims, conv2d::Dims) {
        self.dims(site.batch, &site.input_shapes()).expect("the shape was inferred before")
    }

    fn dims(&self, batch: usize, inputs: &[&[usize]]) -> Result<(depthwise_conv2d::Dims, conv2d::Dims)> {
        let depthwise = self.depthwise().dims(batch, image_shape(self.kind(), inputs)?)?;
        Ok((depthwise, self.pointwise().dims(batch, depthwise.output())?))
    }

    /// The parts of the layer's block that belong to the depthwise and to the 1x1 convolution.
    fn parts(&self, block: BufferSlice, input: &[usize]) -> [BufferSlice; 2] {
        let len = self.depthwise().kernel("", input[2]).shape.iter().product::<usize>();
        let second = len.next_multiple_of(SLICE_ALIGN);
        let pointwise = BufferSlice { offset: block.offset + second, len: block.len - second, ..block };
        [BufferSlice { len, ..block }, pointwise]
    }
}

/// The depthwise output [n, oh, ow, c m] of the layer at `site`, or its gradient.
fn between(r: &mut Recorder, site: &Site<'_>, dims: &depthwise_conv2d::Dims, what: &str) -> BufferSlice {
    r.floats(format!("{} depthwise {what}", site.name), site.batch * dims.output().iter().product::<usize>())
}

builders!(SeparableConv2D { strides: impl Into<Pair>, padding: Padding, dilation_rate: impl Into<Pair>, depth_multiplier: usize, activation: Activation, use_bias: bool });

impl Layer for SeparableConv2D {
    fn kind(&self) -> &'static str {
        "SeparableConv2D"
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        let (depthwise, pointwise) = self.dims(1, inputs)?;
        let [channels, between] = [inputs[0][2], depthwise.output()[2]];
        let init = Init::GlorotUniform { fan_in: between, fan_out: self.filters };
        let kernel = TensorSpec { name: "pointwise_kernel", shape: vec![1, 1, between, self.filters], init };
        let first = self.depthwise().kernel("depthwise_kernel", channels);
        let parameters = [first].into_iter().chain(kernel.and_bias(self.filters, self.use_bias)).collect();
        Ok(Inferred { parameters, blocks: vec![1], ..Inferred::output(pointwise.output()) })
    }

    fn forward(&self, r: &mut Recorder, site: &Site<'_>, _: Mode) -> Saved {
        let (depthwise, pointwise) = self.dims_at(site);
        let (relu, output) = (self.activation == Activation::Relu, site.output.slice);
        let [first, second] = self.parts(site.parameters, site.inputs[0].shape);
        let x = between(r, site, &depthwise, "output");
        let name = format!("{} depthwise", site.name);
        depthwise_conv2d::record_forward(r, &format!("{name} forward"), depthwise, false, [site.x(), first, x]);
        let pass = ForwardPass { name: site.name, dims: pointwise, relu, x, weights: second, y: output, argmax: None };
        conv2d::record_forward(r, &pass);
        Saved::of_relu(relu, output)
    }

    fn backward(&self, r: &mut Recorder, site: &Site<'_>, _: &Saved, dy: BufferSlice, dx: &[Option<GradientOut>]) {
        let (depthwise, pointwise) = self.dims_at(site);
        let input = site.inputs[0].shape;
        let [first, second] = self.parts(site.parameters, input);
        let [first_gradients, second_gradients] = self.parts(site.gradients, input);
        let (x, gradient) = (between(r, site, &depthwise, "output"), between(r, site, &depthwise, "output gradient"));
        let to = GradientOut { to: gradient, gate: Gate::None };
        record_gradients(r, site.name, pointwise, [x, second, second_gradients, dy], &[Some(to)]);
        let label = |pass: &str| format!("{} depthwise backward {pass}", site.name);
        let buffers = [site.x(), gradient, first_gradients];
        depthwise_conv2d::record_backward_weights(r, &label("weights"), depthwise, buffers);
        if let [Some(dx)] = dx {
            depthwise_conv2d::record_backward_input(r, &label("input"), depthwise, [gradient, first], *dx);
        }
    }

    fn activation(&self) -> Activation {
        self.activation
    }

    fn supports_gates(&self) -> bool {
        true
    }
}
