//! From models within models to one list of layers.

use super::layout::{Groups, Layout, Place};
use super::object::Object;
use super::{arguments, connections, input};
use crate::error::{Error, Result, usage};
use crate::graph::culprit::shown;
use crate::graph::functional::{FunctionalLayer, name_of_images};
use crate::graph::keras::initializer::Initializer;
use crate::graph::names::Namer;
use crate::layers::{AnyLayer, Reshape};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// A model as Keras describes it, its inner models resolved.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::graph) struct Architecture {
    /// Height, width and channels, as far as the model fixes them.
    pub(in crate::graph) input: [Option<usize>; 3],
    /// The layers, all with names and inputs.
    pub(in crate::graph) layers: Vec<FunctionalLayer>,
    /// Tensors whose initial values are not Keras's defaults, as [`super::initialize`] takes them.
    pub(in crate::graph) initializers: Vec<(String, Initializer)>,
    /// Where Keras's files have the layers' variables.
    pub(in crate::graph) layout: Layout,
}

/// The path of the layer that no file has, which gives the pixels the model's shape.
const OWN: &str = "@pixels";

/// Bytes of a layer's path, at most.
const MAX_PATH: usize = 4096;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq)]
enum Feed {
    Images,
    /// The output of [`Expansion::nodes`] at this index.
    Node(usize),
    /// A layer or an inner model of a Functional one, by its path: `outer/inner`.
    Named(String),
}

#[derive(Debug)]
struct Node {
    path: String,
    /// Its group in Keras's files.
    group: String,
    layer: AnyLayer,
    inputs: Vec<Feed>,
    initializers: Vec<(String, Initializer)>,
}

/// Where a model's layers, or a layer, belong.
#[derive(Debug, Clone, Copy, Default)]
struct Scope<'a> {
    /// What the paths of layers begin with: `outer/`.
    path: &'a str,
    /// The group in Keras's files; empty for the whole model.
    group: &'a str,
}

/// All layers so far; those of inner models under the path of the model.
#[derive(Debug, Default)]
struct Expansion {
    nodes: Vec<Node>,
    paths: HashSet<String>,
    /// What the layers of Functional models stand for: an inner model for its last layer, its input for what it is applied to.
    outputs: HashMap<String, Feed>,
    /// Names for layers without one.
    namer: Namer,
}

/// The layers of `model` and of the models in it.
pub(super) fn expand(model: &Object<'_>) -> Result<Architecture> {
    if !model.is_model() {
        return Err(usage!("the class is {}; it must be Sequential or Functional", model.class));
    }
    let (input, shape) = input::images(shape_of(model)?)?;
    let mut expansion = Expansion::default();
    let mut feed = Feed::Images;
    if let Some(shape) = shape {
        let (path, layer) = (OWN.to_owned(), AnyLayer::Reshape(Reshape::new(shape)));
        let group = OWN.to_owned();
        feed = expansion.push(Node { path, group, layer, inputs: vec![feed], initializers: Vec::new() })?;
    }
    let output = expansion.model(model, Scope::default(), feed)?;
    expansion.finish(input, &output)
}

/// The shape that the whole model takes, if it says one.
fn shape_of(model: &Object<'_>) -> Result<Option<input::Axes>> {
    let layers = layers(model)?;
    let first = match model.class {
        "Sequential" => layers.first().and_then(Object::of),
        _ => {
            let name = connections::end(model, "input_layers")?;
            layers.iter().filter_map(Object::of).find(|layer| layer.name() == Some(name.as_str()))
        }
    };
    match first {
        Some(layer) if layer.class == "InputLayer" => input::of_layer(&layer).map_err(|e| within(&layer, &e)),
        // An inner model says it for the outer.
        Some(layer) if layer.is_model() => shape_of(&layer),
        Some(layer) if input::of_config(layer.config)?.is_some() => input::of_config(layer.config),
        _ => Ok(input::of_config(model.config)?.or(input::of_build(model)?)),
    }
}

fn layers<'a>(model: &Object<'a>) -> Result<&'a [Value]> {
    let layers = model.config.get("layers").and_then(Value::as_array);
    layers.map(Vec::as_slice).ok_or_else(|| usage!("{} has no list of `layers`", model.class))
}

