//! `Functional`: layers that name their inputs, in any acyclic graph.

use super::{Graph, Source, infer, names::Namer};
use crate::error::{Result, usage};
use crate::hint::did_you_mean;
use crate::layers::{AnyLayer, Arguments};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// The name by which layers mean the images, unless a layer has it.
const INPUT: &str = "input";
/// The name by which layers mean the images where a layer is named [`INPUT`]; no layer can have this one.
const IMAGES: &str = "@input";

/// The name by which the layers of a model with layers of these names mean the images.
pub(super) fn name_of_images<'a>(mut names: impl Iterator<Item = &'a str>) -> &'static str {
    if names.any(|name| name == INPUT) { IMAGES } else { INPUT }
}

/// A layer of a [`Functional`] model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Arguments")]
pub struct FunctionalLayer {
    /// The layer's name; none for Keras's own (`conv2d_1`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Names of the layers whose outputs it takes, or of the images: `input`, or `@input` where a layer is named `input`. None for the
    /// layer before it in the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<String>>,
    /// The layer itself.
    #[serde(flatten)]
    pub layer: AnyLayer,
}

impl TryFrom<Arguments> for FunctionalLayer {
    type Error = serde_json::Error;

    fn try_from(Arguments(table): Arguments) -> Result<Self, serde_json::Error> {
        table.try_into()
    }
}

impl TryFrom<Map<String, Value>> for FunctionalLayer {
    type Error = serde_json::Error;

    fn try_from(mut table: Map<String, Value>) -> Result<Self, serde_json::Error> {
        let mut take = |key| table.shift_remove(key).unwrap_or_default();
        let (name, inputs) = (Option::deserialize(take("name"))?, Option::deserialize(take("inputs"))?);
        Ok(Self { name, inputs, layer: table.try_into()? })
    }
}

/// Layers in any acyclic graph with one input and one output: the layer whose output no other takes.
///
/// ```
/// use gpu_cnn::{Activation::{Relu, Softmax}, ActivationLayer, Add, Conv2D, Dense, Flatten, Functional, Padding};
///
/// let conv = || Conv2D::new(8, 3).padding(Padding::Same);
/// let model = Functional::new([12, 12, 1])
///     .add("stem", conv().activation(Relu), &["input"])
///     .add("a", conv().activation(Relu), &["stem"])
///     .add("b", conv(), &["a"])
///     .add("sum", Add {}, &["b", "stem"])
///     .add("block", ActivationLayer::new(Relu), &["sum"])
///     .add("flat", Flatten {}, &["block"])
///     .add("classes", Dense::new(10).activation(Softmax), &["flat"]);
/// assert_eq!(model.graph()?.classes(), 10);
/// # Ok::<(), gpu_cnn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Functional {
    /// Shape of one image: height, width, channels.
    pub input: [usize; 3],
    /// The layers, in any order.
    pub layers: Vec<FunctionalLayer>,
}

impl Functional {
    /// No layers yet, over images of [height, width, channels].
    pub fn new(input: [usize; 3]) -> Self {
        Self { input, layers: Vec::new() }
    }

    /// The same model with the layer `name` over the outputs of the layers `inputs` (`input` is the images; `@input`, too, for models
    /// with a layer named `input`).
    #[must_use]
    pub fn add(mut self, name: &str, layer: impl Into<AnyLayer>, inputs: &[&str]) -> Self {
        let inputs = Some(inputs.iter().map(|&input| input.to_owned()).collect());
        self.layers.push(FunctionalLayer { name: Some(name.to_owned()), inputs, layer: layer.into() });
        self
    }

    /// The layers in topological order, as a graph.
    ///
    /// # Errors
    /// A name that two layers have or none, layers that feed each other, more than one output, or a layer that does not fit
    /// its inputs.
    pub fn graph(&self) -> Result<Graph> {
        let names = names(&self.layers)?;
        let index: HashMap<&str, usize> = names.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
        let mut inputs = Vec::with_capacity(self.layers.len());
        for (i, layer) in self.layers.iter().enumerate() {
            let source = |name: &String| match (index.get(name.as_str()), name.as_str()) {
                (Some(i), _) => Ok(Source::Node(*i)),
                (None, INPUT | IMAGES) => Ok(Source::Input),
                (None, other) => {
                    let hint = did_you_mean(other, names.iter().map(String::as_str).chain([INPUT]));
                    Err(usage!("layer `{}` takes its input from `{other}`; there is no such layer{hint}", names[i]))
                }
            };
            inputs.push(match &layer.inputs {
                Some(named) => named.iter().map(source).collect::<Result<Vec<_>>>()?,
                None => vec![i.checked_sub(1).map_or(Source::Input, Source::Node)],
            });
        }
        let order = topological_order(&inputs, &names)?;
        let mut position = vec![0; order.len()];
        order.iter().enumerate().for_each(|(at, layer)| position[*layer] = at);
        let moved = |source: &Source| match source {
            Source::Input => Source::Input,
            Source::Node(i) => Source::Node(position[*i]),
        };
        let layers = order
            .iter()
            .map(|&i| (Some(names[i].clone()), self.layers[i].layer.clone(), inputs[i].iter().map(moved).collect()));
        infer::graph(self.input, layers.collect())
    }
}

