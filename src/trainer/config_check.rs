//! Whether the settings of a run are in range and go together.

use super::config::RunConfig;
use super::config_text::{LEARNING_RATE, is_learning_rate};
use super::schedule;
use crate::error::{Result, usage};
use crate::layers::UpdateSettings;
use std::ops::RangeInclusive;

impl RunConfig {
    /// Threads of the CPU backend.
    pub(crate) const THREADS: RangeInclusive<i64> = 1..=1024;
    /// Images in a batch.
    pub(crate) const BATCH_SIZE: RangeInclusive<i64> = 1..=65_536;
    /// Passes over the training images.
    pub(super) const EPOCHS: RangeInclusive<u64> = 1..=1_000_000;

    /// Whether the settings of the training are in range, wherever they come from.
    ///
    /// # Errors
    /// The first that is not, with its value.
    pub fn check(&self) -> Result<()> {
        if let Some(threads) = self.threads.filter(|&threads| !Self::THREADS.contains(&threads.into())) {
            return Err(usage!(
                "{threads} threads; there must be {} to {}",
                Self::THREADS.start(),
                Self::THREADS.end()
            ));
        }
        if !Self::EPOCHS.contains(&self.epochs) {
            return Err(usage!(
                "{} epochs; there must be {} to {}",
                self.epochs,
                Self::EPOCHS.start(),
                Self::EPOCHS.end()
            ));
        }
        if !Self::BATCH_SIZE.contains(&self.batch_size.into()) {
            let (min, max) = (Self::BATCH_SIZE.start(), Self::BATCH_SIZE.end());
            return Err(usage!("a batch size of {}; it must be {min} to {max}", self.batch_size));
        }
        if !is_learning_rate(self.learning_rate) {
            return Err(usage!("a learning rate of {:?}; {LEARNING_RATE}", self.learning_rate));
        }
        for path in [&self.weights, &self.data_dir, &self.out].into_iter().flatten() {
            if path.to_str().is_none() {
                return Err(usage!(
                    "a path that is not UTF-8, which run.json cannot hold; rename it: {}",
                    path.display()
                ));
            }
        }
        if self.steps_per_epoch == Some(0) {
            return Err(usage!("0 steps per epoch; there must be at least 1"));
        }
        schedule::check(self.decay_rate, self.decay_steps)?;
        self.optimizer.check(&self.update_settings())
    }

    /// What goes with the optimizer.
    pub(crate) fn update_settings(&self) -> UpdateSettings {
        let Self { momentum, nesterov, weight_decay, clip_value, clip_norm, .. } = *self;
        UpdateSettings { momentum, nesterov, weight_decay, clip_value, clip_norm }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::Optimizer;

    #[test]
    fn settings_out_of_range_are_refused_with_their_values() {
        let refused = |config: RunConfig| config.check().expect_err("out of range").to_string();
        assert!(refused(RunConfig { batch_size: 0, ..RunConfig::default() }).contains("batch size of 0"));
        assert!(refused(RunConfig { epochs: 0, ..RunConfig::default() }).contains("0 epochs"));
        assert!(refused(RunConfig { threads: Some(60_000), ..RunConfig::default() }).contains("60000 threads"));
        assert!(refused(RunConfig { learning_rate: f64::NAN, ..RunConfig::default() }).contains("NaN"));
        assert!(refused(RunConfig { learning_rate: 1e-60, ..RunConfig::default() }).contains("1e-60"));
        assert!(refused(RunConfig { steps_per_epoch: Some(0), ..RunConfig::default() }).contains("steps per epoch"));
        let optimizer = Optimizer::Adam { beta_1: 1.0, beta_2: 0.9, epsilon: 1e-7 };
        assert!(refused(RunConfig { optimizer, ..RunConfig::default() }).contains("beta_1"));
    }
}