/// The error with the layer that it is about.
fn within(layer: &Object<'_>, error: &Error) -> Error {
    usage!("layer `{}` ({}): {error}", layer.name().unwrap_or_default(), layer.class)
}

impl Expansion {
    fn push(&mut self, node: Node) -> Result<Feed> {
        if !self.paths.insert(node.path.clone()) {
            return Err(usage!("two layers are named `{}`", node.path));
        }
        self.nodes.push(node);
        Ok(Feed::Node(self.nodes.len() - 1))
    }

    fn set_output(&mut self, path: String, feed: Feed) -> Result<()> {
        match self.outputs.insert(path.clone(), feed) {
            Some(_) => Err(usage!("two layers are named `{path}`")),
            None => Ok(()),
        }
    }

    /// Adds the layers of `model` under `scope`; returns its output.
    fn model(&mut self, model: &Object<'_>, scope: Scope<'_>, input: Feed) -> Result<Feed> {
        if model.config.get("trainable").is_some_and(|trainable| trainable != true) {
            return Err(usage!("trainable = {} is not supported", model.config["trainable"]));
        }
        model.check_module()?;
        match model.class {
            "Sequential" => self.sequential(model, scope, input),
            _ => self.functional(model, scope, input),
        }
    }

    fn sequential(&mut self, model: &Object<'_>, scope: Scope<'_>, input: Feed) -> Result<Feed> {
        let (mut feed, mut groups) = (input, Groups::default());
        for (i, value) in layers(model)?.iter().enumerate() {
            let layer = object(value)?;
            match layer.class {
                "InputLayer" if i > 0 => return Err(within(&layer, &usage!("it must be the first layer"))),
                "InputLayer" => drop(input::of_layer(&layer).map_err(|e| within(&layer, &e))?),
                _ => {
                    let group = groups.next(scope.group, layer.class);
                    feed = self.layer(&layer, Scope { group: &group, ..scope }, vec![feed])?;
                }
            }
        }
        Ok(feed)
    }

    fn functional(&mut self, model: &Object<'_>, scope: Scope<'_>, input: Feed) -> Result<Feed> {
        let at = |name: &str| format!("{}{name}", scope.path);
        let mut groups = Groups::default();
        let entry = connections::end(model, "input_layers")?;
        for value in layers(model)? {
            let layer = object(value)?;
            let name = layer.name().ok_or_else(|| usage!("a layer of class {} has no name", layer.class))?;
            if layer.class == "InputLayer" {
                input::of_layer(&layer).map_err(|e| within(&layer, &e))?;
                if name != entry {
                    return Err(within(&layer, &usage!("a model has one input")));
                }
                self.set_output(at(name), input.clone())?;
                continue;
            }
            let inputs = connections::inputs(&layer).map_err(|e| within(&layer, &e))?;
            let feeds = inputs.iter().map(|input| Feed::Named(at(input))).collect();
            let group = groups.next(scope.group, layer.class);
            let output = self.layer(&layer, Scope { group: &group, ..scope }, feeds)?;
            self.set_output(at(name), output)?;
        }
        Ok(Feed::Named(at(&connections::end(model, "output_layers")?)))
    }

    /// Adds a layer, or an inner model, over `inputs`, in the group of `scope`; returns its output.
    fn layer(&mut self, layer: &Object<'_>, scope: Scope<'_>, inputs: Vec<Feed>) -> Result<Feed> {
        let name = layer.name().map_or_else(|| self.namer.next(layer.class), str::to_owned);
        let path = format!("{}{name}", scope.path);
        if path.len() > MAX_PATH {
            return Err(usage!(
                "the names of a layer and of the models around it have {} bytes, more than {MAX_PATH}",
                path.len()
            ));
        }
        let inner = format!("{path}/");
        if layer.is_model() {
            let scope = Scope { path: &inner, ..scope };
            return match <[Feed; 1]>::try_from(inputs) {
                Ok([input]) => self.model(layer, scope, input).map_err(|e| usage!("in `{path}`: {e}")),
                Err(inputs) => Err(within(layer, &usage!("it takes {} inputs; a model has one", inputs.len()))),
            };
        }
        let read = arguments::read(layer).map_err(|e| within(layer, &e))?;
        let group = scope.group.to_owned();
        let output = self.push(Node { path, group, layer: read.layer, inputs, initializers: read.initializers })?;
        let group = format!("{}/activation", scope.group);
        match read.activation {
            None => Ok(output),
            Some(value) => self.layer(&object(value)?, Scope { path: &inner, group: &group }, vec![output]),
        }
    }

