//! Options and results of a bench.

use crate::backend::{Clock, DeviceInfo, median};
use serde::Serialize;

/// Options of a bench.
#[derive(Debug, Clone)]
pub struct BenchOptions {
    /// Images in a batch.
    pub batch_size: usize,
    /// Steps of a round.
    pub steps: usize,
    /// Rounds; in each, the devices train one after the other, then again in the reverse order.
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
    /// Label of the dispatch, as in the plan.
    pub label: String,
    /// Which algorithm ran, where there are several; of a pair both.
    pub algorithm: Option<String>,
    /// How it was timed.
    pub clock: Clock,
    /// Milliseconds, median.
    pub ms: f64,
    /// Floating-point operations executed, in 10^9 a second.
    pub gflop_per_s: f64,
    /// Bytes moved if each element moved once.
    pub gb_per_s: f64,
    /// Share of what this device reaches in a multiply-add loop, or in a copy, whichever is larger.
    pub share_of_peak: f64,
}

/// What a device can do at best, as measured here.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Peak {
    /// Operations in a loop of multiply-adds, in 10^9 a second; on the CPU in a matrix product in cache.
    pub gflop_per_s: f64,
    /// Bytes read and written by a copy, in 10^9 a second.
    pub gb_per_s: f64,
}

/// A device's figures.
#[derive(Debug, Clone)]
pub struct Benched {
    /// The device, as reports name it.
    pub info: DeviceInfo,
    /// Whether it is a software adapter.
    pub software: bool,
    /// Milliseconds a step, of each round: of the first time and, in the reverse order of devices, of the second.
    pub samples_ms: Vec<[f64; 2]>,
    /// Mean loss of each step, warm-up first.
    pub losses: Vec<f64>,
    /// Images a second through forward pass and loss.
    pub eval_images_per_s: f64,
    /// Operations of a step: done, and as the plain equations would take.
    pub flops: [f64; 2],
    /// Dispatches of a step.
    pub dispatches: usize,
    /// What the device can do at best, if single dispatches were timed.
    pub peak: Option<Peak>,
    /// For each pass that has a choice of algorithms, the label of its dispatch and the name of the chosen algorithm.
    pub algorithms: Vec<(String, &'static str)>,
    /// Every dispatch of a step, if asked for.
    pub kernels: Option<Vec<KernelRow>>,
}

impl Benched {
    /// Median, minimum and maximum of the milliseconds a step.
    pub fn ms_per_step(&self) -> [f64; 3] {
        let samples = self.samples_ms.as_flattened();
        let end = |pick: fn(f64, f64) -> f64| samples.iter().copied().reduce(pick).unwrap_or(0.0);
        [median(samples.to_vec()), end(f64::min), end(f64::max)]
    }

    /// The A/A control: the median of each round's first time by that of its second. Where the machine is quiet, it is 1.
    pub fn first_to_second(&self) -> f64 {
        let [first, second] = [0, 1].map(|time| median(self.samples_ms.iter().map(|pair| pair[time]).collect()));
        first / second
    }
}
