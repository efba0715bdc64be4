//! Arguments that several layers share, as Keras names them.

use crate::error::{Result, usage};
pub use crate::kernels::Padding;
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
#[serde(untagged, expecting = "a positive number or [height, width]")]
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

/// What follows the sum of a Conv2D or Dense layer, or stands as a layer of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// The sum itself.
    #[default]
    Linear,
    /// max(0, x); NaN stays NaN.
    Relu,
    /// Class probabilities over the last axis; only at the end of a model.
    Softmax,
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
