//! The one loop over batches, for training, evaluation and prediction.

mod parts;
mod synchronized;

use super::metrics::Tally;
use super::session::Session;
use crate::data::Batches;
use crate::error::Result;
use crate::plan::{DispatchId, Program, Step};
use std::ops::Range;

/// A pass of some programs over batches: several steps are in flight, and while the device works on these, the host stages
/// the next.
#[derive(Debug)]
pub(super) struct Pass<'d> {
    batches: Batches<'d>,
    programs: &'static [Program],
    /// Batches of the pass.
    steps: usize,
    /// First batch that has not been staged.
    next: usize,
    /// Whether batches are staged that have not been submitted.
    staged: bool,
    /// Whether the predictions are read.
    predictions: bool,
    /// Batches that share an update, in training.
    accumulate: usize,
    /// Parts of a batch where gradients are those of parts, which then are what `batches` holds.
    parts: Option<usize>,
    /// Every so many batches, of which so many came before the pass, nothing is in flight; 0 for never.
    pause: (usize, usize),
}

/// Results of some steps.
#[derive(Debug)]
pub(super) struct Report {
    /// Of each step, in order.
    pub(super) tallies: Vec<Tally>,
    /// Outputs for each image of each step, one after the other; empty unless they were asked for.
    pub(super) predictions: Vec<f32>,
    /// Of each step, whether it ended an update that was skipped.
    pub(super) skipped: Vec<bool>,
}

impl<'d> Pass<'d> {
    /// A pass of `programs` over the first `steps` of `batches`.
    pub(super) fn new(batches: Batches<'d>, programs: &'static [Program], steps: usize) -> Self {
        let steps = steps.min(batches.len());
        let (next, staged, predictions) = (0, false, false);
        Self { batches, programs, steps, next, staged, predictions, accumulate: 1, parts: None, pause: (0, 0) }
    }

    /// A pass of training over the first `steps` of `batches`, with an update after each group of `accumulate` and after the last batch.
    pub(super) fn training(batches: Batches<'d>, steps: usize, accumulate: usize) -> Self {
        Self { accumulate, ..Self::new(batches, &Program::TRAIN, steps) }
    }

    /// The same pass, where `batches` are parts of batches, so many of each.
    pub(super) fn in_parts(self, parts: Option<usize>) -> Self {
        Self { parts, steps: self.steps.min(self.batches.len().div_ceil(parts.unwrap_or(1))), ..self }
    }

    /// The same pass, whose reports hold the predictions.
    pub(super) fn with_predictions(self) -> Self {
        Self { predictions: true, ..self }
    }

    /// The same pass without its first `done` steps.
    pub(super) fn after(self, done: usize) -> Self {
        Self { next: done, ..self }
    }

    /// The same pass, whose reports end where `every` divides the number of steps, of which `before` came before the pass.
    pub(super) fn pausing(self, every: Option<u64>, before: u64) -> Self {
        let every = every.map_or(0, |every| every.min(usize::MAX as u64));
        Self { pause: (every as usize, before.checked_rem(every).unwrap_or(0) as usize), ..self }
    }

    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    /// Updates of the first `steps` steps.
    pub(super) fn updates(&self, steps: usize) -> usize {
        if steps == self.steps { steps.div_ceil(self.accumulate) } else { steps / self.accumulate }
    }

    /// The batches that share the update of batch `i`.
    fn group(&self, i: usize) -> Range<usize> {
        let first = i / self.accumulate * self.accumulate;
        first..self.steps.min(first + self.accumulate)
    }

    /// Runs the next steps and waits for them; none after the last. `step(i)` is the data of step `i` of the pass beside its batch, with the
    /// number of the update that it is part of.
    ///
    /// Nothing is in flight on return, so what the device holds is the result of the steps reported so far.
    pub(super) async fn next(&mut self, session: &mut Session, step: impl Fn(usize) -> Step) -> Result<Option<Report>> {
        if let Some(parts) = self.parts {
            return self.next_in_parts(session, parts, step).await;
        }
        if !self.staged {
            self.stage(session);
        }
        if !self.staged {
            return Ok(None);
        }
        let images = session.queue.upload(session.backend.as_mut())?.to_vec();
        let first = self.next - images.len();
        let in_batch =
            |index| Step { batch_index: index as u32, ..self.with_images(first + index, step(first + index)) };
        let steps: Vec<Step> = (0..images.len()).map(in_batch).collect();
        session.pacer.start();
        let per_submission = session.pacer.steps_per_submission();
        if self.accumulate > 1 {
            self.run_groups(session, &steps, first, per_submission)?;
        } else {
            for steps in steps.chunks(per_submission) {
                session.backend.run(self.programs, steps)?;
            }
        }
        self.stage(session);
        let report = self.read(session, first, &steps).await?;
        session.pacer.finish(images.len());
        Ok(Some(report))
    }

    /// Runs `steps`, of which the first is batch `first`, with an update after the last batch of each group.
    fn run_groups(&self, session: &mut Session, steps: &[Step], first: usize, per_submission: usize) -> Result<()> {
        let (mut rest, mut at) = (steps, first);
        while !rest.is_empty() {
            let group = self.group(at);
            let (now, later) = rest.split_at(rest.len().min(per_submission).min(group.end - at));
            let batches: Vec<Step> = now.iter().zip(at..).map(|(step, i)| self.in_group(i, *step)).collect();
            session.backend.run(&Program::ACCUMULATE, &batches)?;
            at += now.len();
            if at == group.end {
                session.backend.run(&[Program::Update], &now[now.len() - 1..])?;
            }
            rest = later;
        }
        Ok(())
    }

