//! Convolution of each channel by filters of its own: `y[.., c m + j] = sum over taps of x[.., c] w[tap, c, j]`. Bound by memory, so
//! that no matrix product is made of it: one sum per output element, over channels side by side.

mod backward_input;
mod backward_weights;
mod blocks;
mod cpu;
mod dims;
mod forward;
mod sums;

pub(crate) use backward_input::record_backward_input;
pub(crate) use backward_weights::record_backward_weights;
pub(crate) use blocks::takes_rows;
pub(crate) use dims::Dims;
pub(crate) use forward::record_forward;