/// The name of each layer: the given one, or Keras's.
///
/// # Errors
/// If two have one name, or a name has characters that no name may have.
pub(crate) fn names(layers: &[FunctionalLayer]) -> Result<Vec<String>> {
    let mut namer = Namer::default();
    for name in layers.iter().filter_map(|layer| layer.name.as_deref()) {
        // Labels of buffers and dispatches are a name and words, or two names with a plus.
        let is_allowed = |c: char| c.is_alphanumeric() || "_-./:".contains(c);
        if name.is_empty() || !name.chars().all(is_allowed) {
            return Err(usage!("a layer cannot be named {name:?}: use letters, digits and _ - . / :"));
        }
        if !namer.take(name) {
            return Err(usage!("two layers are named `{name}`"));
        }
    }
    let name = |layer: &FunctionalLayer| match &layer.name {
        Some(name) => name.clone(),
        None => namer.next(layer.layer.as_layer().kind()),
    };
    Ok(layers.iter().map(name).collect())
}

/// The layers that an input comes from.
fn nodes(inputs: &[Source]) -> impl Iterator<Item = usize> {
    inputs.iter().filter_map(|source| match source {
        Source::Input => None,
        Source::Node(i) => Some(*i),
    })
}

/// Indices of the layers such that each stands after its inputs, otherwise in the order of the list.
fn topological_order(inputs: &[Vec<Source>], names: &[String]) -> Result<Vec<usize>> {
    let mut order: Vec<usize> = Vec::with_capacity(inputs.len());
    // Of each layer, the inputs that are not placed yet, and the layers that take its output.
    let mut missing: Vec<usize> = inputs.iter().map(|inputs| nodes(inputs).count()).collect();
    let mut takers = vec![Vec::new(); inputs.len()];
    inputs.iter().enumerate().for_each(|(i, inputs)| nodes(inputs).for_each(|from| takers[from].push(i)));
    let mut ready: BinaryHeap<_> = (0..inputs.len()).filter(|i| missing[*i] == 0).map(Reverse).collect();
    while let Some(Reverse(i)) = ready.pop() {
        order.push(i);
        for taker in &takers[i] {
            missing[*taker] -= 1;
            if missing[*taker] == 0 {
                ready.push(Reverse(*taker));
            }
        }
    }
    if order.len() == inputs.len() {
        return Ok(order);
    }
    let names: Vec<String> = in_cycles(inputs, &takers, &missing).iter().map(|i| format!("`{}`", names[*i])).collect();
    let hint = match names.iter().any(|name| *name == format!("`{INPUT}`")) {
        true => format!("; `{INPUT}` is a layer here, `{IMAGES}` the images"),
        false => String::new(),
    };
    Err(usage!("layers feed each other in a cycle: {}{hint}", names.join(", ")))
}

/// Of the layers with inputs that are `missing`, those that feed each other: not those that only follow them.
fn in_cycles(inputs: &[Vec<Source>], takers: &[Vec<usize>], missing: &[usize]) -> Vec<usize> {
    let mut feeds: Vec<usize> = takers.iter().map(Vec::len).collect();
    let is_left = |i: usize| missing[i] > 0;
    let mut ends: Vec<usize> = (0..inputs.len()).filter(|i| is_left(*i) && feeds[*i] == 0).collect();
    while let Some(end) = ends.pop() {
        for from in nodes(&inputs[end]).filter(|from| is_left(*from)) {
            feeds[from] -= 1;
            if feeds[from] == 0 {
                ends.push(from);
            }
        }
    }
    (0..inputs.len()).filter(|i| is_left(*i) && feeds[*i] > 0).collect()
}
