//! Whether the arguments of an optimizer are in range and go with the settings of its update.

use super::args::in_f32;
use super::optimizer::{Moments, Optimizer};
use super::update_settings::UpdateSettings;
use crate::error::{Number, Result, usage};

impl Optimizer {
    /// Whether the setting `name`, which is for some optimizers alone, is for this one.
    pub(crate) fn takes(&self, name: &str) -> bool {
        match self {
            Self::Sgd {} => ["momentum", "nesterov"].contains(&name),
            Self::RmsProp { .. } => name == "momentum",
            _ => false,
        }
    }

    /// Whether the settings are in range, and those of `settings` for this optimizer.
    ///
    /// # Errors
    /// The first that is not, with its value.
    pub(crate) fn check(&self, settings: &UpdateSettings) -> Result<()> {
        let name = self.name();
        let decays: &[(&str, f64)] = match self {
            Self::Sgd {} | Self::Adagrad { .. } => &[],
            Self::Adam(Moments { beta_1, beta_2, .. })
            | Self::AdamW(Moments { beta_1, beta_2, .. })
            | Self::Nadam(Moments { beta_1, beta_2, .. })
            | Self::Lion { beta_1, beta_2 } => &[("beta_1", *beta_1), ("beta_2", *beta_2)],
            Self::Muon { adam_beta_1, adam_beta_2, momentum, .. } => {
                &[("adam_beta_1", *adam_beta_1), ("adam_beta_2", *adam_beta_2), ("momentum", *momentum)]
            }
            Self::RmsProp { rho, .. } => &[("rho", *rho)],
        };
        let decays = (decays.iter().copied())
            .chain([("momentum", settings.momentum)])
            .chain(settings.ema.map(|decay| ("ema", decay)));
        if let Some((argument, value)) = decays.into_iter().find(|(_, value)| !(0.0..1.0).contains(&(*value as f32))) {
            return Err(usage!("{argument} of {name} is {}; it must be at least 0 and below 1", Number(value)));
        }
        let clips = [
            settings.clip_value.map(|value| ("clip_value", value)),
            settings.clip_norm.map(|value| ("clip_norm", value)),
        ];
        if let [Some((_, value)), Some((_, norm))] = clips {
            return Err(usage!(
                "a clip_value of {} and a clip_norm of {}; gradients are clipped by one of them",
                Number(value),
                Number(norm)
            ));
        }
        let positive = match self {
            Self::Sgd {} | Self::Lion { .. } => None,
            Self::Adam(Moments { epsilon, .. })
            | Self::AdamW(Moments { epsilon, .. })
            | Self::Nadam(Moments { epsilon, .. })
            | Self::Muon { epsilon, .. }
            | Self::RmsProp { epsilon, .. }
            | Self::Adagrad { epsilon, .. } => Some(("epsilon", *epsilon)),
        };
        let positive = positive.into_iter().chain(clips.into_iter().flatten());
        if let Some((argument, value)) = positive.into_iter().find(|(_, value)| !in_f32(*value) || *value <= 0.0) {
            return Err(usage!("{argument} of {name} is {}; it must be a positive number", Number(value)));
        }
        if let Self::Muon { ns_steps, rms_rate, .. } = self {
            if !in_f32(*rms_rate) || *rms_rate <= 0.0 {
                return Err(usage!("rms_rate of {name} is {}; it must be a positive number", Number(*rms_rate)));
            }
            if !(1..=20).contains(ns_steps) {
                return Err(usage!("ns_steps of {name} is {ns_steps}; there must be 1 to 20"));
            }
        }
        let accumulator = match self {
            Self::Adagrad { initial_accumulator_value, .. } => {
                Some(("initial_accumulator_value", *initial_accumulator_value))
            }
            _ => None,
        };
        let at_least_0 = accumulator.into_iter().chain(settings.weight_decay.map(|value| ("weight_decay", value)));
        if let Some((argument, value)) = at_least_0.into_iter().find(|(_, value)| !in_f32(*value) || *value < 0.0) {
            return Err(usage!("{argument} of {name} is {}; it must be at least 0", Number(value)));
        }
        if settings.momentum != 0.0 && !self.takes("momentum") {
            return Err(usage!("the setting momentum is for sgd and rmsprop; the optimizer is {name}"));
        }
        if settings.nesterov && !(self.takes("nesterov") && settings.momentum != 0.0) {
            return Err(usage!(
                "nesterov is for sgd with a momentum; the optimizer is {name}, the momentum {}",
                Number(settings.momentum)
            ));
        }
        Ok(())
    }
}
