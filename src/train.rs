//! `fit`: the training loop.

use crate::compile::Model;
use crate::data::{Batches, Split};
use crate::error::{Error, Result, usage};
use crate::kernels::adam;
use crate::plan::{Phase, Step};
use std::time::{Duration, Instant};

/// What `fit` is told.
#[derive(Debug, Clone)]
pub struct FitOptions {
    /// Passes over the images.
    pub epochs: u64,
    /// Whether each pass has its own order.
    pub shuffle: bool,
    /// Ends a pass early.
    pub steps_per_epoch: Option<usize>,
}

impl Default for FitOptions {
    /// Five epochs, shuffled, whole.
    fn default() -> Self {
        Self { epochs: 5, shuffle: true, steps_per_epoch: None }
    }
}

/// Loss and accuracy, over a batch, an epoch or a test set.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Score {
    /// Mean cross-entropy, in nats.
    pub loss: f64,
    /// Share of right answers.
    pub accuracy: f64,
}

/// What a batch, or several, came to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Metrics {
    /// Mean over the images.
    loss: f64,
    correct: f64,
    images: f64,
}

impl Metrics {
    pub(crate) fn add(&mut self, other: Self) {
        let images = self.images + other.images;
        self.loss = (self.loss * self.images + other.loss * other.images) / images;
        self.correct += other.correct;
        self.images = images;
    }

    pub(crate) fn score(&self) -> Score {
        Score { loss: self.loss, accuracy: self.correct / self.images }
    }
}

/// What happens during `fit`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// A step's metrics have arrived.
    Step {
        /// From 1.
        epoch: u64,
        /// From 1.
        step: usize,
        /// Steps in the epoch.
        steps: usize,
        /// Of this batch.
        batch: Score,
        /// Of the epoch so far.
        so_far: Score,
    },
    /// An epoch is over.
    Epoch {
        /// From 1.
        epoch: u64,
        /// Steps that it had.
        steps: usize,
        /// Over all its batches, each before its update.
        score: Score,
        /// How long it took.
        elapsed: Duration,
    },
}

/// The score of each epoch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// First to last.
    pub epochs: Vec<Score>,
}

/// Told of what happens; an error from it ends the training.
pub type Observer<'a> = dyn FnMut(&Event) -> Result<()> + 'a;

/// How long the device may work before the host reads metrics: how often progress moves and Ctrl-C is heeded.
const REPORT_EVERY: Duration = Duration::from_millis(250);
impl Model {
    /// Trains; see [`Self::fit_with`].
    pub fn fit(&mut self, data: &Split, options: &FitOptions) -> Result<History> {
        self.fit_with(data, options, &mut |_| Ok(()))
    }

    /// Trains and tells `observer` of every step and epoch; an error from it ends the training.
    ///
    /// # Errors
    /// [`Error::NotFinite`] with epoch and step if a loss is not a finite number or, after an epoch, a weight.
    pub fn fit_with(&mut self, data: &Split, options: &FitOptions, observer: &mut Observer<'_>) -> Result<History> {
        self.check(data)?;
        if options.steps_per_epoch == Some(0) {
            return Err(usage!("0 steps an epoch; it must be at least 1"));
        }
        let mut history = History::default();
        for _ in 0..options.epochs {
            let epoch = self.epochs + 1;
            let batches = match options.shuffle {
                true => Batches::shuffled(data, self.plan.batch, self.seed, epoch),
                false => Batches::in_order(data, self.plan.batch),
            };
            let steps = options.steps_per_epoch.unwrap_or(usize::MAX).min(batches.len());
            let score = self.train_epoch(&batches, epoch, steps, observer)?;
            self.epochs = epoch;
            history.epochs.push(score);
        }
        Ok(history)
    }

