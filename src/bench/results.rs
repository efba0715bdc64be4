//! What a bench is told and what it finds.

use crate::backend::{Clock, DeviceInfo, median};
use serde::Serialize;

/// What `bench` is told.
#[derive(Debug, Clone)]
pub struct BenchOptions {
    /// Images in a batch.
    pub batch_size: usize,
    /// Steps of a round.
    pub steps: usize,
    /// Rounds; each device trains one after the other in each.
    pub rounds: usize,
    /// Steps before the first round, not timed.
    pub warmup: usize,
    /// Whether to time every dispatch.
    pub kernels: bool,
    /// Whether an adapter that cannot be used is left out with a warning; else its error ends all.
    pub skip_failing: bool,
}

impl Default for BenchOptions {
    /// Batches of 32, five rounds of 20 steps after 5 steps of warm-up, no single dispatches, no failure allowed.
    fn default() -> Self {
        Self { batch_size: 32, steps: 20, rounds: 5, warmup: 5, kernels: false, skip_failing: false }
    }
}

/// One dispatch of a training step.
#[derive(Debug, Clone, Serialize)]
pub struct KernelRow {
    /// As in the plan.
    pub label: String,
    /// Which algorithm ran, where there are several.
    pub algorithm: Option<&'static str>,
    /// How it was timed.
    pub clock: Clock,
    /// Milliseconds, median.
    pub ms: f64,
    /// Work done.
    pub gflop_per_s: f64,
    /// Bytes moved if each element moved once.
    pub gb_per_s: f64,
    /// Of this device's multiply-add loop, or of its copy, whichever it comes nearer to.
    pub share_of_peak: f64,
}

/// What a device can do at best, as measured here.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Peak {
    /// Of a loop of multiply-adds; on the CPU of a matrix product in cache.
    pub gflop_per_s: f64,
    /// Of a copy, read and written.
    pub gb_per_s: f64,
}

/// A device's figures.
#[derive(Debug, Clone)]
pub struct Benched {
    /// Which.
    pub info: DeviceInfo,
    /// Whether it is a software adapter.
    pub software: bool,
    /// Milliseconds a step, of each round.
    pub samples_ms: Vec<f64>,
    /// Mean loss of each step, warm-up first.
    pub losses: Vec<f64>,
    /// Images a second through forward pass and loss.
    pub eval_images_per_s: f64,
    /// Operations of a step: done, and as the plain equations would take.
    pub flops: [f64; 2],
    /// Dispatches of a step.
    pub dispatches: usize,
    /// Its best, if single dispatches were timed.
    pub peak: Option<Peak>,
    /// For each pass that has a choice of algorithms, the label of its dispatch and what was chosen.
    pub algorithms: Vec<(String, &'static str)>,
    /// Every dispatch of a step, if asked for.
    pub kernels: Option<Vec<KernelRow>>,
}

impl Benched {
    /// Median, least and greatest milliseconds a step.
    pub fn ms_per_step(&self) -> [f64; 3] {
        let sorted = |pick: fn(f64, f64) -> f64| self.samples_ms.iter().copied().reduce(pick).unwrap_or(0.0);
        [median(self.samples_ms.clone()), sorted(f64::min), sorted(f64::max)]
    }
}
