//! The comparisons that are made of each sample.

use super::sample::Sample;
use super::training::Training;
use crate::simd::profiles;
use crate::support::{distance, wait};
use gpu_cnn::Error;
use gpu_cnn::internals::backend::gpu::Adapter;
use gpu_cnn::internals::backend::{Backend, Cpu, check_dispatches};
use gpu_cnn::internals::plan::{DispatchId, Element, Plan, Program};
use gpu_cnn::internals::rng::{Purpose, Rng};
use gpu_cnn::internals::simd::SimdLevel;
use gpu_cnn::internals::verify::Case;

/// Bound of ||found - expected|| / ||expected|| for every output of a dispatch: larger than in the table of cases, since sums of
/// random sizes cancel.
const TOLERANCE: f64 = 5e-5;
/// The same bound for a model's gradients against double precision.
const MODEL_TOLERANCE: f64 = 5e-5;
/// Dispatches of a sample that run on each adapter, in turn: a shader takes long to compile.
const ON_ADAPTER: usize = 1;
/// The share of the samples whose gradients are compared with finite differences.
const DIFFERENCES: usize = 8;
/// Half of the distance between the two points of a finite difference.
const H: f64 = 1e-6;

/// What was compared, and what did not agree.
#[derive(Debug, Default)]
pub(super) struct Tally {
    samples: usize,
    simd: usize,
    gradients: usize,
    differences: usize,
    on_adapter: usize,
    pub(super) failures: Vec<String>,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.samples += other.samples;
        self.simd += other.simd;
        self.gradients += other.gradients;
        self.differences += other.differences;
        self.on_adapter += other.on_adapter;
    }

    /// Panics where less was compared than `cases` samples have.
    pub(super) fn check(&self, cases: usize, with_adapter: bool) {
        let levels = SimdLevel::available().len();
        assert!(self.samples >= cases, "{self:?}");
        assert!(self.simd >= 10 * cases * levels && self.gradients >= 2 * cases * (levels + 1), "{self:?}");
        assert!(self.differences >= cases / DIFFERENCES, "{self:?}");
        assert!(!with_adapter || self.on_adapter >= cases, "{self:?}");
    }

    fn expect(&mut self, error: f64, bound: f64, what: impl FnOnce() -> String) {
        // Written so that a NaN fails.
        let holds = error <= bound;
        if !holds {
            self.failures.push(format!("{}: {error:.1e} over {bound:.0e}", what()));
        }
    }
}

/// Compares a sample on every SIMD level, on `adapters`, and with double precision.
pub(super) fn compare(sample: &Sample, adapters: &[&Adapter]) -> Result<Tally, Error> {
    let (case, mut tally) = (sample.case(), Tally { samples: 1, ..Tally::default() });
    for level in SimdLevel::available() {
        (0..2).try_for_each(|fused| simd(&mut tally, &case, level, fused))?;
    }
    (0..2).try_for_each(|fused| gradients(&mut tally, &case, fused))?;
    if sample.turn.is_multiple_of(DIFFERENCES) {
        finite_differences(&mut tally, &case)?;
    }
    adapters.iter().try_for_each(|adapter| on_adapter(&mut tally, sample, &case, adapter))?;
    Ok(tally)
}

/// Every dispatch, on a SIMD level and by the reference implementation.
fn simd(tally: &mut Tally, case: &Case, level: SimdLevel, fused: usize) -> Result<(), Error> {
    let (plan, mut plain) = case.filled::<f32>(profiles(None)[fused])?;
    let (_, mut fast) = case.filled::<f32>(profiles(Some(level))[fused])?;
    for id in plan.dispatch_ids(&Program::ALL) {
        let dispatch = plan.dispatch(id);
        for slice in dispatch.inputs.iter().chain(&dispatch.outputs) {
            fast.write(slice.buffer, 0, &plain.content(slice.buffer, plan.buffer(slice.buffer).len))?;
        }
        fast.run_dispatch(id, case.step());
        plain.run_dispatch(id, case.step());
        for slice in &dispatch.outputs {
            let buffer = plan.buffer(slice.buffer);
            let [found, expected] = [&fast, &plain].map(|cpu| cpu.content(slice.buffer, buffer.len));
            let (error, bound) = match buffer.element {
                Element::F32 => (distance(floats(&found), floats(&expected)), TOLERANCE),
                // Of two values that are equal but for rounding, either is the maximum.
                Element::U32 => (found.iter().zip(&expected).filter(|(a, b)| a != b).count() as f64, 1.0),
            };
            tally.simd += 1;
            tally.expect(error, bound, || format!("{}: `{}` into `{}`", level.name(), dispatch.label, buffer.label));
        }
    }
    Ok(())
}

fn floats(bits: &[u32]) -> impl Iterator<Item = f64> {
    bits.iter().map(|bits| f64::from(f32::from_bits(*bits)))
}

