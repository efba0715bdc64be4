//! Normalisation: by the moments of a batch or its moving averages, column by column, and by those of each row.

mod affine;
mod backward;
mod by_columns;
mod down_columns;
mod moments;
mod normalize;
mod parts;
mod rows;
mod sums;

pub(crate) use affine::Affine;
pub(crate) use backward::{BatchNormBackward, MergeSums};
pub(crate) use moments::{MergeMoments, Moments};
pub(crate) use normalize::{BatchNormalize, Given, MIN_DEVIATION, Statistics};
pub(crate) use rows::{LayerNorm, LayerNormBackward, Rows};
pub(crate) use sums::NormSums;
