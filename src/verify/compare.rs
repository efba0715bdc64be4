//! Comparisons: an adapter's dispatches with their CPU twins, gradients with finite differences.

use super::case::Case;
use crate::backend::gpu::Adapter;
use crate::backend::{Backend, Compared, Cpu, check_dispatches};
use crate::error::Result;
use crate::plan::{Plan, Profile, Program, Step};

/// What some comparisons came to.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Values or outputs that were compared.
    pub compared: usize,
    /// A line for each comparison beyond the tolerance.
    pub failures: Vec<String>,
}

impl Outcome {
    /// Adds what another comparison came to.
    pub fn add(&mut self, other: Self) {
        self.compared += other.compared;
        self.failures.extend(other.failures);
    }
}

/// Runs every dispatch of `case` on `adapter`, recorded for its profile, and compares each with its CPU twin.
///
/// # Errors
/// If the plan cannot be loaded.
pub async fn check_adapter(adapter: &Adapter, case: &Case) -> Result<Outcome> {
    let (plan, mut cpu) = case.filled::<f32>(adapter.profile())?;
    let mut outcome = Outcome::default();
    let runs = case.runs(&plan);
    let all = runs.iter().map(|(id, _)| *id).collect();
    for Compared { id, buffer, error, .. } in check_dispatches(adapter, &plan, &mut cpu, &runs, &all).await? {
        outcome.compared += 1;
        let bound = case.bound(&buffer);
        // Written so that a NaN fails.
        let holds = error <= bound;
        if !holds {
            let label = &plan.dispatch(id).label;
            outcome.failures.push(format!("{}: `{label}` into `{buffer}`: {error:.1e} over {bound:.0e}", case.name));
        }
    }
    Ok(outcome)
}

/// Half of the distance between the two points of a finite difference.
const H: f64 = 1e-6;
/// Parameters of a tensor that are tried; spread over it.
const SAMPLES: usize = 24;
/// Bound of |gradient - difference|, as a share of the largest gradient or of 1.
const GRADIENT_TOLERANCE: f64 = 1e-7;

/// Compares the gradients of `case`, recorded for `profile`, with central differences of the loss, both by the reference
/// implementations in double precision.
///
/// # Errors
/// If the model cannot be recorded.
pub fn check_gradients(case: &Case, profile: Profile) -> Result<Outcome> {
    let (plan, mut cpu) = case.filled::<f64>(profile)?;
    let step = case.step();
    cpu.run(&[Program::Gradients], &[step])?;
    let gradients = cpu.values(plan.host.gradients).to_vec();
    let scale = gradients.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
    let mut outcome = Outcome::default();
    if scale.is_nan() || scale <= 1e-3 {
        outcome.failures.push(format!("{}: gradients vanish", case.name));
    }
    for tensor in case.graph()?.parameters {
        let stride = tensor.size().div_ceil(SAMPLES);
        for i in (0..tensor.size()).step_by(stride).map(|i| tensor.offset + i) {
            let higher = loss_at(&mut cpu, &plan, step, i, H)?;
            let lower = loss_at(&mut cpu, &plan, step, i, -H)?;
            let difference = (higher - lower) / (2.0 * H);
            outcome.compared += 1;
            let holds = (difference - gradients[i]).abs() <= GRADIENT_TOLERANCE * scale.max(1.0);
            if !holds {
                let (name, at, gradient) = (tensor.name.as_str(), i - tensor.offset, gradients[i]);
                outcome
                    .failures
                    .push(format!("{}: {name}[{at}]: {gradient:.9} but {difference:.9} by differences", case.name));
            }
        }
    }
    Ok(outcome)
}

/// The loss with parameter `i` moved by `delta`.
fn loss_at(cpu: &mut Cpu<f64>, plan: &Plan, step: Step, i: usize, delta: f64) -> Result<f64> {
    let whole = cpu.values(plan.host.parameters)[i];
    cpu.values(plan.host.parameters)[i] = whole + delta;
    // In training as the gradients are: dropout has no part in inference.
    cpu.run(&[Program::Gradients], &[step])?;
    cpu.values(plan.host.parameters)[i] = whole;
    Ok(cpu.values(plan.host.metrics)[0])
}
