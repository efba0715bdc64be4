//! Losses as values.

use serde::de::value::{Error, StrDeserializer};
use serde::{Deserialize, Serialize};

/// What training minimises.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Mean over the images of -ln(probability of the label's class); the model ends in a softmax, which is fused with it.
    #[default]
    SparseCategoricalCrossentropy,
}

impl Loss {
    /// The names of all losses.
    pub const NAMES: [&str; 1] = ["sparse_categorical_crossentropy"];

    /// The loss of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::deserialize(StrDeserializer::<Error>::new(name)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_that_of_a_loss() {
        assert!(Loss::NAMES.into_iter().all(|name| Loss::named(name).is_some()) && Loss::named("hinge").is_none());
    }
}
