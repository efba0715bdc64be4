//! Whether the settings of a run are in range and go together.

use super::config::RunConfig;
use super::config_text::{LEARNING_RATE, is_learning_rate};
use super::plateau::{Plateau, PlateauSettings};
use super::schedule::{self, LearningRate, Schedule};
use super::tta::Tta;
use crate::error::{Number, Result, usage};
use crate::layers::{Augment, LossSettings, UpdateSettings};
use std::ops::RangeInclusive;

impl RunConfig {
    /// Threads of the CPU backend.
    pub(crate) const THREADS: RangeInclusive<i64> = 1..=1024;
    /// Images in a batch.
    pub(crate) const BATCH_SIZE: RangeInclusive<i64> = 1..=65_536;
    /// Batches of an update.
    pub(super) const ACCUMULATE: RangeInclusive<i64> = 1..=65_536;
    /// Checkpoints that are kept.
    pub(super) const KEEP: RangeInclusive<i64> = 1..=10_000;
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
        if let Some(micro_batch) = self.micro_batch.filter(|&n| n == 0 || !self.batch_size.is_multiple_of(n)) {
            return Err(usage!("micro_batch is {micro_batch}; it must divide the batch size, {}", self.batch_size));
        }
        if !Self::ACCUMULATE.contains(&self.accumulate.into()) {
            let (min, max) = (Self::ACCUMULATE.start(), Self::ACCUMULATE.end());
            return Err(usage!("{} batches an update; there must be {min} to {max}", self.accumulate));
        }
        if !Self::KEEP.contains(&self.keep.into()) {
            let (min, max) = (Self::KEEP.start(), Self::KEEP.end());
            return Err(usage!("keep = {}; it must be {min} to {max}", self.keep));
        }
        if !is_learning_rate(self.learning_rate) {
            return Err(usage!("a learning rate of {}; {LEARNING_RATE}", Number(self.learning_rate)));
        }
        if !is_learning_rate(self.scaled_rate()) {
            let (rate, scaling) = (Number(self.scaled_rate()), self.learning_rate_scaling.name());
            return Err(usage!("a learning rate of {rate} by {scaling} scaling; {LEARNING_RATE}"));
        }
        if !(self.test_split > 0.0 && self.test_split < 1.0) {
            return Err(usage!("a test_split of {}; it must be between 0 and 1", Number(self.test_split)));
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
        self.check_validation()?;
        self.check_stopping()?;
        self.augment.iter().try_for_each(Augment::check)?;
        schedule::check(self.schedule, self.decay_rate, self.decay_steps)?;
        self.check_plateau()?;
        self.loss_settings().check()?;
        self.optimizer.check(&self.update_settings())
    }

    /// Whether a TOML file can hold the numbers, as those of new runs have to be.
    ///
    /// # Errors
    /// The first that is too large, with its value.
    pub fn check_numbers(&self) -> Result<()> {
        if let Some((name, value)) = self.to_table()?.iter().find(|(_, value)| value.is_u64() && !value.is_i64()) {
            return Err(usage!(
                "{name} is {value}; it must be at most {}, the largest number of a TOML file",
                i64::MAX
            ));
        }
        Ok(())
    }

    /// A sentence for each setting that can have no effect on a run over `images` training images. The settings are in range
    /// ([`Self::check`]).
    pub fn warnings(&self, images: usize) -> Vec<String> {
        let whole = images.div_ceil(self.batch_size as usize) as u64;
        let steps = whole.min(self.max_steps() as u64);
        let LearningRate { updates, decay_steps, warmup, rate, .. } = self.learning_rate(steps, &Plateau::default());
        let plateau = self.plateau_settings();
        let is_plateau = self.schedule == Schedule::Plateau;
        // The loss of the first epoch is what later ones are compared with.
        let first_reduction = plateau.patience.max(1).saturating_add(1);
        let found = [
            self.steps_per_epoch.filter(|asked| u64::from(*asked) > whole).map(|asked| {
                format!("steps_per_epoch is {asked}; the training images make {whole} steps")
            }),
            (self.accumulate > 1 && u64::from(self.accumulate) > steps).then(|| {
                format!("accumulate is {}; an update takes the {steps} batches of an epoch at most", self.accumulate)
            }),
            (warmup > 0 && warmup >= updates).then(|| {
                format!("warmup is {warmup}; the run has {updates} updates, so that the learning rate never reaches {rate}")
            }),
            (self.schedule == Schedule::Step && warmup.saturating_add(decay_steps) >= updates).then(|| {
                format!("decay_steps is {decay_steps}; the run has {updates} updates, so that the learning rate never decays")
            }),
            (is_plateau && first_reduction >= self.epochs).then(|| {
                format!(
                    "plateau_patience is {}; the run has {} epochs, so that the learning rate is never reduced",
                    plateau.patience, self.epochs
                )
            }),
            (is_plateau && plateau.min_rate >= rate).then(|| {
                format!("plateau_min_rate is {}; the learning rate, {rate}, is never reduced", plateau.min_rate)
            }),
        ];
        found.into_iter().flatten().collect()
    }

