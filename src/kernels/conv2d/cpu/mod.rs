//! SIMD variants of the convolution kernels. They compute the same sums as the reference implementations, but
//! accumulate in registers.
//!
//! The forward pass is a direct convolution (`direct`) or Winograd's algorithm (`winograd`). The gradients through
//! a pool touch only the pixel at each window's argmax and skip zeros (`sparse`). A first layer with few input
//! channels has its own kernel for the gradient w.r.t. the weights (`few_channels`, or `permute`).

pub(super) mod direct;
pub(super) mod few_channels;
mod padding;
mod panels;
#[cfg(target_arch = "x86_64")]
mod permute;
mod pool;
pub(super) mod sparse;
pub(super) mod winograd;
