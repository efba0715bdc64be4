//! Joins of two tensors, element by element, and their gradients; a tensor with fewer elements than the result is broadcast.

mod broadcast;
mod elementwise;
mod operation;
mod sums;

pub(crate) use broadcast::Broadcast;
pub(crate) use elementwise::{Join, JoinGradient};
pub(crate) use operation::Operation;
pub(crate) use sums::JoinSums;
