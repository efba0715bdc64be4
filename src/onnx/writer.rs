//! What the nodes of an ONNX graph are appended to: names, constants, and the axes of activations.

use super::message::{Attribute, Node, Tensor};
use crate::graph::{Graph, Source};
use std::collections::{HashMap, HashSet};

/// Where the channels of an activation are, which is the last axis of an image's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// As in the graph: [N, height, width, channels].
    ChannelsLast,
    /// As convolutions and pools of ONNX take them: [N, channels, height, width].
    ChannelsFirst,
}

impl Layout {
    /// The axis of the channels, counted with the batch.
    pub(super) fn channels(self) -> i64 {
        match self {
            Self::ChannelsLast => -1,
            Self::ChannelsFirst => 1,
        }
    }

    /// `of_axes`, which has a value for each axis of an image's shape, in this order of the axes.
    pub(super) fn order<T: Clone>(self, of_axes: &[T]) -> Vec<T> {
        let mut ordered = of_axes.to_vec();
        if self == Self::ChannelsFirst && !ordered.is_empty() {
            ordered.rotate_right(1);
        }
        ordered
    }
}

/// An activation by the names of the tensors that hold it, one or two.
#[derive(Debug, Clone)]
pub(super) struct Value {
    /// Shape of one image's, channels last.
    pub(super) shape: Vec<usize>,
    last: Option<String>,
    first: Option<String>,
}

impl Value {
    /// The activation that `tensor` holds.
    pub(super) fn new(shape: &[usize], layout: Layout, tensor: String) -> Self {
        let mut value = Self { shape: shape.to_vec(), last: None, first: None };
        // Of one axis both are the same.
        let both = shape.len() < 2;
        if both || layout == Layout::ChannelsLast {
            value.last = Some(tensor.clone());
        }
        if both || layout == Layout::ChannelsFirst {
            value.first = Some(tensor);
        }
        value
    }

    /// A layout that the value is held in, that of convolutions if both.
    pub(super) fn layout(&self) -> Layout {
        if self.first.is_some() { Layout::ChannelsFirst } else { Layout::ChannelsLast }
    }
}

/// What a node is called. The tensor that it writes has the same name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Name<'a> {
    /// As the layer.
    Layer,
    /// `LAYER/PART`, for one of several nodes of a layer.
    Part(&'a str),
}

/// The graph so far.
#[derive(Debug)]
pub(super) struct Writer<'g> {
    graph: &'g Graph,
    tensors: HashMap<&'g str, (&'g [usize], &'g [f32])>,
    pub(super) opset: i64,
    pub(super) nodes: Vec<Node>,
    pub(super) constants: Vec<Tensor>,
    /// Names of nodes and tensors.
    taken: HashSet<String>,
    /// The layer that nodes are appended for.
    layer: String,
    /// Of the images, then of each node of the graph.
    values: Vec<Value>,
}

impl<'g> Writer<'g> {
    /// A graph without nodes, for that of a model with these weights, as [`Graph::weights`] lays them out.
    pub(super) fn new(graph: &'g Graph, weights: &'g [f32], opset: i64) -> Self {
        let tensors = graph.weights().map(|(tensor, range)| (&*tensor.name, (&*tensor.shape, &weights[range])));
        Self {
            graph,
            tensors: tensors.collect(),
            opset,
            nodes: Vec::new(),
            constants: Vec::new(),
            taken: graph.nodes.iter().map(|node| node.name.clone()).collect(),
            layer: String::new(),
            values: Vec::new(),
        }
    }

    /// `name`, or where that is taken `name_1`, `name_2`, ...
    pub(super) fn free_name(&mut self, name: &str) -> String {
        let numbered = (1..).map(|n| format!("{name}_{n}"));
        let mut names = [name.to_owned()].into_iter().chain(numbered);
        let free = names.find(|name| !self.taken.contains(name)).unwrap_or_default();
        self.taken.insert(free.clone());
        free
    }

    /// From here on nodes are of the layer `name`.
    pub(super) fn begin(&mut self, name: &str) {
        name.clone_into(&mut self.layer);
    }

