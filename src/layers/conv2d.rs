//! Conv2D: a convolution over images, channels last.

use super::args::{Activation, Padding, Pair, builders, image_shape, one, windows, yes};
use super::layer::{Inferred, Init, Layer, Saved, Site, TensorSpec};
use crate::error::Result;
use crate::kernels::GradientOut;
use crate::kernels::conv2d::{
    Dims, ForwardPass, InputPass, WeightsPass, record_backward_input, record_backward_weights, record_forward,
};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// A 2D convolution. Its parameters are `kernel`, [kh, kw, c_in / groups, filters], and `bias`, `[filters]`.
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
    /// Pixels from tap to tap along height and width (default 1); not together with strides.
    #[serde(default)]
    pub dilation_rate: Pair,
    /// Groups of channels, each with filters of its own (default 1).
    #[serde(default = "one")]
    pub groups: usize,
    /// Activation applied to `conv(x, kernel) + bias` (default `linear`).
    #[serde(default)]
    pub activation: Activation,
    /// Whether there is a bias (default true).
    #[serde(default = "yes")]
    pub use_bias: bool,
}

impl Conv2D {
    /// A convolution with `filters` filters of `kernel_size`, stride 1, no padding and no activation.
    pub fn new(filters: usize, kernel_size: impl Into<Pair>) -> Self {
        Self {
            filters,
            kernel_size: kernel_size.into(),
            strides: 1.into(),
            padding: Padding::Valid,
            dilation_rate: 1.into(),
            groups: 1,
            activation: Activation::Linear,
            use_bias: true,
        }
    }

    /// Sizes over a batch of images of shape `input`.
    pub(super) fn dims(&self, batch: usize, input: [usize; 3]) -> Result<Dims> {
        let windows = windows(input, self.kernel_size, self.strides, self.dilation_rate, self.padding)?;
        Dims::new(batch, windows, [input[2], self.filters], self.groups, self.use_bias)
    }

    fn dims_at(&self, site: &Site<'_>) -> Dims {
        let input = image_shape("Conv2D", &site.input_shapes());
        input.and_then(|input| self.dims(site.batch, input)).expect("the shape was inferred before")
    }
}

builders!(Conv2D { strides: impl Into<Pair>, padding: Padding, dilation_rate: impl Into<Pair>, groups: usize, activation: Activation, use_bias: bool });

impl Layer for Conv2D {
    fn kind(&self) -> &'static str {
        "Conv2D"
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        let input = image_shape("Conv2D", inputs)?;
        let output = self.dims(1, input)?.output();
        let (taps, [h, w]) = (self.kernel_size.h * self.kernel_size.w, <[usize; 2]>::from(self.kernel_size));
        let channels = input[2] / self.groups;
        let init = Init::GlorotUniform { fan_in: taps * channels, fan_out: taps * self.filters };
        let kernel = TensorSpec { name: "kernel", shape: vec![h, w, channels, self.filters], init };
        let parameters = kernel.and_bias(self.filters, self.use_bias);
        Ok(Inferred { parameters, ..Inferred::output(output) })
    }

    fn forward(&self, r: &mut Recorder, site: &Site<'_>, _: Mode) -> Saved {
        let (relu, output) = (self.activation == Activation::Relu, site.output.slice);
        let pass = ForwardPass {
            name: site.name,
            dims: self.dims_at(site),
            relu,
            x: site.x(),
            weights: site.parameters,
            y: output,
            argmax: None,
        };
        record_forward(r, &pass);
        Saved::of_relu(relu, output)
    }

    fn backward(&self, r: &mut Recorder, site: &Site<'_>, _: &Saved, dy: BufferSlice, dx: &[Option<GradientOut>]) {
        record_gradients(r, site.name, self.dims_at(site), [site.x(), site.parameters, site.gradients, dy], dx);
    }

    fn activation(&self) -> Activation {
        self.activation
    }

    fn supports_gates(&self) -> bool {
        true
    }
}

/// Records both gradients of a convolution, alone or with its pool.
pub(super) fn record_gradients(
    r: &mut Recorder,
    name: &str,
    dims: Dims,
    [x, weights, gradients, dy]: [BufferSlice; 4],
    dx: &[Option<GradientOut>],
) {
    record_backward_weights(r, &WeightsPass { name, dims, x, dy, gradients });
    if let [Some(dx)] = dx {
        record_backward_input(r, &InputPass { name, dims, weights, dy, dx: *dx });
    }
}
