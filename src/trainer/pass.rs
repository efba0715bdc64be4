//! The one loop over batches, for training, evaluation and prediction.

use super::metrics::Tally;
use super::session::Session;
use crate::data::Batches;
use crate::error::Result;
use crate::plan::{Program, Step};

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
}

/// Results of some steps.
#[derive(Debug)]
pub(super) struct Report {
    /// Of each step, in order.
    pub(super) tallies: Vec<Tally>,
    /// Outputs for each image of each step, one after the other; empty unless they were asked for.
    pub(super) predictions: Vec<f32>,
}

impl<'d> Pass<'d> {
    /// A pass of `programs` over the first `steps` of `batches`.
    pub(super) fn new(batches: Batches<'d>, programs: &'static [Program], steps: usize) -> Self {
        let steps = steps.min(batches.len());
        Self { batches, programs, steps, next: 0, staged: false, predictions: false }
    }

    /// The same pass, whose reports hold the predictions.
    pub(super) fn with_predictions(self) -> Self {
        Self { predictions: true, ..self }
    }

    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    /// Runs the next steps and waits for them; none after the last. `step(i)` is the data of step `i` of the pass beside its batch.
    ///
    /// Nothing is in flight on return, so what the device holds is the result of the steps reported so far.
    pub(super) async fn next(&mut self, session: &mut Session, step: impl Fn(usize) -> Step) -> Result<Option<Report>> {
        if !self.staged {
            self.stage(session);
        }
        if !self.staged {
            return Ok(None);
        }
        let images = session.queue.upload(session.backend.as_mut())?.to_vec();
        let first = self.next - images.len();
        let in_batch = |(index, images): (usize, &usize)| {
            let images = *images as u32;
            Step { batch_index: index as u32, images, global_images: images, ..step(first + index) }
        };
        let steps: Vec<Step> = images.iter().enumerate().map(in_batch).collect();
        session.pacer.start();
        for steps in steps.chunks(session.pacer.steps_per_submission()) {
            session.backend.run(self.programs, steps)?;
        }
        self.stage(session);
        let report = self.read(session, &images).await?;
        session.pacer.finish(images.len());
        Ok(Some(report))
    }

    /// Stages the batches that follow, if any do.
    fn stage(&mut self, session: &mut Session) {
        let range = self.next..self.steps.min(self.next + session.pacer.steps_per_report());
        self.staged = !range.is_empty();
        self.next = range.end;
        session.queue.stage(&self.batches, range);
    }

    async fn read(&self, session: &mut Session, images: &[usize]) -> Result<Report> {
        let (plan, backend) = (&session.plan, &mut session.backend);
        let metrics = backend.read_f32(plan.host.metrics, 2 * images.len()).await?;
        let tally = |(metrics, images): (&[f32], &usize)| Tally {
            loss: f64::from(metrics[0]),
            correct: f64::from(metrics[1]),
            images: *images as f64,
        };
        let tallies = metrics.chunks_exact(2).zip(images).map(tally).collect();
        let mut predictions = Vec::new();
        if self.predictions {
            let per_batch = plan.buffer(plan.host.predictions).len / plan.batches_per_upload;
            let all = backend.read_f32(plan.host.predictions, per_batch * images.len()).await?;
            for (batch, images) in all.chunks_exact(per_batch).zip(images) {
                predictions.extend_from_slice(&batch[..images * per_batch / plan.batch]);
            }
        }
        Ok(Report { tallies, predictions })
    }
}
