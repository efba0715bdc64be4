//! Models as graphs of layers: names, shapes, addresses of parameters, and how a graph becomes a plan. No device in here.

mod culprit;
mod file;
mod file_layer;
mod functional;
mod images_info;
mod infer;
mod init;
mod initialize;
mod keras;
mod lower;
mod model;
mod names;
mod preset;
mod pytorch;
mod record;
mod record_options;
mod sequential;
mod summary;
mod toml_text;
mod weights;
mod whitening;

pub use file::ModelFile;
pub(crate) use functional::names;
pub use functional::{Functional, FunctionalLayer};
pub use images_info::ImagesInfo;
pub use initialize::initialize;
pub use keras::{
    Initializer, Layout, SavedOptimizer, Stored, Tensor, load_optimizer, parse_optimizer, to_archive, to_json, to_npz,
    to_weights_h5,
};
pub use model::Model;
pub use preset::Preset;
pub use pytorch::from_pytorch;
pub use record_options::RecordOptions;
pub use sequential::Sequential;
pub use summary::{Summary, SummaryRow};
pub use weights::{Weights, load_weights, parse_weights, save_weights, weights_of};
pub(crate) use weights::{check_header, parse_safetensors, read_safetensors};

use crate::error::{Result, usage};
use crate::kernels::optimizer::Matrix;
use crate::layers::{AnyLayer, Init, NamedMatrix, OfPixels};
use std::ops::Range;

/// Where a node takes an input from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The images, as floats from 0 to [`Graph::largest_pixel`].
    Input,
    /// The output of the node with this index in [`Graph::nodes`].
    Node(usize),
}

/// A layer in a graph, its shapes known.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Keras's name, `conv2d_1`, or the one that the model gives.
    pub name: String,
    /// The layer with its arguments.
    pub layer: AnyLayer,
    /// Where its inputs come from; nodes that stand before this one.
    pub inputs: Vec<Source>,
    /// Shape of one image's output.
    pub output: Vec<usize>,
    /// Its parameters, a range of [`Graph::parameters`].
    pub parameters: Range<usize>,
    /// Its state, a range of [`Graph::state`].
    pub state: Range<usize>,
}

/// A tensor in an arena.
#[derive(Debug, Clone, PartialEq)]
pub struct ArenaTensor {
    /// `conv2d_1.kernel`.
    pub name: String,
    /// Shape in Keras's layout.
    pub shape: Vec<usize>,
    /// Index of the first float in the arena.
    pub offset: usize,
    /// Initial values.
    pub init: Init,
}

impl ArenaTensor {
    /// Number of floats.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }
}

/// First float and length of the tensors of a node.
fn block(tensors: &[ArenaTensor]) -> (usize, usize) {
    match tensors {
        [] => (0, 0),
        [first, ..] => {
            let end = tensors.last().map_or(0, |last| last.offset + last.size());
            (first.offset, end - first.offset)
        }
    }
}

/// A model whose layers fit each other: nodes in topological order, with one input and one output.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// Shape of one image: height, width, channels.
    pub input: [usize; 3],
    /// Each node stands after the nodes that it takes its inputs from.
    pub nodes: Vec<Node>,
    /// Index of the node whose output is the model's.
    pub output: usize,
    /// All parameters. A layer's lie side by side; the block of each layer starts at a multiple of
    /// [`crate::plan::SLICE_ALIGN`].
    pub parameters: Vec<ArenaTensor>,
    /// Floats of the parameter arena.
    pub parameters_len: usize,
    /// State of layers that is not differentiated, laid out as the parameters.
    pub state: Vec<ArenaTensor>,
    /// Floats of the state arena.
    pub state_len: usize,
}

impl Graph {
    /// Outputs of the last layer.
    pub fn outputs(&self) -> usize {
        self.nodes[self.output].output.iter().product()
    }

    /// Number of classes: an output for each, or one output for two.
    pub fn classes(&self) -> usize {
        match self.outputs() {
            1 => 2,
            outputs => outputs,
        }
    }

    /// Whether the model can start without weights from a file.
    ///
    /// # Errors
    /// If it has a layer whose numbers come from the weights alone; its name.
    pub fn check_start(&self) -> Result<()> {
        let is_adapted = |node: &&Node| matches!(&node.layer, AnyLayer::Normalization(layer) if layer.is_adapted());
        match self.nodes.iter().find(is_adapted) {
            None => Ok(()),
            Some(Node { name, .. }) => Err(usage!(
                "layer `{name}`: Normalization without mean and variance, as after adapt(): they are not in the model's file. Give both as \
                 arguments, such as mean = 72.9 and variance = 8100.0, or weights that have `{name}.mean` and `{name}.variance`"
            )),
        }
    }

    /// The parameters of two axes.
    pub(crate) fn matrices(&self) -> Vec<NamedMatrix<'_>> {
        let matrix = |tensor: &'_ ArenaTensor| match tensor.shape[..] {
            [rows, cols] => Some(Matrix { offset: tensor.offset, rows, cols }),
            _ => None,
        };
        self.parameters.iter().filter_map(|tensor| Some((&*tensor.name, matrix(tensor)?))).collect()
    }

    /// The value of the brightest pixel: 255 in a model that itself rescales or normalizes the images first, as Keras would give
    /// them to it, else 1.
    pub fn largest_pixel(&self) -> f64 {
        // Nodes whose output still holds pixels.
        let mut holds = vec![false; self.nodes.len()];
        let mut rescales = false;
        for (i, node) in self.nodes.iter().enumerate() {
            let takes = node.inputs.iter().any(|source| match source {
                Source::Input => true,
                Source::Node(n) => holds[*n],
            });
            match node.layer.of_pixels() {
                _ if !takes => {}
                OfPixels::Rescales => rescales = true,
                OfPixels::Keeps => holds[i] = true,
                OfPixels::Computes => return 1.0,
            }
        }
        if rescales { 255.0 } else { 1.0 }
    }

    /// First float and length of a node's block in the parameter arena.
    pub(crate) fn block(&self, node: &Node) -> (usize, usize) {
        block(&self.parameters[node.parameters.clone()])
    }

    /// First float and length of a node's block in the state arena; the length is 0 for a node without state.
    pub(crate) fn state_block(&self, node: &Node) -> (usize, usize) {
        block(&self.state[node.state.clone()])
    }

    /// Floats of all weights: the parameter arena, then the state arena.
    pub fn weights_len(&self) -> usize {
        self.parameters_len + self.state_len
    }

    /// All weights, parameters and state, each with its range in [`Self::weights_len`] floats.
    pub fn weights(&self) -> impl Iterator<Item = (&ArenaTensor, Range<usize>)> {
        let arenas = [(&self.parameters, 0), (&self.state, self.parameters_len)];
        arenas.into_iter().flat_map(|(tensors, base)| {
            tensors.iter().map(move |tensor| (tensor, base + tensor.offset..base + tensor.offset + tensor.size()))
        })
    }

    /// All weights of a node, parameters and then state: Keras's order.
    pub(crate) fn tensors(&self, node: &Node) -> impl Iterator<Item = &ArenaTensor> {
        self.parameters[node.parameters.clone()].iter().chain(&self.state[node.state.clone()])
    }

    /// Shape of one image at `source`.
    pub(crate) fn shape(&self, source: Source) -> &[usize] {
        match source {
            Source::Input => &self.input,
            Source::Node(i) => &self.nodes[i].output,
        }
    }

    /// Shapes of a node's inputs.
    pub(crate) fn input_shapes(&self, node: &Node) -> Vec<&[usize]> {
        node.inputs.iter().map(|source| self.shape(*source)).collect()
    }
}
