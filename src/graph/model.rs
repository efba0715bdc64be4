//! Models as files and presets hold them.

use super::{Functional, FunctionalLayer, Graph, Sequential};
use crate::error::{Error, Result, usage};
use crate::layers::AnyLayer;
use serde::{Deserialize, Deserializer, Serialize};
use std::path::Path;
use toml::Spanned;

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
    fn from_layers(input: [usize; 3], layers: Vec<FunctionalLayer>) -> Self {
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

/// The tutorial's two networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Conv 64, pool, Conv 64, pool, Dense 128, Dense: 243,786 parameters on Fashion-MNIST.
    Cnn,
    /// Dense 128, Dense: 101,770 parameters on Fashion-MNIST.
    Dnn,
}

impl Preset {
    /// The preset of this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "cnn" => Some(Self::Cnn),
            "dnn" => Some(Self::Dnn),
            _ => None,
        }
    }

    /// The network over images of shape `input`, with `classes` outputs.
    pub fn build(self, input: [usize; 3], classes: usize) -> Model {
        let text = match self {
            Self::Cnn => include_str!("../../assets/models/cnn.toml"),
            Self::Dnn => include_str!("../../assets/models/dnn.toml"),
        };
        let mut layers = ModelFile::parse(text).expect("the presets are checked by a test").layers;
        if let Some(FunctionalLayer { layer: AnyLayer::Dense(last), .. }) = layers.last_mut() {
            last.units = classes;
        }
        Model::from_layers(input, layers)
    }
}

/// A model as a TOML file holds it; the input shape may be left to the data.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFile {
    /// Shape of one image: height, width, channels.
    pub input: Option<[usize; 3]>,
    /// The layers, with names and inputs where the file gives them.
    pub layers: Vec<FunctionalLayer>,
}

/// A [`ModelFile`] whose layers are not read yet, with their places in the text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    input: Option<[usize; 3]>,
    layers: Vec<Spanned<toml::Table>>,
}

impl ModelFile {
    /// Parses TOML text.
    ///
    /// # Errors
    /// What the text has that a model has not, with its line.
    pub fn parse(text: &str) -> Result<Self> {
        let Tables { input, layers } = toml::from_str(text).map_err(|e| usage!("not a model: {e}"))?;
        let layer = |(i, table): (usize, Spanned<toml::Table>)| {
            let line = text[..table.span().start].matches('\n').count() + 1;
            let layer = FunctionalLayer::deserialize(table.into_inner());
            layer.map_err(|e| usage!("not a model: layer {}, from line {line}: {e}", i + 1))
        };
        let layers = layers.into_iter().enumerate().map(layer).collect::<Result<_>>()?;
        Ok(Self { input, layers })
    }

    /// Reads a TOML file.
    ///
    /// # Errors
    /// If the file cannot be read, or as [`Self::parse`].
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).map_err(|e| usage!("cannot read the model: {e}: {}", path.display()))?;
        Self::parse(&text).map_err(|e| Error::Usage(format!("{e}in {}", path.display())))
    }

    /// The model over images of shape `input`, which has to be the file's, if the file names one.
    ///
    /// # Errors
    /// If the two shapes differ.
    pub fn build(self, input: [usize; 3]) -> Result<Model> {
        match self.input {
            Some(own) if own != input => Err(usage!("the model takes images of {own:?}, the data has {input:?}")),
            _ => Ok(Model::from_layers(input, self.layers)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Conv2D, Padding};

    #[test]
    fn presets_have_the_tutorials_parameters() {
        for (preset, params) in [(Preset::Cnn, 243_786), (Preset::Dnn, 101_770)] {
            let summary = preset.build([28, 28, 1], 10).summary().expect("a valid model");
            assert_eq!(summary.total_params, params, "{preset:?}");
        }
    }

    #[test]
    fn toml_takes_keras_arguments_and_no_others() {
        let text =
            "[[layers]]\ntype = \"Conv2D\"\nfilters = 4\nkernel_size = [3, 5]\nstrides = 2\npadding = \"same\"\n";
        let file = ModelFile::parse(text).expect("valid");
        let expected = Conv2D::new(4, [3, 5]).strides(2).padding(Padding::Same);
        assert_eq!(file.layers[0].layer, AnyLayer::Conv2D(expected));
        for (text, word) in [
            ("[[layers]]\ntype = \"Dense\"\nunit = 4\n", "unit"),
            ("[[layers]]\ntype = \"Dense\"\nunits = 4\nextra = 1\n", "extra"),
            ("[[layers]]\ntype = \"Dance\"\nunits = 4\n", "Dance"),
            ("[[layers]]\ntype = \"Dense\"\nunits = 4\ninputs = \"a\"\n", "inputs"),
        ] {
            let error = ModelFile::parse(text).expect_err("a wrong argument").to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn a_functional_model_reads_as_it_was_written() {
        let text = "input = [4, 4, 1]\n[[layers]]\nname = \"a\"\ntype = \"Flatten\"\n[[layers]]\ntype = \"Dense\"\n\
                    units = 3\nactivation = \"softmax\"\ninputs = [\"a\"]\n";
        let model = ModelFile::parse(text).expect("valid").build([4, 4, 1]).expect("its own input");
        assert!(matches!(model, Model::Functional(_)));
        let json = serde_json::to_string(&model).expect("serialises");
        assert_eq!(serde_json::from_str::<Model>(&json).expect("reads back"), model);
    }

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
            (end(flat().add("input", Dense::new(3), &["flat"]), "input"), "cannot be named \"input\""),
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
