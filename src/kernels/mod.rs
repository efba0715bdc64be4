//! The mathematics: one family a file or folder, its WGSL twins in `shaders/`. A kernel is a small struct of sizes that knows its
//! shader and computes the same on the CPU.

pub(crate) mod activation;
pub(crate) mod adjust;
pub(crate) mod augment;
pub(crate) mod binary_loss;
pub(crate) mod columns;
pub(crate) mod conv2d;
pub(crate) mod dense;
pub(crate) mod depthwise_conv2d;
pub(crate) mod dropout;
pub(crate) mod elementwise;
mod gate;
pub(crate) mod join;
pub(crate) mod loss;
mod loss_terms;
mod matrix;
mod matrix_product;
mod maximum;
pub(crate) mod norm;
pub(crate) mod optimizer;
pub(crate) mod pad2d;
pub mod peak;
pub(crate) mod pool2d;
pub(crate) mod prelu;
pub(crate) mod random;
pub(crate) mod resample;
mod rows;
pub(crate) mod softmax;
mod split_k;
mod tile;
pub(crate) mod unpack;
mod window;

pub use augment::Mirror;
pub(crate) use gate::{Gate, GateKind, GradientOut};
pub(crate) use split_k::record_split_k;
pub use window::Padding;
pub(crate) use window::WindowAxis;
