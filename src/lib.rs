//! Train Keras-style convolutional networks on any GPU, or on the CPU, with the same results.
//!
//! ```text
//! images + targets -> batches -> [gradients: forward -> loss -> backward] -> [update] -> metrics -> report
//! Sequential | Functional -> Graph --lower--> Plan --load--> Backend (cpu | gpu | check)
//! ```
//!
//! A [`Model`] describes layers, as a [`Sequential`] chain or a [`Functional`] graph. A [`Trainer`] records it into a plan, plain
//! data with no device in it, loads that on a [`Device`] and replays it every step. Every kernel of a plan is WGSL with a CPU
//! twin. The core is async; [`blocking`] has the same for callers that wait, with an example.

// Where there are no threads, rayon is this crate's own.
#[cfg(target_family = "wasm")]
extern crate self as rayon;

mod backend;
pub mod bench;
#[cfg(not(target_family = "wasm"))]
pub mod blocking;
mod bounds;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
mod clock;
pub mod data;
mod digest;
mod error;
#[cfg(any(feature = "cli", feature = "download"))]
mod files;
mod functions;
mod graph;
mod hint;
mod kernels;
mod layers;
#[cfg(target_family = "wasm")]
mod one_thread;
#[cfg(feature = "cli")]
mod onnx;
pub mod page;
mod plan;
pub mod ranks;
mod real;
#[cfg(feature = "cli")]
mod report;
mod rng;
mod simd;
mod threads;
mod trainer;
mod verify;

#[cfg(target_family = "wasm")]
pub(crate) use one_thread::{ThreadPool, current_num_threads, prelude};

pub use backend::{Device, DeviceInfo, DeviceRequest, Found};
pub use error::{Advice, Error, Message, Result};
pub use graph::{Functional, Graph, ImagesInfo, Model, Preset, Sequential, Summary};
pub use kernels::Mirror;
pub use layers::{
    Activation, ActivationLayer, Add, AnyLayer, Augment, Average, AveragePooling2D, Axes, BatchNormalization,
    ClassWeights, Concatenate, Conv2D, Dense, DepthwiseConv2D, Dropout, ELU, Factor, FillMode, Flatten, FlipMode,
    GlobalAveragePooling2D, GlobalMaxPooling2D, Interpolation, LayerNormalization, LeakyReLU, Loss, MaxPooling2D,
    Maximum, MinPooling2D, Moments, Multiply, Normalization, Numbers, OnNan, Optimizer, PReLU, Padding,
    RandomBrightness, RandomContrast, RandomFlip, RandomRotation, RandomTranslation, RandomZoom, ReLU, Rescaling,
    Reshape, SeparableConv2D, Softmax, SpatialDropout2D, Subtract, ZeroPadding2D,
};
pub use trainer::{
    BestEpoch, Checkpoint, CheckpointEvery, CheckpointState, ClassScore, Evaluation, Event, Fit, FitStart, Flow,
    History, LayerOutput, MaxTime, Mistake, NotFinite, Origin, Pace, Plateau, Progress, RangePoint, Ratios, RunConfig,
    Scaling, Schedule, Score, Stopped, Trainer, Tta, augmented, layer_outputs, steepest,
};

/// What tests and tools look into; no part of the interface, and free to change.
#[doc(hidden)]
pub mod internals {
    pub use crate::digest::sha256_hex;

    pub mod backend {
        pub use crate::backend::*;
    }
    pub mod graph {
        pub use crate::graph::*;
    }
    pub mod kernels {
        pub use crate::kernels::peak;
    }
    pub mod layers {
        pub use crate::layers::*;
    }
    #[cfg(feature = "cli")]
    pub mod onnx {
        pub use crate::onnx::*;
    }
    pub mod plan {
        pub use crate::plan::*;
    }
    pub mod rng {
        pub use crate::rng::*;
    }
    pub mod simd {
        pub use crate::simd::*;
    }
    pub mod verify {
        pub use crate::verify::*;
    }
}

/// The README's example runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
