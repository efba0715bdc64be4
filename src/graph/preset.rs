//! The networks that are built in.

use super::{FunctionalLayer, Model, ModelFile};
use crate::layers::AnyLayer;

/// A network that is built in; parameters on Fashion-MNIST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// The tutorial's: Conv 64, pool, Conv 64, pool, Dense 128, Dense: 243,786 parameters.
    Cnn,
    /// The tutorial's: Dense 128, Dense: 101,770 parameters.
    Dnn,
    /// LeNet-5 (LeCun et al. 1998): 61,706 parameters.
    Lenet5,
    /// Pairs of 3x3 convolutions of 32 and 64 filters, Dense 128 with dropout: 467,818 parameters.
    VggSmall,
    /// Three stages of two residual blocks, 16 to 64 filters, batch normalisation: 176,090 parameters.
    ResnetSmall,
    /// Depthwise separable convolutions of 32 to 128 filters, batch normalisation: 38,346 parameters.
    MobilenetSmall,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 6] =
        [Self::Cnn, Self::Dnn, Self::Lenet5, Self::VggSmall, Self::ResnetSmall, Self::MobilenetSmall];

    /// The preset of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// The name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cnn => "cnn",
            Self::Dnn => "dnn",
            Self::Lenet5 => "lenet5",
            Self::VggSmall => "vgg-small",
            Self::ResnetSmall => "resnet-small",
            Self::MobilenetSmall => "mobilenet-small",
        }
    }

    /// The network as TOML.
    fn text(self) -> &'static str {
        match self {
            Self::Cnn => include_str!("../../assets/models/cnn.toml"),
            Self::Dnn => include_str!("../../assets/models/dnn.toml"),
            Self::Lenet5 => include_str!("../../assets/models/lenet5.toml"),
            Self::VggSmall => include_str!("../../assets/models/vgg-small.toml"),
            Self::ResnetSmall => include_str!("../../assets/models/resnet-small.toml"),
            Self::MobilenetSmall => include_str!("../../assets/models/mobilenet-small.toml"),
        }
    }

    /// The network with `classes` outputs as TOML, with its comments.
    pub fn to_toml(self, classes: usize) -> String {
        let text = self.text();
        match text.rsplit_once("units = 10") {
            Some((before, after)) => format!("{before}units = {classes}{after}"),
            None => text.to_owned(),
        }
    }

    /// The network over images of shape `input`, with `classes` outputs.
    pub fn build(self, input: [usize; 3], classes: usize) -> Model {
        let mut layers = ModelFile::parse_toml(self.text()).expect("the presets are checked by a test").layers;
        if let Some(FunctionalLayer { layer: AnyLayer::Dense(last), .. }) = layers.last_mut() {
            last.units = classes;
        }
        Model::from_layers(input, layers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::RecordOptions;
    use crate::plan::Profile;

    #[test]
    fn presets_have_their_parameters_and_the_classes_of_the_data() {
        for (preset, params) in Preset::ALL.into_iter().zip([243_786, 101_770, 61_706, 467_818, 176_090, 38_346]) {
            let summary = preset.build([28, 28, 1], 10).summary().expect("a valid model");
            assert_eq!(summary.total_params, params, "{preset:?}");
            let graph = preset.build([32, 32, 3], 7).graph().expect("a valid model");
            assert_eq!(graph.classes(), 7, "{preset:?}");
            for profile in Profile::ADAPTERS {
                let plan = graph.record(&RecordOptions::new(2, profile));
                assert!(plan.is_ok_and(|plan| !plan.dispatches.is_empty()), "{preset:?}");
            }
            assert_eq!(Preset::named(preset.name()), Some(preset));
            let read = Model::from_toml(&preset.to_toml(7), [32, 32, 3]).expect("its own text");
            assert_eq!(read, preset.build([32, 32, 3], 7));
        }
        assert_eq!(Preset::named("vgg"), None);
    }
}
