//! Trains on each device in turn, round by round.

use super::agreement::parted;
use super::kernels::{kernel_rows, peak};
use super::results::{BenchOptions, Benched};
use crate::backend::{Device, median};
use crate::clock::Instant;
use crate::data::{Split, synthetic};
use crate::error::{Error, Result, usage};
use crate::graph::Model;
use crate::plan::{Plan, Program};
use crate::rng::{Purpose, Rng};
use crate::trainer::{RunConfig, Trainer};

/// Images that evaluation is timed over, at most.
const EVAL_IMAGES: usize = 4096;
/// Passes over them, at most, and how long these may take; the first is not timed.
const EVAL_PASSES: usize = 11;
const EVAL_SECS: f64 = 0.5;
/// How long a GPU works before it is timed: it lowers its clock while others are timed.
const WAKING_SECS: f64 = 0.3;
/// Images to train on, at most; then they repeat.
const TRAIN_IMAGES: usize = 8192;

/// A device at work.
struct Runner<'a> {
    device: &'a Device,
    trainer: Trainer,
    losses: Vec<f64>,
    samples_ms: Vec<[f64; 2]>,
}

/// Trains `model` on every device of `devices`; `note` is called with what is going on.
///
/// # Errors
/// A device that fails, unless adapters that fail may be left out.
pub async fn bench(
    model: &Model,
    devices: &[Device],
    options: &BenchOptions,
    note: &mut (dyn FnMut(&str) + Send),
) -> Result<Vec<Benched>> {
    if options.steps == 0 || options.rounds == 0 {
        return Err(usage!("{} rounds of {} steps; both must be at least 1", options.rounds, options.steps));
    }
    let batch = options.batch_size;
    let (loss, from_logits) = model.graph()?.loss_of_end();
    let mut runners = Vec::with_capacity(devices.len());
    for device in devices {
        note(&format!("loading {}", device.info().adapter));
        let config = RunConfig { batch_size: batch as u32, loss, from_logits, ..RunConfig::default() };
        match Trainer::new(model.clone(), device, config).await {
            Ok(trainer) => runners.push(Runner { device, trainer, losses: Vec::new(), samples_ms: Vec::new() }),
            Err(error @ Error::Device(_)) if options.skip_failing && matches!(device, Device::Gpu(_)) => {
                note(&format!("warning: left out: {error}"));
            }
            Err(error) => return Err(error),
        }
    }
    let wanted = options.steps.max(options.warmup).saturating_mul(batch).clamp(batch, TRAIN_IMAGES.max(batch));
    let [train, test] = images(model, [wanted.next_multiple_of(batch), EVAL_IMAGES.div_ceil(batch) * batch])?;
    for runner in &mut runners {
        runner.train(&train, options.warmup).await?;
    }
    for round in 1..=options.rounds {
        note(&format!("round {round} of {}", options.rounds));
        for runner in &mut runners {
            let first = runner.timed(&train, &test, options.steps).await?;
            runner.samples_ms.push([first, 0.0]);
        }
        // Both orders of each pair of devices, and each device twice: what differs then is noise.
        for runner in runners.iter_mut().rev() {
            let again = runner.timed(&train, &test, options.steps).await?;
            runner.samples_ms[round - 1][1] = again;
        }
        let name = |runner: &Runner<'_>| runner.trainer.device().adapter.clone();
        let all: Vec<(String, &[f64])> = runners.iter().map(|runner| (name(runner), &runner.losses[..])).collect();
        let all: Vec<_> = all.iter().map(|(name, losses)| (name.as_str(), *losses)).collect();
        if let Some(text) = parted(&all) {
            note(&format!("warning: {text}"));
        }
    }
    let mut results = Vec::with_capacity(runners.len());
    for runner in runners {
        results.push(runner.result(&test, options.kernels, note).await?);
    }
    Ok(results)
}

