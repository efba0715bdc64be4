//! Looks for the comparison that a fault does not pass: among what `gpu-cnn verify` runs, then among all cases of tests/kernels.rs.

use super::plant::{ORDERS, PRELUDE, calls, in_order, planted, with_fault};
use super::table::{Fault, shader_files};
use crate::shaders::validated;
use crate::support::{adapter_with, wait};
use crate::{fusion, kernels, nan, norms, not_finite, sharing};
use gpu_cnn::internals::backend::check_dispatches;
use gpu_cnn::internals::backend::gpu::Adapter;
use gpu_cnn::internals::plan::{DispatchId, Plan, Profile, Shader};
use gpu_cnn::internals::verify::{Case, Forms, cases};
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Forms of a kernel that `gpu-cnn verify` takes on the adapter's own profile; on others it takes one.
const USUAL_FORMS: usize = 3;

/// One case on one profile.
struct Job {
    adapter: Adapter,
    case: usize,
    /// Names of the shader files of each dispatch, and the length of its text.
    dispatches: Vec<(HashSet<String>, usize)>,
    /// The dispatches that `gpu-cnn verify` runs.
    of_verify: HashSet<DispatchId>,
}

/// All cases on all profiles.
pub(super) struct Jobs {
    cases: Vec<Case>,
    jobs: Vec<Job>,
}

/// What became of a fault.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// A comparison failed: which set of comparisons it belongs to, and what it said.
    Caught(&'static str, String),
    /// The shader is not valid, so that nothing was tried.
    Refused(String),
    /// Every comparison held; so many were made.
    Missed(usize),
}

impl Jobs {
    /// None without an adapter.
    pub(super) fn new() -> Option<Self> {
        let names = names();
        let cases = cases();
        let mut jobs = Vec::new();
        let mut forms = Forms::default();
        for profile in Profile::CHECKED {
            let adapter = adapter_with(profile)?;
            let most = if profile == Profile::SOFTWARE { USUAL_FORMS } else { 1 };
            for (case, of) in cases.iter().enumerate() {
                let dispatches = of.plan(profile).unwrap().dispatches;
                let dispatches = dispatches.iter().map(|d| described(&d.kernel.shader(), profile, &names)).collect();
                let of_verify = forms.new_in(of, profile, true, most).unwrap();
                jobs.push(Job { adapter: adapter.clone(), case, dispatches, of_verify });
            }
        }
        Some(Self { cases, jobs })
    }

    /// Tries the fault on one job after the other, those with the shortest shaders first, and on the tests of what no case shows.
    pub(super) fn search(&self, fault: &Fault) -> Found {
        let of_others = ["peak_", "scan_gradients", "check_update"];
        let is_first = fault.kind == "nan" || of_others.iter().any(|start| fault.file.starts_with(start));
        let others = || self.in_other_tests(fault).map(|what| Found::Caught("other tests", what));
        let mut tried = 0;
        if is_first && let Some(found) = others() {
            return found;
        }
        // The case that the table names comes first, if it names one.
        let only = [true, false].into_iter().filter(|only| !only || !fault.case.is_empty());
        let sets = only.flat_map(|only| [("verify", true, only), ("suite", false, only)]);
        for (set, is_verify, only_named) in sets {
            // That a change makes no difference is tried on a few alone.
            if fault.unseen.is_some() && !is_verify {
                return Found::Missed(tried);
            }
            let most = if fault.unseen.is_some() { 10 } else { usize::MAX };
            for (job, ids) in self.candidates(fault, is_verify, only_named).into_iter().take(most) {
                let orders = if fault.kind == "barrier" { &ORDERS[..] } else { &ORDERS[..1] };
                for (order, lane) in orders {
                    tried += 1;
                    let change = |shader| match *lane {
                        "invocation" => with_fault(shader, fault),
                        _ => in_order(with_fault(shader, fault), lane),
                    };
                    match run(&job.adapter, &self.cases[job.case], &ids, change) {
                        Err(error) => return Found::Refused(error),
                        Ok(Some(what)) if fault.kind == "barrier" => {
                            return Found::Caught(set, format!("{what}, invocations {order}"));
                        }
                        Ok(Some(what)) => return Found::Caught(set, what),
                        Ok(None) => {}
                    }
                }
            }
        }
        if is_first { Found::Missed(tried) } else { others().unwrap_or(Found::Missed(tried)) }
    }

