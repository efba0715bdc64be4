//! From layers to operations: views vanish, a convolution and its pool become one, as do a normalisation or a sum and the ReLU after it,
//! a final softmax or sigmoid is left to the loss.

use super::{Graph, Node, Source};
use crate::layers::{Activation, ActivationLayer, Add, AddRelu, AnyLayer, BatchNormalizationRelu, Layer, PooledConv2D};
use crate::plan::Profile;

/// A tensor of activations in a lowered graph: the input, or the output of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ValueId(pub(super) usize);

/// The model's input, a batch of images.
pub(super) const INPUT: ValueId = ValueId(0);

/// What an operation computes.
#[derive(Debug)]
pub(super) enum Kind<'g> {
    /// A layer as the user wrote it.
    Layer(&'g dyn Layer),
    /// The activation of a layer whose kernels do not apply it.
    Activation(ActivationLayer),
    /// A convolution and the pool after it.
    Pooled(PooledConv2D),
    /// A batch normalisation and the ReLU after it.
    Normalized(BatchNormalizationRelu),
    /// A sum and the ReLU after it.
    Added(AddRelu),
}

/// A recorded operation: a layer, or several as one.
#[derive(Debug)]
pub(super) struct Op<'g> {
    /// `conv2d_1`, or `conv2d_1+max_pooling2d_1`.
    pub(super) name: String,
    pub(super) kind: Kind<'g>,
    /// The node whose parameters the operation has.
    pub(super) node: &'g Node,
    /// Inputs with the shapes under which the layer sees them.
    pub(super) inputs: Vec<(ValueId, &'g [usize])>,
    pub(super) output: ValueId,
    pub(super) output_shape: &'g [usize],
}

impl Op<'_> {
    pub(super) fn layer(&self) -> &dyn Layer {
        match &self.kind {
            Kind::Layer(layer) => *layer,
            Kind::Activation(activation) => activation,
            Kind::Pooled(pair) => pair,
            Kind::Normalized(pair) => pair,
            Kind::Added(pair) => pair,
        }
    }
}

/// Operations in topological order.
#[derive(Debug)]
pub(super) struct Lowered<'g> {
    pub(super) ops: Vec<Op<'g>>,
    /// The input of the final softmax or sigmoid, or the output of a model without.
    pub(super) logits: ValueId,
}

impl<'g> Lowered<'g> {
    /// Lowers `graph` for adapters of `profile`.
    pub(super) fn new(graph: &'g Graph, profile: Profile) -> Self {
        let mut ops: Vec<Op<'g>> = Vec::new();
        // The value that each node's output is.
        let mut values: Vec<ValueId> = Vec::with_capacity(graph.nodes.len());
        for (i, node) in graph.nodes.iter().enumerate() {
            let layer = node.layer.as_layer();
            let value = |source: &Source| match source {
                Source::Input => INPUT,
                Source::Node(i) => values[*i],
            };
            let inputs = node.inputs.iter().map(|source| (value(source), graph.shape(*source)));
            let inputs: Vec<(ValueId, &[usize])> = inputs.collect();
            let is_left_to_loss =
                i == graph.output && matches!(layer.activation(), Activation::Softmax | Activation::Sigmoid);
            if layer.is_view() || (is_left_to_loss && node.parameters.is_empty()) {
                values.push(inputs[0].0);
            } else if let Some((producer, kind)) = fusible(graph, node, profile)
                && let Some(op) = ops.iter_mut().find(|op| op.output == values[producer])
            {
                op.name += &format!("+{}", node.name);
                op.kind = kind;
                op.output_shape = &node.output;
                values.push(op.output);
            } else {
                let mut push = |name: String, kind, inputs| {
                    let output = ValueId(ops.len() + 1);
                    ops.push(Op { name, kind, node, inputs, output, output_shape: &node.output });
                    output
                };
                let output = push(node.name.clone(), Kind::Layer(layer), inputs);
                // What the layer's kernels do not apply themselves.
                let activation = layer.activation();
                let is_activation = matches!(node.layer, AnyLayer::Activation(_) | AnyLayer::Softmax(_));
                values.push(if activation.is_dispatch() && !is_activation && !is_left_to_loss {
                    let kind = Kind::Activation(ActivationLayer::new(activation));
                    push(format!("{} activation", node.name), kind, vec![(output, &node.output)])
                } else {
                    output
                });
            }
        }
        Self { ops, logits: values[graph.output] }
    }

    /// Operations that take `value`, each as often as it takes it.
    pub(super) fn uses(&self, value: ValueId) -> usize {
        self.ops.iter().flat_map(|op| &op.inputs).filter(|(input, _)| *input == value).count()
    }

    /// The operation whose output `value` is; none for the input.
    pub(super) fn producer(&self, value: ValueId) -> Option<usize> {
        value.0.checked_sub(1)
    }

    /// For each value, whether parameters lie before it, so that its gradient is of use.
    pub(super) fn needs_gradient(&self) -> Vec<bool> {
        let mut needs = vec![false; self.ops.len() + 1];
        for op in &self.ops {
            needs[op.output.0] = !op.node.parameters.is_empty() || op.inputs.iter().any(|(input, _)| needs[input.0]);
        }
        needs
    }
}

/// The index of the node that `node` can be fused with, whose output no other takes, and the pair.
fn fusible<'g>(graph: &Graph, node: &Node, profile: Profile) -> Option<(usize, Kind<'g>)> {
    let [Source::Node(i)] = node.inputs[..] else { return None };
    let producer = &graph.nodes[i];
    let consumers = graph.nodes.iter().flat_map(|node| &node.inputs).filter(|input| **input == Source::Node(i)).count();
    if !profile.fuse || consumers != 1 {
        return None;
    }
    let kind = match (&producer.layer, &node.layer) {
        (AnyLayer::Conv2D(conv), AnyLayer::MaxPooling2D(pool)) if !conv.activation.is_dispatch() => {
            Kind::Pooled(PooledConv2D::new(conv, pool, graph.input_shapes(producer)[0])?)
        }
        (AnyLayer::BatchNormalization(norm), layer) if is_relu(layer) => {
            Kind::Normalized(BatchNormalizationRelu(*norm))
        }
        (AnyLayer::Add(_), layer) if is_relu(layer) && Add::is_one_sum(&graph.input_shapes(producer)) => {
            Kind::Added(AddRelu)
        }
        _ => return None,
    };
    Some((i, kind))
}

fn is_relu(layer: &AnyLayer) -> bool {
    match layer {
        AnyLayer::Activation(layer) => layer.activation == Activation::Relu,
        AnyLayer::ReLU(layer) => layer.is_plain(),
        _ => false,
    }
}