    /// The parts of batch `i`, by their numbers in `batches`.
    fn parts_of(&self, i: usize) -> Range<usize> {
        let parts = self.parts.unwrap_or(1);
        i * parts..self.batches.len().min((i + 1) * parts)
    }

    /// Images of batch `i`.
    fn images(&self, i: usize) -> usize {
        self.parts_of(i).map(|part| self.batches.images(part)).sum()
    }

    /// The step of batch `i`, with its images. The mean is over all images that share an update.
    fn with_images(&self, i: usize, step: Step) -> Step {
        let global_images = self.group(i).map(|i| self.images(i)).sum::<usize>() as u32;
        Step { images: self.images(i) as u32, global_images, ..step }
    }

    /// The step of batch `i` in its group. Numbers of batches in place of updates: each draws anew.
    fn in_group(&self, i: usize, step: Step) -> Step {
        let in_group = i - self.group(i).start;
        let batches_before = step.update.wrapping_sub(1).wrapping_mul(self.accumulate as u32);
        let update = batches_before.wrapping_add(in_group as u32 + 1);
        Step { update, scalars: [if in_group == 0 { 0.0 } else { 1.0 }, 0.0], ..step }
    }

    /// The step of part `part` of batch `i`; each part draws anew.
    fn in_part(&self, i: usize, part: usize, step: Step) -> Step {
        let (parts, batch) = (self.parts_of(i), self.in_group(i, step));
        let parts_before = batch.update.wrapping_sub(1).wrapping_mul(self.parts.unwrap_or(1) as u32);
        let update = parts_before.wrapping_add((part - parts.start) as u32 + 1);
        let is_first = part == self.parts_of(self.group(i).start).start;
        let scalars = [if is_first { 0.0 } else { 1.0 }, 0.0];
        Step { images: self.batches.images(part) as u32, update, scalars, ..batch }
    }

    /// The images of the batches that share the update of batch `i`.
    pub(super) fn images_of_update(&self, i: usize) -> Vec<u32> {
        let parts = self.group(i).flat_map(|i| self.parts_of(i));
        parts.flat_map(|part| self.batches.indices(part)).map(|index| index as u32).collect()
    }

    /// Runs the batches that share the update of batch `i` again, with the data `step` and a dispatch at a time, up to the first that
    /// writes a number that is not finite.
    pub(super) async fn first_not_finite(
        &self,
        session: &mut Session,
        i: usize,
        step: Step,
    ) -> Result<Option<(DispatchId, f32)>> {
        let plan = std::sync::Arc::clone(&session.plan);
        let ids = match self.accumulate {
            1 => plan.dispatch_ids(&[Program::Gradients]),
            _ => plan.dispatch_ids(&Program::ACCUMULATE),
        };
        // What other steps have left.
        session.backend.write_f32(plan.host.metrics, 0, &vec![0.0; plan.buffer(plan.host.metrics).len])?;
        for batch in self.group(i) {
            for part in self.parts_of(batch) {
                session.queue.stage(&self.batches, part..part + 1);
                session.queue.upload(session.backend.as_mut())?;
                let step = self.with_images(batch, step);
                let step = match (self.parts, self.accumulate) {
                    (Some(_), _) => self.in_part(batch, part, step),
                    (None, 1) => step,
                    _ => self.in_group(batch, step),
                };
                let found = session.first_not_finite(&ids, step).await?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }

    /// Stages the batches that follow, if any do.
    fn stage(&mut self, session: &mut Session) {
        let (every, before) = self.pause;
        let until_pause = (before + self.next).checked_rem(every).map_or(usize::MAX, |past| every - past);
        let range = self.next..self.steps.min(self.next + session.pacer.steps_per_report().min(until_pause));
        self.staged = !range.is_empty();
        self.next = range.end;
        session.queue.stage(&self.batches, range);
    }

    /// Reads the results of `steps`, of which the first is batch `first`.
    async fn read(&self, session: &mut Session, first: usize, steps: &[Step]) -> Result<Report> {
        let (plan, backend) = (&session.plan, &mut session.backend);
        let metrics = backend.read_f32(plan.host.metrics, 2 * steps.len()).await?;
        let tally = |(metrics, step): (&[f32], &Step)| Tally {
            // The mean over the batch, in place of its share of the mean over the group.
            loss: f64::from(metrics[0]) * (f64::from(step.global_images) / f64::from(step.images)),
            correct: f64::from(metrics[1]),
            images: f64::from(step.images),
        };
        let tallies = metrics.chunks_exact(2).zip(steps).map(tally).collect();
        let mut skipped = vec![false; steps.len()];
        if let Some(skips) = plan.host.skips.filter(|_| self.programs.contains(&Program::Update)) {
            let flags = backend.read_f32(skips.steps, steps.len()).await?;
            let ends_update = |i: usize| i + 1 == self.group(i).end;
            skipped = flags.iter().zip(first..).map(|(flag, i)| *flag != 0.0 && ends_update(i)).collect();
        }
        let mut predictions = Vec::new();
        if self.predictions {
            let per_batch = plan.buffer(plan.host.predictions).len / plan.batches_per_upload;
            let all = backend.read_f32(plan.host.predictions, per_batch * steps.len()).await?;
            for (batch, step) in all.chunks_exact(per_batch).zip(steps) {
                predictions.extend_from_slice(&batch[..step.images as usize * per_batch / plan.batch]);
            }
        }
        Ok(Report { tallies, predictions, skipped })
    }
}
