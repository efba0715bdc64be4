//! Training with progress on stderr, logs, weights and checkpoints in the run's folder, and signals heeded.

use super::live::LiveRun;
use super::{environment, interrupt, job};
use crate::blocking::Trainer;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::report::{EpochProgress, RunFolder, detail, note};
use crate::trainer::{Checkpoint, Event, Flow, RunConfig, Score};
use serde_json::{Value, json};
use std::time::Instant;

/// A run that is trained.
pub(super) struct Fitting {
    pub(super) trainer: Trainer,
    pub(super) folder: RunFolder,
    /// Its page, where that is served.
    pub(super) live: Option<LiveRun>,
}

impl Fitting {
    /// Trains to the last epoch. Where a signal asks to stop, checkpoint and weights are written after the steps in flight.
    ///
    /// # Errors
    /// [`Error::Interrupted`] after a signal; those of the training and of writing.
    pub(super) fn fit(&mut self, data: &Dataset, config: &RunConfig) -> Result<()> {
        interrupt::defer();
        let mut saved_steps = None;
        let Self { trainer, folder, live } = self;
        let mut progress = EpochProgress::new(config.epochs, environment::may_redraw());
        let mut written = Instant::now();
        let lost_after = environment::step_to_lose_the_device();
        let mut callback = |trainer: &mut Trainer, event: &Event| {
            progress.show(event);
            log(folder, event, config.log_steps);
            live.iter().for_each(|live| live.show(event, || metrics_line(event)));
            let (Event::Step { epoch, .. } | Event::Epoch { epoch, .. }) = *event;
            let done = trainer.progress();
            let ends_epoch = match *event {
                // The device is ahead of this step; its state is that after a later one.
                Event::Step { step, .. } if step as u64 != done.batch => return Ok(Flow::Continue),
                Event::Step { .. } => false,
                Event::Epoch { .. } => true,
            };
            if ends_epoch && folder.shows_weights(epoch, config.epochs) {
                let weights = trainer.weights()?;
                folder.log_weights(trainer.graph(), &weights, epoch);
            }
            if lost_after.is_some_and(|steps| steps <= done.steps) {
                trainer.lose_device();
            }
            folder.flush()?;
            live.iter().try_for_each(|live| live.read_weights(trainer, data))?;
            let interrupted = job::check_interrupted(trainer, &format!("in epoch {epoch}"));
            let is_last = interrupted.is_err()
                || (ends_epoch && epoch == config.epochs)
                || config.checkpoint_every.is_due(&done, written.elapsed());
            let is_best = ends_epoch && done.best.is_some_and(|best| best.epoch == epoch);
            // Of a run that may end early the file always has the best ones.
            let keeps_best = config.early_stopping.is_some() && done.best.is_some();
            if (ends_epoch || is_last) && (is_best || !keeps_best) {
                folder.write_weights(&trainer.to_safetensors()?)?;
            }
            if is_last || is_best {
                folder.save(checkpoint_of(trainer, data)?, is_last, is_best)?;
                saved_steps = if is_last { Some(done.steps) } else { saved_steps };
                detail(|| format!("wrote a checkpoint after {} steps", done.steps));
                written = if is_last { Instant::now() } else { written };
            }
            if ends_epoch || is_last {
                folder.replace_earlier()?;
            }
            interrupted.map(|()| Flow::Continue)
        };
        let mut fails_here = false;
        let mut observed = |trainer: &mut Trainer, event: &Event| {
            let result = callback(trainer, event);
            fails_here |= result.as_ref().is_err_and(|error| !matches!(error, Error::Interrupted(_)));
            result
        };
        let (steps, traffic, started) = (trainer.progress().steps, trainer.ranks().traffic(), Instant::now());
        // From the trainer's progress: that of a new run is the first checkpoint's.
        let fitted = trainer.resume_fit_with(&data.train, &mut observed);
        if !fails_here {
            fitted.as_ref().err().into_iter().for_each(job::fail_together);
        }
        fitted?;
        let (steps, traffic) = (trainer.progress().steps - steps, trainer.ranks().traffic().since(traffic));
        if let Some(exchange) = job::note_traffic(traffic, steps, started.elapsed().as_secs_f64()) {
            folder.note_final("exchange", exchange);
        }
        self.end(data, saved_steps)
    }

