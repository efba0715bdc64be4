//! Conv2D: a convolution over images, channels last.

use super::args::{Activation, Padding, Pair, image_shape};
use super::layer::{Inferred, Init, Layer, Saved, Site, TensorSpec};
use crate::error::Result;
use crate::kernels::conv2d::{
    Dims, ForwardPass, InputPass, WeightsPass, record_backward_input, record_backward_weights, record_forward,
};
use crate::kernels::{Gate, GradientOut};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// A 2D convolution. Its parameters are `kernel`, [kh, kw, c_in, filters], and `bias`, `[filters]`.
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

    /// Sizes over a batch of images of shape `input`.
    pub(super) fn dims(&self, batch: usize, input: [usize; 3]) -> Result<Dims> {
        Dims::new(batch, input, self.filters, self.kernel_size.into(), self.strides.into(), self.padding)
    }

    fn dims_at(&self, site: &Site<'_>) -> Dims {
        let input = image_shape("Conv2D", &site.input_shapes());
        input.and_then(|input| self.dims(site.batch, input)).expect("the shape was inferred before")
    }
}

impl Layer for Conv2D {
    fn kind(&self) -> &'static str {
        "Conv2D"
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        let input = image_shape("Conv2D", inputs)?;
        let output = self.dims(1, input)?.output();
        let (taps, [h, w]) = (self.kernel_size.h * self.kernel_size.w, <[usize; 2]>::from(self.kernel_size));
        let init = Init::GlorotUniform { fan_in: taps * input[2], fan_out: taps * self.filters };
        let parameters = vec![
            TensorSpec { name: "kernel", shape: vec![h, w, input[2], self.filters], init },
            TensorSpec { name: "bias", shape: vec![self.filters], init: Init::Zeros },
        ];
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
        Saved { gate: if relu { Gate::Relu { output } } else { Gate::None } }
    }

    fn backward(&self, r: &mut Recorder, site: &Site<'_>, _: &Saved, dy: BufferSlice, dx: &[Option<GradientOut>]) {
        record_gradients(r, site, self.dims_at(site), dy, dx);
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
    site: &Site<'_>,
    dims: Dims,
    dy: BufferSlice,
    dx: &[Option<GradientOut>],
) {
    let (name, x, weights) = (site.name, site.x(), site.parameters);
    record_backward_weights(r, &WeightsPass { name, dims, x, dy, gradients: site.gradients });
    if let [Some(dx)] = dx {
        record_backward_input(r, &InputPass { name, dims, weights, dy, dx: *dx });
    }
}
