//! Events that training reports, and the caller's answer: continue or stop.

use super::metrics::Score;
use crate::clock::Duration;
use std::fmt::{Display, Formatter};

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

/// Why training ended before its last epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// No epoch after this one, of so many, had a lower loss.
    EarlyStopping {
        /// Number of the best epoch, from 1; 0 if no epoch had a loss.
        best: u64,
        /// Epochs after it.
        epochs: u64,
    },
    /// The time is over.
    MaxTime,
}

impl Display for Stopped {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::EarlyStopping { best, epochs } => {
                let plural = if *epochs == 1 { "epoch" } else { "epochs" };
                write!(f, "early stopping: the {epochs} {plural} after epoch {best} brought no lower loss")
            }
            Self::MaxTime => f.write_str("the time is over"),
        }
    }
}

/// The score of each epoch that ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// In the order of the epochs.
    pub epochs: Vec<Score>,
    /// The same over the validation images; empty if there are none.
    pub validation: Vec<Score>,
}
