//! A description of a network.

use super::{Functional, FunctionalLayer, Graph, Sequential};
use crate::error::Result;
use serde::{Deserialize, Deserializer, Serialize};

/// A description of a network: a chain of layers, or a graph of named ones. As JSON or TOML, an `input` and a list of
/// `layers`; the model is functional where a layer has a `name` or `inputs`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Model {
    /// A chain: each layer takes the output of the one before.
    Sequential(Sequential),
    /// Any acyclic graph with one input and one output.
    Functional(Functional),
}

impl From<Sequential> for Model {
    fn from(model: Sequential) -> Self {
        Self::Sequential(model)
    }
}

impl From<Functional> for Model {
    fn from(model: Functional) -> Self {
        Self::Functional(model)
    }
}

impl<'de> Deserialize<'de> for Model {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let Functional { input, layers } = Functional::deserialize(deserializer)?;
        Ok(Self::from_layers(input, layers))
    }
}

impl Model {
    pub(super) fn from_layers(input: [usize; 3], layers: Vec<FunctionalLayer>) -> Self {
        match layers.iter().all(|layer| layer.name.is_none() && layer.inputs.is_none()) {
            true => {
                Self::Sequential(Sequential { input, layers: layers.into_iter().map(|layer| layer.layer).collect() })
            }
            false => Self::Functional(Functional { input, layers }),
        }
    }

    /// Shape of one image: height, width, channels.
    pub fn input(&self) -> [usize; 3] {
        match self {
            Self::Sequential(model) => model.input,
            Self::Functional(model) => model.input,
        }
    }

    /// The model as a graph.
    ///
    /// # Errors
    /// If the layers do not fit each other, with the first that does not.
    pub fn graph(&self) -> Result<Graph> {
        match self {
            Self::Sequential(model) => model.graph(),
            Self::Functional(model) => model.graph(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphs_that_cannot_be_are_refused_by_name() {
        use crate::layers::{Activation, ActivationLayer, Add, Dense, Flatten};
        let dense = |name: &str, input: &str, model: Functional| model.add(name, Dense::new(4), &[input]);
        let end =
            |model: Functional, input: &str| model.add("end", Dense::new(2).activation(Activation::Softmax), &[input]);
        let flat = || Functional::new([2, 2, 1]).add("flat", Flatten {}, &["input"]);
        let cases = [
            (end(dense("a", "b", dense("b", "a", flat())), "a"), "layers feed each other in a cycle: `b`, `a`"),
            (end(flat(), "none"), "layer `end` takes its input from `none`"),
            (end(dense("a", "flat", flat()), "flat"), "2 layers feed no other: `a`, `end`"),
            (end(dense("flat", "flat", flat()), "flat"), "two layers are named `flat`"),
            (end(dense("a", "flat", flat()).add("b", Add {}, &["a", "flat"]).add("c", Dense::new(7), &["b"]), "c"), ""),
            (end(dense("a", "flat", flat()).add("b", Add {}, &["a"]), "b"), "Add takes at least two inputs"),
            (end(flat().add("x", Dense::new(3), &["flat"]).add("b", Add {}, &["x", "flat"]), "b"), "[3] and [4]"),
            (
                end(flat().add("input", Dense::new(3), &["flat"]), "input"),
                "`flat`, `input`; `input` is a layer here, `@input`",
            ),
            (end(flat().add("@input", Dense::new(3), &["flat"]), "@input"), "cannot be named \"@input\""),
            (
                Functional::new([2, 2, 1]).add("flat", Flatten {}, &["@input"]).add("input", Dense::new(3), &["flat"]),
                "",
            ),
            (flat(), "the model has no parameters"),
            (end(flat().add("a b", Dense::new(3), &["flat"]), "a b"), "cannot be named \"a b\""),
            (end(flat().add("a+b", Dense::new(3), &["flat"]), "a+b"), "cannot be named \"a+b\""),
            (flat().add("end", ActivationLayer::new(Activation::Softmax), &["flat"]), "the model has no parameters"),
        ];
        for (model, message) in cases {
            match model.graph() {
                Ok(_) => assert_eq!(message, ""),
                Err(error) => assert!(!message.is_empty() && error.to_string().contains(message), "{error}"),
            }
        }
    }
}