    /// The dispatches with the fault, of those that `gpu-cnn verify` runs or of the others; or those of the case that the table names.
    fn candidates(&self, fault: &Fault, of_verify: bool, only_named: bool) -> Vec<(&Job, HashSet<DispatchId>)> {
        let mut candidates = Vec::new();
        for job in self.jobs.iter().filter(|job| !only_named || self.cases[job.case].name == fault.case) {
            let is_affected = |i: usize, files: &HashSet<String>| {
                files.contains(&fault.file) && job.of_verify.contains(&DispatchId(i)) == of_verify
            };
            let affected = job.dispatches.iter().enumerate().filter(|(i, (files, _))| is_affected(*i, files));
            let mut affected: Vec<(usize, usize)> = affected.map(|(i, (_, length))| (i, *length)).collect();
            if PRELUDE.contains(&fault.file.as_str()) && !affected.is_empty() {
                let plan = self.cases[job.case].plan(job.adapter.profile()).unwrap();
                affected.retain(|(i, _)| calls(&plan.dispatches[*i].kernel.shader(), fault));
            }
            let length: usize = affected.iter().map(|(_, length)| length).sum();
            let ids: HashSet<DispatchId> = affected.into_iter().map(|(i, _)| DispatchId(i)).collect();
            if !ids.is_empty() {
                candidates.push((length, (job, ids)));
            }
        }
        candidates.sort_by_key(|(length, _)| *length);
        candidates.into_iter().map(|(_, candidate)| candidate).collect()
    }

    /// What the tests of NaN, of tags, of what lay in buffers, of a variance of zero and of the kernels that no model uses say.
    fn in_other_tests(&self, fault: &Fault) -> Option<String> {
        let adapters = Profile::CHECKED.map(|profile| adapter_with(profile).expect("there was one"));
        let change = |plan: &Plan| planted(plan, &all_of(plan), |shader| with_fault(shader, fault));
        if fault.file.starts_with("peak_") {
            return kernels::peak_difference(&adapters[0], &change);
        }
        if fault.file == "gate.wgsl" {
            let share = |adapter| fusion::share_of_same_tagged_gradients(adapter, &change);
            let low = adapters.iter().find(|adapter| share(adapter) < fusion::SHARE_OF_SAME);
            if let Some(adapter) = low {
                return Some(format!("tagged gradients, {}", adapter.profile().name));
            }
        }
        if fault.file == "winograd_backward_input.wgsl" {
            let left = sharing::leaves_poison(&adapters[0], &change);
            return left.then(|| "what lay in a buffer before is left in it".to_owned());
        }
        if fault.file == "given_statistics.wgsl" {
            return adapters.iter().find_map(|adapter| norms::zero_variance_difference(adapter, &change));
        }
        // They panic where something differs.
        let fails = |check: &dyn Fn()| catch_unwind(AssertUnwindSafe(check)).is_err();
        const OF_UPDATES: [&str; 5] = ["scan_gradients", "check_update", "update", "moving_average", "muon_"];
        if OF_UPDATES.iter().any(|start| fault.file.starts_with(start)) {
            let found = adapters.iter().find(|adapter| fails(&|| not_finite::check_on(adapter, &change)));
            if let Some(adapter) = found {
                return Some(format!("updates that are not finite, {}", adapter.profile().name));
            }
        }
        let names = names();
        for case in nan::models() {
            for adapter in &adapters {
                let dispatches = case.plan(adapter.profile()).unwrap().dispatches;
                let mut files = dispatches.iter().map(|d| described(&d.kernel.shader(), adapter.profile(), &names).0);
                if files.any(|files| files.contains(&fault.file))
                    && let Some(what) = nan::difference_on(adapter, &case, &change)
                {
                    return Some(format!("NaN, {what}"));
                }
            }
        }
        let differs = adapters.iter().find(|adapter| fails(&|| drop(nan::nan_rows_on(adapter, &change))));
        differs.map(|adapter| format!("NaN, {}, logits", adapter.profile().name))
    }

