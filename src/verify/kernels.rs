//! Every kernel of some cases on a device, against the reference in double precision.

use super::case::Case;
use crate::backend::gpu::Adapter;
use crate::backend::{Backend, Compared, Cpu, check_dispatches, output_error};
use crate::error::Result;
use crate::plan::{Dispatch, DispatchId, Profile};
use crate::simd::SimdLevel;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// An output of a dispatch beside that of the reference.
#[derive(Debug, Clone)]
pub struct Check {
    /// The kernel, such as `conv2d::forward`.
    pub kernel: String,
    /// Label of the dispatch, and its output's buffer.
    pub label: String,
    /// The output's buffer.
    pub buffer: String,
    /// ||got - expected|| / ||expected|| of floats, the share of different elements of others.
    pub error: f64,
    /// What the error may be.
    pub bound: f64,
    /// Seconds that the dispatch took, with the reading of its outputs.
    pub seconds: f64,
}

impl Check {
    /// Whether the error is within its bound; a NaN is not.
    pub fn holds(&self) -> bool {
        self.error <= self.bound
    }
}

/// The forms of each kernel that have been taken; the files of its shader make a form.
#[derive(Debug, Default)]
pub struct Forms(HashMap<String, HashSet<Vec<*const u8>>>);

impl Forms {
    /// The dispatches of `case` on `profile`, in shaders with wgpu's runtime checks or without, of forms that did not occur before; of each
    /// kernel the first `max_forms`.
    ///
    /// # Errors
    /// If the model cannot be recorded.
    pub fn new_in(
        &mut self,
        case: &Case,
        profile: Profile,
        checked: bool,
        max_forms: usize,
    ) -> Result<HashSet<DispatchId>> {
        let plan = case.plan(profile)?;
        let mut is_new = |id: &DispatchId| {
            let kernel = &plan.dispatch(*id).kernel;
            let taken = self.0.entry(format!("{} {} {checked}", kernel.name(), profile.name)).or_default();
            taken.len() < max_forms && taken.insert(kernel.shader().files.iter().map(|file| file.as_ptr()).collect())
        };
        Ok((0..plan.dispatches.len()).map(DispatchId).filter(|id| is_new(id)).collect())
    }
}

/// All dispatches of `case` on `profile`.
///
/// # Errors
/// If the model cannot be recorded.
pub fn all_of(case: &Case, profile: Profile) -> Result<HashSet<DispatchId>> {
    Ok((0..case.plan(profile)?.dispatches.len()).map(DispatchId).collect())
}

/// Runs the dispatches `ids` of `case` on `adapter`, recorded for its profile, each from the reference's inputs.
///
/// # Errors
/// If the plan cannot be loaded, or the device is lost.
pub async fn check_kernels(adapter: &Adapter, case: &Case, ids: &HashSet<DispatchId>) -> Result<Vec<Check>> {
    let (plan, mut reference) = case.filled::<f64>(adapter.profile())?;
    let compared = check_dispatches(adapter, &plan, &mut reference, &case.runs(&plan), ids).await?;
    let check = |Compared { id, buffer, error, seconds }| check(case, plan.dispatch(id), buffer, error, seconds);
    Ok(compared.into_iter().map(check).collect())
}

/// As [`check_kernels`], of the CPU backend's kernels for `level`.
///
/// # Errors
/// If the plan cannot be loaded.
pub fn check_cpu_kernels(
    level: Option<SimdLevel>,
    threads: usize,
    case: &Case,
    ids: &HashSet<DispatchId>,
) -> Result<Vec<Check>> {
    let profile = Profile::cpu(level);
    let (plan, mut reference) = case.filled::<f64>(profile)?;
    let mut cpu = Cpu::<f32>::load(Arc::clone(&plan), threads)?;
    let mut checks = Vec::new();
    for (id, step) in case.runs(&plan) {
        let dispatch = plan.dispatch(id);
        for slice in dispatch.inputs.iter().chain(&dispatch.outputs) {
            let content = reference.content(slice.buffer, plan.buffer(slice.buffer).len);
            cpu.write(slice.buffer, 0, &content)?;
            reference.write(slice.buffer, 0, &content)?;
        }
        reference.run_dispatch(id, step);
        if !ids.contains(&id) {
            continue;
        }
        let start = crate::clock::Instant::now();
        cpu.run_dispatch(id, step);
        let seconds = start.elapsed().as_secs_f64();
        for slice in &dispatch.outputs {
            let buffer = plan.buffer(slice.buffer);
            let [got, expected] = [cpu.content(slice.buffer, buffer.len), reference.content(slice.buffer, buffer.len)];
            let written = slice.offset..slice.offset + slice.len;
            let error = output_error(buffer.element, &got, &expected, written);
            checks.push(check(case, dispatch, buffer.label.clone(), error, seconds));
        }
    }
    Ok(checks)
}

fn check(case: &Case, dispatch: &Dispatch, buffer: String, error: f64, seconds: f64) -> Check {
    let bound = case.bound(&buffer);
    Check { kernel: dispatch.kernel.name(), label: dispatch.label.clone(), buffer, error, bound, seconds }
}
