//! The updates of optimizers: their state, what they take from the step, and how they are recorded.

use super::optimizer::{Moments, Optimizer};
use super::update_settings::UpdateSettings;
use crate::kernels::optimizer::{FlaggedGradients, Matrix, Muon, Rule, Update, record_clip_by_norm};
use crate::plan::{BufferSlice, Recorder};

/// Decay of AdamW and Muon where the settings have none.
const ADAMW_WEIGHT_DECAY: f64 = 0.004;
/// Decay of the momentum's schedule in Nadam.
const NADAM_DECAY: f64 = 0.96;
/// Updates after which that decay, 0.96^t, is below half a unit in the last place of 1.
const NADAM_FACTORS: u64 = 900;

/// A parameter of two axes, by its name: its address in the arenas.
pub(crate) type NamedMatrix<'a> = (&'a str, Matrix);

impl Optimizer {
    fn rule(&self, settings: &UpdateSettings) -> Rule {
        let UpdateSettings { momentum, nesterov, .. } = *settings;
        match *self {
            Self::Sgd {} if momentum == 0.0 => Rule::Sgd,
            Self::Sgd {} => Rule::Momentum { momentum, nesterov },
            Self::Adam(Moments { beta_1, beta_2, epsilon })
            | Self::AdamW(Moments { beta_1, beta_2, epsilon })
            | Self::Muon { adam_beta_1: beta_1, adam_beta_2: beta_2, epsilon, .. } => {
                Rule::Adam { beta_1, beta_2, epsilon }
            }
            Self::RmsProp { rho, epsilon } => Rule::RmsProp { rho, momentum, epsilon },
            Self::Adagrad { epsilon, .. } => Rule::Adagrad { epsilon },
            Self::Nadam(Moments { beta_1, beta_2, epsilon }) => Rule::Nadam { beta_1, beta_2, epsilon },
            Self::Lion { beta_1, beta_2 } => Rule::Lion { beta_1, beta_2 },
        }
    }

    /// Names of the arenas that the optimizer keeps, each as long as the parameters'.
    pub(crate) fn state_arenas(&self, settings: &UpdateSettings) -> &'static [&'static str] {
        let names: &[&str] = match self {
            Self::Muon { .. } => return &["m", "v", "momentum"],
            Self::Sgd {} | Self::Lion { .. } => &["m"],
            Self::Adam(_) | Self::AdamW(_) | Self::Nadam(_) => &["m", "v"],
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
            Self::Adam(Moments { beta_1, beta_2, .. })
            | Self::AdamW(Moments { beta_1, beta_2, .. })
            | Self::Muon { adam_beta_1: beta_1, adam_beta_2: beta_2, .. } => {
                let ([beta_1, beta_2], t) = ([beta_1, beta_2].map(nearest_f32), t as f64);
                [(learning_rate * (1.0 - beta_2.powf(t)).sqrt() / (1.0 - beta_1.powf(t))) as f32, 0.0]
            }
            Self::Nadam(Moments { beta_1, beta_2, .. }) => {
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

    /// Records the update of the whole arena, which the gradients' flag may skip; clipping by the norm changes the gradients in place.
    pub(crate) fn record(
        &self,
        r: &mut Recorder,
        settings: &UpdateSettings,
        parameters: BufferSlice,
        gradients: FlaggedGradients,
        state: &[BufferSlice],
        matrices: &[NamedMatrix<'_>],
    ) {
        if let Some(clip_norm) = settings.clip_norm {
            record_clip_by_norm(r, gradients.gradients(), clip_norm);
        }
        let muon = match *self {
            Self::Muon { momentum, nesterov, ns_steps, rms_rate, .. } => {
                let (ns_steps, clip_value) = (ns_steps.into(), settings.clip_value);
                Some((Muon { momentum, nesterov, ns_steps, rms_rate, clip_value }, state[2]))
            }
            _ => None,
        };
        // Without gradients Adam leaves the matrices as their decay has them.
        let directions: Vec<BufferSlice> = (muon.iter())
            .flat_map(|(muon, arena)| matrices.iter().map(move |matrix| (muon, *arena, matrix)))
            .map(|(muon, arena, (name, matrix))| muon.record_momentum(r, name, *matrix, gradients, arena))
            .collect();
        let arenas = self.rule(settings).arenas();
        let outputs: Vec<BufferSlice> = [parameters].iter().chain(&state[..arenas]).copied().collect();
        let decays = matches!(self, Self::AdamW(_) | Self::Muon { .. });
        let default_decay = if decays { ADAMW_WEIGHT_DECAY } else { 0.0 };
        let kernel = Update {
            count: parameters.len,
            rule: self.rule(settings),
            weight_decay: settings.weight_decay.unwrap_or(default_decay),
            clip_value: settings.clip_value,
        };
        r.dispatch(self.name(), kernel, &[gradients.whole], &outputs);
        for ((muon, _), ((name, matrix), direction)) in
            muon.iter().flat_map(|muon| std::iter::repeat(muon).zip(matrices.iter().zip(directions.iter())))
        {
            muon.record_update(r, name, *matrix, [*direction, gradients.flag()], parameters);
        }
    }
}

fn nearest_f32(value: f64) -> f64 {
    f64::from(value as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

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
