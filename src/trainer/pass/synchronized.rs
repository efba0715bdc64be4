//! Gradients of parts whose batch statistics are those of the whole batch: the parts are computed side by side, up to each place where
//! statistics are merged, those of all ranks there.

use crate::error::Result;
use crate::plan::{Dispatch, Lifetime, MergeParts, Plan, Program, Step};
use crate::ranks::{Leaves, gather};
use crate::trainer::session::Session;
use std::sync::Arc;

/// Computes the gradients of this rank's parts, each loaded as [`Session::part`] with its step in `steps`. All ranks have to do so, those
/// without a part, too.
pub(super) async fn run_synchronized(session: &mut Session, steps: &[Step], parts: Leaves) -> Result<()> {
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
            merge_parts(session, &plan, dispatch, merge, steps, parts).await?;
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
    parts: Leaves,
) -> Result<()> {
    let mut inputs = Vec::with_capacity(steps.len());
    let mut own = Vec::with_capacity(steps.len() * merge.numbers());
    for (i, step) in steps.iter().enumerate() {
        let mut of_part = Vec::with_capacity(dispatch.inputs.len());
        for slice in &dispatch.inputs {
            of_part.push(session.part(i).read_slice(*slice).await?);
        }
        own.extend(merge.of_part(step, &of_part));
        inputs.push(of_part);
    }
    let (rank, size) = (session.ranks.rank(), session.ranks.size());
    let words_per_part = 2 * merge.numbers();
    let lens: Vec<usize> = (0..size).map(|rank| words_per_part * parts.of(rank, size).len()).collect();
    let words = gather(session.ranks.as_mut(), bytemuck::cast_slice(&own), &lens)?.concat();
    let all: Vec<f64> = bytemuck::pod_collect_to_vec(&words);
    let mut total = vec![0.0; merge.numbers()];
    all.chunks_exact(merge.numbers()).for_each(|part| merge.add(&mut total, part));
    let first = parts.of(rank, size).start;
    for (i, inputs) in inputs.iter().enumerate() {
        let backend = session.part(i);
        let mut outputs = Vec::with_capacity(dispatch.outputs.len());
        for slice in &dispatch.outputs {
            let is_state = plan.buffer(slice.buffer).lifetime == Lifetime::Persistent;
            outputs.push(if is_state { backend.read_slice(*slice).await? } else { vec![0.0; slice.len] });
        }
        merge.of_batch(&total, first + i, inputs, &mut outputs);
        for (slice, values) in dispatch.outputs.iter().zip(&outputs) {
            backend.write_f32(slice.buffer, slice.offset, values)?;
        }
    }
    Ok(())
}
