//! A device that is lost while training, and one without memory for a buffer.

use super::resume::Case;
use super::*;
use gpu_cnn::Checkpoint;
use gpu_cnn::internals::rng::{Purpose, Rng};

/// Losses of the device, at random steps; `GPU_CNN_TEST_KILLS`, which is for long tests, asks for fifty.
fn losses() -> usize {
    if std::env::var_os("GPU_CNN_TEST_KILLS").is_some() { 50 } else { 5 }
}

#[test]
fn a_device_that_is_lost_ends_the_run_with_five_and_leaves_a_checkpoint() {
    if adapter().is_none() {
        return;
    }
    let case = Case::new("vulkan");
    let whole = case.train("whole", &[]).output().unwrap();
    assert!(whole.status.success(), "{}", stderr(&whole));
    let steps = std::fs::metadata(case.workspace.path("whole/losses.f64")).unwrap().len() / 8;
    let mut draws = Rng::new(5, Purpose::Shuffle, 0);
    for n in 0..losses() {
        let after = 1 + draws.below(steps as usize - 1) as u64;
        let run = format!("lost-{n}");
        let lost = case.train(&run, &[]).env("GPU_CNN_TRIAL", format!("lose-device-after={after}")).output().unwrap();
        let text = stderr(&lost);
        assert_eq!(lost.status.code(), Some(5), "after {after} steps: {text}");
        assert!(text.contains("error: ") && text.contains("lost") && !text.contains("panicked"), "{text}");
        let checkpoint = Checkpoint::read(&case.workspace.path(&run).join("checkpoint.safetensors")).unwrap();
        let done = checkpoint.state.progress.steps;
        assert!(done <= after + 5 && after <= done + 5, "lost after {after} steps, the checkpoint has {done}");
        let resumed = case.resume(&run).output().unwrap();
        assert!(resumed.status.success(), "{}", stderr(&resumed));
        assert_eq!(case.results(&run), case.results("whole"), "lost after {after} steps");
        std::fs::remove_dir_all(case.workspace.path(&run)).unwrap();
    }
}

#[test]
fn no_memory_for_any_of_the_buffers_is_five_with_its_name() {
    if adapter().is_none() {
        return;
    }
    let workspace = Workspace::new();
    let model = if std::env::var_os("GPU_CNN_TEST_KILLS").is_some() { "cnn" } else { "dnn" };
    let mut labels = Vec::new();
    for buffer in 0.. {
        let (data, out) = (workspace.name("data"), workspace.name("run"));
        let arguments = ["train", "--adapter", "vulkan", "--data", &data, "--out", &out, "--model", model];
        let mut command =
            command(&[&arguments[..], &["--epochs", "1", "--steps-per-epoch", "1", "--augment", "flip"]].concat());
        let output = command.env("GPU_CNN_TRIAL", format!("no-memory-for={buffer}")).output().unwrap();
        let text = stderr(&output);
        if output.status.success() {
            break;
        }
        assert_eq!(output.status.code(), Some(5), "{text}");
        let (_, label) = text.split_once("out of memory for buffer `").unwrap_or_else(|| panic!("{text}"));
        labels.push(label.split('`').next().unwrap().to_owned());
        assert!(text.contains("try --batch-size") || text.contains("try a smaller model"), "{text}");
        assert!(!workspace.path("run").exists(), "a run that did not start leaves nothing");
    }
    let count = labels.len();
    labels.sort();
    labels.dedup();
    assert!(count == labels.len() && count > 12, "{count} buffers: {labels:?}");
    assert!(["parameters", "gradients", "metrics"].iter().all(|name| labels.iter().any(|l| l == name)), "{labels:?}");
}