    /// For each kernel whose invocations exchange values, as [`Forms`] tells its forms apart, the shortest dispatch; with what
    /// fails when its invocations run in other orders.
    pub(super) fn in_every_order(&self, has_barriers: impl Fn(&Shader) -> bool) -> (usize, Vec<String>) {
        let mut shortest: HashMap<(String, &str), (usize, &Job, DispatchId)> = HashMap::new();
        for job in &self.jobs {
            let profile = job.adapter.profile();
            for (i, dispatch) in self.cases[job.case].plan(profile).unwrap().dispatches.iter().enumerate() {
                if job.of_verify.contains(&DispatchId(i)) && has_barriers(&dispatch.kernel.shader()) {
                    let found = (job.dispatches[i].1, job, DispatchId(i));
                    let known = shortest.entry((dispatch.kernel.name(), profile.name)).or_insert(found);
                    if found.0 < known.0 {
                        *known = found;
                    }
                }
            }
        }
        let mut failures = Vec::new();
        for ((kernel, _), (_, job, id)) in &shortest {
            for (order, lane) in &ORDERS[1..] {
                let ids = HashSet::from([*id]);
                let found = run(&job.adapter, &self.cases[job.case], &ids, |shader| in_order(shader, lane));
                failures.extend(found.unwrap_or_else(Some).map(|what| format!("{kernel}, {order}: {what}")));
            }
        }
        (shortest.len(), failures)
    }
}

/// The names of the shader files by their contents.
fn names() -> HashMap<&'static str, String> {
    shader_files().into_iter().map(|(name, text)| (text, name)).collect()
}

fn all_of(plan: &Plan) -> HashSet<DispatchId> {
    (0..plan.dispatches.len()).map(DispatchId).collect()
}

fn described(shader: &Shader, profile: Profile, names: &HashMap<&str, String>) -> (HashSet<String>, usize) {
    let own = shader.files.iter().map(|file| names[file].clone());
    let prelude = PRELUDE.into_iter().filter(|file| *file != if profile.loads_u64 { PRELUDE[0] } else { PRELUDE[1] });
    (own.chain(prelude.map(str::to_owned)).collect(), shader.text(profile).len())
}

/// Runs the dispatches `ids` of `case` with changed shaders and says what differs from the reference.
///
/// # Errors
/// If a shader is not valid.
fn run(
    adapter: &Adapter,
    case: &Case,
    ids: &HashSet<DispatchId>,
    change: impl Fn(Shader) -> Shader,
) -> Result<Option<String>, String> {
    let profile = adapter.profile();
    let (plan, mut reference) = case.filled::<f64>(profile).unwrap();
    let planted: Arc<Plan> = Arc::new(planted(&plan, ids, change));
    let one = ids.iter().next().expect("a dispatch is run");
    validated(&planted.dispatch(*one).kernel.shader().text(profile))?;
    let mut runs = case.runs(&plan);
    let last = runs.iter().rposition(|(id, _)| ids.contains(id)).map_or(0, |last| last + 1);
    runs.truncate(last);
    let compared = wait(check_dispatches(adapter, &planted, &mut reference, &runs, ids));
    let compared = compared.map_err(|error| error.to_string())?;
    let differs = compared.into_iter().find(|found| {
        // Written so that a NaN fails.
        let holds = found.error <= case.bound(&found.buffer);
        !holds
    });
    Ok(differs.map(|found| {
        let (label, error) = (&plan.dispatch(found.id).label, found.error);
        format!("{}, {}: `{label}` into `{}`: {error:.0e}", profile.name, case.name, found.buffer)
    }))
}