    /// Writes the state after the last step where that is not done yet, and takes the best weights where the settings say so.
    fn end(&mut self, data: &Dataset, saved_steps: Option<u64>) -> Result<()> {
        let Self { trainer, folder, .. } = self;
        let stopped = trainer.stopped();
        if let Some(stopped) = stopped {
            note(&stopped.to_string());
            folder.note_final("stopped", json!(stopped.to_string()));
        }
        if stopped.is_some() && saved_steps != Some(trainer.progress().steps) {
            folder.save(checkpoint_of(trainer, data)?, true, false)?;
        }
        match trainer.restore_best()? {
            Some(best) => {
                note(&format!("weights: those of epoch {}, the best", best.epoch));
                folder.note_final("weights_of_epoch", json!(best.epoch));
            }
            None if stopped.is_some() => folder.write_weights(&trainer.to_safetensors()?)?,
            None => {}
        }
        folder.replace_earlier()
    }
}

/// The state of the training, with what it is on.
pub(super) fn checkpoint_of(trainer: &mut Trainer, data: &Dataset) -> Result<Checkpoint> {
    let mut checkpoint = trainer.checkpoint()?;
    checkpoint.state.data.clone_from(&data.sha256);
    Ok(checkpoint)
}

/// An error once the user has asked to stop.
pub(super) fn check_interrupted(place: &str) -> Result<()> {
    match interrupt::requested() {
        Some(_) => Err(Error::Interrupted(format!("interrupted {place}"))),
        None => Ok(()),
    }
}

fn log(folder: &mut RunFolder, event: &Event, log_steps: bool) {
    match *event {
        Event::Step { batch, .. } => {
            folder.log_loss(batch.loss);
            if is_logged(event, log_steps) {
                folder.log(&metrics_line(event));
            }
        }
        Event::Epoch { epoch, steps, resumed_at, elapsed, score, validation, .. } => {
            folder.log(&metrics_line(event));
            let mut last = json!({ "loss": score.loss, "accuracy": score.accuracy });
            add_validation(&mut last, validation);
            folder.note_final("last_epoch", last);
            let (steps, elapsed_secs) = (steps - resumed_at, elapsed.as_secs_f64());
            let ms_per_step = elapsed_secs * 1e3 / steps.max(1) as f64;
            folder.log_time(&json!({
                "epoch": epoch, "steps": steps, "elapsed_secs": elapsed_secs, "ms_per_step": ms_per_step
            }));
        }
    }
}

/// Whether metrics.jsonl has a line for this event.
pub(super) fn is_logged(event: &Event, log_steps: bool) -> bool {
    log_steps || !matches!(event, Event::Step { skipped: false, .. })
}

/// The test at the end as metrics.jsonl has it.
pub(super) fn test_line(Score { loss, accuracy }: Score) -> Value {
    json!({ "event": "test", "loss": loss, "accuracy": accuracy })
}

/// A step or an epoch as metrics.jsonl has it: nothing that differs when the run is repeated.
pub(super) fn metrics_line(event: &Event) -> Value {
    let line = |kind: &str, epoch: u64, (name, steps): (&str, usize), score: Score, learning_rate: f64| {
        let Score { loss, accuracy } = score;
        json!({
            "event": kind,
            "epoch": epoch,
            name: steps,
            "loss": loss,
            "accuracy": accuracy,
            "learning_rate": learning_rate,
        })
    };
    match *event {
        Event::Step { epoch, step, batch, learning_rate, skipped, .. } => {
            let mut line = line("step", epoch, ("step", step), batch, learning_rate);
            if skipped {
                line["skipped"] = json!(true);
            }
            line
        }
        Event::Epoch { epoch, steps, score, validation, learning_rate, .. } => {
            let mut line = line("epoch", epoch, ("steps", steps), score, learning_rate);
            add_validation(&mut line, validation);
            line
        }
    }
}

/// Adds the figures of the validation images, if there are any.
fn add_validation(line: &mut Value, validation: Option<Score>) {
    if let Some(Score { loss, accuracy }) = validation {
        (line["validation_loss"], line["validation_accuracy"]) = (json!(loss), json!(accuracy));
    }
}
