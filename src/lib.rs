//! Train Keras-style convolutional networks on any GPU.
pub mod backend;
mod error;
pub mod kernels;
pub mod model;
pub mod plan;
pub mod real;
pub mod rng;

pub use backend::{Device, DeviceInfo};
pub use error::{Error, Result};
pub use kernels::conv2d::Conv2D;
pub use kernels::dense::Dense;
pub use kernels::max_pool2d::MaxPooling2D;
pub use kernels::{Activation, Flatten, Padding};
pub use model::{Layer, Preset, Sequential};