    /// Adds the value of the images, or of the next node of the graph.
    pub(super) fn finish(&mut self, value: Value) {
        self.values.push(value);
    }

    fn part(&mut self, part: &str) -> String {
        self.free_name(&format!("{}/{part}", self.layer))
    }

    /// Appends a node; returns the tensor that it writes.
    pub(super) fn node(&mut self, name: Name<'_>, op: &str, inputs: &[&str], attribute: Vec<Attribute>) -> String {
        let name = match name {
            Name::Layer => self.layer.clone(),
            Name::Part(part) => self.part(part),
        };
        self.nodes.push(Node {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![name.clone()],
            name: Some(name.clone()),
            op_type: Some(op.to_owned()),
            attribute,
        });
        name
    }

    /// Shape and values of the layer's tensor `weight`, as Keras lays it out; empty if there is none.
    pub(super) fn weight(&self, weight: &str) -> (&'g [usize], &'g [f32]) {
        self.tensors.get(format!("{}.{weight}", self.layer).as_str()).copied().unwrap_or_default()
    }

    /// Adds a constant for the tensor `weight` of the layer.
    pub(super) fn named(&mut self, weight: &str, shape: &[usize], values: &[f32]) -> String {
        let name = self.free_name(&format!("{}.{weight}", self.layer));
        self.constants.push(Tensor::floats(&name, shape, values));
        name
    }

    /// Adds a constant that is no weight.
    pub(super) fn floats(&mut self, part: &str, shape: &[usize], values: &[f32]) -> String {
        let name = self.part(part);
        self.constants.push(Tensor::floats(&name, shape, values));
        name
    }

    /// Adds one number.
    pub(super) fn scalar(&mut self, part: &str, value: f64) -> String {
        self.floats(part, &[], &[value as f32])
    }

    /// Adds whole numbers.
    pub(super) fn ints(&mut self, part: &str, values: &[i64]) -> String {
        let name = self.part(part);
        self.constants.push(Tensor::ints(&name, values));
        name
    }

    fn value(&mut self, source: Source) -> &mut Value {
        let index = match source {
            Source::Input => 0,
            Source::Node(i) => i + 1,
        };
        &mut self.values[index]
    }

    /// The layout that `source` is held in.
    pub(super) fn layout(&mut self, source: Source) -> Layout {
        self.value(source).layout()
    }

    /// Shape of one image at `source`.
    pub(super) fn shape(&self, source: Source) -> &'g [usize] {
        self.graph.shape(source)
    }

    /// The tensor that holds `source` in this layout, by way of a node that turns it if there is none yet.
    pub(super) fn tensor(&mut self, source: Source, layout: Layout) -> String {
        let mut value = self.value(source).clone();
        let tensor = self.turned(&mut value, layout);
        *self.value(source) = value;
        tensor
    }

    /// The tensor that holds `value` in this layout, as [`Self::tensor`].
    pub(super) fn turned(&mut self, value: &mut Value, layout: Layout) -> String {
        let rank = value.shape.len();
        let axes: Vec<usize> = (1..=rank).collect();
        let (held, missing, part, perm) = match layout {
            Layout::ChannelsLast => (&value.first, &mut value.last, "channels_last", {
                let mut axes = axes;
                axes.rotate_left(1.min(rank));
                axes
            }),
            Layout::ChannelsFirst => {
                (&value.last, &mut value.first, "channels_first", Layout::ChannelsFirst.order(&axes))
            }
        };
        match (&*missing, held) {
            (Some(tensor), _) => tensor.clone(),
            (None, held) => {
                let held = held.clone().unwrap_or_default();
                let name = self.free_name(&format!("{held}/{part}"));
                self.nodes.push(Node {
                    input: vec![held],
                    output: vec![name.clone()],
                    name: Some(name.clone()),
                    op_type: Some("Transpose".to_owned()),
                    attribute: vec![Attribute::ints("perm", [0].into_iter().chain(perm))],
                });
                *missing = Some(name.clone());
                name
            }
        }
    }
}
