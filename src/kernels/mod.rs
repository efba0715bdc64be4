//! The layers and their kernels: one Rust file a family, its WGSL twins in `shaders/`.
//!
//! A family's file holds the layer as the user writes it (Keras's arguments), its shapes, how it is recorded, and its
//! kernels: small structs of sizes that know their shader and the same sums on the CPU.

pub mod adam;
pub mod conv2d;
pub mod dense;
mod gate;
pub mod loss;
pub mod max_pool2d;
pub mod peak;
mod sum_split_k;
mod tile;
pub mod unpack;

pub use gate::Gate;

use crate::error::{Result, usage};
use crate::plan::{BufferSlice, Recorder};
use serde::{Deserialize, Serialize};

/// What follows the sum of a Conv2D or Dense layer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// Nothing.
    #[default]
    Linear,
    /// max(0, x).
    Relu,
    /// Class probabilities; only on the last layer.
    Softmax,
}

/// Border handling, as in Keras.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// Only whole windows.
    #[default]
    Valid,
    /// As many outputs as input / stride, rounded up; the border is zeros (ignored by a pool).
    Same,
}

/// Height and width; a single number in a model file or in Rust stands for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "PairRepr", into = "[usize; 2]")]
pub struct Pair {
    /// Along the rows.
    pub h: usize,
    /// Along the columns.
    pub w: usize,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a positive number or [height, width]")]
enum PairRepr {
    One(usize),
    Two([usize; 2]),
}

impl From<PairRepr> for Pair {
    fn from(repr: PairRepr) -> Self {
        match repr {
            PairRepr::One(n) => n.into(),
            PairRepr::Two(hw) => hw.into(),
        }
    }
}

impl From<Pair> for [usize; 2] {
    fn from(pair: Pair) -> Self {
        [pair.h, pair.w]
    }
}

impl From<usize> for Pair {
    fn from(n: usize) -> Self {
        Self { h: n, w: n }
    }
}

impl From<[usize; 2]> for Pair {
    fn from([h, w]: [usize; 2]) -> Self {
        Self { h, w }
    }
}

impl Default for Pair {
    fn default() -> Self {
        1.into()
    }
}

/// Windows and strides may not be longer.
const MAX_WINDOW: usize = 1024;

/// One axis of a window that slides: sizes in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowAxis {
    /// Input pixels.
    pub input: usize,
    /// Window.
    pub kernel: usize,
    /// Distance between windows.
    pub stride: usize,
    /// Padding before the first pixel; what follows the last is implied by `output`.
    pub pad: usize,
    /// Windows.
    pub output: usize,
}

impl WindowAxis {
    /// The axis of `input` pixels under windows of `window` every `stride`, or what does not fit.
    pub(crate) fn new(input: usize, window: usize, stride: usize, padding: Padding) -> Result<Self> {
        if [window, stride].iter().any(|n| !(1..=MAX_WINDOW).contains(n)) {
            return Err(usage!("window {window} with stride {stride}: both must be 1 to {MAX_WINDOW}"));
        }
        let (output, pad) = match padding {
            Padding::Valid if input < window => {
                return Err(usage!(
                    "a window of {window} does not fit {input} pixels; use padding = \"same\" or a smaller window"
                ));
            }
            Padding::Valid => ((input - window) / stride + 1, 0),
            Padding::Same => {
                let output = input.div_ceil(stride);
                let total = ((output - 1) * stride + window).saturating_sub(input);
                (output, total / 2)
            }
        };
        Ok(Self { input, kernel: window, stride, pad, output })
    }

    /// `input` windows of one pixel each.
    pub(crate) fn pixels(input: usize) -> Self {
        Self { input, kernel: 1, stride: 1, pad: 0, output: input }
    }

    /// Whether a window reaches past either end.
    pub(crate) fn is_padded(&self) -> bool {
        self.pad > 0 || (self.output - 1) * self.stride + self.kernel > self.input
    }

    /// The input position under tap `tap` of window `out`, if it is inside.
    pub(crate) fn at(&self, out: usize, tap: usize) -> Option<usize> {
        (out * self.stride + tap).checked_sub(self.pad).filter(|&i| i < self.input)
    }
}

/// How a parameter starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// Uniform in +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010, equation 16).
    GlorotUniform {
        /// Inputs of one output.
        fan_in: usize,
        /// Outputs of one input.
        fan_out: usize,
    },
    /// Zeros.
    Zeros,
}

