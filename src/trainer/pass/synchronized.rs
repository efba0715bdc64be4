//! Gradients of parts whose batch statistics are those of the whole batch: the parts are computed side by side, up to each place where
//! statistics are merged, those of all ranks there.

use crate::backend::Backend;
use crate::error::Result;
use crate::plan::{BufferSlice, Dispatch, Lifetime, MergeParts, Plan, Program, Step};
use crate::ranks::{gather, share};
use crate::trainer::session::Session;
use std::ops::Range;
use std::sync::Arc;

/// Which of a batch's parts a rank has.
#[derive(Debug, Clone)]
pub(super) struct Shares {
    /// Parts that a batch is cut into.
    pub(super) parts: usize,
    /// Parts of this batch, which may be the last and short.
    pub(super) count: usize,
}

impl Shares {
    /// The parts of `rank` among `size`.
    pub(super) fn of(&self, rank: usize, size: usize) -> Range<usize> {
        let share = share(self.parts, rank, size);
        share.start.min(self.count)..share.end.min(self.count)
    }
}

/// Computes the gradients of this rank's parts, each loaded as [`Session::part`] with its step in `steps`. All ranks have to do so, those
/// without a part, too.
pub(super) async fn run_synchronized(session: &mut Session, steps: &[Step], shares: &Shares) -> Result<()> {
    let plan = Arc::clone(&session.plan);
    let ids = plan.dispatch_ids(&[Program::Gradients]);
    for segment in ids.split_inclusive(|id| plan.dispatch(*id).kernel.merge_parts().is_some()) {
        let last = segment.last().map(|id| plan.dispatch(*id));
        let merged = last.and_then(|last| last.kernel.merge_parts().map(|merge| (last, merge)));
        let run = &segment[..segment.len() - usize::from(merged.is_some())];
        if !run.is_empty() {
            for (i, step) in steps.iter().enumerate() {
                session.part(i).run_dispatches(run, &[*step])?;
            }
        }
        if let Some((dispatch, merge)) = merged {
            merge_parts(session, &plan, dispatch, merge, steps, shares).await?;
        }
    }
    Ok(())
}

/// Does what `dispatch` does, with the sums of all parts.
async fn merge_parts(
    session: &mut Session,
    plan: &Plan,
    dispatch: &Dispatch,
    merge: &dyn MergeParts,
    steps: &[Step],
    shares: &Shares,
) -> Result<()> {
    let mut inputs = Vec::with_capacity(steps.len());
    let mut own = Vec::with_capacity(steps.len() * merge.numbers());
    for (i, step) in steps.iter().enumerate() {
        let of_part = read_all(session.part(i), &dispatch.inputs).await?;
        own.extend(merge.of_part(step, &of_part));
        inputs.push(of_part);
    }
    let (rank, size) = (session.ranks.rank(), session.ranks.size());
    let words_per_part = 2 * merge.numbers();
    let lens: Vec<usize> = (0..size).map(|rank| words_per_part * shares.of(rank, size).len()).collect();
    let words = gather(session.ranks.as_mut(), bytemuck::cast_slice(&own), &lens)?.concat();
    let all: Vec<f64> = bytemuck::pod_collect_to_vec(&words);
    let all: Vec<&[f64]> = all.chunks_exact(merge.numbers()).collect();
    let first = shares.of(rank, size).start;
    for (i, inputs) in inputs.iter().enumerate() {
        let backend = session.part(i);
        let mut outputs = Vec::with_capacity(dispatch.outputs.len());
        for slice in &dispatch.outputs {
            let is_state = plan.buffer(slice.buffer).lifetime == Lifetime::Persistent;
            outputs.push(if is_state { read(backend, slice).await? } else { vec![0.0; slice.len] });
        }
        merge.of_batch(&all, first + i, inputs, &mut outputs);
        for (slice, values) in dispatch.outputs.iter().zip(&outputs) {
            backend.write_f32(slice.buffer, slice.offset, values)?;
        }
    }
    Ok(())
}

async fn read_all(backend: &mut dyn Backend, slices: &[BufferSlice]) -> Result<Vec<Vec<f32>>> {
    let mut all = Vec::with_capacity(slices.len());
    for slice in slices {
        all.push(read(backend, slice).await?);
    }
    Ok(all)
}

async fn read(backend: &mut dyn Backend, slice: &BufferSlice) -> Result<Vec<f32>> {
    let mut content = backend.read_f32(slice.buffer, slice.offset + slice.len).await?;
    Ok(content.split_off(slice.offset))
}
