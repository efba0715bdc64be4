//! Training over epochs, event by event.

use super::events::{Event, Stopped};
use super::max_time::MaxTime;
use super::metrics::{BestEpoch, FitStart, Progress, Tally};
use super::not_finite::NotFinite;
use super::pass::Pass;
use super::plateau::Plateau;
use super::schedule::{DECAY_RATE, LearningRate, Schedule};
use super::state::Trainer;
use crate::clock::Instant;
use crate::data::{Batches, Split};
use crate::error::{Advice, Error, Result};
use crate::layers::OnNan;
use crate::plan::Step;
use crate::ranks;
use std::collections::VecDeque;

/// Training that is under way: [`Self::next`] goes on until the next event. Between two events the trainer is free: its weights can
/// be read, and training ends where `next` is not called again.
#[derive(Debug)]
pub struct Fit<'d> {
    data: &'d Split,
    /// Number of the last epoch.
    last_epoch: u64,
    started: Instant,
    epoch: Option<Epoch<'d>>,
}

#[derive(Debug)]
struct Epoch<'d> {
    pass: Pass<'d>,
    started: Instant,
    /// Steps whose scores have arrived and have not been reported, each with whether its update was skipped.
    arrived: VecDeque<(Tally, bool)>,
    /// Steps before those of this process.
    resumed_at: usize,
    reported: usize,
    so_far: Tally,
    /// Updates before the epoch.
    updates_before: u64,
}

impl Trainer {
    /// Trains over `data` for the configured epochs, event by event; its last images are not trained on but validate each epoch where the
    /// settings say so. Called again, it goes on with the numbers of epochs and updates and the
    /// optimizer's state; the schedules cosine and triangular, whose end is the run's, begin anew, others go on.
    ///
    /// # Errors
    /// If the model cannot take `data`.
    pub fn fit<'d>(&mut self, data: &'d Split) -> Result<Fit<'d>> {
        let Progress { epoch, updates, .. } = self.progress;
        let fit_start = FitStart { epoch, updates };
        self.progress = Progress { batch: 0, so_far: Tally::default(), skipped: 0, fit_start, ..self.progress };
        self.resume_fit(data)
    }

    /// Goes on with the call of [`Self::fit`] that a checkpoint was written in, for the rest of the configured epochs.
    ///
    /// # Errors
    /// If the model cannot take `data`.
    pub fn resume_fit<'d>(&self, data: &'d Split) -> Result<Fit<'d>> {
        self.check(data)?;
        self.check_parts()?;
        self.config.trained_on(data.len())?;
        let last_epoch = self.progress.fit_start.epoch.saturating_add(self.config.epochs);
        Ok(Fit { data, last_epoch, started: Instant::now(), epoch: None })
    }
}

impl Fit<'_> {
    /// The next event; none after the last epoch, or where training ends before ([`Trainer::stopped`]).
    ///
    /// # Errors
    /// [`Error::NotFinite`] with epoch and step if a loss or a gradient is not finite ([`Trainer::not_finite`] tells more; with
    /// [`OnNan::Skip`], if no update of an epoch could be made) or, after an epoch, a weight; [`Error::Device`] if the device is lost.
    pub async fn next(&mut self, trainer: &mut Trainer) -> Result<Option<Event>> {
        trainer.stopped = None;
        // What has been trained is reported.
        let has_none = self.epoch.as_ref().is_none_or(|epoch| epoch.arrived.is_empty());
        if let Some(time) = trainer.config.max_time.map(MaxTime::duration).filter(|_| has_none)
            && ranks::any(trainer.ranks(), self.started.elapsed() >= time)?
        {
            trainer.stopped = Some(Stopped::MaxTime).filter(|_| trainer.progress.epoch < self.last_epoch);
            return Ok(None);
        }
        if self.epoch.is_none() {
            if trainer.progress.epoch >= self.last_epoch {
                return Ok(None);
            }
            if trainer.progress.batch == 0
                && let Some(stopped) = trainer.ends_early()
            {
                trainer.stopped = Some(stopped);
                return Ok(None);
            }
            self.epoch = Some(Epoch::start(trainer, self.data)?);
        }
        let Some(epoch) = &mut self.epoch else { return Ok(None) };
        let event = match epoch.next(trainer).await {
            Ok(Some(event)) => return Ok(Some(event)),
            Ok(None) => epoch.end(trainer, self.data).await,
            Err(error) => Err(error),
        };
        self.epoch = None;
        event.map(Some)
    }
}

