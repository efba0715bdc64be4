//! Where Keras's files have the variables of a model's layers.

use super::hdf5::{Stored, Tensor};
use crate::error::{Result, usage};
use crate::graph::names::snake_case;
use crate::graph::{ArenaTensor, Graph, Node, Source};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The places of a model's layers, in the order of the model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layout {
    pub(super) places: Vec<Place>,
}

/// The place of a layer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    /// The layer's name here.
    pub(super) layer: String,
    /// The layer of the whole model that it belongs to: itself, or an inner model.
    pub(super) outer: String,
    /// Its group in Keras's files: `layers/sequential/layers/conv2d_1`.
    pub(super) group: String,
}

/// Gives layers of one model the names of their groups: the class, counted.
#[derive(Debug, Default)]
pub(super) struct Groups(HashMap<String, usize>);

impl Groups {
    /// The group of the next layer of this class in a model whose group is `model`; empty for the whole model.
    pub(super) fn next(&mut self, model: &str, class: &str) -> String {
        let name = snake_case(class);
        let count = self.0.entry(name.clone()).or_default();
        *count += 1;
        let separator = if model.is_empty() { "" } else { "/" };
        match *count {
            1 => format!("{model}{separator}layers/{name}"),
            n => format!("{model}{separator}layers/{name}_{}", n - 1),
        }
    }
}

/// Indices of the nodes in the order of Keras's `model.layers`: by the longest way to the output, the farthest first, then as they are met from
/// the output on (`map_graph` in keras/src/ops/function.py). In a chain, the order of the graph.
pub(super) fn keras_order(graph: &Graph) -> Vec<usize> {
    let mut depths = vec![0usize; graph.nodes.len()];
    for (i, node) in graph.nodes.iter().enumerate().rev() {
        for source in &node.inputs {
            if let Source::Node(input) = source {
                depths[*input] = depths[*input].max(depths[i] + 1);
            }
        }
    }
    let mut met = vec![usize::MAX; graph.nodes.len()];
    let (mut count, mut stack) = (0, vec![graph.output]);
    while let Some(node) = stack.pop() {
        if met[node] == usize::MAX {
            met[node] = count;
            count += 1;
            // The first input is met first, with all before it.
            let inputs = graph.nodes[node].inputs.iter().rev();
            stack.extend(inputs.filter_map(|source| match source {
                Source::Node(input) => Some(*input),
                Source::Input => None,
            }));
        }
    }
    let mut order: Vec<usize> = (0..graph.nodes.len()).collect();
    order.sort_by_key(|node| (usize::MAX - depths[*node], met[*node]));
    order
}

impl Layout {
    /// That of the model that Keras has of `graph`, without inner models.
    pub fn of_graph(graph: &Graph) -> Self {
        let mut groups = Groups::default();
        let place = |node: &Node| Place {
            layer: node.name.clone(),
            outer: node.name.clone(),
            group: groups.next("", node.layer.as_layer().kind()),
        };
        Self { places: keras_order(graph).into_iter().map(|i| &graph.nodes[i]).map(place).collect() }
    }

    /// Whether all layers of the graph that have weights are in it.
    pub(in crate::graph) fn is_of(&self, graph: &Graph) -> bool {
        let known: HashSet<&str> = self.places.iter().map(|place| place.layer.as_str()).collect();
        graph.nodes.iter().all(|node| graph.tensors(node).next().is_none() || known.contains(node.name.as_str()))
    }

