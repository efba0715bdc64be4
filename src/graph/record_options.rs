//! What a plan is recorded for.

use crate::layers::{Augment, Loss, LossSettings, Optimizer, UpdateSettings};
use crate::plan::Profile;

/// What a plan is recorded for, beside the model.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordOptions {
    /// Images in a batch.
    pub batch: usize,
    /// Batches that one upload holds.
    pub batches_per_upload: usize,
    /// How kernels are chosen and tiled.
    pub profile: Profile,
    /// What training minimises.
    pub loss: Loss,
    /// What goes with it.
    pub loss_settings: LossSettings,
    /// What is changed in the images of training.
    pub augment: Augment,
    /// How parameters follow their gradients.
    pub optimizer: Optimizer,
    /// What goes with it.
    pub update: UpdateSettings,
}

impl RecordOptions {
    /// One batch of `batch` images an upload, for adapters of `profile`, with the default loss and optimizer.
    pub fn new(batch: usize, profile: Profile) -> Self {
        Self {
            batch,
            batches_per_upload: 1,
            profile,
            loss: Loss::default(),
            loss_settings: LossSettings::default(),
            augment: Augment::default(),
            optimizer: Optimizer::default(),
            update: UpdateSettings::default(),
        }
    }
}
