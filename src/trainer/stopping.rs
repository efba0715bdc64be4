//! When training ends before its last epoch: no improvement, or no time. The best epoch's weights.

use super::config::RunConfig;
use super::events::Stopped;
use super::metrics::{BestEpoch, Progress};
use super::state::Trainer;
use crate::error::{Result, usage};
use crate::layers::ClassWeights;

impl RunConfig {
    pub(super) fn check_stopping(&self) -> Result<()> {
        let zero = [
            ("early_stopping", self.early_stopping == Some(0)),
            ("limit_batches", self.limit_batches == Some(0)),
            ("overfit_batches", self.overfit_batches == Some(0)),
        ];
        if let Some((name, _)) = zero.into_iter().find(|(_, is_zero)| *is_zero) {
            return Err(usage!("{name} is 0; it must be at least 1"));
        }
        let validates = self.validation.is_some() || self.validation_split.is_some();
        if self.class_weight.is_some() && self.class_weights.is_some() {
            return Err(usage!("class_weight and class_weights are both given; it is one or the other"));
        }
        let excluded = [
            (validates, "all of a few images are trained on; it goes with no validation images"),
            (
                self.ema.is_some(),
                "the weights that are trained are tried; it goes with no moving average of them (ema)",
            ),
            (self.views().is_some(), "the images that are trained on are tried; it goes with no views of them (tta)"),
        ];
        let excluded = excluded.into_iter().find(|(is_asked, _)| *is_asked);
        match self.overfit_batches.zip(excluded) {
            Some((batches, (_, why))) => Err(usage!("overfit_batches is {batches}: {why}")),
            None => Ok(()),
        }
    }

    /// The factors of the loss become those by which all classes of `labels` count the same, in place of where they come from.
    pub fn balance_classes(&mut self, labels: &[u8]) {
        (self.class_weights, self.class_weight) = (None, Some(ClassWeights::balanced(labels)));
    }

    /// The factors of the loss become these, each of a class, in place of where they come from.
    pub fn weigh_classes(&mut self, factors: Vec<(u8, f64)>) {
        (self.class_weights, self.class_weight) = (None, Some(ClassWeights::new(factors)));
    }

    /// Batches of an epoch, at most.
    pub(super) fn max_steps(&self) -> usize {
        let limits = [self.steps_per_epoch, self.limit_batches];
        limits.into_iter().flatten().min().map_or(usize::MAX, |steps| steps as usize)
    }

    /// Images of a set that is tested, at most.
    pub fn max_tested(&self) -> usize {
        self.limit_batches.map_or(usize::MAX, |batches| batches as usize * self.batch_size as usize)
    }
}

impl Trainer {
    /// Why training ended before its last epoch; none if it did not.
    pub fn stopped(&self) -> Option<Stopped> {
        self.stopped
    }

    /// Whether no epoch has improved for as long as the settings say.
    pub(super) fn ends_early(&self) -> Option<Stopped> {
        let patience = self.config.early_stopping?;
        let Progress { epoch, best, fit_start, .. } = self.progress;
        let best = best.map_or(0, |best| best.epoch);
        let epochs = epoch - best.max(fit_start.epoch);
        (epochs >= patience).then_some(Stopped::EarlyStopping { best, epochs })
    }

    /// Keeps the weights of an epoch that is the best so far, where training may end early.
    pub(super) async fn keep_best(&mut self) -> Result<()> {
        if self.config.early_stopping.is_some() {
            self.best_weights = Some(self.inference_weights().await?);
        }
        Ok(())
    }

    /// With [`RunConfig::early_stopping`] the weights become those of the best epoch, which is returned. A checkpoint that is to go on with
    /// the training is written before.
    ///
    /// # Errors
    /// If the device is lost.
    pub fn restore_best(&mut self) -> Result<Option<BestEpoch>> {
        let Some(weights) = self.best_weights.take() else { return Ok(None) };
        self.set_weights(&weights)?;
        self.best_weights = Some(weights);
        Ok(self.progress.best)
    }
}