impl Runner<'_> {
    /// Keeps a hardware GPU at work for a while, with what changes nothing of the model: evaluation.
    async fn wake(&mut self, test: &Split) {
        let started = Instant::now();
        let is_hardware = matches!(self.device, Device::Gpu(_)) && !self.device.is_software();
        while is_hardware && started.elapsed().as_secs_f64() < WAKING_SECS {
            // A loss that is not finite does not matter here, and what has failed for good fails again where it is timed.
            if self.trainer.score(test).await.is_err() {
                return;
            }
        }
    }

    /// Milliseconds a step, over `steps` steps.
    async fn timed(&mut self, train: &Split, test: &Split, steps: usize) -> Result<f64> {
        self.wake(test).await;
        let started = Instant::now();
        self.train(train, steps).await?;
        Ok(started.elapsed().as_secs_f64() * 1e3 / steps as f64)
    }

    /// Trains `steps` batches in order, from the first on again where they end; returns when the device is idle.
    async fn train(&mut self, data: &Split, steps: usize) -> Result<()> {
        let per_pass = data.len() / self.trainer.session.plan.batch;
        let mut left = steps;
        while left > 0 {
            let now = left.min(per_pass);
            self.trainer.train_in_order(data, now, &mut self.losses).await?;
            left -= now;
        }
        Ok(())
    }

    async fn result(
        mut self,
        test: &Split,
        with_kernels: bool,
        note: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Benched> {
        self.wake(test).await;
        let eval_images_per_s = test.len() as f64 / evaluation_secs(&mut self.trainer, test).await?;
        let (peak, kernels) = match with_kernels {
            true => {
                note(&format!("timing each dispatch of {}", self.device.info().adapter));
                let peak = peak(self.device).await?;
                (Some(peak), Some(kernel_rows(&mut self.trainer, &peak).await?))
            }
            false => (None, None),
        };
        let plan = &self.trainer.session.plan;
        let ids = plan.dispatch_ids(&Program::TRAIN);
        let costs = ids.iter().map(|id| plan.dispatch(*id).kernel.cost());
        let flops = costs.fold([0.0, 0.0], |[done, dense], cost| [done + cost.flops, dense + cost.dense_flops]);
        Ok(Benched {
            info: self.trainer.device().clone(),
            software: self.device.is_software(),
            samples_ms: self.samples_ms,
            losses: self.losses,
            eval_images_per_s,
            flops,
            dispatches: plan.launches(&ids).len(),
            algorithms: algorithms(plan),
            peak,
            kernels,
        })
    }
}

/// For each pass that has a choice of algorithms, its label and the choice; a pass of several dispatches is named once.
pub(crate) fn algorithms(plan: &Plan) -> Vec<(String, &'static str)> {
    const PASSES: [&str; 3] = ["forward", "backward weights", "backward input"];
    let mut chosen: Vec<(String, &'static str)> = Vec::new();
    for id in plan.dispatch_ids(&Program::TRAIN) {
        let dispatch = plan.dispatch(id);
        let Some(algorithm) = dispatch.algorithm else { continue };
        let pass =
            PASSES.iter().find_map(|pass| dispatch.label.split_once(pass).map(|(node, _)| format!("{node}{pass}")));
        let label = pass.unwrap_or_else(|| dispatch.label.clone());
        if chosen.last().is_none_or(|(last, _)| *last != label) {
            chosen.push((label, algorithm));
        }
    }
    chosen
}

/// Seconds of a pass over `test`, median.
async fn evaluation_secs(trainer: &mut Trainer, test: &Split) -> Result<f64> {
    trainer.score(test).await?;
    let mut passes = Vec::with_capacity(EVAL_PASSES);
    while passes.is_empty() || passes.len() < EVAL_PASSES && passes.iter().sum::<f64>() < EVAL_SECS {
        let started = Instant::now();
        trainer.score(test).await?;
        passes.push(started.elapsed().as_secs_f64());
    }
    Ok(median(passes))
}

/// Made-up images that the model takes: the synthetic set where it fits, else noise.
fn images(model: &Model, counts: [usize; 2]) -> Result<[Split; 2]> {
    let (input, classes) = (model.input(), model.graph()?.classes());
    if input == [synthetic::SIZE, synthetic::SIZE, 1] && classes >= 10 {
        let data = synthetic::generate(synthetic::DEFAULT_SEED, counts);
        return Ok([data.train, data.test]);
    }
    let image_len: usize = input.iter().product();
    Ok([(Purpose::TrainImage, counts[0]), (Purpose::TestImage, counts[1])].map(|(purpose, count)| {
        let mut rng = Rng::new(synthetic::DEFAULT_SEED, purpose, 0);
        let pixels = (0..count * image_len).map(|_| rng.below(256) as u8).collect();
        let labels = (0..count).map(|_| rng.below(classes.min(256)) as u8).collect();
        Split { image: input, pixels, labels }
    }))
}
