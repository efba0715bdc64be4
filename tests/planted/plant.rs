//! Kernels with a change in their shader's text.

use super::table::{Fault, functions, places};
use gpu_cnn::internals::plan::{Cost, DispatchId, Io, Kernel, MergeParts, Plan, Shader};
use gpu_cnn::internals::simd::SimdLevel;
use std::collections::HashSet;
use std::sync::Arc;

/// A kernel with another shader.
#[derive(Debug)]
struct Planted {
    inner: Arc<dyn Kernel>,
    shader: Shader,
}

impl Kernel for Planted {
    fn name(&self) -> String {
        self.inner.name()
    }
    fn shader(&self) -> Shader {
        self.shader.clone()
    }
    fn cost(&self) -> Cost {
        self.inner.cost()
    }
    fn run_f32(&self, io: Io<'_, f32>) {
        self.inner.run_f32(io);
    }
    fn run_simd(&self, level: SimdLevel, io: Io<'_, f32>) {
        self.inner.run_simd(level, io);
    }
    fn run_f64(&self, io: Io<'_, f64>) {
        self.inner.run_f64(io);
    }
    fn merge_parts(&self) -> Option<&dyn MergeParts> {
        self.inner.merge_parts()
    }
}

/// The plan with `change` made to the shaders of the dispatches `ids`.
pub(super) fn planted(plan: &Plan, ids: &HashSet<DispatchId>, change: impl Fn(Shader) -> Shader) -> Plan {
    let mut planted = plan.clone();
    for (i, dispatch) in planted.dispatches.iter_mut().enumerate() {
        if ids.contains(&DispatchId(i)) {
            let inner = Arc::clone(&dispatch.kernel);
            let shader = change(inner.shader());
            dispatch.kernel = Arc::new(Planted { inner, shader });
        }
    }
    planted
}

/// The files that stand before every shader's own.
pub(super) const PRELUDE: [&str; 3] = ["four_f32.wgsl", "four_u64.wgsl", "numbers.wgsl"];

/// `shader` with the fault. One in the prelude, which [`Shader::text`] adds, is planted as a copy of the file whose functions have other
/// names, which the other files then call.
pub(super) fn with_fault(mut shader: Shader, fault: &Fault) -> Shader {
    if !PRELUDE.contains(&fault.file.as_str()) {
        let [old, new] = fault.texts;
        shader.files.iter_mut().filter(|file| **file == old).for_each(|file| *file = new);
        return shader;
    }
    let functions = functions(fault.texts[0]);
    let renamed = |text: &str| {
        let text = functions.iter().fold(text.to_owned(), |text, name| rename(&text, name, &format!("planted_{name}")));
        &*text.leak()
    };
    let without_alias: String =
        fault.texts[1].lines().filter(|line| !line.starts_with("alias")).map(|l| format!("{l}\n")).collect();
    let copy = renamed(&without_alias);
    shader.files = [copy].into_iter().chain(shader.files.iter().map(|file| renamed(file))).collect();
    shader
}

/// Whether a shader calls the function with the fault; one outside the prelude it does.
pub(super) fn calls(shader: &Shader, fault: &Fault) -> bool {
    if !PRELUDE.contains(&fault.file.as_str()) {
        return true;
    }
    let is_called = |text: &str, name: &str| rename(text, name, "") != text;
    // Some functions of the prelude call one that stands before them.
    let bodies = fault.texts[0].split("\nfn ").skip(1);
    let callers = bodies.filter(|body| is_called(body.split_once('{').map_or("", |(_, body)| body), fault.function));
    let callers = callers.filter_map(|body| body.split_once('(').map(|(name, _)| name));
    let mut names = callers.chain([fault.function]);
    names.any(|name| shader.files.iter().any(|file| is_called(file, name)))
}

/// Renames the calls and the definition of a function.
fn rename(text: &str, name: &str, new: &str) -> String {
    let call = format!("{name}(");
    let mut out = String::new();
    let mut copied = 0;
    for (at, _) in text.match_indices(&call) {
        let before = text[..at].chars().next_back();
        if !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.') {
            out += &text[copied..at];
            out += new;
            copied = at + name.len();
        }
    }
    out + &text[copied..]
}

/// Which invocation of a workgroup of 64 has which share of the work. A driver may run a workgroup's subgroups one after the other, in
/// the order of their numbers, so that a barrier that is missing is of no consequence there; in another order it is.
pub(super) const ORDERS: [(&str, &str); 4] = [
    ("as numbered", "invocation"),
    ("last first", "63u - invocation"),
    ("every eighth", "invocation % 8u * 8u + invocation / 8u"),
    ("every eighth, last first", "63u - (invocation % 8u * 8u + invocation / 8u)"),
];

const HEAD: &str = "@builtin(local_invocation_index) lane: u32) {";

/// `shader` with the invocations of a workgroup in the order that the expression says.
pub(super) fn in_order(mut shader: Shader, lane: &str) -> Shader {
    let with = format!("@builtin(local_invocation_index) invocation: u32) {{ let lane = {lane};");
    for file in shader.files.iter_mut().filter(|file| file.contains(HEAD)) {
        *file = file.replace(HEAD, &with).leak();
    }
    shader
}

/// Whether the invocations of a workgroup exchange values through its memory.
pub(super) fn has_barriers(shader: &Shader) -> bool {
    shader.files.iter().any(|file| !places(file, "workgroupBarrier();").is_empty())
}