    fn train_epoch(
        &mut self,
        batches: &Batches<'_>,
        epoch: u64,
        steps: usize,
        observer: &mut Observer<'_>,
    ) -> Result<Score> {
        let started = Instant::now();
        let (learning_rate, first_update) = (self.learning_rate, self.updates + 1);
        let rate = |i: usize| adam::rate(learning_rate, first_update + i as u64);
        let mut tally = Metrics::default();
        self.run_batches(Phase::Train, batches, steps, &rate, &mut |i, metrics| {
            let step = i + 1;
            if !metrics.loss.is_finite() {
                let hint = if step == 1 { "look at the weights and the data" } else { "try a smaller --learning-rate" };
                let text = format!("the loss is {} at epoch {epoch}, step {step}; {hint}", metrics.loss);
                return Err(Error::NotFinite(text));
            }
            tally.add(metrics);
            observer(&Event::Step { epoch, step, steps, batch: metrics.score(), so_far: tally.score() })
        })?;
        self.check_weights(epoch, steps)?;
        observer(&Event::Epoch { epoch, steps, score: tally.score(), elapsed: started.elapsed() })?;
        Ok(tally.score())
    }

    fn check_weights(&mut self, epoch: u64, step: usize) -> Result<()> {
        let weights = self.weights()?;
        let bad = self.layout.tensors.iter().find(|t| !weights[t.offset..][..t.size()].iter().all(|w| w.is_finite()));
        match bad {
            Some(t) => Err(Error::NotFinite(format!(
                "a weight of `{}` is not finite after epoch {epoch}, step {step}; try a smaller --learning-rate",
                t.name
            ))),
            None => Ok(()),
        }
    }

    /// Trains on the first `steps` batches of `data` and adds their losses to `losses`; the device is idle on return.
    pub(crate) fn train_in_order(&mut self, data: &Split, steps: usize, losses: &mut Vec<f64>) -> Result<()> {
        self.check(data)?;
        let batches = Batches::in_order(data, self.plan.batch);
        let (learning_rate, first_update) = (self.learning_rate, self.updates + 1);
        let rate = |i: usize| adam::rate(learning_rate, first_update + i as u64);
        self.run_batches(Phase::Train, &batches, steps, &rate, &mut |_, metrics| {
            losses.push(metrics.loss);
            Ok(())
        })
    }

    /// Runs `phase` over the first `steps` batches, several in flight: while the device works on these, the host
    /// gathers the next. `each` gets every batch's place and metrics, in order.
    pub(crate) fn run_batches(
        &mut self,
        phase: Phase,
        batches: &Batches<'_>,
        steps: usize,
        rate: &dyn Fn(usize) -> f32,
        each: &mut dyn FnMut(usize, Metrics) -> Result<()>,
    ) -> Result<()> {
        let mut in_flight: Vec<Step> = Vec::new();
        let (mut done, mut next) = (0, 0);
        let mut clock = Instant::now();
        while done < steps {
            let range = next..steps.min(next + self.steps_at_once);
            self.queue.stage(batches, range.clone());
            if !in_flight.is_empty() {
                let metrics = self.backend.read_f32(self.plan.ports.metrics, 2 * in_flight.len())?;
                let per_step = clock.elapsed().as_secs_f64() / in_flight.len() as f64;
                self.steps_at_once =
                    ((REPORT_EVERY.as_secs_f64() / per_step) as usize).clamp(1, self.plan.batches_per_upload);
                for (step, metrics) in in_flight.iter().zip(metrics.chunks_exact(2)) {
                    let (loss, correct) = (f64::from(metrics[0]), f64::from(metrics[1]));
                    each(done, Metrics { loss, correct, images: f64::from(step.images) })?;
                    done += 1;
                }
            }
            clock = Instant::now();
            in_flight = self.queue.upload(self.backend.as_mut(), rate)?;
            self.backend.run(phase, &in_flight)?;
            if phase == Phase::Train {
                self.updates += in_flight.len() as u64;
            }
            next = range.end;
        }
        Ok(())
    }
}
