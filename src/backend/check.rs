//! Runs each dispatch of a plan on a GPU and on the CPU, from the same inputs, and says where they differ.

use super::cpu::{Cpu, CpuFloat};
use super::gpu::{Adapter, Engine, guard_word};
use super::interface::Backend;
use crate::clock::Instant;
use crate::error::Result;
use crate::plan::{DispatchId, Element, Plan, Step};
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

/// Elements after each buffer that no kernel may touch.
const GUARD_WORDS: usize = 64;

/// An output of a dispatch beside its twin's.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The dispatch.
    pub id: DispatchId,
    /// The output's buffer.
    pub buffer: String,
    /// ||gpu - cpu|| / ||cpu|| over floats; the share of different elements over u32; infinite if a guard element or
    /// another part of the buffer changed.
    pub error: f64,
    /// Seconds that the dispatch took on the adapter, with the reading of this output.
    pub seconds: f64,
}

/// Runs the dispatches `runs` of `plan` on the CPU, each in its step, those in `fresh` also on the adapter, and returns the error of every
/// output of these.
///
/// `cpu` holds the state to start from; both sides take its outputs as the inputs of the next dispatch, in single precision, so that an
/// error does not add up.
///
/// # Errors
/// If the plan cannot be loaded on the adapter, or the device is lost.
pub async fn check_dispatches<F: CpuFloat>(
    adapter: &Adapter,
    plan: &Arc<Plan>,
    cpu: &mut Cpu<F>,
    runs: &[(DispatchId, Step)],
    fresh: &HashSet<DispatchId>,
) -> Result<Vec<Compared>> {
    let mut gpu = Engine::load_some(adapter, Arc::clone(plan), GUARD_WORDS, |id| fresh.contains(&id)).await?;
    let mut compared = Vec::new();
    for &(id, step) in runs {
        let dispatch = plan.dispatch(id);
        let is_fresh = fresh.contains(&id);
        for slice in dispatch.inputs.iter().chain(&dispatch.outputs) {
            let content = cpu.content(slice.buffer, plan.buffer(slice.buffer).len);
            cpu.write(slice.buffer, 0, &content)?;
            if is_fresh {
                gpu.write(slice.buffer, 0, &content)?;
            }
        }
        cpu.run_dispatch(id, step);
        if !is_fresh {
            continue;
        }
        let start = Instant::now();
        gpu.run_dispatches(&[id], &[step])?;
        for slice in &dispatch.outputs {
            let buffer = plan.buffer(slice.buffer);
            let expected = cpu.content(slice.buffer, buffer.len);
            let written = slice.offset..slice.offset + slice.len;
            let (got, guard) = gpu.read_with_guard(slice.buffer).await?;
            let seconds = start.elapsed().as_secs_f64();
            let intact = guard.iter().enumerate().all(|(i, word)| *word == guard_word(slice.buffer, i));
            let error = if intact { output_error(buffer.element, &got, &expected, written) } else { f64::INFINITY };
            compared.push(Compared { id, buffer: buffer.label.clone(), error, seconds });
        }
    }
    Ok(compared)
}

/// How far an output, the elements `written` of a buffer, is from what is expected: the relative error of floats, the share of others that
/// differ; infinite where another part of the buffer does.
pub fn output_error(element: Element, got: &[u32], expected: &[u32], written: Range<usize>) -> f64 {
    match element {
        // Outside its slice a kernel may change nothing.
        _ if !same(got, expected, &written) => f64::INFINITY,
        Element::F32 => relative_error(&got[written.clone()], &expected[written]),
        Element::U32 => share_of_different(&got[written.clone()], &expected[written]),
    }
}

/// Whether both hold the same elements outside `written`.
fn same(got: &[u32], expected: &[u32], written: &Range<usize>) -> bool {
    got[..written.start] == expected[..written.start] && got[written.end..] == expected[written.end..]
}

/// ||got - expected|| / ||expected||; infinite if `got` has a number that is not finite.
fn relative_error(got: &[u32], expected: &[u32]) -> f64 {
    let (mut distance, mut norm) = (0.0, 0.0);
    for (g, e) in got.iter().zip(expected) {
        let (g, e) = (f64::from(f32::from_bits(*g)), f64::from(f32::from_bits(*e)));
        distance += (g - e) * (g - e);
        norm += e * e;
    }
    match (distance.is_finite(), norm > 0.0) {
        (false, _) => f64::INFINITY,
        (true, true) => (distance / norm).sqrt(),
        (true, false) => distance.sqrt(),
    }
}

fn share_of_different(got: &[u32], expected: &[u32]) -> f64 {
    got.iter().zip(expected).filter(|(g, e)| g != e).count() as f64 / expected.len().max(1) as f64
}
