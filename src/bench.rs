//! `bench`: the same model from the same weights on several devices, interleaved round by round.

use crate::backend::{Clock, Device, DeviceInfo, median};
use crate::compile::{Model, Settings};
use crate::data::{Split, synthetic};
use crate::error::{Error, Result, usage};
use crate::kernels::peak::{Copy, MultiplyAdd};
use crate::model::Sequential;
use crate::plan::{BufferSlice, Dispatch, Phase, Plan, Recorder, Step};
use crate::real::{MatMul, Real, Strided};
use crate::rng::{Purpose, Rng};
use rayon::prelude::*;
use serde::Serialize;
use std::sync::Arc;
use std::time::Instant;

/// What `bench` is told.
#[derive(Debug, Clone)]
pub struct BenchOptions {
    /// Images in a batch.
    pub batch_size: usize,
    /// Steps of a round.
    pub steps: usize,
    /// Rounds; each device trains one after the other in each.
    pub rounds: usize,
    /// Steps before the first round, not timed.
    pub warmup: usize,
    /// Whether to time every dispatch.
    pub kernels: bool,
    /// Whether an adapter that cannot be used is left out with a warning; else its error ends all.
    pub skip_failing: bool,
}

impl Default for BenchOptions {
    /// Batches of 32, five rounds of 20 steps after 5 steps of warm-up, no single dispatches, no failure allowed.
    fn default() -> Self {
        Self { batch_size: 32, steps: 20, rounds: 5, warmup: 5, kernels: false, skip_failing: false }
    }
}

/// One dispatch of a training step.
#[derive(Debug, Clone, Serialize)]
pub struct KernelRow {
    /// As in the plan.
    pub label: String,
    /// How it was timed.
    pub clock: Clock,
    /// Milliseconds, median.
    pub ms: f64,
    /// Work done.
    pub gflop_per_s: f64,
    /// Bytes moved if each element moved once.
    pub gb_per_s: f64,
    /// Of this device's multiply-add loop, or of its copy, whichever it comes nearer to.
    pub share_of_peak: f64,
}

/// What a device can do at best, as measured here.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Peak {
    /// Of a loop of multiply-adds; on the CPU of a matrix product in cache.
    pub gflop_per_s: f64,
    /// Of a copy, read and written.
    pub gb_per_s: f64,
}

/// A device's figures.
#[derive(Debug, Clone)]
pub struct Benched {
    /// Which.
    pub info: DeviceInfo,
    /// Whether it is a software adapter.
    pub software: bool,
    /// Milliseconds a step, of each round.
    pub samples_ms: Vec<f64>,
    /// Mean loss of each step, warm-up first.
    pub losses: Vec<f64>,
    /// Images a second through forward pass and loss.
    pub eval_images_per_s: f64,
    /// Operations of a step: done, and as the plain equations would take.
    pub flops: [f64; 2],
    /// Dispatches of a step.
    pub dispatches: usize,
    /// Its best, if single dispatches were timed.
    pub peak: Option<Peak>,
    /// Every dispatch of a step, if asked for.
    pub kernels: Option<Vec<KernelRow>>,
}

impl Benched {
    /// Median, least and greatest milliseconds a step.
    pub fn ms_per_step(&self) -> [f64; 3] {
        let sorted = |pick: fn(f64, f64) -> f64| self.samples_ms.iter().copied().reduce(pick).unwrap_or(0.0);
        [median(self.samples_ms.clone()), sorted(f64::min), sorted(f64::max)]
    }
}

/// Images that evaluation is timed over, at most.
const EVAL_IMAGES: usize = 4096;
/// Passes over them, at most, and how long these may take; the first is not timed.
const EVAL_PASSES: usize = 11;
const EVAL_SECS: f64 = 0.5;
/// Images to train on, at most; then they repeat.
const TRAIN_IMAGES: usize = 8192;

/// Seconds of a pass over `test`, median.
fn evaluation_secs(model: &mut Model, test: &Split) -> Result<f64> {
    model.score(test)?;
    let mut passes = Vec::with_capacity(EVAL_PASSES);
    while passes.is_empty() || passes.len() < EVAL_PASSES && passes.iter().sum::<f64>() < EVAL_SECS {
        let started = Instant::now();
        model.score(test)?;
        passes.push(started.elapsed().as_secs_f64());
    }
    Ok(median(passes))
}