/// One parameter of a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamSpec {
    /// `kernel` or `bias`.
    pub name: &'static str,
    /// In Keras's layout.
    pub shape: Vec<usize>,
    /// How it starts.
    pub init: Init,
}

/// Where a layer stands in a recording.
#[derive(Debug, Clone)]
pub struct LayerContext<'a> {
    /// `conv2d_1`.
    pub name: &'a str,
    /// Images in a batch.
    pub batch: usize,
    /// One image's input.
    pub input: &'a [usize],
    /// One image's output.
    pub output: &'a [usize],
    /// Input, [batch, input].
    pub x: BufferSlice,
    /// The layer's block of the parameter arena, its parameters in order without gaps.
    pub weights: BufferSlice,
    /// The same block of the gradient arena.
    pub grads: BufferSlice,
}

/// The gradients around a layer.
#[derive(Debug, Clone, Copy)]
pub struct Gradients {
    /// Of the loss by the layer's sum before its activation, [batch, output]; as [`Gate`] says.
    pub dy: BufferSlice,
    /// Where the gradient by the input goes; none for the first layer, whose input does not learn.
    pub dx: Option<InputGradient>,
}

/// Where a gradient by an input goes, and how.
#[derive(Debug, Clone, Copy)]
pub struct InputGradient {
    /// Where, like the input.
    pub slot: BufferSlice,
    /// How the layer below takes it.
    pub gate: Gate,
    /// What that depends on, like the input: the layer's output, or the index of its pool.
    pub gate_input: BufferSlice,
}

/// Something that is recorded: a layer, or several as one.
pub trait Record {
    /// Records the forward pass into `y`; returns what the backward pass will need.
    fn forward(&self, recorder: &mut Recorder, ctx: &LayerContext<'_>, y: BufferSlice) -> Vec<BufferSlice>;
    /// Records the backward pass.
    fn backward(&self, recorder: &mut Recorder, ctx: &LayerContext<'_>, saved: &[BufferSlice], gradients: &Gradients);
}

/// A layer: shapes and parameters.
pub trait LayerSpec: Record {
    /// Keras's class name.
    fn kind(&self) -> &'static str;
    /// Keras's name of the first such layer in a model.
    fn base_name(&self) -> &'static str;
    /// One image's output for one image's input, or why it does not fit.
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>>;
    /// The parameters, in the order in which they lie.
    fn params(&self, _input: &[usize]) -> Vec<ParamSpec> {
        Vec::new()
    }
    /// What follows the layer's sum.
    fn activation(&self) -> Activation {
        Activation::Linear
    }
    /// Whether the output is the input seen in another shape, so that nothing is recorded.
    fn is_view(&self) -> bool {
        false
    }
}

/// An image's height, width and channels, or an error that says what the layer got instead.
pub(crate) fn image_shape(kind: &str, input: &[usize]) -> Result<[usize; 3]> {
    input.try_into().map_err(|_| usage!("{kind} takes [height, width, channels], its input is {input:?}"))
}

/// Flattens the input to one dimension.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flatten {}

impl LayerSpec for Flatten {
    fn kind(&self) -> &'static str {
        "Flatten"
    }
    fn base_name(&self) -> &'static str {
        "flatten"
    }
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(vec![input.iter().product()])
    }
    fn is_view(&self) -> bool {
        true
    }
}

impl Record for Flatten {
    fn forward(&self, _: &mut Recorder, _: &LayerContext<'_>, _: BufferSlice) -> Vec<BufferSlice> {
        Vec::new()
    }
    fn backward(&self, _: &mut Recorder, _: &LayerContext<'_>, _: &[BufferSlice], _: &Gradients) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axis_agrees_with_keras() {
        let output = |input, window, stride, padding| {
            let axis = WindowAxis::new(input, window, stride, padding).expect("fits");
            (axis.output, axis.pad, axis.is_padded())
        };
        assert_eq!(output(28, 3, 1, Padding::Valid), (26, 0, false));
        assert_eq!(output(11, 2, 2, Padding::Valid), (5, 0, false));
        assert_eq!(output(28, 3, 1, Padding::Same), (28, 1, true));
        assert_eq!(output(28, 3, 2, Padding::Same), (14, 0, true));
        assert_eq!(output(7, 2, 3, Padding::Same), (3, 0, true));
        assert_eq!(output(6, 2, 3, Padding::Same), (2, 0, false));
        let error = WindowAxis::new(2, 3, 1, Padding::Valid).expect_err("too small").to_string();
        assert!(error.contains("window of 3 does not fit 2 pixels"), "{error}");
    }
}