    fn check_plateau(&self) -> Result<()> {
        let given = [
            ("plateau_factor", self.plateau_factor.is_some()),
            ("plateau_patience", self.plateau_patience.is_some()),
            ("plateau_min_delta", self.plateau_min_delta.is_some()),
            ("plateau_cooldown", self.plateau_cooldown.is_some()),
            ("plateau_min_rate", self.plateau_min_rate.is_some()),
        ];
        match given.into_iter().find(|(_, is_given)| *is_given) {
            Some((name, _)) if self.schedule != Schedule::Plateau => {
                Err(usage!("{name} is for the schedule plateau; the schedule is {}", self.schedule.name()))
            }
            _ => self.plateau_settings().check(),
        }
    }

    /// What goes with the schedule plateau.
    pub(super) fn plateau_settings(&self) -> PlateauSettings {
        PlateauSettings {
            factor: self.plateau_factor.unwrap_or(0.1),
            patience: self.plateau_patience.unwrap_or(10),
            min_delta: self.plateau_min_delta.unwrap_or(1e-4),
            cooldown: self.plateau_cooldown.unwrap_or(0),
            min_rate: self.plateau_min_rate.unwrap_or(0.0),
        }
    }

    /// The views of a test image, where there are others than the image.
    pub fn views(&self) -> Option<Tta> {
        self.tta.filter(|tta| *tta != Tta::None)
    }

    /// What goes with the optimizer.
    pub(crate) fn update_settings(&self) -> UpdateSettings {
        let Self { momentum, nesterov, weight_decay, clip_value, clip_norm, accumulate, ema, on_nan, .. } = *self;
        let accumulates = accumulate > 1;
        UpdateSettings { momentum, nesterov, weight_decay, clip_value, clip_norm, accumulates, ema, on_nan }
    }

    /// What goes with the loss.
    pub(crate) fn loss_settings(&self) -> LossSettings {
        let Self { label_smoothing, from_logits, ref class_weight, .. } = *self;
        LossSettings { label_smoothing, from_logits, class_weight: class_weight.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Moments, Optimizer};

    #[test]
    fn settings_out_of_range_are_refused_with_their_values() {
        let refused = |config: RunConfig| config.check().expect_err("out of range").to_string();
        assert!(refused(RunConfig { batch_size: 0, ..RunConfig::default() }).contains("batch size of 0"));
        let large = RunConfig { seed: 1 << 63, ..RunConfig::default() };
        let error = large.check_numbers().expect_err("a TOML file cannot hold it").to_string();
        assert!(error.contains("seed is 9223372036854775808; it"), "{error}");
        assert!(refused(RunConfig { epochs: 0, ..RunConfig::default() }).contains("0 epochs"));
        assert!(refused(RunConfig { threads: Some(60_000), ..RunConfig::default() }).contains("60000 threads"));
        assert!(refused(RunConfig { learning_rate: f64::NAN, ..RunConfig::default() }).contains("NaN"));
        assert!(refused(RunConfig { learning_rate: 1e-60, ..RunConfig::default() }).contains("1e-60"));
        assert!(refused(RunConfig { steps_per_epoch: Some(0), ..RunConfig::default() }).contains("steps per epoch"));
        let optimizer = Optimizer::Adam(Moments { beta_1: 1.0, ..Moments::default() });
        assert!(refused(RunConfig { optimizer, ..RunConfig::default() }).contains("beta_1"));
    }

    /// 100 images in batches of 10 over two epochs: 20 updates. Each setting just within the run, and just beyond.
    #[test]
    fn settings_without_effect_are_named() {
        let run = || RunConfig { batch_size: 10, epochs: 2, ..RunConfig::default() };
        let step = |warmup, decay_steps| RunConfig { schedule: Schedule::Step, warmup, decay_steps, ..run() };
        let plateau = |epochs, plateau_patience| RunConfig {
            schedule: Schedule::Plateau,
            epochs,
            plateau_patience: Some(plateau_patience),
            ..run()
        };
        let least = |plateau_min_rate| RunConfig { plateau_min_rate: Some(plateau_min_rate), ..plateau(9, 1) };
        for (with, without, name) in [
            (
                RunConfig { steps_per_epoch: Some(10), ..run() },
                RunConfig { steps_per_epoch: Some(11), ..run() },
                "steps_per_epoch",
            ),
            (RunConfig { accumulate: 10, ..run() }, RunConfig { accumulate: 11, ..run() }, "accumulate"),
            (RunConfig { warmup: 19, ..run() }, RunConfig { warmup: 20, ..run() }, "warmup"),
            (step(0, Some(19)), step(0, Some(20)), "decay_steps"),
            (step(9, None), step(10, None), "decay_steps"),
            (plateau(3, 1), plateau(2, 1), "plateau_patience"),
            (plateau(3, 0), plateau(2, 0), "plateau_patience"),
            (plateau(11, 9), plateau(10, 9), "plateau_patience"),
            (least(0.9e-3), least(1e-3), "plateau_min_rate"),
        ] {
            assert_eq!(with.warnings(100), [""; 0], "{name}");
            let warnings = without.warnings(100);
            assert!(warnings.len() == 1 && warnings[0].starts_with(name), "{name}: {warnings:?}");
        }
    }
}
