//! The names of a run's files.

use std::path::Path;

/// What describes the run.
pub(crate) const RUN: &str = "run.json";
/// Losses and accuracies, a line of JSON each.
pub(super) const METRICS: &str = "metrics.jsonl";
/// The loss of each step: 64-bit floats, little-endian.
pub(super) const LOSSES: &str = "losses.f64";
/// The epochs of [`METRICS`] as a table.
pub(super) const TABLE: &str = "metrics.csv";
/// How long epochs took, a line of JSON each: what differs from run to run.
pub(crate) const TIMING: &str = "timing.jsonl";
/// The weights of inference.
pub(crate) const WEIGHTS: &str = "model.safetensors";
/// The page that shows the run.
pub(crate) const REPORT: &str = "report.html";
/// The batch of an update that could not be made.
pub(super) const BATCH: &str = "not-finite.safetensors";
/// The last checkpoint, and that of the best epoch.
pub(super) const CHECKPOINT: &str = "checkpoint.safetensors";
pub(super) const BEST: &str = "checkpoint-best.safetensors";

/// The folders of event files: of training and of validation, as Keras's callback names them.
pub(super) const EVENTS: [&str; 2] = ["tensorboard/train", "tensorboard/validation"];

/// Whether a file of this name is one that runs write.
pub(super) fn is_of_a_run(name: &str) -> bool {
    match name.rsplit_once('/') {
        Some((folder, name)) => EVENTS.contains(&folder) && event_file_parts(name).is_some(),
        None => {
            [RUN, METRICS, TABLE, LOSSES, TIMING, WEIGHTS, REPORT, BATCH, CHECKPOINT, BEST].contains(&name)
                || steps_of(name).is_some()
        }
    }
}

/// The name of an event file, which is the run's `number`th, from 0, and was begun so many seconds after 1970. Where TensorFlow writes the
/// machine's name is the program's.
pub(super) fn event_file(seconds: u64, number: u64) -> String {
    format!("events.out.tfevents.{seconds:010}.gpu-cnn.{}.{number}.v2", std::process::id())
}

/// Time and number in the name of an event file.
pub(super) fn event_file_parts(name: &str) -> Option<[u64; 2]> {
    let parts: Vec<&str> = name.strip_prefix("events.out.tfevents.")?.strip_suffix(".v2")?.split('.').collect();
    let [seconds, "gpu-cnn", process, number] = parts[..] else { return None };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok())?;
    digits(process)?;
    Some([digits(seconds)?, digits(number)?])
}

/// Deletes the folders of event files that are empty.
pub(super) fn remove_empty_folders(folder: &Path) {
    for name in EVENTS.into_iter().chain(["tensorboard"]) {
        // Only an empty folder can be removed.
        let _ = std::fs::remove_dir(folder.join(name));
    }
}

/// The steps of a numbered checkpoint, `checkpoint-00000100.safetensors`.
fn steps_of(name: &str) -> Option<u64> {
    let number = name.strip_prefix("checkpoint-")?.strip_suffix(".safetensors")?;
    (number.len() >= 8 && number.bytes().all(|byte| byte.is_ascii_digit())).then(|| number.parse().ok())?
}

/// The names of the files of a run in `folder`.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let entries = |path: &Path| std::fs::read_dir(path).into_iter().flatten().flatten();
    let of = |path: &Path| entries(path).filter_map(|entry| entry.file_name().into_string().ok()).collect::<Vec<_>>();
    let mut names = of(folder);
    for part in EVENTS {
        names.extend(of(&folder.join(part)).into_iter().map(|name| format!("{part}/{name}")));
    }
    names.retain(|name| is_of_a_run(name));
    names.sort();
    names
}

/// A file that shows that there is a run in `folder`; one that was killed before its first checkpoint left empty logs at most.
pub(super) fn earlier_run(folder: &Path) -> Option<String> {
    let is_empty_log = |name: &str| {
        [METRICS, TABLE, LOSSES, TIMING].contains(&name)
            && folder.join(name).metadata().is_ok_and(|file| file.len() == 0)
    };
    names(folder).into_iter().find(|name| !is_empty_log(name))
}

/// The name of a checkpoint that is kept beside the last.
pub(super) fn numbered(steps: u64) -> String {
    format!("checkpoint-{steps:08}.safetensors")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_files_are_known_by_their_names_and_others_are_left_alone() {
        let name = event_file(1_700_000_000, 3);
        assert_eq!(event_file_parts(&name), Some([1_700_000_000, 3]));
        assert!(is_of_a_run(&format!("tensorboard/train/{name}")) && !is_of_a_run(&name));
        for other in [
            "events.out.tfevents.1700000000.host.12.0.v2",
            "events.out.tfevents.1700000000.gpu-cnn.12.0",
            "events.out.tfevents.1700000000.gpu-cnn.12.x.v2",
            "events.out.tfevents.1700000000.gpu-cnn...v2",
            "../events.out.tfevents.1700000000.gpu-cnn.12.0.v2",
            "notes",
        ] {
            assert!(!is_of_a_run(&format!("tensorboard/train/{other}")), "{other}");
        }
        assert!(!is_of_a_run(&format!("../tensorboard/train/{name}")) && !is_of_a_run(&format!("elsewhere/{name}")));
    }
}
