//! Events that training reports, and the caller's answer: continue or stop.

use super::metrics::Score;
use crate::clock::Duration;

/// What happens during training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// A step's metrics have arrived.
    Step {
        /// Number of the epoch, from 1.
        epoch: u64,
        /// Number of the step in the epoch, from 1.
        step: usize,
        /// Steps of the epoch.
        steps: usize,
        /// Score of this batch, before its update.
        batch: Score,
        /// Score of the epoch so far.
        so_far: Score,
        /// Learning rate of this step's update.
        learning_rate: f64,
        /// Whether the update that this step ends was not made, since the loss or a gradient is not finite.
        skipped: bool,
    },
    /// An epoch is over.
    Epoch {
        /// Number of the epoch, from 1.
        epoch: u64,
        /// Steps that it had.
        steps: usize,
        /// Score over all its batches, each before its update.
        score: Score,
        /// Score over the validation images after it, if there are any.
        validation: Option<Score>,
        /// Learning rate of its last update.
        learning_rate: f64,
        /// Steps that were done before the training was resumed in this epoch, else 0.
        resumed_at: usize,
        /// Time that the other steps took, without the validation.
        elapsed: Duration,
    },
}

/// What a callback wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Flow {
    /// Training continues.
    #[default]
    Continue,
    /// Training ends here, without an error.
    Stop,
}

/// The score of each epoch that ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// In the order of the epochs.
    pub epochs: Vec<Score>,
    /// The same over the validation images; empty if there are none.
    pub validation: Vec<Score>,
}