impl<'d> Epoch<'d> {
    /// The epoch after those that are over, from its first batch that is not done.
    fn start(trainer: &mut Trainer, data: &'d Split) -> Result<Self> {
        trainer.clear_skips()?;
        let (config, batch, progress) = (&trainer.config, trainer.session.plan.batch, &trainer.progress);
        let batches = Batches::within(data, config.trained_on(data.len())?, batch);
        let batches = match config.shuffle {
            true => batches.shuffled(config.seed, progress.epoch + 1),
            false => batches.of_epoch(progress.epoch + 1),
        };
        let steps = config.max_steps();
        let done = progress.batch as usize;
        let pass = Pass::training(batches, steps, config.accumulate as usize).in_parts(config.parts()).after(done);
        if done > pass.steps() {
            return Err(Error::Data(format!("{done} batches of the epoch are done, it has {}", pass.steps())));
        }
        Ok(Self {
            updates_before: progress.updates.saturating_sub(pass.updates(done) as u64),
            pass: pass.pausing(config.checkpoint_every.steps(), progress.steps - progress.batch),
            started: Instant::now(),
            arrived: VecDeque::new(),
            resumed_at: done,
            reported: done,
            so_far: progress.so_far,
        })
    }

    /// The next step's event; none after the last.
    async fn next(&mut self, trainer: &mut Trainer) -> Result<Option<Event>> {
        let stops = trainer.config.on_nan == OnNan::Stop;
        let is_bad = |(tally, skipped): &(Tally, bool)| *skipped || !tally.loss.is_finite();
        if self.arrived.is_empty() {
            let (rate, config, first) = (self.learning_rate(trainer), &trainer.config, self.updates_before + 1);
            let step = |i: usize| config.step(&rate, first + i as u64 / u64::from(config.accumulate));
            let Some(report) = self.pass.next(&mut trainer.session, step).await? else { return Ok(None) };
            self.arrived.extend(report.tallies.into_iter().zip(report.skipped));
            match self.arrived.iter().position(is_bad).filter(|_| stops) {
                // No update was made from there on. Progress moves with the error.
                Some(bad) => self.arrived.truncate(bad + 1),
                None => self.advance(trainer),
            }
        }
        let Some(arrived) = self.arrived.pop_front() else { return Ok(None) };
        let (tally, skipped) = arrived;
        if is_bad(&arrived) && stops {
            return Err(self.stop(trainer, tally).await?);
        }
        self.reported += 1;
        let (epoch, step) = (trainer.progress.epoch + 1, self.reported);
        self.so_far.add_finite(tally);
        let (batch, so_far) = (tally.score(), self.so_far.score());
        let steps = self.pass.steps();
        let learning_rate = self.learning_rate(trainer).at(self.update(trainer, step - 1));
        Ok(Some(Event::Step { epoch, step, steps, batch, so_far, learning_rate, skipped }))
    }

    /// The number of the update that step `i` of the epoch, from 0, is part of.
    fn update(&self, trainer: &Trainer, i: usize) -> u64 {
        self.updates_before + 1 + i as u64 / u64::from(trainer.config.accumulate)
    }

    /// Moves progress on by the steps that have arrived.
    fn advance(&self, trainer: &mut Trainer) {
        let progress = &mut trainer.progress;
        for (tally, skipped) in &self.arrived {
            progress.batch += 1;
            progress.steps += 1;
            if *skipped {
                let batch = progress.batch as usize;
                progress.skipped += (self.pass.updates(batch) - self.pass.updates(batch - 1)) as u64;
            }
            progress.images_seen += tally.images as u64;
            progress.so_far.add_finite(*tally);
        }
        progress.updates = self.updates_before + self.pass.updates(progress.batch as usize) as u64;
    }

