//! Pools: windows that slide over images, channel by channel.

mod average;
mod backward;
mod dims;
mod forward;

pub(crate) use average::{AveragePool2dBackward, AveragePool2dForward};
pub(crate) use backward::MaxPool2dBackward;
pub(crate) use dims::Dims;
pub(crate) use forward::MaxPool2dForward;