/// Trains `sequential` on every device of `devices`; `note` hears what is going on.
pub fn bench(
    sequential: &Sequential,
    devices: &[Device],
    options: &BenchOptions,
    note: &mut dyn FnMut(&str),
) -> Result<Vec<Benched>> {
    if options.steps == 0 || options.rounds == 0 {
        return Err(usage!("{} rounds of {} steps; both must be at least 1", options.rounds, options.steps));
    }
    let batch = options.batch_size;
    let mut runs = Vec::with_capacity(devices.len());
    for device in devices {
        note(&format!("loading {}", device.info().adapter));
        let settings = Settings { device: device.clone(), batch_size: batch, ..Settings::default() };
        match sequential.compile(&settings) {
            Ok(model) => runs.push((device, model, Vec::new(), Vec::new())),
            Err(error @ Error::Device(_)) if options.skip_failing && matches!(device, Device::Gpu(_)) => {
                note(&format!("warning: left out: {error}"));
            }
            Err(error) => return Err(error),
        }
    }
    let wanted = options.steps.max(options.warmup).saturating_mul(batch).clamp(batch, TRAIN_IMAGES.max(batch));
    let [train, test] = images(sequential, [wanted.next_multiple_of(batch), EVAL_IMAGES.div_ceil(batch) * batch])?;
    for (_, model, losses, _) in &mut runs {
        train_steps(model, &train, options.warmup, losses)?;
    }
    for round in 1..=options.rounds {
        note(&format!("round {round} of {}", options.rounds));
        for (_, model, losses, samples) in &mut runs {
            let started = Instant::now();
            train_steps(model, &train, options.steps, losses)?;
            samples.push(started.elapsed().as_secs_f64() * 1e3 / options.steps as f64);
        }
        let all: Vec<_> =
            runs.iter().map(|(_, model, losses, _)| (model.device().adapter.as_str(), &losses[..])).collect();
        if let Some(text) = parted(&all) {
            note(&format!("warning: {text}"));
        }
    }
    let mut results = Vec::with_capacity(runs.len());
    for (device, mut model, losses, samples_ms) in runs {
        let eval_images_per_s = test.len() as f64 / evaluation_secs(&mut model, &test)?;
        let costs = model.plan.phase(Phase::Train).iter().map(|i| model.plan.dispatches[*i].kernel.cost());
        let flops = costs.fold([0.0, 0.0], |[done, dense], cost| [done + cost.flops, dense + cost.dense_flops]);
        let (peak, kernels) = match options.kernels {
            true => {
                note(&format!("timing each dispatch of {}", device.info().adapter));
                let peak = peak(device)?;
                (Some(peak), Some(kernel_rows(&mut model, &peak)?))
            }
            false => (None, None),
        };
        results.push(Benched {
            info: model.device().clone(),
            software: matches!(device, Device::Gpu(adapter) if adapter.is_software()),
            samples_ms,
            losses,
            eval_images_per_s,
            flops,
            dispatches: model.plan.phase(Phase::Train).len(),
            peak,
            kernels,
        });
    }
    Ok(results)
}

/// Steps whose losses have to agree one by one: after more, differences in rounding have grown.
const COMPARED_STEPS: usize = 20;
/// By how much, of the loss or of 1.
const AGREEMENT: f64 = 2e-3;
/// By how much the mean over all steps has to agree.
const MEAN_AGREEMENT: f64 = 0.1;

/// Where the losses of a device are not those of the last device (the CPU), in words: one of the first 20 steps by more than
/// 0.2 %, or the mean of all by more than 10 %.
pub fn disagreement(results: &[Benched]) -> Option<String> {
    let all: Vec<_> = results.iter().map(|r| (r.info.adapter.as_str(), &r.losses[..])).collect();
    parted(&all)
}

/// As [`disagreement`], of names and losses.
fn parted(all: &[(&str, &[f64])]) -> Option<String> {
    let ((reference, expected), others) = all.split_last()?;
    // A loss that is not a number agrees with nothing.
    let close = |a: f64, b: f64, tolerance: f64| (a - b).abs() <= tolerance * b.abs().max(1.0);
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len().max(1) as f64;
    others.iter().find_map(|(name, losses)| {
        let mut pairs = losses.iter().zip(*expected).take(COMPARED_STEPS).enumerate();
        if let Some((i, (a, b))) = pairs.find(|(_, (a, b))| !close(**a, **b, AGREEMENT)) {
            return Some(format!("the loss of step {} is {a} on {name} and {b} on {reference}", i + 1));
        }
        let (a, b) = (mean(losses), mean(expected));
        let text = format!("the mean loss of {} steps is {a} on {name} and {b} on {reference}", losses.len());
        (!close(a, b, MEAN_AGREEMENT)).then_some(text)
    })
}

/// Made-up images that the model takes: the synthetic set where it fits, else noise.
fn images(sequential: &Sequential, counts: [usize; 2]) -> Result<[Split; 2]> {
    let classes = sequential.classes()?;
    if sequential.input == [synthetic::SIZE, synthetic::SIZE, 1] && classes >= 10 {
        let data = synthetic::generate(synthetic::DEFAULT_SEED, counts);
        return Ok([data.train, data.test]);
    }
    let image_len: usize = sequential.input.iter().product();
    Ok([(Purpose::TrainImage, counts[0]), (Purpose::TestImage, counts[1])].map(|(purpose, count)| {
        let mut rng = Rng::new(synthetic::DEFAULT_SEED, purpose, 0);
        let pixels = (0..count * image_len).map(|_| rng.below(256) as u8).collect();
        let labels = (0..count).map(|_| rng.below(classes.min(256)) as u8).collect();
        Split { image: sequential.input, pixels, labels }
    }))
}

