//! The gradients of a convolution through its pool. In each pool window, only one pixel per filter has a gradient, and
//! only where the ReLU was active. The kernels first find the nonzero gradients. Each of them then adds a multiple of
//! an input patch to the gradient w.r.t. the weights, and a multiple of the filter to a patch of the gradient w.r.t.
//! the input. SIMD lanes are input channels, and each tap has one accumulator register, or each pixel of the patch under a 2x2 window.

mod active;
mod input;
mod sizes;
mod weights;

pub(in crate::kernels::conv2d) use input::backward_input;
pub(in crate::kernels::conv2d) use sizes::supports;
pub(in crate::kernels::conv2d) use weights::backward_weights;
