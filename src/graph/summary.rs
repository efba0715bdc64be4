//! The content of the table that Keras prints for a model.

use super::functional::name_of_images;
use super::{Graph, Model, Source};
use crate::error::Result;
use serde::Serialize;

/// One layer of a summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SummaryRow {
    /// Name of the layer: `conv2d_1`.
    pub name: String,
    /// Class of the layer: `Conv2D`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Shape of one image's output.
    pub output_shape: Vec<usize>,
    /// Number of parameters.
    pub params: usize,
    /// Names of the layers whose outputs it takes; `input` is the images, or `@input` where a layer is named `input`.
    pub inputs: Vec<String>,
}

/// Layers and totals of a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// `sequential` or `functional`.
    pub model: &'static str,
    /// Shape of one image: height, width, channels.
    pub input: [usize; 3],
    /// The value of the brightest pixel, 1 or 255.
    pub largest_pixel: f64,
    /// In the order of computation.
    pub layers: Vec<SummaryRow>,
    /// Number of all parameters and state.
    pub total_params: usize,
    /// Number of parameters that training changes by their gradients.
    pub trainable_params: usize,
}

impl Model {
    /// Layers, output shapes and parameters.
    ///
    /// # Errors
    /// If the layers do not fit each other.
    pub fn summary(&self) -> Result<Summary> {
        let model = match self {
            Self::Sequential(_) => "sequential",
            Self::Functional(_) => "functional",
        };
        Ok(self.graph()?.summary(model))
    }
}

impl Graph {
    fn summary(&self, model: &'static str) -> Summary {
        let images = name_of_images(self.nodes.iter().map(|node| &*node.name));
        let source = |source: &Source| match source {
            Source::Input => images.to_owned(),
            Source::Node(i) => self.nodes[*i].name.clone(),
        };
        let size = |tensors: &[super::ArenaTensor]| tensors.iter().map(super::ArenaTensor::size).sum::<usize>();
        let rows = self.nodes.iter().map(|node| SummaryRow {
            name: node.name.clone(),
            kind: node.layer.as_layer().kind(),
            output_shape: node.output.clone(),
            params: size(&self.parameters[node.parameters.clone()]) + size(&self.state[node.state.clone()]),
            inputs: node.inputs.iter().map(source).collect(),
        });
        let trainable_params = size(&self.parameters);
        Summary {
            model,
            input: self.input,
            largest_pixel: self.largest_pixel(),
            layers: rows.collect(),
            total_params: trainable_params + size(&self.state),
            trainable_params,
        }
    }
}