    /// This layout, or that of `graph` if the model's file says none.
    fn or_of(&self, graph: &Graph) -> Cow<'_, Self> {
        if self.places.is_empty() { Cow::Owned(Self::of_graph(graph)) } else { Cow::Borrowed(self) }
    }

    /// Each layer of an inner model, with the layer of the outer model that holds it.
    pub fn inner(&self) -> Vec<(String, String)> {
        let inner = self.places.iter().filter(|place| place.outer != place.layer);
        inner.map(|place| (place.layer.clone(), place.outer.clone())).collect()
    }

    /// The tensors of `stored` by the names of the graph's; what has no place keeps its own name.
    ///
    /// # Errors
    /// If the layers with weights are not as many, or one has not as many weights.
    pub(in crate::graph) fn named(&self, stored: Stored, graph: &Graph) -> Result<HashMap<String, Tensor>> {
        let layout = self.or_of(graph);
        match stored {
            Stored::Variables(variables) => Ok(layout.by_group(variables, graph)),
            Stored::Lists(lists) => layout.by_order(lists, graph),
        }
    }

    fn by_group(&self, mut variables: BTreeMap<String, Tensor>, graph: &Graph) -> HashMap<String, Tensor> {
        let mut named = HashMap::new();
        for (place, node) in self.nodes(graph) {
            for (i, tensor) in graph.tensors(node).enumerate() {
                if let Some(found) = variables.remove(&format!("{}/vars/{i}", place.group)) {
                    named.insert(tensor.name.clone(), found);
                }
            }
        }
        named.extend(variables);
        named
    }

    /// Legacy files list the layers of the whole model, each with all weights under it: those that are trained, then the others.
    fn by_order(&self, lists: Vec<(String, Vec<(String, Tensor)>)>, graph: &Graph) -> Result<HashMap<String, Tensor>> {
        let mut layers: Vec<(&str, Vec<&ArenaTensor>, Vec<&ArenaTensor>)> = Vec::new();
        for (place, node) in self.nodes(graph) {
            if layers.last().is_none_or(|(outer, ..)| *outer != place.outer) {
                layers.push((&place.outer, Vec::new(), Vec::new()));
            }
            if let Some((_, parameters, state)) = layers.last_mut() {
                parameters.extend(&graph.parameters[node.parameters.clone()]);
                state.extend(&graph.state[node.state.clone()]);
            }
        }
        layers.retain(|(_, parameters, state)| parameters.len() + state.len() > 0);
        let lists: Vec<_> = lists.into_iter().filter(|(_, weights)| !weights.is_empty()).collect();
        if layers.len() != lists.len() {
            let model: Vec<&str> = layers.iter().map(|(name, ..)| *name).collect();
            let file: Vec<&str> = lists.iter().map(|(name, _)| name.as_str()).collect();
            return Err(usage!(
                "the file has {} layers with weights ({}), the model {} ({})",
                file.len(),
                shortened(&file),
                model.len(),
                shortened(&model)
            ));
        }
        let mut named = HashMap::new();
        for ((name, parameters, state), (listed, weights)) in layers.into_iter().zip(lists) {
            let tensors: Vec<&ArenaTensor> = parameters.into_iter().chain(state).collect();
            if tensors.len() != weights.len() {
                let known: Vec<String> = tensors.iter().map(|t| format!("{} {:?}", t.name, t.shape)).collect();
                let found: Vec<String> = weights.iter().map(|(name, (shape, _))| format!("{name} {shape:?}")).collect();
                return Err(usage!(
                    "layer `{listed}` of the file has {} weights ({}), layer `{name}` of the model {} ({})",
                    found.len(),
                    shortened(&found),
                    known.len(),
                    shortened(&known)
                ));
            }
            named.extend(tensors.into_iter().zip(weights).map(|(tensor, (_, found))| (tensor.name.clone(), found)));
        }
        Ok(named)
    }

    /// The parameters of the graph in the order in which Keras trains them.
    pub(super) fn parameters<'a>(&'a self, graph: &'a Graph) -> Vec<&'a ArenaTensor> {
        self.nodes(graph).flat_map(|(_, node)| &graph.parameters[node.parameters.clone()]).collect()
    }

    /// The places of layers that the graph has, with their nodes.
    pub(super) fn nodes<'a>(&'a self, graph: &'a Graph) -> impl Iterator<Item = (&'a Place, &'a Node)> {
        let nodes: HashMap<&str, &Node> = graph.nodes.iter().map(|node| (node.name.as_str(), node)).collect();
        self.places.iter().filter_map(move |place| Some((place, *nodes.get(place.layer.as_str())?)))
    }
}

/// A list with no more than a few of its members.
fn shortened(names: &[impl AsRef<str>]) -> String {
    const FEW: usize = 8;
    let few: Vec<String> = names.iter().take(FEW).map(|name| name.as_ref().chars().take(60).collect()).collect();
    if names.len() > FEW { format!("{}, ... ", few.join(", ")) } else { few.join(", ") }
}
