//! Convolution, alone or fused with the max pool after it: forward pass, gradient w.r.t. the weights, gradient w.r.t. the input.
//! Each pass has several algorithms; `algorithm.rs` is the table from which one is chosen.

mod algorithm;
mod backward_input;
mod backward_weights;
mod cpu;
mod depthwise;
mod dims;
mod forward;
mod passes;
mod patch;
mod reference;
mod select;
mod winograd;

pub(crate) use algorithm::{record_backward_input, record_backward_weights, record_forward};
pub(crate) use dims::Dims;
pub(crate) use passes::{ForwardPass, InputPass, WeightsPass};
