//! `Sequential`: a chain of layers.

use super::{Graph, Source, infer};
use crate::error::{Result, usage};
use crate::layers::AnyLayer;
use serde::{Deserialize, Serialize};

/// A stack of layers over images of one shape.
///
/// ```
/// use gpu_cnn::{Activation::{Relu, Softmax}, Conv2D, Dense, Flatten, MaxPooling2D, Model, Sequential};
///
/// let model = Sequential::new([28, 28, 1])
///     .add(Conv2D::new(64, 3).activation(Relu))
///     .add(MaxPooling2D::new(2))
///     .add(Conv2D::new(64, 3).activation(Relu))
///     .add(MaxPooling2D::new(2))
///     .add(Flatten {})
///     .add(Dense::new(128).activation(Relu))
///     .add(Dense::new(10).activation(Softmax));
/// assert_eq!(Model::from(model).summary()?.total_params, 243_786);
/// # Ok::<(), gpu_cnn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequential {
    /// Shape of one image: height, width, channels.
    pub input: [usize; 3],
    /// Layers, each the input of the next.
    pub layers: Vec<AnyLayer>,
}

impl Sequential {
    /// No layers yet, over images of [height, width, channels].
    pub fn new(input: [usize; 3]) -> Self {
        Self { input, layers: Vec::new() }
    }

    /// The same stack with one more layer.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "Keras's name for it")]
    pub fn add(mut self, layer: impl Into<AnyLayer>) -> Self {
        self.layers.push(layer.into());
        self
    }

    /// The chain as a graph.
    ///
    /// # Errors
    /// The first layer that does not fit the one before, by name.
    pub fn graph(&self) -> Result<Graph> {
        if self.layers.is_empty() {
            return Err(usage!("the model has no layers; the last must have activation = \"softmax\""));
        }
        let source = |i: usize| i.checked_sub(1).map_or(Source::Input, Source::Node);
        let layers = self.layers.iter().enumerate();
        infer::graph(self.input, layers.map(|(i, layer)| (None, layer.clone(), vec![source(i)])).collect())
    }
}
