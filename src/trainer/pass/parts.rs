//! Steps whose gradients are computed of parts of the batch, on one rank or several, and added in the order of a tree.

use super::synchronized::run_synchronized;
use super::{Pass, Report};
use crate::backend::Backend;
use crate::error::Result;
use crate::plan::{Plan, Program, Step};
use crate::ranks::{Leaves, TreeSum, sum};
use crate::trainer::metrics::Tally;
use crate::trainer::session::Session;
use std::ops::Range;
use std::sync::Arc;

/// Loss and correct predictions of a part, as its metrics have them.
const METRICS: usize = 2;

impl Pass<'_> {
    /// As [`Self::next`], the next step: this rank's parts, the sum over all ranks, then the update, which every rank makes.
    pub(super) async fn next_in_parts(
        &mut self,
        session: &mut Session,
        parts: usize,
        step: impl Fn(usize) -> Step,
    ) -> Result<Option<Report>> {
        let i = self.next;
        if i >= self.steps {
            return Ok(None);
        }
        self.next += 1;
        let step = self.with_images(i, step(i));
        let numbers = self.parts_of(i);
        let leaves = Leaves { all: parts, count: numbers.len() };
        let own = leaves.of(session.ranks.rank(), session.ranks.size());
        let batch = Batch { i, step, first: numbers.start, leaves, own, layout: Layout::new(session, parts) };
        let of_parts = match session.synchronizes {
            true => self.synchronized_parts(session, &batch).await?,
            false => self.single_parts(session, &batch).await?,
        };
        let layout = &batch.layout;
        let total = sum(session.ranks.as_mut(), of_parts, leaves, layout.len())?;
        let (tally, metrics) = layout.tally(&total, leaves.count, &step);
        layout.write(session, &total, metrics)?;
        let is_end = i + 1 == self.group(i).end;
        if self.accumulate > 1 {
            session.backend.run(&[Program::Accumulate], &[self.in_group(i, step)])?;
        }
        if is_end {
            session.backend.run(&[Program::Update], &[step])?;
        }
        let is_skipped = match session.plan.host.skips.filter(|_| is_end) {
            Some(skips) => session.backend.read_f32(skips.steps, 1).await?[0] != 0.0,
            None => false,
        };
        Ok(Some(Report { tallies: vec![tally], predictions: Vec::new(), skipped: vec![is_skipped] }))
    }

    /// What this rank's parts come to, one after the other.
    async fn single_parts(&self, session: &mut Session, batch: &Batch) -> Result<TreeSum> {
        let Batch { step, first, layout, .. } = batch;
        let (own, before): (Vec<usize>, _) = (batch.own.clone().collect(), session.layer_state().await?);
        let plan = Arc::clone(&session.plan);
        let mut of_parts = TreeSum::default();
        for parts in own.chunks(plan.batches_per_upload) {
            session.queue.stage(&self.batches, first + parts[0]..first + parts[0] + parts.len());
            session.queue.upload(session.backend.as_mut())?;
            for (slot, &part) in parts.iter().enumerate() {
                let of_part = Step { batch_index: slot as u32, ..self.in_part(batch.i, first + part, *step) };
                session.set_layer_state(&before)?;
                session.backend.run(&[Program::Gradients], &[of_part])?;
                let weight = of_part.images as f32 / step.images as f32;
                of_parts.add(part, layout.read(&plan, session.backend.as_mut(), slot, part, weight).await?);
            }
        }
        Ok(of_parts)
    }

    /// The same side by side, so that they share the statistics of the batch: after it all have the same state of layers, which counts
    /// once.
    async fn synchronized_parts(&self, session: &mut Session, batch: &Batch) -> Result<TreeSum> {
        let Batch { first, own, layout, .. } = batch;
        session.prepare_parts(own.len()).await?;
        let plan = Arc::clone(&session.plan);
        let mut steps = Vec::with_capacity(own.len());
        for (slot, part) in own.clone().enumerate() {
            session.queue.stage(&self.batches, first + part..first + part + 1);
            session.upload_to(slot)?;
            steps.push(self.in_part(batch.i, first + part, batch.step));
        }
        run_synchronized(session, &steps, batch.leaves).await?;
        let mut of_parts = TreeSum::default();
        for (slot, part) in own.clone().enumerate() {
            let weight = if part == 0 { 1.0 } else { 0.0 };
            of_parts.add(part, layout.read(&plan, session.part(slot), 0, part, weight).await?);
        }
        Ok(of_parts)
    }
}

/// A batch whose parts are computed.
struct Batch {
    /// Its number in the pass.
    i: usize,
    step: Step,
    /// The number of its first part in the pass.
    first: usize,
    leaves: Leaves,
    /// Those of its parts that are this rank's.
    own: Range<usize>,
    layout: Layout,
}

/// What is added up over the parts, one after the other: gradients, state of layers, each weighted by the images of its part, and
/// for each part its metrics, which are 0 in the others.
struct Layout {
    gradients: usize,
    state: usize,
    parts: usize,
}

impl Layout {
    fn new(session: &Session, parts: usize) -> Self {
        let plan = &session.plan;
        let len = |buffer| plan.buffer(buffer).len;
        Self { gradients: len(plan.host.parameters), state: plan.host.layer_state.map_or(0, len), parts }
    }

    fn len(&self) -> usize {
        self.gradients + self.state + METRICS * self.parts
    }

    /// What part `part`, batch `slot` of the upload, has left on `backend`; the state counts by `weight`.
    async fn read(
        &self,
        plan: &Plan,
        backend: &mut dyn Backend,
        slot: usize,
        part: usize,
        weight: f32,
    ) -> Result<Vec<f32>> {
        let mut values = backend.read_f32(plan.host.gradients, self.gradients).await?;
        if let Some(state) = plan.host.layer_state {
            values.extend(backend.read_f32(state, self.state).await?.into_iter().map(|value| value * weight));
        }
        values.resize(self.len(), 0.0);
        let at = self.gradients + self.state + METRICS * part;
        let of_upload = backend.read_f32(plan.host.metrics, METRICS * (slot + 1)).await?;
        values[at..at + METRICS].copy_from_slice(&of_upload[METRICS * slot..]);
        Ok(values)
    }

    /// The tally of the batch of `step`, which has so many parts, and its metrics as the device has them of a whole batch.
    fn tally(&self, total: &[f32], parts: usize, step: &Step) -> (Tally, [f32; METRICS]) {
        let of_parts = &total[self.gradients + self.state..][..METRICS * parts];
        let [mut loss, mut correct] = [0.0; METRICS];
        for part in of_parts.chunks_exact(METRICS) {
            loss += f64::from(part[0]);
            correct += f64::from(part[1]);
        }
        let mean = loss * (f64::from(step.global_images) / f64::from(step.images));
        (Tally { loss: mean, correct, images: f64::from(step.images) }, [loss as f32, correct as f32])
    }

    /// Puts the sums where the update looks for them.
    fn write(&self, session: &mut Session, total: &[f32], metrics: [f32; METRICS]) -> Result<()> {
        let (gradients, rest) = total.split_at(self.gradients);
        session.backend.write_f32(session.plan.host.gradients, 0, gradients)?;
        session.backend.write_f32(session.plan.host.metrics, 0, &metrics)?;
        session.set_layer_state(&rest[..self.state])
    }
}
