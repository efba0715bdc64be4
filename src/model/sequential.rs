//! `Sequential`: a stack of layers, from Rust, from a TOML file, or one of the presets.

use crate::error::{Error, Result, usage};
use crate::kernels::conv2d::Conv2D;
use crate::kernels::dense::Dense;
use crate::kernels::max_pool2d::MaxPooling2D;
use crate::kernels::{Activation, Flatten, LayerSpec};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Any layer. In a TOML file: `[[layers]]`, `type = "Conv2D"`, then its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Layer {
    /// A convolution.
    Conv2D(Conv2D),
    /// The greatest of each window.
    MaxPooling2D(MaxPooling2D),
    /// To one dimension.
    Flatten(Flatten),
    /// Fully connected.
    Dense(Dense),
}

impl Layer {
    pub(crate) fn spec(&self) -> &dyn LayerSpec {
        match self {
            Self::Conv2D(layer) => layer,
            Self::MaxPooling2D(layer) => layer,
            Self::Flatten(layer) => layer,
            Self::Dense(layer) => layer,
        }
    }
}

impl From<Conv2D> for Layer {
    fn from(layer: Conv2D) -> Self {
        Self::Conv2D(layer)
    }
}
impl From<MaxPooling2D> for Layer {
    fn from(layer: MaxPooling2D) -> Self {
        Self::MaxPooling2D(layer)
    }
}
impl From<Flatten> for Layer {
    fn from(layer: Flatten) -> Self {
        Self::Flatten(layer)
    }
}
impl From<Dense> for Layer {
    fn from(layer: Dense) -> Self {
        Self::Dense(layer)
    }
}

/// A stack of layers over images of one shape.
///
/// ```
/// use gpu_cnn::{Activation::{Relu, Softmax}, Conv2D, Dense, Flatten, MaxPooling2D, Sequential};
///
/// let model = Sequential::new([28, 28, 1])
///     .add(Conv2D::new(64, 3).activation(Relu))
///     .add(MaxPooling2D::new(2))
///     .add(Conv2D::new(64, 3).activation(Relu))
///     .add(MaxPooling2D::new(2))
///     .add(Flatten {})
///     .add(Dense::new(128).activation(Relu))
///     .add(Dense::new(10).activation(Softmax));
/// assert_eq!(model.summary()?.total_params, 243_786);
/// # Ok::<(), gpu_cnn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequential {
    /// One image: height, width, channels.
    pub input: [usize; 3],
    /// First to last.
    pub layers: Vec<Layer>,
}

impl Sequential {
    /// No layers yet, over images of [height, width, channels].
    pub fn new(input: [usize; 3]) -> Self {
        Self { input, layers: Vec::new() }
    }

    /// The same stack with one more layer.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "Keras's name for it")]
    pub fn add(mut self, layer: impl Into<Layer>) -> Self {
        self.layers.push(layer.into());
        self
    }

    /// Units of the last layer, or why the stack cannot end as it does: it has to be a Dense with softmax.
    pub fn classes(&self) -> Result<usize> {
        match self.layers.last() {
            Some(Layer::Dense(dense)) if dense.activation == Activation::Softmax => Ok(dense.units),
            Some(layer) => Err(usage!(
                "the last layer is {} with {:?} activation; it must be Dense with activation = \"softmax\"",
                layer.spec().kind(),
                layer.spec().activation()
            )),
            None => Err(usage!("the model has no layers; the last must be Dense with activation = \"softmax\"")),
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

    /// The network over images of `input`, with `classes` outputs.
    pub fn build(self, input: [usize; 3], classes: usize) -> Sequential {
        let text = match self {
            Self::Cnn => include_str!("../../assets/models/cnn.toml"),
            Self::Dnn => include_str!("../../assets/models/dnn.toml"),
        };
        let mut layers = ModelFile::parse(text).expect("the presets are checked by a test").layers;
        if let Some(Layer::Dense(last)) = layers.last_mut() {
            last.units = classes;
        }
        Sequential { input, layers }
    }
}

/// A model as a TOML file holds it; the input may be left to the data.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// One image: height, width, channels.
    pub input: Option<[usize; 3]>,
    /// First to last.
    pub layers: Vec<Layer>,
}

impl ModelFile {
    /// From TOML text.
    pub fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|e| usage!("not a model: {e}"))
    }

    /// From a TOML file.
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).map_err(|e| usage!("cannot read the model: {e}: {}", path.display()))?;
        Self::parse(&text).map_err(|e| Error::Usage(format!("{e}in {}", path.display())))
    }

    /// The model over images of `input`, which has to be what the file says, if it says.
    pub fn build(self, input: [usize; 3]) -> Result<Sequential> {
        match self.input {
            Some(said) if said != input => Err(usage!("the model takes images of {said:?}, the data has {input:?}")),
            _ => Ok(Sequential { input, layers: self.layers }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let expected = Conv2D::new(4, [3, 5]).strides(2).padding(crate::Padding::Same);
        assert_eq!(file.layers, [Layer::Conv2D(expected)]);
        let error = ModelFile::parse("[[layers]]\ntype = \"Dense\"\nunit = 4\n").expect_err("a misspelt argument");
        assert!(error.to_string().contains("unit"), "{error}");
    }
}
