//! Joins of several activations.

use super::message::Attribute;
use super::writer::{Layout, Name, Value, Writer};
use crate::graph::Source;

/// What joins two tensors, element by element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    Add,
    Subtract,
    Multiply,
    Maximum,
    /// The sum, divided by the number of inputs.
    Average,
}

impl Join {
    fn operator(self) -> &'static str {
        match self {
            Self::Add | Self::Average => "Add",
            Self::Subtract => "Sub",
            Self::Multiply => "Mul",
            Self::Maximum => "Max",
        }
    }
}

impl Writer<'_> {
    /// The layout for a node over several activations: with the channels first where one of them is.
    fn common_layout(&mut self, sources: &[Source]) -> Layout {
        match sources
            .iter()
            .any(|source| self.layout(*source) == Layout::ChannelsFirst && self.shape(*source).len() > 1)
        {
            true => Layout::ChannelsFirst,
            false => Layout::ChannelsLast,
        }
    }

    /// Appends a join of two after the other, in order; axes of 1, or missing in front, are broadcast. `shape` is that of the result.
    pub(super) fn join(&mut self, sources: &[Source], shape: &[usize], join: Join) -> Value {
        let layout = self.common_layout(sources);
        let mut tensors =
            sources.iter().map(|source| self.lifted(*source, shape.len(), layout)).collect::<Vec<_>>().into_iter();
        let mut joined = tensors.next().unwrap_or_default();
        let count = sources.len();
        for (i, tensor) in tensors.enumerate() {
            let is_last = i + 2 == count && join != Join::Average;
            let name = if is_last { Name::Layer } else { Name::Part("partial") };
            joined = self.node(name, join.operator(), &[&joined, &tensor], vec![]);
        }
        if join == Join::Average {
            let divisor = self.scalar("count", count as f64);
            joined = self.node(Name::Layer, "Div", &[&joined, &divisor], vec![]);
        }
        Value::new(shape, layout, joined)
    }

    /// `source` with axes of 1 before its own, such that there are `rank` beside the batch's: operators count axes from the last, and would take
    /// the batch for one of an image.
    fn lifted(&mut self, source: Source, rank: usize, layout: Layout) -> String {
        let shape = self.shape(source);
        if shape.len() == rank {
            return self.tensor(source, layout);
        }
        let x = self.tensor(source, Layout::ChannelsLast);
        let lifted = [&vec![1; rank - shape.len()], shape].concat();
        // Of one axis the channels may be first at once.
        let at_once = if shape.len() == 1 { layout } else { Layout::ChannelsLast };
        let reshaped = self.reshaped(Name::Part("lifted"), &x, &at_once.order(&lifted));
        self.turned(&mut Value::new(&lifted, at_once, reshaped), layout)
    }

    /// Appends a view of `x` with images of the shape `shape`, in the order of its axes.
    pub(super) fn reshaped(&mut self, name: Name<'_>, x: &str, shape: &[usize]) -> String {
        // 0 leaves the number of images as it is.
        let shape: Vec<i64> = [0].into_iter().chain(shape.iter().map(|n| *n as i64)).collect();
        let shape = self.ints("shape", &shape);
        self.node(name, "Reshape", &[x, &shape], vec![])
    }

    /// Appends the activations one after the other along `axis` of an image's shape.
    pub(super) fn concatenate(&mut self, sources: &[Source], shape: &[usize], axis: usize) -> Value {
        let layout = self.common_layout(sources);
        let tensors: Vec<String> = sources.iter().map(|source| self.tensor(*source, layout)).collect();
        let axes: Vec<usize> = (0..shape.len()).collect();
        let at = layout.order(&axes).iter().position(|n| *n == axis).unwrap_or_default();
        let inputs: Vec<&str> = tensors.iter().map(String::as_str).collect();
        let joined = self.node(Name::Layer, "Concat", &inputs, vec![Attribute::int("axis", at as i64 + 1)]);
        Value::new(shape, layout, joined)
    }
}
