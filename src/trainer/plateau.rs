//! A learning rate that falls when the loss no longer does (Keras's `ReduceLROnPlateau`).

use crate::error::{Number, Result, usage};
use serde::{Deserialize, Serialize};

/// When and how the rate is reduced; Keras's defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PlateauSettings {
    /// Factor of a reduction.
    pub(super) factor: f64,
    /// Epochs without an improvement before a reduction.
    pub(super) patience: u64,
    /// A loss that is lower by no more than this is no improvement.
    pub(super) min_delta: f64,
    /// Epochs after a reduction that do not count.
    pub(super) cooldown: u64,
    /// The lowest rate.
    pub(super) min_rate: f64,
}

/// What the epochs so far have come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Plateau {
    /// The lowest loss so far.
    pub best: Option<f64>,
    /// Epochs since then, or since a reduction.
    pub wait: u64,
    /// Epochs that will not count.
    pub cooldown: u64,
    /// The reduced rate; none before the first reduction.
    pub rate: Option<f64>,
}

impl PlateauSettings {
    /// Whether the settings are in range.
    ///
    /// # Errors
    /// The first that is not, with its value.
    pub(super) fn check(&self) -> Result<()> {
        let Self { factor, min_delta, min_rate, .. } = *self;
        if !(factor > 0.0 && factor < 1.0) {
            return Err(usage!("a plateau_factor of {}; it must be above 0 and below 1", Number(factor)));
        }
        let at_least_0 = [("plateau_min_delta", min_delta), ("plateau_min_rate", min_rate)];
        match at_least_0.into_iter().find(|(_, value)| !value.is_finite() || *value < 0.0) {
            Some((name, value)) => Err(usage!("a {name} of {}; it must be at least 0", Number(value))),
            None => Ok(()),
        }
    }
}

impl Plateau {
    /// An epoch of a run that began with `rate` has ended with `loss`.
    pub(super) fn observe(&mut self, loss: f64, rate: f64, settings: &PlateauSettings) {
        if self.cooldown > 0 {
            self.cooldown -= 1;
            self.wait = 0;
        }
        if self.best.is_none_or(|best| loss + settings.min_delta < best) {
            (self.best, self.wait) = (Some(loss), 0);
        } else if self.cooldown == 0 {
            self.wait += 1;
            let rate = self.rate.unwrap_or(rate);
            if self.wait >= settings.patience && rate > settings.min_rate {
                self.rate = Some((rate * settings.factor).max(settings.min_rate));
                (self.cooldown, self.wait) = (settings.cooldown, 0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates<const N: usize>(settings: PlateauSettings, losses: [f64; N]) -> [f64; N] {
        let mut plateau = Plateau::default();
        losses.map(|loss| {
            plateau.observe(loss, 1.0, &settings);
            plateau.rate.unwrap_or(1.0)
        })
    }

    /// What keras.callbacks.ReduceLROnPlateau gives for these losses.
    #[test]
    fn rates_are_those_of_keras() {
        let settings = PlateauSettings { factor: 0.5, patience: 2, min_delta: 0.1, cooldown: 0, min_rate: 0.2 };
        let losses = [3.0, 2.0, 1.95, 1.95, 1.5, 1.45, 1.45, 1.45, 1.45, 1.45];
        assert_eq!(rates(settings, losses), [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2]);
        let settings = PlateauSettings { cooldown: 2, patience: 1, ..settings };
        let losses = [3.0, 3.0, 3.0, 3.0, 3.0, 3.0];
        assert_eq!(rates(settings, losses), [1.0, 0.5, 0.5, 0.25, 0.25, 0.2]);
    }
}
