//! Scores of batches and of what they add up to, and how far training has come.

use super::plateau::Plateau;
use serde::{Deserialize, Serialize};

/// Loss and accuracy, over a batch, an epoch or a test set.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Score {
    /// Mean loss over the images; cross-entropies are in nats.
    pub loss: f64,
    /// Share of images whose most probable class is the label's.
    pub accuracy: f64,
}

/// Loss and correct predictions of some images.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tally {
    /// Mean over the images.
    pub(super) loss: f64,
    pub(super) correct: f64,
    pub(super) images: f64,
}

impl Tally {
    pub(super) fn add(&mut self, other: Self) {
        let images = self.images + other.images;
        self.loss = (self.loss * self.images + other.loss * other.images) / images;
        self.correct += other.correct;
        self.images = images;
    }

    /// As [`Self::add`], unless the loss is not finite.
    pub(super) fn add_finite(&mut self, other: Self) {
        if other.loss.is_finite() {
            self.add(other);
        }
    }

    pub(super) fn score(&self) -> Score {
        Score { loss: self.loss, accuracy: self.correct / self.images }
    }
}

/// How far training has come. It moves when the metrics of steps have arrived, so it always says what the parameters on the
/// device are the result of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Epochs that are over.
    pub epoch: u64,
    /// Batches of the current epoch that are done.
    pub batch: u64,
    /// Updates of the parameters, over all epochs.
    pub updates: u64,
    /// Batches, over all epochs.
    pub steps: u64,
    /// Images that training has seen, over all epochs.
    pub images_seen: u64,
    /// Where the present call of `fit` began.
    pub fit_start: FitStart,
    /// Where the schedule plateau stands.
    pub plateau: Plateau,
    /// The epoch with the lowest loss so far.
    pub best: Option<BestEpoch>,
    /// What the batches of the current epoch come to.
    pub(super) so_far: Tally,
    /// Updates of the current epoch that were skipped.
    #[serde(default)]
    pub(super) skipped: u64,
}

impl Progress {
    /// Whether the parts go together: none is less than a part of it.
    pub(super) fn is_consistent(&self) -> bool {
        let Self { epoch, batch, updates, steps, fit_start, best, .. } = *self;
        // As many as any run comes to, so that sums of them are numbers, too.
        let are_small = [epoch, batch, updates, steps].iter().all(|count| *count < 1 << 62);
        let is_best_over = best.is_none_or(|best| best.epoch <= epoch);
        are_small && fit_start.epoch <= epoch && fit_start.updates <= updates && batch <= steps && is_best_over
    }
}

/// What came before a call of `fit`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FitStart {
    /// Epochs.
    pub epoch: u64,
    /// Updates.
    pub updates: u64,
}

/// The epoch with the lowest loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BestEpoch {
    /// Its number, from 1.
    pub epoch: u64,
    /// Its mean loss: over the validation images, if there are any, else over its batches.
    pub loss: f64,
}