/// Trains `steps` batches in order, from the first on again where they end; returns when the device is idle.
fn train_steps(model: &mut Model, data: &Split, steps: usize, losses: &mut Vec<f64>) -> Result<()> {
    let per_pass = data.len() / model.plan.batch;
    let mut left = steps;
    while left > 0 {
        let now = left.min(per_pass);
        model.train_in_order(data, now, losses)?;
        left -= now;
    }
    Ok(())
}

/// Rounds in which single dispatches are timed.
const KERNEL_ROUNDS: usize = 15;

fn kernel_rows(model: &mut Model, peak: &Peak) -> Result<Vec<KernelRow>> {
    let step = Step { batch_index: 0, images: model.plan.batch as u32, rate: 1e-6, padding: 0 };
    model.backend.time_dispatches(Phase::Train, step, 3)?;
    let times = model.backend.time_dispatches(Phase::Train, step, KERNEL_ROUNDS)?;
    let dispatches = model.plan.phase(Phase::Train).iter().map(|i| &model.plan.dispatches[*i]);
    let row = |(dispatch, seconds): (&Dispatch, f64)| {
        let cost = dispatch.kernel.cost();
        // A clock of coarse ticks can say zero.
        let per_s = |amount: f64| if seconds > 0.0 { amount / seconds / 1e9 } else { 0.0 };
        let (gflop_per_s, gb_per_s) = (per_s(cost.flops), per_s(cost.bytes));
        KernelRow {
            label: dispatch.label.clone(),
            clock: times.clock,
            ms: seconds * 1e3,
            gflop_per_s,
            gb_per_s,
            share_of_peak: (gflop_per_s / peak.gflop_per_s).max(gb_per_s / peak.gb_per_s),
        }
    };
    Ok(dispatches.zip(times.seconds.iter().copied()).map(row).collect())
}

/// Elements that are copied: more than caches hold.
const COPIED: usize = 1 << 24;

/// Measures what `device` can do.
fn peak(device: &Device) -> Result<Peak> {
    let mut plan = Recorder::new(device.profile());
    let large = device.info().device_type == "discrete";
    let chains = if large { 1 << 18 } else { 1 << 12 };
    let [from, to] = ["from", "to"].map(|label| plan.floats(label, COPIED));
    let mut timed = vec![plan.dispatch("copy", Copy { count: COPIED }, &[from], &[to])];
    if let Device::Gpu(_) = device {
        let part = |slot| BufferSlice { len: chains, ..slot };
        timed.push(plan.dispatch("multiply-add", MultiplyAdd { count: chains }, &[part(from)], &[part(to)]));
    }
    let plan = Arc::new(Plan::of_one_phase(plan, timed));
    let mut backend = device.load(Arc::clone(&plan))?;
    let step = Step { batch_index: 0, images: 0, rate: 0.0, padding: 0 };
    backend.time_dispatches(Phase::Train, step, 2)?;
    let seconds = backend.time_dispatches(Phase::Train, step, 7)?.seconds;
    let cost = |i: usize| plan.dispatches[i].kernel.cost();
    let gflop_per_s = match device {
        Device::Cpu { threads } => cpu_gflop_per_s(*threads)?,
        Device::Gpu(_) => cost(1).flops / seconds[1].max(1e-9) / 1e9,
    };
    Ok(Peak { gflop_per_s, gb_per_s: cost(0).bytes / seconds[0].max(1e-9) / 1e9 })
}

/// A matrix product that fits the cache, on each of `threads` threads at once.
fn cpu_gflop_per_s(threads: usize) -> Result<f64> {
    const SIDE: usize = 192;
    const REPEATS: usize = 20;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|e| usage!("cannot start {threads} threads: {e}"))?;
    let (a, size) = (vec![0.5f32; SIDE * SIDE], MatMul { m: SIDE, k: SIDE, n: SIDE });
    let mut outputs = vec![vec![0f32; SIDE * SIDE]; pool.current_num_threads()];
    let mut time = || {
        let started = Instant::now();
        pool.install(|| {
            outputs.par_iter_mut().for_each(|c| {
                for _ in 0..REPEATS {
                    f32::matmul(size, Strided::rows(&a, SIDE), Strided::rows(&a, SIDE), false, c, 1);
                }
            });
        });
        started.elapsed().as_secs_f64()
    };
    time();
    let flops = (2 * SIDE.pow(3) * REPEATS * pool.current_num_threads()) as f64;
    Ok(flops / median((0..7).map(|_| time()).collect()) / 1e9)
}
