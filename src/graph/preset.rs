//! The networks that are built in.

use super::{FunctionalLayer, Model, ModelFile};
use crate::layers::AnyLayer;

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
}
