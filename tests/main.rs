//! All integration tests, in one binary so that they link once.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests say why they failed by panicking")]

mod architecture;
mod backends;
mod bench;
mod cli;
mod corpus;
mod coverage;
mod download;
mod drivers;
mod examples;
mod fusion;
mod golden;
mod gradients;
mod keras;
mod kernels;
mod nan;
mod norms;
mod not_finite;
mod package;
mod plans;
mod planted;
mod pytorch;
mod random;
mod report;
mod resume;
mod shaders;
mod sharing;
mod simd;
mod submissions;
mod support;
mod tensorboard;
mod training;
mod trajectories;
mod updates;
