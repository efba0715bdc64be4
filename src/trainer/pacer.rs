//! How many steps are submitted at a time, and how many before the host waits: the one place that decides.

use crate::clock::{Duration, Instant};

/// How long the device works without a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// What a submission may take. Much more than the default, and a driver's watchdog may reset the device.
    pub submission: Duration,
    /// How long the device may work before the host reads metrics: how often progress moves and an interrupt is heeded.
    pub report: Duration,
}

impl Default for Pace {
    /// Submissions of 80 ms, reports of 250 ms.
    fn default() -> Self {
        Self { submission: Duration::from_millis(80), report: Duration::from_millis(250) }
    }
}

/// Learns from the time of steps.
#[derive(Debug)]
pub(super) struct Pacer {
    pace: Pace,
    /// Steps of an upload, at most.
    max_steps: usize,
    steps_per_submission: usize,
    steps_per_report: usize,
    started: Instant,
}

impl Pacer {
    /// For uploads of up to `max_steps` steps; begins with single steps.
    pub(super) fn new(max_steps: usize) -> Self {
        let (pace, started) = (Pace::default(), Instant::now());
        Self { pace, max_steps, steps_per_submission: 1, steps_per_report: 1, started }
    }

    /// From the next wait on.
    pub(super) fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
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
        (self.steps_per_submission, self.steps_per_report) = (fitting(self.pace.submission), fitting(self.pace.report));
    }
}
