//! DepthwiseConv2D: each channel by filters of its own.

use super::args::{Activation, Padding, Pair, builders, image_shape, one, windows, yes};
use super::layer::{Inferred, Init, Layer, Saved, Site, TensorSpec};
use crate::error::Result;
use crate::kernels::GradientOut;
use crate::kernels::depthwise_conv2d::{Dims, record_backward_input, record_backward_weights, record_forward};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// A 2D convolution of each channel alone: output channel `c depth_multiplier + j` is filter j of channel c. Its parameters are
/// `kernel`, [kh, kw, c_in, depth_multiplier], and `bias`, `[c_in depth_multiplier]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepthwiseConv2D {
    /// Height and width of the kernel in pixels.
    pub kernel_size: Pair,
    /// Strides along height and width in pixels (default 1).
    #[serde(default)]
    pub strides: Pair,
    /// Border handling (default `valid`: no padding).
    #[serde(default)]
    pub padding: Padding,
    /// Filters of each channel (default 1).
    #[serde(default = "one")]
    pub depth_multiplier: usize,
    /// Pixels from tap to tap along height and width (default 1); not together with strides.
    #[serde(default)]
    pub dilation_rate: Pair,
    /// Activation applied to `conv(x, kernel) + bias` (default `linear`).
    #[serde(default)]
    pub activation: Activation,
    /// Whether there is a bias (default true).
    #[serde(default = "yes")]
    pub use_bias: bool,
}

impl DepthwiseConv2D {
    /// One filter of `kernel_size` for each channel, stride 1, no padding and no activation.
    pub fn new(kernel_size: impl Into<Pair>) -> Self {
        Self {
            kernel_size: kernel_size.into(),
            strides: 1.into(),
            padding: Padding::Valid,
            depth_multiplier: 1,
            dilation_rate: 1.into(),
            activation: Activation::Linear,
            use_bias: true,
        }
    }

    /// Sizes over a batch of images of shape `input`.
    pub(super) fn dims(&self, batch: usize, input: [usize; 3]) -> Result<Dims> {
        let windows = windows(input, self.kernel_size, self.strides, self.dilation_rate, self.padding)?;
        Dims::new(batch, windows, input[2], self.depth_multiplier, self.use_bias)
    }

    /// The kernel over `channels` channels, with initial values from Glorot's range of its shape as Keras has it.
    pub(super) fn kernel(&self, name: &'static str, channels: usize) -> TensorSpec {
        let Pair { h, w } = self.kernel_size;
        let (taps, filters) = (h * w, self.depth_multiplier);
        let init = Init::GlorotUniform { fan_in: taps * channels, fan_out: taps * filters };
        TensorSpec { name, shape: vec![h, w, channels, filters], init }
    }

    fn dims_at(&self, site: &Site<'_>) -> Dims {
        let input = image_shape(self.kind(), &site.input_shapes());
        input.and_then(|input| self.dims(site.batch, input)).expect("the shape was inferred before")
    }
}

builders!(DepthwiseConv2D { strides: impl Into<Pair>, padding: Padding, depth_multiplier: usize, dilation_rate: impl Into<Pair>, activation: Activation, use_bias: bool });

impl Layer for DepthwiseConv2D {
    fn kind(&self) -> &'static str {
        "DepthwiseConv2D"
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        let input = image_shape(self.kind(), inputs)?;
        let output = self.dims(1, input)?.output();
        let parameters = self.kernel("kernel", input[2]).and_bias(output[2], self.use_bias);
        Ok(Inferred { parameters, ..Inferred::output(output) })
    }

    fn forward(&self, r: &mut Recorder, site: &Site<'_>, _: Mode) -> Saved {
        let (relu, output) = (self.activation == Activation::Relu, site.output.slice);
        let buffers = [site.x(), site.parameters, output];
        record_forward(r, &format!("{} forward", site.name), self.dims_at(site), relu, buffers);
        Saved::of_relu(relu, output)
    }

    fn backward(&self, r: &mut Recorder, site: &Site<'_>, _: &Saved, dy: BufferSlice, dx: &[Option<GradientOut>]) {
        let dims = self.dims_at(site);
        let label = |pass: &str| format!("{} backward {pass}", site.name);
        record_backward_weights(r, &label("weights"), dims, [site.x(), dy, site.gradients]);
        if let [Some(dx)] = dx {
            record_backward_input(r, &label("input"), dims, [dy, site.parameters], *dx);
        }
    }

    fn activation(&self) -> Activation {
        self.activation
    }

    fn supports_gates(&self) -> bool {
        true
    }
}
