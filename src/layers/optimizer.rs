//! Optimizers as values: their settings, state and update.

use crate::error::{Result, usage};
use crate::kernels::optimizer::AdamUpdate;
use crate::plan::{BufferSlice, DispatchId, Recorder};
use serde::de::value::MapDeserializer;
use serde::{Deserialize, Serialize};

/// How parameters follow their gradients.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Optimizer {
    /// Adam (Kingma and Ba 2015, end of section 2), with Keras's defaults; epsilon is added to the uncorrected root.
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
}

fn beta_1() -> f64 {
    0.9
}

fn beta_2() -> f64 {
    0.999
}

fn epsilon() -> f64 {
    1e-7
}

impl Default for Optimizer {
    /// Adam with beta_1 0.9, beta_2 0.999, epsilon 1e-7.
    fn default() -> Self {
        Self::Adam { beta_1: beta_1(), beta_2: beta_2(), epsilon: epsilon() }
    }
}

impl Optimizer {
    /// The names of all optimizers.
    pub const NAMES: [&str; 1] = ["adam"];

    /// Whether the settings are in range.
    ///
    /// # Errors
    /// The first that is not, with its value.
    pub(crate) fn check(&self) -> Result<()> {
        match *self {
            Self::Adam { beta_1, beta_2, epsilon } => {
                for (name, beta) in [("beta_1", beta_1), ("beta_2", beta_2)] {
                    if !(0.0..1.0).contains(&beta) {
                        return Err(usage!("{name} of adam is {beta}; it must be at least 0 and below 1"));
                    }
                }
                match epsilon.is_finite() && epsilon > 0.0 {
                    true => Ok(()),
                    false => Err(usage!("epsilon of adam is {epsilon}; it must be a positive number")),
                }
            }
        }
    }

    /// Keras's name, in small letters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Adam { .. } => "adam",
        }
    }

    /// The optimizer of this name with its default settings.
    pub fn named(name: &str) -> Option<Self> {
        let arguments = std::iter::once(("type", name));
        Self::deserialize(MapDeserializer::<_, serde::de::value::Error>::new(arguments)).ok()
    }

    /// Names of the arenas that the optimizer keeps, each as long as the parameters'.
    pub(crate) fn state_arenas(&self) -> &'static [&'static str] {
        match self {
            Self::Adam { .. } => &["m", "v"],
        }
    }

    /// What the kernel is given at update `t` (from 1) beside the gradient: for Adam, the learning rate with both bias
    /// corrections folded in, `learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t)`.
    pub(crate) fn step_scalars(&self, learning_rate: f64, t: u64) -> [f32; 2] {
        match *self {
            Self::Adam { beta_1, beta_2, .. } => {
                let t = t as f64;
                [(learning_rate * (1.0 - beta_2.powf(t)).sqrt() / (1.0 - beta_1.powf(t))) as f32, 0.0]
            }
        }
    }

    /// Records the update of the whole arena.
    pub(crate) fn record(
        &self,
        r: &mut Recorder,
        parameters: BufferSlice,
        gradients: BufferSlice,
        state: &[BufferSlice],
    ) -> DispatchId {
        let outputs: Vec<BufferSlice> = [parameters].iter().chain(state).copied().collect();
        match *self {
            Self::Adam { beta_1, beta_2, epsilon } => {
                let kernel = AdamUpdate { count: parameters.len, beta_1, beta_2, epsilon };
                r.dispatch(self.name(), kernel, &[gradients], &outputs)
            }
        }
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

    #[test]
    fn adams_step_size_corrects_both_moments() {
        // At t = 1 the corrections are sqrt(0.001) / 0.1; far out they vanish.
        let step_size = |t| f64::from(Optimizer::default().step_scalars(1e-3, t)[0]);
        assert!((step_size(1) - 1e-3 * 0.001f64.sqrt() / 0.1).abs() < 1e-9);
        assert!((step_size(100_000) - 1e-3).abs() < 1e-9);
    }
}
