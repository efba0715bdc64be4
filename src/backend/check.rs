//! Runs each dispatch of a plan on a GPU and on the CPU, from the same inputs, and says where they differ.

use super::gpu::{Adapter, Engine, GUARD_WORD};
use super::{Backend, Cpu};
use crate::error::Result;
use crate::plan::{Element, Plan, Step};
use std::ops::Range;
use std::sync::Arc;

/// Words after each buffer that no kernel may touch.
const GUARD_WORDS: usize = 64;

/// A dispatch whose output is not its twin's.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The dispatch.
    pub label: String,
    /// The output's buffer.
    pub buffer: String,
    /// ||gpu - cpu|| / ||cpu|| over floats; the share of different words over words; infinite if a guard word or
    /// another part of the buffer changed.
    pub error: f64,
}

/// Replays `dispatch_ids` of `plan` on both sides and returns the error of every output of every dispatch.
///
/// `cpu` holds the state to start from; its outputs go on to the next dispatch, so an error does not add up.
pub fn check_dispatches(
    adapter: &Adapter,
    plan: &Arc<Plan>,
    cpu: &mut Cpu<f32>,
    dispatch_ids: &[usize],
    step: Step,
) -> Result<Vec<Difference>> {
    let mut gpu = pollster::block_on(Engine::load(adapter, Arc::clone(plan), GUARD_WORDS))?;
    let mut differences = Vec::new();
    for &id in dispatch_ids {
        let dispatch = &plan.dispatches[id];
        for slot in dispatch.inputs.iter().chain(&dispatch.outputs) {
            let state = cpu.read(slot.buffer, plan.buffer(slot.buffer).len)?;
            gpu.write(slot.buffer, 0, &state)?;
        }
        cpu.run_dispatch(id, step);
        gpu.run_dispatches(&[id], &[step])?;
        for slot in &dispatch.outputs {
            let buffer = plan.buffer(slot.buffer);
            let expected = cpu.read(slot.buffer, buffer.len)?;
            let written = slot.offset..slot.offset + slot.len;
            let (got, guard) = pollster::block_on(gpu.read_with_guard(slot.buffer))?;
            let intact = guard.iter().all(|w| *w == GUARD_WORD);
            let error = match buffer.element {
                _ if !intact => f64::INFINITY,
                // Beside its slot a kernel may change nothing.
                _ if !same(&got, &expected, &written) => f64::INFINITY,
                Element::F32 => relative_error(&got[written.clone()], &expected[written]),
                Element::U32 => share_of_different(&got[written.clone()], &expected[written]),
            };
            differences.push(Difference { label: dispatch.label.clone(), buffer: buffer.label.clone(), error });
        }
    }
    Ok(differences)
}

/// Whether both hold the same words outside `written`.
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
