//! The table of layers: a line here is all that model files, summaries and graphs need to know of a layer.

use super::activation::ActivationLayer;
use super::add::Add;
use super::arguments::Arguments;
use super::batch_normalization::BatchNormalization;
use super::concatenate::Concatenate;
use super::conv2d::Conv2D;
use super::dense::Dense;
use super::depthwise_conv2d::DepthwiseConv2D;
use super::dropout::{Dropout, SpatialDropout2D};
use super::elu::ELU;
use super::fields::fields_of;
use super::flatten::Flatten;
use super::global_pooling2d::{GlobalAveragePooling2D, GlobalMaxPooling2D};
use super::joins::{Average, Maximum, Multiply, Subtract};
use super::layer::Layer;
use super::layer_normalization::LayerNormalization;
use super::leaky_relu::LeakyReLU;
use super::normalization::Normalization;
use super::pooling2d::{AveragePooling2D, MaxPooling2D, MinPooling2D};
use super::prelu::PReLU;
use super::random_brightness::{RandomBrightness, RandomContrast};
use super::random_flip::RandomFlip;
use super::random_rotation::RandomRotation;
use super::random_translation::RandomTranslation;
use super::random_zoom::RandomZoom;
use super::relu::ReLU;
use super::rescaling::Rescaling;
use super::reshape::Reshape;
use super::separable_conv2d::SeparableConv2D;
use super::softmax::Softmax;
use super::zero_padding2d::ZeroPadding2D;
use serde::de::Error;
use serde::de::value::MapDeserializer;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Declares the table of layers: the enum that models are made of, conversions into it, and the names in model files.
macro_rules! layers {
    ($($(#[doc = $doc:literal])* $variant:ident($layer:ty)),* $(,)?) => {
        /// Any layer. In a TOML file: `[[layers]]`, `type = "Conv2D"`, then its arguments.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type", try_from = "Arguments")]
        pub enum AnyLayer { $($(#[doc = $doc])* $variant($layer)),* }

        impl AnyLayer {
            /// The name of every layer, as in model files.
            pub const KINDS: &[&str] = &[$(stringify!($variant)),*];

            /// The names of the arguments of layers of this kind, as in model files; none if there is no such kind.
            pub(crate) fn arguments(kind: &str) -> Option<&'static [&'static str]> {
                match kind {
                    $(stringify!($variant) => Some(fields_of::<$layer>()),)*
                    _ => None,
                }
            }

            pub(crate) fn as_layer(&self) -> &dyn Layer {
                match self { $(Self::$variant(layer) => layer),* }
            }
        }

        impl TryFrom<Arguments> for AnyLayer {
            type Error = serde_json::Error;

            fn try_from(Arguments(arguments): Arguments) -> Result<Self, serde_json::Error> {
                arguments.try_into()
            }
        }

        // Of one type, whatever a layer is read from: each type would have its own code for each layer.
        impl TryFrom<Map<String, Value>> for AnyLayer {
            type Error = serde_json::Error;

            fn try_from(mut arguments: Map<String, Value>) -> Result<Self, serde_json::Error> {
                let kind = arguments.shift_remove("type").ok_or_else(|| serde_json::Error::missing_field("type"))?;
                let arguments = MapDeserializer::new(arguments.into_iter());
                match String::deserialize(kind)?.as_str() {
                    $(stringify!($variant) => <$layer>::deserialize(arguments).map(Self::$variant),)*
                    other => Err(serde_json::Error::unknown_variant(other, Self::KINDS)),
                }
            }
        }

        $(impl From<$layer> for AnyLayer {
            fn from(layer: $layer) -> Self {
                Self::$variant(layer)
            }
        })*
    };
}

layers! {
    /// Convolution over images.
    Conv2D(Conv2D),
    /// Convolution of each channel by filters of its own.
    DepthwiseConv2D(DepthwiseConv2D),
    /// A depthwise convolution, then one of 1x1.
    SeparableConv2D(SeparableConv2D),
    /// Maximum of each window.
    MaxPooling2D(MaxPooling2D),
    /// Minimum of each window.
    MinPooling2D(MinPooling2D),
    /// Mean of each window.
    AveragePooling2D(AveragePooling2D),
    /// Maximum of each channel.
    GlobalMaxPooling2D(GlobalMaxPooling2D),
    /// Mean of each channel.
    GlobalAveragePooling2D(GlobalAveragePooling2D),
    /// All axes as one.
    Flatten(Flatten),
    /// The same elements under another shape.
    Reshape(Reshape),
    /// A border of zeros.
    ZeroPadding2D(ZeroPadding2D),
    /// Fully connected layer.
    Dense(Dense),
    /// Activation as a layer of its own.
    Activation(ActivationLayer),
    /// Rectifier with a limit, a slope below and a threshold.
    ReLU(ReLU),
    /// Rectifier with a small slope below zero.
    LeakyReLU(LeakyReLU),
    /// Rectifier that learns its slopes below zero.
    PReLU(PReLU),
    /// Exponential below zero.
    ELU(ELU),
    /// Positive numbers whose sum is 1, along the last axis.
    Softmax(Softmax),
    /// Channels of mean 0 and variance 1 over the batch.
    BatchNormalization(BatchNormalization),
    /// Images, or the channels of pixels, of mean 0 and variance 1.
    LayerNormalization(LayerNormalization),
    /// Channels of mean 0 and variance 1 by given numbers.
    Normalization(Normalization),
    /// A factor and a constant.
    Rescaling(Rescaling),
    /// Half of the images mirrored, in training.
    RandomFlip(RandomFlip),
    /// Images shifted, in training.
    RandomTranslation(RandomTranslation),
    /// Images turned, in training.
    RandomRotation(RandomRotation),
    /// Images zoomed, in training.
    RandomZoom(RandomZoom),
    /// A number added to each image, in training.
    RandomBrightness(RandomBrightness),
    /// The channels of images spread around their means, in training.
    RandomContrast(RandomContrast),
    /// Zero for a share of the elements, in training.
    Dropout(Dropout),
    /// Zero for a share of the channels, in training.
    SpatialDropout2D(SpatialDropout2D),
    /// Sum of several tensors.
    Add(Add),
    /// Difference of two tensors.
    Subtract(Subtract),
    /// Product of several tensors.
    Multiply(Multiply),
    /// Mean of several tensors.
    Average(Average),
    /// Largest of several tensors.
    Maximum(Maximum),
    /// Several tensors one after the other along an axis.
    Concatenate(Concatenate),
}

/// What a layer is to pixels that it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OfPixels {
    /// It brings them into the range that the model wants.
    Rescales,
    /// Its output is pixels of the same range.
    Keeps,
    /// It computes with them.
    Computes,
}

impl AnyLayer {
    /// What the layer is to pixels.
    pub(crate) fn of_pixels(&self) -> OfPixels {
        match self {
            Self::Rescaling(_) | Self::Normalization(_) => OfPixels::Rescales,
            Self::Reshape(_)
            | Self::Flatten(_)
            | Self::ZeroPadding2D(_)
            | Self::RandomFlip(_)
            | Self::RandomTranslation(_)
            | Self::RandomRotation(_)
            | Self::RandomZoom(_)
            | Self::RandomBrightness(_)
            | Self::RandomContrast(_) => OfPixels::Keeps,
            _ => OfPixels::Computes,
        }
    }
}
