//! How many steps are submitted at a time, and how many before the host waits: the one place that decides.

use crate::clock::{Duration, Instant};

/// A submission should not take longer than this, or a driver's watchdog may reset the device.
const SUBMISSION: Duration = Duration::from_millis(80);
/// How long the device may work before the host reads metrics: how often progress moves and an interrupt is heeded.
const REPORT: Duration = Duration::from_millis(250);

/// Learns from the time of steps.
#[derive(Debug)]
pub(super) struct Pacer {
    /// Steps of an upload, at most.
    max_steps: usize,
    steps_per_submission: usize,
    steps_per_report: usize,
    started: Instant,
}

impl Pacer {
    /// For uploads of up to `max_steps` steps; begins with single steps.
    pub(super) fn new(max_steps: usize) -> Self {
        Self { max_steps, steps_per_submission: 1, steps_per_report: 1, started: Instant::now() }
    }

    /// Steps to submit at once.
    pub(super) fn steps_per_submission(&self) -> usize {
        self.steps_per_submission
    }

    /// Steps to submit before the next wait.
    pub(super) fn steps_per_report(&self) -> usize {
        self.steps_per_report
    }

    /// The device begins to work now.
    pub(super) fn start(&mut self) {
        self.started = Instant::now();
    }

    /// The device has done `steps` steps.
    pub(super) fn finish(&mut self, steps: usize) {
        let per_step = (self.started.elapsed().as_secs_f64() / steps.max(1) as f64).max(1e-9);
        let fitting = |time: Duration| ((time.as_secs_f64() / per_step) as usize).clamp(1, self.max_steps);
        (self.steps_per_submission, self.steps_per_report) = (fitting(SUBMISSION), fitting(REPORT));
    }
}
