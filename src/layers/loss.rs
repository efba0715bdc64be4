//! Losses as values.

use serde::{Deserialize, Serialize};

/// What training minimises.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Mean over the images of -ln(probability of the label's class); the model ends in a softmax, which is fused with it.
    #[default]
    SparseCategoricalCrossentropy,
}
