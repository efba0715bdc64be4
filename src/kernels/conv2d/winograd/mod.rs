//! Winograd's F(2x2, 3x3) for a 3x3 convolution under a 2x2 pool (Lavin and Gray 2016, section 4.1). Each pool window
//! is one output tile of the algorithm.
//!
//! With d the 4x4 inputs under a window, g the 3x3 weights and s the 2x2 sums, each for one pair of input and output
//! channel, `s = A^T [(G g G^T) * (B^T d B)] A`, where * is the elementwise product: 16 multiplications instead of 36.
//! Summed over input channels, each of the 16 elements is a matrix product, so the whole is a batch of 16 products. The
//! gradient w.r.t. the input is the adjoint, `dd = B [(G g G^T) * (A ds A^T)] B^T`, where ds has a single nonzero
//! element, at the argmax of the window.

pub(super) mod matrices;
mod products;
mod record;
mod transforms;

pub(super) use record::{cost, record_backward_input, record_forward, supports};
