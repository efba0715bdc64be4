//! Normalisation: by the moments of a batch or its moving averages, column by column, and by those of each row.

mod affine;
mod backward;
mod column_sums;
mod down_columns;
mod moments;
mod normalize;
mod rows;

pub(crate) use affine::Affine;
pub(crate) use backward::{BatchNormBackward, MergeSums, NormSums};
pub(crate) use moments::{MergeMoments, Moments};
pub(crate) use normalize::{BatchNormalize, Given, MIN_DEVIATION, Statistics};
pub(crate) use rows::{LayerNorm, LayerNormBackward, Rows};
