//! Optimizers as values: their settings, state and update.

use super::args::in_f32;
use super::update_settings::UpdateSettings;
use crate::error::{Result, usage};
use crate::kernels::optimizer::{Rule, Update};
use crate::plan::{BufferSlice, DispatchId, Recorder};
use serde::de::value::MapDeserializer;
use serde::{Deserialize, Serialize};

/// How parameters follow their gradients, with Keras's formulas and defaults.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Optimizer {
    /// Gradient descent, with momentum where [`UpdateSettings`] has some.
    Sgd {},
    /// Adam (Kingma and Ba 2015, end of section 2); epsilon is added to the uncorrected root.
    Adam {
        /// Decay of the first moment.
        #[serde(default = "beta_1")]
        beta_1: f64,
        /// Decay of the second moment.
        #[serde(default = "beta_2")]
        beta_2: f64,
        /// Added to the root of the second moment.
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
    /// Adam with decoupled weight decay, 0.004 by default (Loshchilov and Hutter 2019).
    AdamW {
        /// Decay of the first moment.
        #[serde(default = "beta_1")]
        beta_1: f64,
        /// Decay of the second moment.
        #[serde(default = "beta_2")]
        beta_2: f64,
        /// Added to the root of the second moment.
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
    /// RMSprop (Hinton 2012); epsilon stands inside the root.
    RmsProp {
        /// Decay of the mean square.
        #[serde(default = "rho")]
        rho: f64,
        /// Added to the mean square.
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
    /// Adagrad (Duchi et al. 2011); epsilon stands inside the root.
    Adagrad {
        /// What the sum of squares starts from.
        #[serde(default = "initial_accumulator_value")]
        initial_accumulator_value: f64,
        /// Added to the sum of squares.
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
    /// Adam with Nesterov's momentum (Dozat 2016).
    Nadam {
        /// Decay of the first moment.
        #[serde(default = "beta_1")]
        beta_1: f64,
        /// Decay of the second moment.
        #[serde(default = "beta_2")]
        beta_2: f64,
        /// Added to the root of the second moment.
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
    /// Steps of one length, by the sign of the momentum (Chen et al. 2023).
    Lion {
        /// Share of the momentum in the direction.
        #[serde(default = "beta_1")]
        beta_1: f64,
        /// Decay of the momentum.
        #[serde(default = "lion_beta_2")]
        beta_2: f64,
    },
}

fn beta_1() -> f64 {
    0.9
}

fn beta_2() -> f64 {
    0.999
}

fn lion_beta_2() -> f64 {
    0.99
}

fn rho() -> f64 {
    0.9
}

fn initial_accumulator_value() -> f64 {
    0.1
}

fn epsilon() -> f64 {
    1e-7
}

/// AdamW's decay where the settings have none.
const ADAMW_WEIGHT_DECAY: f64 = 0.004;
/// Decay of the momentum's schedule in Nadam.
const NADAM_DECAY: f64 = 0.96;
/// Updates after which that decay, 0.96^t, is below half a unit in the last place of 1.
const NADAM_FACTORS: u64 = 900;

impl Default for Optimizer {
    /// Adam with beta_1 0.9, beta_2 0.999, epsilon 1e-7.
    fn default() -> Self {
        Self::Adam { beta_1: beta_1(), beta_2: beta_2(), epsilon: epsilon() }
    }
}

impl Optimizer {
    /// The names of all optimizers.
    pub const NAMES: [&str; 7] = ["sgd", "adam", "adamw", "rmsprop", "adagrad", "nadam", "lion"];

    /// Whether the settings are in range, and those of `settings` for this optimizer.
    ///
    /// # Errors
    /// The first that is not, with its value.
    pub(crate) fn check(&self, settings: &UpdateSettings) -> Result<()> {
        let name = self.name();
        let decays: &[(&str, f64)] = match self {
            Self::Sgd {} | Self::Adagrad { .. } => &[],
            Self::Adam { beta_1, beta_2, .. }
            | Self::AdamW { beta_1, beta_2, .. }
            | Self::Nadam { beta_1, beta_2, .. }
            | Self::Lion { beta_1, beta_2 } => &[("beta_1", *beta_1), ("beta_2", *beta_2)],
            Self::RmsProp { rho, .. } => &[("rho", *rho)],
        };
        let decays = decays.iter().copied().chain([("momentum", settings.momentum)]);
        if let Some((argument, value)) = decays.into_iter().find(|(_, value)| !(0.0..1.0).contains(&(*value as f32))) {
            return Err(usage!("{argument} of {name} is {value}; it must be at least 0 and below 1"));
        }
        let positive = match self {
            Self::Sgd {} | Self::Lion { .. } => None,
            Self::Adam { epsilon, .. }
            | Self::AdamW { epsilon, .. }
            | Self::Nadam { epsilon, .. }
            | Self::RmsProp { epsilon, .. }
            | Self::Adagrad { epsilon, .. } => Some(("epsilon", *epsilon)),
        };
        let positive = positive.into_iter().chain(settings.clip_value.map(|value| ("clip_value", value)));
        if let Some((argument, value)) = positive.into_iter().find(|(_, value)| !in_f32(*value) || *value <= 0.0) {
            return Err(usage!("{argument} of {name} is {value}; it must be a positive number"));
        }
        let accumulator = match self {
            Self::Adagrad { initial_accumulator_value, .. } => {
                Some(("initial_accumulator_value", *initial_accumulator_value))
            }
            _ => None,
        };
        let at_least_0 = accumulator.into_iter().chain(settings.weight_decay.map(|value| ("weight_decay", value)));
        if let Some((argument, value)) = at_least_0.into_iter().find(|(_, value)| !in_f32(*value) || *value < 0.0) {
            return Err(usage!("{argument} of {name} is {value}; it must be at least 0"));
        }
        match self {
            Self::Sgd {} | Self::RmsProp { .. } => {}
            _ if settings.momentum != 0.0 => return Err(usage!("{name} has no momentum; sgd and rmsprop have")),
            _ => {}
        }
        if settings.nesterov && !(matches!(self, Self::Sgd {}) && settings.momentum != 0.0) {
            return Err(usage!(
                "nesterov is for sgd with a momentum; the optimizer is {name}, the momentum {}",
                settings.momentum
            ));
        }
        Ok(())
    }

    /// Keras's name, in small letters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sgd {} => "sgd",
            Self::Adam { .. } => "adam",
            Self::AdamW { .. } => "adamw",
            Self::RmsProp { .. } => "rmsprop",
            Self::Adagrad { .. } => "adagrad",
            Self::Nadam { .. } => "nadam",
            Self::Lion { .. } => "lion",
        }
    }

    /// The optimizer of this name with its default settings.
    pub fn named(name: &str) -> Option<Self> {
        let arguments = std::iter::once(("type", name));
        Self::deserialize(MapDeserializer::<_, serde::de::value::Error>::new(arguments)).ok()
    }

    fn rule(&self, settings: &UpdateSettings) -> Rule {
        let UpdateSettings { momentum, nesterov, .. } = *settings;
        match *self {
            Self::Sgd {} if momentum == 0.0 => Rule::Sgd,
            Self::Sgd {} => Rule::Momentum { momentum, nesterov },
            Self::Adam { beta_1, beta_2, epsilon } | Self::AdamW { beta_1, beta_2, epsilon } => {
                Rule::Adam { beta_1, beta_2, epsilon }
            }
            Self::RmsProp { rho, epsilon } => Rule::RmsProp { rho, momentum, epsilon },
            Self::Adagrad { epsilon, .. } => Rule::Adagrad { epsilon },
            Self::Nadam { beta_1, beta_2, epsilon } => Rule::Nadam { beta_1, beta_2, epsilon },
            Self::Lion { beta_1, beta_2 } => Rule::Lion { beta_1, beta_2 },
        }
    }

    /// Names of the arenas that the optimizer keeps, each as long as the parameters'.
    pub(crate) fn state_arenas(&self, settings: &UpdateSettings) -> &'static [&'static str] {
        let names: &[&str] = match self {
            Self::Sgd {} | Self::Lion { .. } => &["m"],
            Self::Adam { .. } | Self::AdamW { .. } | Self::Nadam { .. } => &["m", "v"],
            Self::RmsProp { .. } => &["v", "m"],
            Self::Adagrad { .. } => &["v"],
        };
        &names[..self.rule(settings).arenas()]
    }

    /// What every element of the arenas starts from.
    pub(crate) fn initial_state(&self) -> f32 {
        match self {
            Self::Adagrad { initial_accumulator_value, .. } => *initial_accumulator_value as f32,
            _ => 0.0,
        }
    }

    /// What the kernel is given at update `t` (from 1) beside gradient and learning rate. For Adam, the learning rate with both
    /// bias corrections folded in, `learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t)`; for Nadam, the factors of the first
    /// moment and of the gradient. Adam's powers are those of the f32 nearest to beta, as in Keras: 1 - beta_2^t differs by 1.3e-5 of
    /// itself.
    pub(crate) fn step_scalars(&self, learning_rate: f64, t: u64) -> [f32; 2] {
        match *self {
            Self::Adam { beta_1, beta_2, .. } | Self::AdamW { beta_1, beta_2, .. } => {
                let ([beta_1, beta_2], t) = ([beta_1, beta_2].map(nearest_f32), t as f64);
                [(learning_rate * (1.0 - beta_2.powf(t)).sqrt() / (1.0 - beta_1.powf(t))) as f32, 0.0]
            }
            Self::Nadam { beta_1, beta_2, .. } => {
                let u = |t: u64| beta_1 * (1.0 - 0.5 * NADAM_DECAY.powf(t as f64));
                // The later factors are beta_1 to the last bit.
                let first = t.min(NADAM_FACTORS);
                let product = (1..=first).map(u).product::<f64>() * beta_1.powf((t - first) as f64);
                let scale = learning_rate * (1.0 - beta_2.powf(t as f64)).sqrt();
                let moment = u(t + 1) / (1.0 - product * u(t + 1));
                [(scale * moment) as f32, (scale * (1.0 - u(t)) / (1.0 - product)) as f32]
            }
            _ => [0.0; 2],
        }
    }

    /// Records the update of the whole arena.
    pub(crate) fn record(
        &self,
        r: &mut Recorder,
        settings: &UpdateSettings,
        parameters: BufferSlice,
        gradients: BufferSlice,
        state: &[BufferSlice],
    ) -> DispatchId {
        let outputs: Vec<BufferSlice> = [parameters].iter().chain(state).copied().collect();
        let default_decay = if matches!(self, Self::AdamW { .. }) { ADAMW_WEIGHT_DECAY } else { 0.0 };
        let kernel = Update {
            count: parameters.len,
            rule: self.rule(settings),
            weight_decay: settings.weight_decay.unwrap_or(default_decay),
            clip_value: settings.clip_value,
        };
        r.dispatch(self.name(), kernel, &[gradients], &outputs)
    }
}

fn nearest_f32(value: f64) -> f64 {
    f64::from(value as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_that_of_an_optimizer() {
        assert!(Optimizer::NAMES.into_iter().all(|name| Optimizer::named(name).expect(name).name() == name));
        assert_eq!(Optimizer::named("adam"), Some(Optimizer::default()));
        assert!(Optimizer::named("adamant").is_none());
    }

    #[test]
    fn adams_step_size_corrects_both_moments() {
        // At t = 1 the corrections are sqrt(0.001) / 0.1, but for the rounding of Keras's betas; far out they vanish.
        let step_size = |t| f64::from(Optimizer::default().step_scalars(1e-3, t)[0]);
        let [beta_1, beta_2] = [0.9f32, 0.999].map(f64::from);
        assert!((step_size(1) / (1e-3 * (1.0 - beta_2).sqrt() / (1.0 - beta_1)) - 1.0).abs() < 1e-7);
        assert!((step_size(1) - 1e-3 * 0.001f64.sqrt() / 0.1).abs() < 1e-8);
        assert!((step_size(100_000) - 1e-3).abs() < 1e-9);
    }
}
