//! The names of a run's files.

use std::path::Path;

/// What describes the run.
pub(crate) const RUN: &str = "run.json";
/// Losses and accuracies, a line of JSON each.
pub(super) const METRICS: &str = "metrics.jsonl";
/// The loss of each step: 64-bit floats, little-endian.
pub(super) const LOSSES: &str = "losses.f64";
/// How long epochs took, a line of JSON each: what differs from run to run.
pub(super) const TIMING: &str = "timing.jsonl";
/// The weights of inference.
pub(super) const WEIGHTS: &str = "model.safetensors";
/// The page that shows the run.
pub(crate) const REPORT: &str = "report.html";
/// The batch of an update that could not be made.
pub(super) const BATCH: &str = "not-finite.safetensors";
/// The last checkpoint, and that of the best epoch.
pub(super) const CHECKPOINT: &str = "checkpoint.safetensors";
pub(super) const BEST: &str = "checkpoint-best.safetensors";

/// Whether a file of this name is one that runs write.
pub(super) fn is_of_a_run(name: &str) -> bool {
    [RUN, METRICS, LOSSES, TIMING, WEIGHTS, REPORT, BATCH, CHECKPOINT, BEST].contains(&name) || steps_of(name).is_some()
}

/// The steps of a numbered checkpoint, `checkpoint-00000100.safetensors`.
fn steps_of(name: &str) -> Option<u64> {
    let number = name.strip_prefix("checkpoint-")?.strip_suffix(".safetensors")?;
    (number.len() >= 8 && number.bytes().all(|byte| byte.is_ascii_digit())).then(|| number.parse().ok())?
}

/// The names of the files of a run in `folder`.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| is_of_a_run(name));
    names.sort();
    names
}

/// A file that shows that there is a run in `folder`; one that was killed before its first checkpoint left empty logs at most.
pub(super) fn earlier_run(folder: &Path) -> Option<String> {
    let is_empty_log = |name: &str| {
        [METRICS, LOSSES, TIMING].contains(&name) && folder.join(name).metadata().is_ok_and(|file| file.len() == 0)
    };
    names(folder).into_iter().find(|name| !is_empty_log(name))
}

/// The name of a checkpoint that is kept beside the last.
pub(super) fn numbered(steps: u64) -> String {
    format!("checkpoint-{steps:08}.safetensors")
}
