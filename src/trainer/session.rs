//! A plan on a device, with the queue and the pace of its batches.

use super::pacer::Pacer;
use super::queue::BatchQueue;
use crate::backend::{Backend, Device};
use crate::error::Result;
use crate::plan::{BufferId, DispatchId, Element, Plan, Step};
use crate::ranks::{Alone, Ranks};
use std::sync::Arc;

/// What every pass over batches needs.
pub(crate) struct Session {
    pub(crate) plan: Arc<Plan>,
    pub(crate) backend: Box<dyn Backend>,
    pub(super) queue: BatchQueue,
    pub(super) pacer: Pacer,
    pub(super) ranks: Box<dyn Ranks>,
    /// What the plan is loaded on.
    pub(crate) device: Device,
    /// Whether statistics of a batch are over all its parts.
    pub(super) synchronizes: bool,
    /// The plan once more for each of this rank's parts but the first, where the parts have to be computed side by side.
    replicas: Vec<Box<dyn Backend>>,
}

impl Session {
    pub(super) async fn load(plan: Plan, device: &Device) -> Result<Self> {
        let plan = Arc::new(plan);
        let backend = device.load(Arc::clone(&plan)).await?;
        let (queue, pacer) = (BatchQueue::new(&plan), Pacer::new(plan.batches_per_upload));
        let (ranks, device) = (Box::new(Alone), device.clone());
        Ok(Self { plan, backend, queue, pacer, ranks, device, synchronizes: false, replicas: Vec::new() })
    }

    /// What part `i` of those side by side is computed on.
    pub(super) fn part(&mut self, i: usize) -> &mut dyn Backend {
        part(&mut self.backend, &mut self.replicas, i)
    }

    /// Writes what is staged to part `i`.
    pub(super) fn upload_to(&mut self, i: usize) -> Result<()> {
        self.queue.upload(part(&mut self.backend, &mut self.replicas, i)).map(drop)
    }

    /// Makes so many parts side by side have the same parameters and state of layers.
    pub(super) async fn prepare_parts(&mut self, parts: usize) -> Result<()> {
        while self.replicas.len() + 1 < parts {
            self.replicas.push(self.device.load(Arc::clone(&self.plan)).await?);
        }
        let buffers = [Some(self.plan.host.parameters), self.plan.host.layer_state];
        for buffer in buffers.into_iter().flatten().filter(|_| parts > 1) {
            let values = self.floats(buffer).await?;
            for replica in &mut self.replicas[..parts - 1] {
                replica.write_f32(buffer, 0, &values)?;
            }
        }
        Ok(())
    }

    /// The whole of a buffer of floats.
    pub(super) async fn floats(&mut self, buffer: BufferId) -> Result<Vec<f32>> {
        let len = self.plan.buffer(buffer).len;
        self.backend.read_f32(buffer, len).await
    }

    /// The state of layers; empty if no layer has any.
    pub(super) async fn layer_state(&mut self) -> Result<Vec<f32>> {
        match self.plan.host.layer_state {
            Some(buffer) => self.floats(buffer).await,
            None => Ok(Vec::new()),
        }
    }

    /// Puts back what [`Self::layer_state`] returned.
    pub(super) fn set_layer_state(&mut self, state: &[f32]) -> Result<()> {
        self.plan.host.layer_state.map_or(Ok(()), |buffer| self.backend.write_f32(buffer, 0, state))
    }

    /// The first number that is not finite among the outputs of the dispatches `ids`, of which one launch is run at a time.
    pub(super) async fn first_not_finite(
        &mut self,
        ids: &[DispatchId],
        step: Step,
    ) -> Result<Option<(DispatchId, f32)>> {
        let plan = Arc::clone(&self.plan);
        for launch in plan.launches(ids) {
            self.backend.run_dispatches(launch, &[step])?;
            let outputs = launch.iter().flat_map(|id| plan.dispatch(*id).outputs.iter().map(move |slice| (*id, slice)));
            for (id, slice) in outputs.filter(|(_, slice)| plan.buffer(slice.buffer).element == Element::F32) {
                let content = self.backend.read_slice(*slice).await?;
                if let Some(value) = content.iter().find(|value| !value.is_finite()) {
                    return Ok(Some((id, *value)));
                }
            }
        }
        Ok(None)
    }
}

/// The backend of part `i`: the first has the session's own.
fn part<'a>(own: &'a mut Box<dyn Backend>, replicas: &'a mut [Box<dyn Backend>], i: usize) -> &'a mut dyn Backend {
    match i.checked_sub(1) {
        None => own.as_mut(),
        Some(replica) => replicas[replica].as_mut(),
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("device", self.backend.info()).finish_non_exhaustive()
    }
}
