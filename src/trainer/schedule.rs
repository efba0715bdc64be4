//! Schedules of the learning rate: functions of the update's number, without state. Keras's formulas, which count updates from 0.

use crate::error::{Number, Result, usage};
use crate::layers::named;
use serde::{Deserialize, Serialize};

/// How the learning rate goes on after the warm-up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// It stays.
    #[default]
    Constant,
    /// It is multiplied by the decay rate every so many updates (`ExponentialDecay` with `staircase`).
    Step,
    /// The same between them, too (`ExponentialDecay`).
    Exponential,
    /// Half a cosine down to zero, over all updates of the run (`CosineDecay`): of each call of `fit` anew, after a warm-up of its own.
    Cosine,
    /// Up to the learning rate at the middle of the run, and down to zero at its end; with several calls of `fit` as the cosine.
    Triangular,
    /// It is multiplied by a factor when an epoch's loss has not improved for some epochs (`ReduceLROnPlateau`).
    Plateau,
}

/// How the learning rate grows with the images of an update: a larger batch has less noise in its gradient.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scaling {
    /// It does not.
    #[default]
    None,
    /// In proportion (Goyal et al. 2017).
    Linear,
    /// As their root, which suits Adam (Malladi et al. 2022).
    Sqrt,
}

/// Images of an update for which the learning rate is as it is set: the default batch.
const UNSCALED_IMAGES: f64 = 32.0;

impl Scaling {
    /// The names of all.
    pub const NAMES: [&str; 3] = ["none", "linear", "sqrt"];

    /// The name in settings.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        named(name)
    }

    /// The factor of the learning rate where an update takes so many images.
    pub(super) fn factor(self, images: u64) -> f64 {
        let growth = images as f64 / UNSCALED_IMAGES;
        match self {
            Self::None => 1.0,
            Self::Linear => growth,
            Self::Sqrt => growth.sqrt(),
        }
    }
}

/// A schedule with its numbers, for a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LearningRate {
    pub(super) schedule: Schedule,
    /// The highest rate.
    pub(super) rate: f64,
    /// Updates over which it rises from zero.
    pub(super) warmup: u64,
    /// Updates between two decays of `step`, and the factor.
    pub(super) decay_steps: u64,
    pub(super) decay_rate: f64,
    /// Updates of the run.
    pub(super) updates: u64,
    /// Updates before the run.
    pub(super) before: u64,
}

/// The factor of a decay where the settings have none.
pub(super) const DECAY_RATE: f64 = 0.5;

impl Schedule {
    /// The names of all schedules.
    pub const NAMES: [&str; 6] = ["constant", "step", "exponential", "cosine", "triangular", "plateau"];

    /// The name in settings.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// Whether the setting `name`, which is for some schedules alone, is for this one.
    pub fn takes(self, name: &str) -> bool {
        match self {
            Self::Step | Self::Exponential => name.starts_with("decay_"),
            Self::Plateau => name.starts_with("plateau_"),
            Self::Constant | Self::Cosine | Self::Triangular => false,
        }
    }

    /// The schedule of this name.
    pub fn named(name: &str) -> Option<Self> {
        named(name)
    }
}

impl LearningRate {
    /// The rate of update `update`, from 1.
    pub(super) fn at(&self, update: u64) -> f64 {
        let done = update.saturating_sub(1).saturating_sub(self.before);
        if done < self.warmup {
            return self.rate * done as f64 / self.warmup as f64;
        }
        let (done, total) = ((done - self.warmup) as f64, self.updates.saturating_sub(self.warmup).max(1) as f64);
        let decays = done / self.decay_steps as f64;
        let share = match self.schedule {
            // The plateau has reduced the highest rate.
            Schedule::Constant | Schedule::Plateau => 1.0,
            Schedule::Step => self.decay_rate.powf(decays.floor()),
            Schedule::Exponential => self.decay_rate.powf(decays),
            Schedule::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * (done / total).min(1.0)).cos()),
            Schedule::Triangular => (1.0 - (2.0 * done / total - 1.0).abs()).max(0.0),
        };
        self.rate * share
    }
}

/// Whether a decay rate and its steps are in range, and the schedule has them.
pub(super) fn check(schedule: Schedule, decay_rate: Option<f64>, decay_steps: Option<u64>) -> Result<()> {
    let decays = matches!(schedule, Schedule::Step | Schedule::Exponential);
    if !decays && (decay_rate.is_some() || decay_steps.is_some()) {
        let given = if decay_rate.is_some() { "decay_rate" } else { "decay_steps" };
        return Err(usage!("{given} is for the schedules step and exponential; the schedule is {}", schedule.name()));
    }
    if let Some(decay_rate) = decay_rate.filter(|rate| !(*rate > 0.0 && *rate <= 1.0)) {
        return Err(usage!("a decay rate of {}; it must be above 0 and at most 1", Number(decay_rate)));
    }
    match decay_steps {
        Some(0) => Err(usage!("0 decay steps; there must be at least 1")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates<const N: usize>(schedule: Schedule, warmup: u64, updates: [u64; N]) -> [f64; N] {
        let rate =
            LearningRate { schedule, rate: 0.1, warmup, decay_steps: 10, decay_rate: 0.5, updates: 40, before: 0 };
        updates.map(|update| (rate.at(update) * 1e9).round() / 1e9)
    }

    /// The values that keras.optimizers.schedules gives: ExponentialDecay(0.1, 10, 0.5, staircase), CosineDecay(0.1, 40), and
    /// CosineDecay(0.0, 36, warmup_target = 0.1, warmup_steps = 4).
    #[test]
    fn rates_are_those_of_keras() {
        assert_eq!(rates(Schedule::Constant, 0, [1, 40]), [0.1; 2]);
        assert_eq!(rates(Schedule::Step, 0, [1, 10, 11, 21]), [0.1, 0.1, 0.05, 0.025]);
        assert_eq!(rates(Schedule::Exponential, 0, [1, 6, 11]), [0.1, 0.070_710_678, 0.05]);
        assert_eq!(rates(Schedule::Cosine, 0, [1, 11, 21, 41]), [0.1, 0.085_355_339, 0.05, 0.0]);
        assert_eq!(rates(Schedule::Cosine, 4, [1, 3, 5, 23, 41]), [0.0, 0.05, 0.1, 0.05, 0.0]);
        assert_eq!(rates(Schedule::Triangular, 0, [1, 11, 21, 31, 41]), [0.0, 0.05, 0.1, 0.05, 0.0]);
    }

    #[test]
    fn the_rate_grows_with_the_images_of_an_update() {
        assert_eq!(Scaling::NAMES.map(|name| Scaling::named(name).expect(name).factor(512)), [1.0, 16.0, 4.0]);
        assert!(Scaling::NAMES.iter().all(|name| Scaling::named(name).expect(name).name() == *name));
        assert_eq!(Scaling::Linear.factor(8), 0.25);
    }

    #[test]
    fn every_name_is_that_of_a_schedule() {
        assert!(Schedule::NAMES.into_iter().all(|name| Schedule::named(name).expect(name).name() == name));
        assert!(Schedule::named("linear").is_none());
    }
}
