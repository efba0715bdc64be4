//! Training over epochs, event by event.

use super::events::Event;
use super::metrics::Tally;
use super::pass::Pass;
use super::plateau::Plateau;
use super::schedule::{DECAY_RATE, LearningRate, Schedule};
use super::state::Trainer;
use crate::clock::Instant;
use crate::data::{Batches, Split};
use crate::error::{Advice, Error, Result};
use crate::plan::Step;
use std::collections::VecDeque;

/// Training that is under way: [`Self::next`] goes on until the next event. Between two events the trainer is free: its weights can
/// be read, and training ends where `next` is not called again.
#[derive(Debug)]
pub struct Fit<'d> {
    data: &'d Split,
    /// Epochs that have not begun.
    epochs_left: u64,
    epoch: Option<Epoch<'d>>,
    /// Updates before the first that its schedule counts.
    schedule_start: u64,
}

#[derive(Debug)]
struct Epoch<'d> {
    pass: Pass<'d>,
    started: Instant,
    /// Scores that have arrived and have not been reported.
    arrived: VecDeque<Tally>,
    reported: usize,
    so_far: Tally,
    /// Updates before the epoch.
    updates_before: u64,
    schedule_start: u64,
}

impl Trainer {
    /// Trains over `data` for the configured epochs, event by event. Called again, it goes on with the numbers of epochs and updates and the
    /// optimizer's state; the schedules cosine and triangular, whose end is the run's, begin anew, others go on.
    ///
    /// # Errors
    /// If the model cannot take `data`.
    pub fn fit<'d>(&self, data: &'d Split) -> Result<Fit<'d>> {
        self.check(data)?;
        let schedule_start = match self.config.schedule {
            Schedule::Cosine | Schedule::Triangular => self.progress.updates,
            Schedule::Constant | Schedule::Step | Schedule::Exponential | Schedule::Plateau => 0,
        };
        Ok(Fit { data, epochs_left: self.config.epochs, epoch: None, schedule_start })
    }
}

impl Fit<'_> {
    /// The next event; none after the last epoch.
    ///
    /// # Errors
    /// [`Error::NotFinite`] with epoch and step if a loss is not a finite number or, after an epoch, a weight;
    /// [`Error::Device`] if the device is lost.
    pub async fn next(&mut self, trainer: &mut Trainer) -> Result<Option<Event>> {
        if self.epoch.is_none() {
            if self.epochs_left == 0 {
                return Ok(None);
            }
            self.epochs_left -= 1;
            self.epoch = Some(Epoch::start(trainer, self.data, self.schedule_start));
        }
        let Some(epoch) = &mut self.epoch else { return Ok(None) };
        match epoch.next(trainer).await? {
            Some(event) => Ok(Some(event)),
            None => {
                let event = epoch.end(trainer).await?;
                self.epoch = None;
                Ok(Some(event))
            }
        }
    }
}

impl<'d> Epoch<'d> {
    fn start(trainer: &mut Trainer, data: &'d Split, schedule_start: u64) -> Self {
        let (config, batch) = (&trainer.config, trainer.session.plan.batch);
        let batches = match config.shuffle {
            true => Batches::shuffled(data, batch, config.seed, trainer.progress.epoch + 1),
            false => Batches::in_order(data, batch),
        };
        let steps = config.steps_per_epoch.map_or(usize::MAX, |steps| steps as usize);
        trainer.progress.batch = 0;
        Self {
            pass: Pass::training(batches, steps, config.accumulate as usize),
            updates_before: trainer.progress.updates,
            schedule_start,
            started: Instant::now(),
            arrived: VecDeque::new(),
            reported: 0,
            so_far: Tally::default(),
        }
    }

    /// The next step's event; none after the last.
    async fn next(&mut self, trainer: &mut Trainer) -> Result<Option<Event>> {
        if self.arrived.is_empty() {
            let (config, rate) = (&trainer.config, self.learning_rate(trainer));
            let step = |i: usize| config.step(&rate, self.updates_before + 1 + i as u64 / u64::from(config.accumulate));
            let Some(report) = self.pass.next(&mut trainer.session, step).await? else { return Ok(None) };
            let progress = &mut trainer.progress;
            progress.batch += report.tallies.len() as u64;
            progress.updates = self.updates_before + self.pass.updates(progress.batch as usize) as u64;
            progress.images_seen += report.tallies.iter().map(|tally| tally.images as u64).sum::<u64>();
            self.arrived.extend(report.tallies);
        }
        let Some(tally) = self.arrived.pop_front() else { return Ok(None) };
        self.reported += 1;
        let (epoch, step) = (trainer.progress.epoch + 1, self.reported);
        if !tally.loss.is_finite() {
            // Nothing has been learned before the first step.
            let (cause, advice) = match step {
                1 => ("; look at the weights and the data", None),
                _ => ("", Some(Advice::SmallerLearningRate)),
            };
            let text = format!("the loss is {} at epoch {epoch}, step {step}{cause}", tally.loss);
            return Err(Error::not_finite(text).advise(advice));
        }
        self.so_far.add(tally);
        let (batch, so_far) = (tally.score(), self.so_far.score());
        let steps = self.pass.steps();
        let update = self.updates_before + 1 + (step as u64 - 1) / u64::from(trainer.config.accumulate);
        let learning_rate = self.learning_rate(trainer).at(update);
        Ok(Some(Event::Step { epoch, step, steps, batch, so_far, learning_rate }))
    }

    fn learning_rate(&self, trainer: &Trainer) -> LearningRate {
        let of_run = trainer.config.learning_rate(self.pass.steps() as u64, &trainer.progress.plateau);
        LearningRate { before: self.schedule_start, ..of_run }
    }

    async fn end(&mut self, trainer: &mut Trainer) -> Result<Event> {
        trainer.check_weights().await?;
        let learning_rate = self.learning_rate(trainer).at(trainer.progress.updates);
        trainer.progress.epoch += 1;
        trainer.progress.batch = 0;
        let score = self.so_far.score();
        let config = &trainer.config;
        if config.schedule == Schedule::Plateau {
            trainer.progress.plateau.observe(score.loss, config.learning_rate, &config.plateau_settings());
        }
        let (epoch, steps, elapsed) = (trainer.progress.epoch, self.reported, self.started.elapsed());
        Ok(Event::Epoch { epoch, steps, score, learning_rate, elapsed })
    }
}

impl super::config::RunConfig {
    /// The learning rate of a run whose epochs have `epoch_steps` steps; it counts updates.
    pub(super) fn learning_rate(&self, epoch_steps: u64, plateau: &Plateau) -> LearningRate {
        let epoch_updates = epoch_steps.div_ceil(self.accumulate.into());
        LearningRate {
            schedule: self.schedule,
            rate: plateau.rate.unwrap_or(self.learning_rate),
            warmup: self.warmup,
            decay_steps: self.decay_steps.unwrap_or(epoch_updates.max(1)),
            decay_rate: self.decay_rate.unwrap_or(DECAY_RATE),
            updates: self.epochs.saturating_mul(epoch_updates),
            before: 0,
        }
    }

    /// What update `update` (from 1) brings beside its batch.
    pub(super) fn step(&self, learning_rate: &LearningRate, update: u64) -> Step {
        let rate = learning_rate.at(update);
        Step {
            update: update as u32,
            seed: (self.seed ^ (self.seed >> 32)) as u32,
            learning_rate: rate as f32,
            scalars: self.optimizer.step_scalars(rate, update),
            ..Step::default()
        }
    }
}
