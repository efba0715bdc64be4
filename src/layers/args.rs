//! Arguments that several layers share, as Keras names them.

use crate::error::{Result, usage};
pub use crate::kernels::Padding;
use crate::kernels::WindowAxis;
use crate::kernels::activation::Function;
use serde::de::value::StrDeserializer;
use serde::{Deserialize, Serialize};

/// Height and width; a single number in a model file or in Rust stands for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "PairRepr", into = "[usize; 2]")]
pub struct Pair {
    /// Extent along the height.
    pub h: usize,
    /// Extent along the width.
    pub w: usize,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a positive number or [height, width]")]
enum PairRepr {
    One(usize),
    Two([usize; 2]),
}

impl From<PairRepr> for Pair {
    fn from(repr: PairRepr) -> Self {
        match repr {
            PairRepr::One(n) => n.into(),
            PairRepr::Two(hw) => hw.into(),
        }
    }
}

impl From<Pair> for [usize; 2] {
    fn from(pair: Pair) -> Self {
        [pair.h, pair.w]
    }
}

impl From<usize> for Pair {
    fn from(n: usize) -> Self {
        Self { h: n, w: n }
    }
}

impl From<[usize; 2]> for Pair {
    fn from([h, w]: [usize; 2]) -> Self {
        Self { h, w }
    }
}

impl Default for Pair {
    fn default() -> Self {
        1.into()
    }
}

/// What follows the sum of a Conv2D or Dense layer, or stands as a layer of its own: Keras's functions with their default
/// arguments. NaN stays NaN in each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// The sum itself.
    #[default]
    Linear,
    /// max(0, x).
    Relu,
    /// min(max(0, x), 6).
    Relu6,
    /// x, below zero 0.2 x.
    LeakyRelu,
    /// x, below zero exp(x) - 1.
    Elu,
    /// 1.0507 x, below zero 1.7581 (exp(x) - 1): Klambauer et al. 2017.
    Selu,
    /// x times the normal distribution's cumulative function: Hendrycks and Gimpel 2016.
    Gelu,
    /// Its approximation by tanh (Keras's `gelu` with `approximate = True`).
    GeluTanh,
    /// x sigmoid(x).
    #[serde(alias = "swish")]
    Silu,
    /// 1 / (1 + exp(-x)).
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// ln(1 + exp(x)).
    Softplus,
    /// x / 6 + 1 / 2, from 0 to 1.
    HardSigmoid,
    /// exp(x) / sum of exp(x) along the last axis.
    Softmax,
}

impl Activation {
    /// All activations.
    pub const ALL: [Self; 14] = [
        Self::Linear,
        Self::Relu,
        Self::Relu6,
        Self::LeakyRelu,
        Self::Elu,
        Self::Selu,
        Self::Gelu,
        Self::GeluTanh,
        Self::Silu,
        Self::Sigmoid,
        Self::Tanh,
        Self::Softplus,
        Self::HardSigmoid,
        Self::Softmax,
    ];

    /// Whether it is a dispatch of its own: no other kernel computes it on the way.
    pub(crate) fn is_dispatch(self) -> bool {
        !matches!(self, Self::Linear | Self::Relu)
    }

    /// The function of one element, for those that are a dispatch of their own.
    pub(crate) fn function(self) -> Option<Function> {
        Some(match self {
            Self::Linear | Self::Relu | Self::Softmax => return None,
            Self::Relu6 => Function::Rectify { max_value: Some(6.0), negative_slope: 0.0, threshold: 0.0 },
            Self::LeakyRelu => Function::Rectify { max_value: None, negative_slope: 0.2, threshold: 0.0 },
            Self::Elu => Function::Elu { alpha: 1.0, scale: 1.0 },
            Self::Selu => Function::Elu { alpha: 1.673_263_242_354_377_2, scale: 1.050_700_987_355_480_5 },
            Self::Gelu => Function::Gelu,
            Self::GeluTanh => Function::GeluTanh,
            Self::Silu => Function::Silu,
            Self::Sigmoid => Function::Sigmoid,
            Self::Tanh => Function::Tanh,
            Self::Softplus => Function::Softplus,
            Self::HardSigmoid => Function::HardSigmoid,
        })
    }
}

/// The value that files call `name`, of an enumeration.
pub(crate) fn named<'de, T: Deserialize<'de>>(name: &'de str) -> Option<T> {
    T::deserialize(StrDeserializer::<serde::de::value::Error>::new(name)).ok()
}

/// Whether the kernels, which compute in f32, can hold the value: neither infinite nor lost.
pub(crate) fn in_f32(value: f64) -> bool {
    (value as f32).is_finite() && (value == 0.0 || (value as f32) != 0.0)
}

/// `builders!(Conv2D { padding: Padding })`: methods that give the same layer with another value of an argument.
macro_rules! builders {
    ($layer:ident { $($name:ident: $type:ty),* $(,)? }) => {
        impl $layer {
            $(
                #[doc = concat!("The same layer with `", stringify!($name), "`.")]
                #[must_use]
                pub fn $name(self, $name: $type) -> Self {
                    Self { $name: $name.into(), ..self }
                }
            )*
        }
    };
}
pub(super) use builders;

/// The default of arguments that count.
pub(super) fn one() -> usize {
    1
}

/// The default of switches that are on.
pub(super) fn yes() -> bool {
    true
}

/// The windows along height and width over images of shape `input`.
pub(super) fn windows(
    input: [usize; 3],
    kernel: Pair,
    strides: Pair,
    dilation_rate: Pair,
    padding: Padding,
) -> Result<[WindowAxis; 2]> {
    if strides != Pair::from(1) && dilation_rate != Pair::from(1) {
        let (strides, rate): ([usize; 2], [usize; 2]) = (strides.into(), dilation_rate.into());
        return Err(usage!("strides {strides:?} with dilation_rate {rate:?}: one of the two must be 1"));
    }
    Ok([
        WindowAxis::dilated(input[0], kernel.h, strides.h, dilation_rate.h, padding)?,
        WindowAxis::dilated(input[1], kernel.w, strides.w, dilation_rate.w, padding)?,
    ])
}

/// The one input's shape, or an error that says what the layer got instead.
pub(super) fn single<'a>(kind: &str, inputs: &[&'a [usize]]) -> Result<&'a [usize]> {
    match inputs {
        [input] => Ok(input),
        _ => Err(usage!("{kind} takes one input, it has {}", inputs.len())),
    }
}

/// An image's height, width and channels, or an error that says what the layer got instead.
pub(super) fn image_shape(kind: &str, inputs: &[&[usize]]) -> Result<[usize; 3]> {
    let input = single(kind, inputs)?;
    input.try_into().map_err(|_| usage!("{kind} takes [height, width, channels], its input is {input:?}"))
}
