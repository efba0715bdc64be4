//! The table that Keras prints for a model.

use super::Sequential;
use crate::error::Result;
use serde::Serialize;

/// One layer of a summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SummaryRow {
    /// `conv2d_1`.
    pub name: String,
    /// `Conv2D`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// One image's output.
    pub output_shape: Vec<usize>,
    /// Parameters.
    pub params: usize,
}

/// Layers and totals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// One image.
    pub input: [usize; 3],
    /// First to last.
    pub layers: Vec<SummaryRow>,
    /// All parameters.
    pub total_params: usize,
    /// Those that learn: all of them.
    pub trainable_params: usize,
}

impl Sequential {
    /// Layers, output shapes and parameters.
    pub fn summary(&self) -> Result<Summary> {
        let layout = self.layout()?;
        let layers: Vec<SummaryRow> = self
            .layers
            .iter()
            .zip(&layout.layers)
            .enumerate()
            .map(|(i, (layer, info))| SummaryRow {
                name: info.name.clone(),
                kind: layer.spec().kind(),
                output_shape: info.output.clone(),
                params: layout.block(i).1,
            })
            .collect();
        let total_params = layers.iter().map(|l| l.params).sum();
        Ok(Summary { input: self.input, layers, total_params, trainable_params: total_params })
    }
}
