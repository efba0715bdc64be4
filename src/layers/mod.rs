//! The layers as users write them, one file each: Keras's arguments, shapes, parameters, and how a layer is recorded.
//! The mathematics is in `kernels`.

mod activation;
mod add;
mod args;
mod concatenate;
mod conv2d;
mod conv2d_pooled;
mod dense;
mod elu;
mod flatten;
mod global_pooling2d;
mod joins;
mod layer;
mod leaky_relu;
mod loss;
mod optimizer;
mod pooling2d;
mod relu;
mod reshape;
mod softmax;
mod table;
mod update_settings;
mod zero_padding2d;

pub use activation::ActivationLayer;
pub use add::Add;
pub use args::{Activation, Padding, Pair};
pub use concatenate::Concatenate;
pub use conv2d::Conv2D;
pub(crate) use conv2d_pooled::PooledConv2D;
pub use dense::Dense;
pub use elu::ELU;
pub use flatten::Flatten;
pub use global_pooling2d::{GlobalAveragePooling2D, GlobalMaxPooling2D};
pub use joins::{Average, Maximum, Multiply, Subtract};
pub use layer::{Inferred, Init, TensorSpec};
pub(crate) use layer::{Layer, Saved, Site, Tensor};
pub use leaky_relu::LeakyReLU;
pub use loss::Loss;
pub use optimizer::Optimizer;
pub use pooling2d::{AveragePooling2D, MaxPooling2D, MinPooling2D};
pub use relu::ReLU;
pub use reshape::Reshape;
pub use softmax::Softmax;
pub use table::AnyLayer;
pub use update_settings::UpdateSettings;
pub use zero_padding2d::ZeroPadding2D;
