//! Conv2D: the layer, and the sizes that its three kernels share.

mod backward_input;
mod backward_weights;
mod forward;

use self::{backward_input::Conv2dBackwardInput, backward_weights::Conv2dBackwardWeights, forward::Conv2dForward};
use super::tile::{Tiles, record_split};
use super::{Activation, Axis, Gradients, Init, LayerContext, LayerSpec, Padding, Pair, ParamSpec, image_shape};
use crate::error::{Result, usage};
use crate::plan::{Cost, Recorder, Slot};
use crate::real::Real;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A convolution; `kernel` is [kh, kw, c_in, filters], `bias` `[filters]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2D {
    /// Output channels.
    pub filters: usize,
    /// Window.
    pub kernel_size: Pair,
    /// Distance between windows.
    #[serde(default)]
    pub strides: Pair,
    /// Border.
    #[serde(default)]
    pub padding: Padding,
    /// What follows the sum.
    #[serde(default)]
    pub activation: Activation,
}

impl Conv2D {
    /// `filters` windows of `kernel_size`, stride 1, no padding, no activation.
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
        let [h, w, c_in] = image_shape("Conv2D", input)?;
        if self.filters == 0 {
            return Err(usage!("Conv2D needs at least 1 filter"));
        }
        Ok(Dims {
            batch,
            y: Axis::new(h, self.kernel_size.h, self.strides.h, self.padding)?,
            x: Axis::new(w, self.kernel_size.w, self.strides.w, self.padding)?,
            c_in,
            c_out: self.filters,
        })
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
        Ok(vec![d.y.output, d.x.output, d.c_out])
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

    fn forward(&self, recorder: &mut Recorder, at: &LayerContext<'_>, y: Slot) -> Vec<Slot> {
        let dims = self.dims(at.batch, at.input).expect("the shape was inferred before");
        let tiles = Tiles::new(dims.out_pixels(), dims.c_out, dims.window(), recorder.profile);
        let kernel = Conv2dForward { dims, tiles, relu: self.activation == Activation::Relu };
        recorder.dispatch(format!("{} forward", at.name), kernel, &[at.x, at.weights], &[y]);
        Vec::new()
    }

    fn backward(&self, recorder: &mut Recorder, at: &LayerContext<'_>, _: &[Slot], gradients: &Gradients) {
        let dims = self.dims(at.batch, at.input).expect("the shape was inferred before");
        let tiles = Tiles::new(dims.window() + 1, dims.c_out, dims.out_pixels(), recorder.profile).split();
        let kernel = Conv2dBackwardWeights { dims, tiles };
        let label = format!("{} backward weights", at.name);
        record_split(recorder, &label, &tiles, kernel, &[at.x, gradients.dy], at.grads);
        if let Some(dx) = gradients.dx {
            let k = dims.taps() * dims.c_out;
            let tiles = Tiles::new(dims.in_pixels(), dims.c_in, k, recorder.profile);
            let kernel = Conv2dBackwardInput { dims, tiles, gate: gradients.gate };
            recorder.dispatch(format!("{} backward input", at.name), kernel, &[gradients.dy, at.weights, at.x], &[dx]);
        }
    }
}

/// Sizes of a convolution.
#[derive(Debug, Clone, Copy)]
struct Dims {
    batch: usize,
    y: Axis,
    x: Axis,
    c_in: usize,
    c_out: usize,
}

impl Dims {
    fn taps(&self) -> usize {
        self.y.window * self.x.window
    }
    /// Inputs of one output.
    fn window(&self) -> usize {
        self.taps() * self.c_in
    }
    fn in_pixels(&self) -> usize {
        self.batch * self.y.input * self.x.input
    }
    fn out_pixels(&self) -> usize {
        self.batch * self.y.output * self.x.output
    }
    /// Floats of one image's input.
    fn in_image(&self) -> usize {
        self.y.input * self.x.input * self.c_in
    }
    /// Floats of one image's output.
    fn out_image(&self) -> usize {
        self.y.output * self.x.output * self.c_out
    }

    fn constants(&self) -> Vec<(&'static str, u64)> {
        let named = [
            ("H", self.y.input),
            ("W", self.x.input),
            ("C_IN", self.c_in),
            ("OH", self.y.output),
            ("OW", self.x.output),
            ("C_OUT", self.c_out),
            ("KW", self.x.window),
            ("SY", self.y.stride),
            ("SX", self.x.stride),
            ("PAD_Y", self.y.pad),
            ("PAD_X", self.x.pad),
            ("PADDED?", usize::from(self.y.is_padded() || self.x.is_padded())),
            ("C_IN_BY_4?", usize::from(self.c_in.is_multiple_of(4))),
            ("C_OUT_BY_4?", usize::from(self.c_out.is_multiple_of(4))),
        ];
        named.map(|(name, value)| (name, value as u64)).to_vec()
    }

    /// The work of a kernel that multiplies every output with its window; a window may reach over the border, and the
    /// multiplications there count as done.
    fn cost(&self, moved: [usize; 3]) -> Cost {
        let flops = 2.0 * (self.out_pixels() * self.window() * self.c_out) as f64;
        Cost { flops, bytes: 4.0 * moved.iter().sum::<usize>() as f64 }
    }

    /// `patches`: [out pixels, taps, c_in], the windows of `x`: [n, h, w, c_in] at the output pixels of `range`,
    /// zero outside the picture. Output pixels count on from image to image.
    fn im2col<F: Real>(&self, x: &[F], range: Range<usize>, patches: &mut [F]) {
        self.for_each_tap(range, |patch, source| {
            let patch = &mut patches[patch * self.c_in..][..self.c_in];
            match source {
                Some(pixel) => patch.copy_from_slice(&x[pixel * self.c_in..][..self.c_in]),
                None => patch.fill(F::ZERO),
            }
        });
    }

    /// Adds each patch element of one image to the input element it came from: the adjoint of [`Self::im2col`].
    fn col2im<F: Real>(&self, patches: &[F], dx: &mut [F]) {
        self.for_each_tap(0..self.y.output * self.x.output, |patch, source| {
            if let Some(pixel) = source {
                let from = &patches[patch * self.c_in..][..self.c_in];
                for (d, p) in dx[pixel * self.c_in..][..self.c_in].iter_mut().zip(from) {
                    *d += *p;
                }
            }
        });
    }

    /// Calls `visit(place of (output pixel, ky, kx), input pixel under it)` over `range` in ascending order.
    fn for_each_tap(&self, range: Range<usize>, mut visit: impl FnMut(usize, Option<usize>)) {
        let mut patch = 0;
        for pixel in range {
            let (row, ox) = (pixel / self.x.output, pixel % self.x.output);
            let (image, oy) = (row / self.y.output, row % self.y.output);
            for ky in 0..self.y.window {
                let row = self.y.at(oy, ky).map(|y| (image * self.y.input + y) * self.x.input);
                for kx in 0..self.x.window {
                    visit(patch, row.zip(self.x.at(ox, kx)).map(|(row, x)| row + x));
                    patch += 1;
                }
            }
        }
    }
}
