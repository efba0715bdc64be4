//! Optimizers as values: their names and arguments.

use serde::de::value::MapDeserializer;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Arguments of Adam and of the optimizers that differ from it in their formula alone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Moments {
    /// Decay of the first moment (default 0.9).
    pub beta_1: f64,
    /// Decay of the second moment (default 0.999).
    pub beta_2: f64,
    /// Added to the root of the second moment (default 1e-7).
    pub epsilon: f64,
}

impl Default for Moments {
    fn default() -> Self {
        Self { beta_1: beta_1(), beta_2: beta_2(), epsilon: epsilon() }
    }
}

/// How parameters follow their gradients, with Keras's formulas and defaults.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Optimizer {
    /// Gradient descent, with momentum where [`UpdateSettings`](super::UpdateSettings) has some.
    Sgd {},
    /// Adam (Kingma and Ba 2015, end of section 2); epsilon is added to the uncorrected root.
    Adam(Moments),
    /// Adam with decoupled weight decay, 0.004 by default (Loshchilov and Hutter 2019).
    AdamW(Moments),
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
    Nadam(Moments),
    /// Steps of one length, by the sign of the momentum (Chen et al. 2023).
    Lion {
        /// Share of the momentum in the direction.
        #[serde(default = "beta_1")]
        beta_1: f64,
        /// Decay of the momentum.
        #[serde(default = "lion_beta_2")]
        beta_2: f64,
    },
    /// Matrices follow their orthogonalised momentum (Jordan et al. 2024), scaled to the size of Adam's steps (Liu et al. 2025); parameters of
    /// other ranks, kernels of convolutions among them, follow AdamW. Weight decay is 0.004 by default, for both.
    Muon {
        /// Decay of Adam's first moment.
        #[serde(default = "beta_1")]
        adam_beta_1: f64,
        /// Decay of Adam's second moment.
        #[serde(default = "beta_2")]
        adam_beta_2: f64,
        /// Added to the root of the second moment.
        #[serde(default = "epsilon")]
        epsilon: f64,
        /// Decay of the momentum of matrices.
        #[serde(default = "muon_momentum")]
        momentum: f64,
        /// Nesterov's form of it.
        #[serde(default = "muon_nesterov")]
        nesterov: bool,
        /// Newton-Schulz iterations.
        #[serde(default = "ns_steps")]
        ns_steps: u8,
        /// Factor of a matrix's step, beside the root of its longer side.
        #[serde(default = "rms_rate")]
        rms_rate: f64,
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

fn muon_momentum() -> f64 {
    0.95
}

fn muon_nesterov() -> bool {
    true
}

fn ns_steps() -> u8 {
    5
}

fn rms_rate() -> f64 {
    0.2
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

impl Default for Optimizer {
    /// Adam with beta_1 0.9, beta_2 0.999, epsilon 1e-7.
    fn default() -> Self {
        Self::Adam(Moments::default())
    }
}

impl Optimizer {
    /// The names of all optimizers.
    pub const NAMES: [&str; 8] = ["sgd", "adam", "adamw", "rmsprop", "adagrad", "nadam", "lion", "muon"];

    /// Keras's name, in small letters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sgd {} => "sgd",
            Self::Adam(_) => "adam",
            Self::AdamW(_) => "adamw",
            Self::RmsProp { .. } => "rmsprop",
            Self::Adagrad { .. } => "adagrad",
            Self::Nadam(_) => "nadam",
            Self::Lion { .. } => "lion",
            Self::Muon { .. } => "muon",
        }
    }

    /// The optimizer of this name with its default settings.
    pub fn named(name: &str) -> Option<Self> {
        Self::of(vec![("type".to_owned(), name.into())]).ok()
    }

    /// The optimizer whose name, as `type`, and settings these are.
    pub(crate) fn of(settings: Vec<(String, Value)>) -> Result<Self, serde_json::Error> {
        Self::deserialize(MapDeserializer::new(settings.into_iter()))
    }
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
}