    /// The error of the step after those reported, where the loss or a gradient is not finite.
    async fn stop(&mut self, trainer: &mut Trainer, bad: Tally) -> Result<Error> {
        let i = self.reported;
        let progress = &mut trainer.progress;
        progress.steps += i as u64 - progress.batch;
        progress.images_seen += (self.so_far.images - progress.so_far.images) as u64;
        progress.updates = self.updates_before + self.pass.updates(i) as u64;
        (progress.batch, progress.so_far) = (i as u64, self.so_far);
        let update = self.update(trainer, i);
        let step = trainer.config.step(&self.learning_rate(trainer), update);
        let origin = trainer.origin(&self.pass, i, step).await?;
        let (epoch, images) = (trainer.progress.epoch + 1, self.pass.images_of_update(i));
        let not_finite = NotFinite { epoch, step: i + 1, update, loss: bad.loss, images, origin };
        // Nothing has been learned before the first step.
        let (cause, advice) = match update {
            1 => ("; look at the weights and the data", None),
            _ => ("", Some(Advice::SmallerLearningRate)),
        };
        let error = Error::not_finite(format!("{}{cause}", not_finite.describe())).advise(advice);
        trainer.not_finite = Some(not_finite);
        Ok(error)
    }

    fn learning_rate(&self, trainer: &Trainer) -> LearningRate {
        let of_run = trainer.config.learning_rate(self.pass.steps() as u64, &trainer.progress.plateau);
        let before = match of_run.schedule {
            Schedule::Cosine | Schedule::Triangular => trainer.progress.fit_start.updates,
            Schedule::Constant | Schedule::Step | Schedule::Exponential | Schedule::Plateau => 0,
        };
        LearningRate { before, ..of_run }
    }

    async fn end(&mut self, trainer: &mut Trainer, data: &Split) -> Result<Event> {
        let Progress { skipped, .. } = trainer.progress;
        if skipped > 0 && skipped == self.pass.updates(self.reported) as u64 {
            let epoch = trainer.progress.epoch + 1;
            let text = format!(
                "all {skipped} updates of epoch {epoch} were skipped: the loss or a gradient was not finite each time"
            );
            return Err(Error::not_finite(text).advise([Advice::SmallerLearningRate]));
        }
        let elapsed = self.started.elapsed();
        trainer.check_weights().await?;
        let validation = trainer.validate(data).await?;
        let learning_rate = self.learning_rate(trainer).at(trainer.progress.updates);
        let score = self.so_far.score();
        let (config, progress) = (&trainer.config, &mut trainer.progress);
        *progress = Progress { epoch: progress.epoch + 1, batch: 0, so_far: Tally::default(), skipped: 0, ..*progress };
        let Progress { epoch, best, .. } = *progress;
        let loss = validation.unwrap_or(score).loss;
        let is_best = best.is_none_or(|best| loss < best.loss);
        if is_best {
            progress.best = Some(BestEpoch { epoch, loss });
        }
        if config.schedule == Schedule::Plateau {
            progress.plateau.observe(loss, config.scaled_rate(), &config.plateau_settings());
        }
        if is_best {
            trainer.keep_best().await?;
        }
        let (steps, resumed_at) = (self.reported, self.resumed_at);
        Ok(Event::Epoch { epoch, steps, score, validation, learning_rate, resumed_at, elapsed })
    }
}

impl super::config::RunConfig {
    /// The learning rate for the images of an update, before any schedule.
    pub fn scaled_rate(&self) -> f64 {
        let images = u64::from(self.batch_size) * u64::from(self.accumulate);
        self.learning_rate * self.learning_rate_scaling.factor(images)
    }

    /// The learning rate of a run whose epochs have `epoch_steps` steps; it counts updates.
    pub(super) fn learning_rate(&self, epoch_steps: u64, plateau: &Plateau) -> LearningRate {
        let epoch_updates = epoch_steps.div_ceil(self.accumulate.into());
        LearningRate {
            schedule: self.schedule,
            rate: plateau.rate.unwrap_or(self.scaled_rate()),
            warmup: self.warmup,
            decay_steps: self.decay_steps.unwrap_or(epoch_updates.max(1)),
            decay_rate: self.decay_rate.unwrap_or(DECAY_RATE),
            updates: self.epochs.saturating_mul(epoch_updates),
            before: 0,
        }
    }

    /// What update `update` (from 1) brings beside its batch.
    pub(super) fn step(&self, learning_rate: &LearningRate, update: u64) -> Step {
        self.step_at(learning_rate.at(update), update)
    }

    /// The same with the learning rate `rate`.
    pub(super) fn step_at(&self, rate: f64, update: u64) -> Step {
        Step {
            update: update as u32,
            seed: Step::seed_of(self.seed),
            learning_rate: rate as f32,
            scalars: self.optimizer.step_scalars(rate, update),
            ..Step::default()
        }
    }
}