/// The gradients and the loss, on every level and by the reference implementation, against double precision.
fn gradients(tally: &mut Tally, case: &Case, fused: usize) -> Result<(), Error> {
    let (plan, mut reference) = case.filled::<f64>(profiles(None)[fused])?;
    let expected = results(&plan, &mut reference, case)?;
    for level in SimdLevel::available().into_iter().map(Some).chain([None]) {
        let (plan, mut cpu) = case.filled::<f32>(profiles(level)[fused])?;
        cpu.run(&[Program::Gradients], &[case.step()])?;
        let found = [plan.host.gradients, plan.host.metrics].map(|buffer| cpu.values(buffer).to_vec());
        for ((found, expected), what) in found.into_iter().zip(&expected).zip(["gradients", "loss"]) {
            let error = distance(found.into_iter().map(f64::from), expected.iter().copied());
            tally.gradients += 1;
            if error > MODEL_TOLERANCE && error <= sensitivity(&plan, case, fused, expected, what)? {
                continue;
            }
            let level = level.map_or("plain", SimdLevel::name);
            tally.expect(error, MODEL_TOLERANCE, || format!("{level}, fused {}: {what}", fused == 0));
        }
    }
    Ok(())
}

/// Gradients, and loss with the number of correct predictions.
fn results(plan: &Plan, cpu: &mut Cpu<f64>, case: &Case) -> Result<[Vec<f64>; 2], Error> {
    cpu.run(&[Program::Gradients], &[case.step()])?;
    Ok([plan.host.gradients, plan.host.metrics].map(|buffer| cpu.values(buffer).to_vec()))
}

/// How far `expected` moves where each parameter moves by what f32 rounds: far at a corner of the loss, such as a tie of a
/// pooling window or a pre-activation of zero, or where sums cancel.
fn sensitivity(plan: &Plan, case: &Case, fused: usize, expected: &[f64], what: &str) -> Result<f64, Error> {
    let mut largest = 0.0f64;
    for round in 0..8 {
        let (_, mut moved) = case.filled::<f64>(profiles(None)[fused])?;
        let mut rng = Rng::new(7, Purpose::TrainImage, round);
        let values = moved.values(plan.host.parameters);
        values.iter_mut().for_each(|value| *value *= 1.0 + f64::from(rng.range(-3e-7, 3e-7)));
        let [gradients, loss] = results(plan, &mut moved, case)?;
        let found = if what == "loss" { loss } else { gradients };
        largest = largest.max(distance(found, expected.iter().copied()));
    }
    Ok(4.0 * largest)
}

/// Some gradients of each parameter against central differences of the loss, in double precision.
fn finite_differences(tally: &mut Tally, case: &Case) -> Result<(), Error> {
    let (plan, mut cpu) = case.filled::<f64>(profiles(None)[0])?;
    let [gradients, metrics] = results(&plan, &mut cpu, case)?;
    let scale = gradients.iter().fold(1.0, |m: f64, g| m.max(g.abs()));
    for tensor in case.graph()?.parameters {
        for i in (0..tensor.size()).step_by(tensor.size().div_ceil(6)) {
            let at = tensor.offset + i;
            let whole = cpu.values(plan.host.parameters)[at];
            let mut loss = |delta: f64| -> Result<f64, Error> {
                cpu.values(plan.host.parameters)[at] = whole + delta;
                Ok(results(&plan, &mut cpu, case)?[1][0])
            };
            let [right, left] = [(loss(H)? - metrics[0]) / H, (metrics[0] - loss(-H)?) / H];
            cpu.values(plan.host.parameters)[at] = whole;
            // At a corner of the loss the two sides differ, and either is right.
            let is_corner = (right - left).abs() > 1e-3 * scale;
            let error = if is_corner { 0.0 } else { ((right + left) / 2.0 - gradients[at]).abs() / scale };
            tally.differences += 1;
            tally.expect(error, 1e-7, || format!("{}[{i}] by finite differences", tensor.name));
        }
    }
    Ok(())
}

/// Some dispatches of the layers before `end` on an adapter, after a whole step of the twins; where the training is not the usual one,
/// of the loss and of the update, too.
fn on_adapter(tally: &mut Tally, sample: &Sample, case: &Case, adapter: &Adapter) -> Result<(), Error> {
    let (plan, mut cpu) = case.filled::<f32>(adapter.profile())?;
    let ids = plan.dispatch_ids(&Program::ALL);
    cpu.run(&[Program::Gradients, Program::Evaluate], &[case.step()])?;
    let has_usual_training = sample.training == Training::default();
    let is_tested = |label: &str| {
        let first = label.split([' ', '+', '.']).next().unwrap_or_default();
        let of_layer = sample.model.layers.iter().any(|layer| layer.name.as_deref() == Some(first));
        first != "end" && first != "input" && (of_layer || !has_usual_training)
    };
    let mut tested: Vec<DispatchId> = ids.into_iter().filter(|id| is_tested(&plan.dispatch(*id).label)).collect();
    let turns = sample.turn % tested.len().max(1);
    tested.rotate_left(turns);
    tested.truncate(ON_ADAPTER);
    if tested.is_empty() {
        return Ok(());
    }
    let runs: Vec<_> = tested.iter().map(|id| (*id, case.step())).collect();
    for found in wait(check_dispatches(adapter, &plan, &mut cpu, &runs, &tested.iter().copied().collect()))? {
        let len = plan.buffers.iter().find(|b| b.label == found.buffer).map_or(1, |buffer| buffer.len);
        let bound = if found.buffer.ends_with("argmax") { 1.01 / len as f64 } else { TOLERANCE };
        tally.on_adapter += 1;
        let name = adapter.profile().name;
        tally.expect(found.error, bound, || {
            format!("{name}: `{}` into `{}`", plan.dispatch(found.id).label, found.buffer)
        });
    }
    Ok(())
}
