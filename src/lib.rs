//! Train Keras-style convolutional networks on any GPU, or on the CPU, with the same results.
//!
//! ```text
//! images + labels -> Batch -> forward -> loss -> backward -> optimiser -> metrics -> report
//! Sequential --shapes, parameters--> Layout --record--> Plan --load--> Backend (cpu | gpu) --> metrics
//! ```
//!
//! A [`Sequential`] describes the layers; [`Sequential::compile`] records them into a [`plan::Plan`], plain data with no
//! device in it, and loads that on a [`Device`]; [`Model::fit`] replays it every step. Every kernel of a plan is WGSL with a
//! CPU twin of the same name. See [`Sequential::compile`] for a whole example.

pub mod backend;
pub mod bench;
mod compile;
pub mod data;
mod error;
mod evaluate;
pub mod kernels;
pub mod model;
pub mod plan;
mod predict;
mod queue;
pub mod real;
pub mod rng;
pub mod simd;
mod train;

pub use backend::{Device, DeviceInfo};
pub use compile::{Model, Settings};
pub use error::{Error, Result};
pub use evaluate::{ClassScore, Evaluation};
pub use kernels::conv2d::Conv2D;
pub use kernels::dense::Dense;
pub use kernels::max_pool2d::MaxPooling2D;
pub use kernels::{Activation, Flatten, Padding};
pub use model::{Layer, Preset, Sequential};
pub use train::{Event, FitOptions, History, Observer, Score};

/// The README's example runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
