//! What a layer is: shapes, parameters, and how it is recorded.

use super::args::Activation;
use crate::error::Result;
use crate::kernels::{Gate, GradientOut};
use crate::plan::{BufferSlice, Mode, Recorder};
use std::fmt::Debug;

/// Initial values of a tensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// Uniform in +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010, equation 16).
    GlorotUniform {
        /// Inputs that one output depends on.
        fan_in: usize,
        /// Outputs that depend on one input.
        fan_out: usize,
    },
    /// All zero.
    Zeros,
    /// All one.
    Ones,
}

/// One tensor of a layer: a parameter, or state that is not differentiated.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorSpec {
    /// Keras's name in the layer, such as `kernel` or `bias`.
    pub name: &'static str,
    /// Shape in Keras's layout.
    pub shape: Vec<usize>,
    /// Its initial values.
    pub init: Init,
}

impl TensorSpec {
    /// This kernel and the bias of its outputs, if there is one.
    pub(super) fn and_bias(self, outputs: usize, use_bias: bool) -> Vec<Self> {
        let bias = Self { name: "bias", shape: vec![outputs], init: Init::Zeros };
        [self].into_iter().chain(use_bias.then_some(bias)).collect()
    }
}

/// What a layer says once its inputs' shapes are known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inferred {
    /// Shape of one image's output.
    pub output: Vec<usize>,
    /// Parameters, in the order in which they lie in the arena.
    pub parameters: Vec<TensorSpec>,
    /// Parameters that kernels bind apart from those before them, by index: each starts at a multiple of
    /// [`crate::plan::SLICE_ALIGN`].
    pub blocks: Vec<usize>,
    /// State that is not differentiated, in the order in which it lies in the state arena.
    pub state: Vec<TensorSpec>,
}

impl Inferred {
    /// A layer without parameters.
    pub(crate) fn output(shape: impl Into<Vec<usize>>) -> Self {
        Self { output: shape.into(), ..Self::default() }
    }
}

/// A tensor of activations: its buffer, [batch, shape], and the shape of one image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tensor<'a> {
    pub(crate) slice: BufferSlice,
    pub(crate) shape: &'a [usize],
}

/// Where a layer stands in a recording.
#[derive(Debug, Clone)]
pub(crate) struct Site<'a> {
    /// Name of the node, such as `conv2d_1`; begins the label of each dispatch.
    pub(crate) name: &'a str,
    /// Images in a batch.
    pub(crate) batch: usize,
    pub(crate) inputs: Vec<Tensor<'a>>,
    pub(crate) output: Tensor<'a>,
    /// The layer's part of the parameter arena, its parameters in order, without gaps but for [`Inferred::blocks`].
    pub(crate) parameters: BufferSlice,
    /// The same block of the gradient arena.
    pub(crate) gradients: BufferSlice,
    /// The layer's block of the state arena; none for a layer without state.
    pub(crate) state: Option<BufferSlice>,
}

impl Site<'_> {
    /// The first input, the only one of most layers.
    pub(crate) fn x(&self) -> BufferSlice {
        self.inputs[0].slice
    }

    /// Shapes of all inputs.
    pub(crate) fn input_shapes(&self) -> Vec<&[usize]> {
        self.inputs.iter().map(|input| input.shape).collect()
    }
}

/// What the forward pass leaves for the backward pass.
#[derive(Debug, Clone, Default)]
pub(crate) struct Saved {
    /// What the producer of this layer's output gradient applies to it: the derivative of the activation that is fused in
    /// the layer.
    pub(crate) gate: Gate,
}

impl Saved {
    /// Of a layer whose kernels end in a ReLU where `relu`.
    pub(super) fn of_relu(relu: bool, output: BufferSlice) -> Self {
        Self { gate: if relu { Gate::Relu { output } } else { Gate::None } }
    }
}

/// A layer: shapes, parameters, and how its passes are recorded. One image's shapes throughout.
pub(crate) trait Layer: Debug {
    /// Keras's class name.
    fn kind(&self) -> &'static str;
    /// Output shape, parameters and state for inputs of these shapes, or why they do not fit.
    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred>;
    /// Records the forward pass into `site.output`.
    fn forward(&self, r: &mut Recorder, site: &Site<'_>, mode: Mode) -> Saved;
    /// Records the backward pass from `dy`, the gradient w.r.t. the output after the gate of [`Saved`], to the parameters'
    /// gradients and, where they are wanted, to those of the inputs.
    fn backward(&self, r: &mut Recorder, site: &Site<'_>, saved: &Saved, dy: BufferSlice, dx: &[Option<GradientOut>]);
    /// What follows the layer's own sum.
    fn activation(&self) -> Activation {
        Activation::Linear
    }
    /// Whether the kernels that write the input gradients can apply a gate to them. Otherwise they write plain gradients, and
    /// the graph adds a dispatch for the gate.
    fn supports_gates(&self) -> bool {
        false
    }
    /// Whether the gradient w.r.t. each input that is as long as the output is `dy` itself, so that nothing is recorded for it.
    fn passes_gradient(&self) -> bool {
        false
    }
    /// Whether the output is the input under another shape, so that nothing is recorded at all.
    fn is_view(&self) -> bool {
        false
    }
}