    /// For each name in [`Self::outputs`] what it stands for in the end; none of a name that stands for nothing.
    fn ends(&self) -> HashMap<&str, &Feed> {
        let mut ends: HashMap<&str, &Feed> = HashMap::with_capacity(self.outputs.len());
        for path in self.outputs.keys() {
            let (mut trail, mut at) = (Vec::new(), path.as_str());
            let end = loop {
                match self.outputs.get(at) {
                    _ if ends.contains_key(at) => break ends.get(at).copied(),
                    Some(Feed::Named(next)) if trail.len() <= self.outputs.len() => {
                        trail.push(at);
                        at = next;
                    }
                    Some(Feed::Named(_)) | None => break None,
                    Some(end) => {
                        trail.push(at);
                        break Some(end);
                    }
                }
            };
            ends.extend(end.into_iter().flat_map(|end| trail.iter().map(move |path| (*path, end))));
        }
        ends
    }

    /// The layers by their final names, each with its inputs.
    fn finish(self, input: [Option<usize>; 3], output: &Feed) -> Result<Architecture> {
        let leaf = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let mut counts: HashMap<String, usize> = HashMap::new();
        self.nodes.iter().for_each(|node| *counts.entry(leaf(&node.path)).or_default() += 1);
        let name = |path: &str| if counts[&leaf(path)] == 1 { leaf(path) } else { path.to_owned() };
        let mut names: Vec<String> = self.nodes.iter().map(|node| name(&node.path)).collect();
        if let Some(own) = names.iter().position(|name| name == OWN) {
            let mut free = "pixels".to_owned();
            while names.contains(&free) {
                free.push('_');
            }
            names[own] = free;
        }
        let images = name_of_images(names.iter().map(String::as_str));
        let ends = self.ends();
        let source = |feed: &Feed, by: &str| {
            let mut feed = match feed {
                Feed::Named(path) => ends.get(path.as_str()).copied().unwrap_or(feed),
                _ => feed,
            };
            for _ in 0..=self.outputs.len() {
                feed = match feed {
                    Feed::Images => return Ok(images.to_owned()),
                    Feed::Node(i) => return Ok(names[*i].clone()),
                    Feed::Named(path) => self
                        .outputs
                        .get(path)
                        .ok_or_else(|| usage!("{by} takes its input from `{path}`; there is no such layer"))?,
                };
            }
            Err(usage!("layers feed each other in a cycle: {by} takes its own output"))
        };
        let (mut layers, mut initializers, mut places) = (Vec::with_capacity(self.nodes.len()), Vec::new(), Vec::new());
        for (node, name) in self.nodes.iter().zip(&names) {
            let inputs = node.inputs.iter().map(|feed| source(feed, &format!("layer `{name}`")));
            let inputs = Some(inputs.collect::<Result<Vec<_>>>()?);
            layers.push(FunctionalLayer { name: Some(name.clone()), inputs, layer: node.layer.clone() });
            let outer = node.path.split_once('/').map_or(name.as_str(), |(outer, _)| outer);
            places.push(Place { layer: name.clone(), outer: outer.to_owned(), group: node.group.clone() });
            initializers.extend(node.initializers.iter().map(|(prefix, how)| (format!("{name}.{prefix}"), *how)));
        }
        let output = source(output, "the model's output")?;
        match layers.iter().flat_map(|layer| layer.inputs.iter().flatten()).any(|input| *input == output) {
            true => Err(usage!("the output `{output}` is also the input of a layer; it must be the last layer")),
            false => Ok(Architecture { input, layers, initializers, layout: Layout { places } }),
        }
    }
}

fn object(value: &Value) -> Result<Object<'_>> {
    Object::of(value)
        .ok_or_else(|| usage!("{} in the list of layers; it must have a class_name and a config", shown(value)))
}
