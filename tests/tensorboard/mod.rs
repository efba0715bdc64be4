//! The event files of runs, as the tensorboard package reads them.

use crate::cli::resume::Case;
use crate::cli::{Workspace, json_lines, stderr};
use crate::support::tool;
use gpu_cnn::internals::rng::{Purpose, Rng};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What TensorBoard reads in the folder of a run; none without its package, which CI has.
fn read(run: &Path, more: &[&str]) -> Option<Value> {
    let python = tool("GPU_CNN_TEST_PYTHON", "no TensorBoard", "scripts/keras installs it and prints its Python")?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tensorboard/read.py");
    let output = Command::new(python).arg(script).arg(run.join("tensorboard")).args(more).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout);
    Some(serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap())
}

/// The numbers that the lines `event` of metrics.jsonl have under `name`, as TensorBoard keeps them, with the steps from `first` on.
fn logged(run: &Path, event: &str, name: &str, first: u64) -> Value {
    let lines = json_lines(&run.join("metrics.jsonl")).into_iter().filter(|line| line["event"] == event);
    let values = lines.map(|line| line[name].as_f64().unwrap() as f32);
    values.zip(first..).map(|(value, step)| json!([step, f64::from(value)])).collect()
}

fn event_files(run: &Path) -> Vec<PathBuf> {
    let entries = ["train", "validation"].map(|part| std::fs::read_dir(run.join("tensorboard").join(part)));
    entries.into_iter().flatten().flatten().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn tensorboard_reads_and_serves_the_numbers_weights_and_filters_of_a_run() {
    let workspace = Workspace::new();
    let output = workspace.train_model("cnn", "run", &["--adapter", "cpu", "--tensorboard", "--log-steps"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let run = workspace.path("run");
    let Some(found) = read(&run, &["--server"]) else { return };
    let train = &found["train"];
    assert_eq!(train["version"], 2.0);
    for name in ["loss", "accuracy", "learning_rate"] {
        // Epochs count from 0 as Keras's callback has them, steps from 1.
        assert_eq!(train["scalars"][format!("epoch_{name}")], logged(&run, "epoch", name, 0), "{name}");
        assert_eq!(train["scalars"][format!("batch_{name}")], logged(&run, "step", name, 1), "{name}");
    }
    assert_eq!(train["scalars"].as_object().unwrap().len(), 6);
    let kernels =
        [("conv2d", 576.0, 64.0), ("conv2d_1", 36_864.0, 64.0), ("dense", 204_800.0, 128.0), ("dense_1", 1280.0, 10.0)];
    for (layer, kernel, bias) in kernels {
        for (tensor, size) in [("kernel", kernel), ("bias", bias)] {
            let read = &train["histograms"][format!("{layer}/{tensor}/histogram")];
            assert_eq!(*read, json!([[0, size, size], [1, size, size]]), "{layer}/{tensor}");
        }
    }
    // 64 filters of 3x3, each pixel 8x8, in eight rows of eight with lines between them.
    let side = 8 * 25 - 1;
    let png = "\u{89}PNG";
    assert_eq!(train["images"], json!({ "conv2d/kernel/image": [[0, side, side, png], [1, side, side, png]] }));
    let server = &found["server"];
    for plugin in ["scalars", "histograms", "distributions", "images"] {
        assert!(server["plugins"].as_array().unwrap().contains(&plugin.into()), "{plugin}: {server}");
    }
    assert_eq!(server["scalars"].as_array().unwrap().len(), 2, "{server}");
    assert!(server["images"]["train"]["conv2d/kernel/image"].is_object(), "{server}");
    assert!(server["histograms"]["train"]["dense/kernel/histogram"].is_object(), "{server}");
}

#[test]
fn a_run_that_is_stopped_and_resumed_shows_each_step_once() {
    let case = Case::new("cpu");
    let train = |out: &str| case.train(out, &["--tensorboard", "--keep", "40"]);
    assert!(train("whole").output().unwrap().status.success());
    let [whole, killed] = ["whole", "killed"].map(|name| case.workspace.path(name));
    let mut draws = Rng::new(1, Purpose::Shuffle, 1);
    for kill in 0..8 {
        let has_begun = killed.join("checkpoint.safetensors").exists();
        let mut process = if has_begun { case.resume("killed") } else { train("killed") };
        let mut child = process.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(20 + draws.below(120) as u64));
        child.kill().unwrap();
        child.wait().unwrap();
        // What a kill leaves is read, too.
        if kill == 4 && read(&killed, &[]).is_none() {
            return;
        }
    }
    let steps = |run: &Path| {
        let found = read(run, &[])?;
        Some([
            found["train"]["scalars"].clone(),
            found["train"]["histograms"].clone(),
            found["train"]["images"].clone(),
        ])
    };
    assert!(case.resume("killed").output().unwrap().status.success());
    let Some(expected) = steps(&whole) else { return };
    assert_eq!(expected[0]["batch_loss"].as_array().unwrap().len(), 192);
    assert_eq!(expected[1]["conv2d/kernel/histogram"].as_array().unwrap().len(), 6);
    assert_eq!(steps(&killed).unwrap(), expected);
    // From an earlier checkpoint of a run that is over.
    let earlier = case.workspace.name("whole/checkpoint-00000070.safetensors");
    let again = crate::cli::run(&["train", "--resume", &earlier]);
    assert!(again.status.success(), "{}", stderr(&again));
    assert_eq!((event_files(&whole).len(), steps(&whole).unwrap()), (2, expected));
}

#[test]
fn event_files_are_written_where_they_are_asked_for_and_go_with_their_run() {
    let workspace = Workspace::new();
    let run = workspace.path("run");
    let train = |more: &[&str]| {
        let output = workspace.train("run", &[&["--adapter", "cpu"], more].concat());
        assert!(output.status.success(), "{}", stderr(&output));
    };
    train(&[]);
    assert!(!run.join("tensorboard").exists());
    train(&["--overwrite", "--tensorboard"]);
    let first = event_files(&run);
    assert_eq!(first.len(), 1, "{first:?}");
    // What others have put there stays.
    std::fs::write(run.join("tensorboard/train/events.out.tfevents.1.host.2.0.v2"), "").unwrap();
    train(&["--overwrite", "--tensorboard"]);
    assert!(event_files(&run).len() == 2 && !first[0].exists(), "{:?}", event_files(&run));
    train(&["--overwrite"]);
    assert_eq!(event_files(&run).len(), 1);
    // A run goes on with event files that it did not have before.
    std::fs::remove_dir_all(run.join("tensorboard")).unwrap();
    let resume = ["train", "--resume", &workspace.name("run"), "--epochs", "3", "--tensorboard"];
    assert!(crate::cli::run(&resume).status.success());
    assert_eq!(event_files(&run).len(), 1);
    // What is in the way is said before the training.
    std::fs::create_dir(workspace.path("other")).unwrap();
    std::fs::write(workspace.path("other/tensorboard"), "").unwrap();
    let refused = workspace.train("other", &["--adapter", "cpu", "--tensorboard"]);
    assert_eq!(refused.status.code(), Some(7), "{}", stderr(&refused));
    assert!(!workspace.path("other/run.json").exists() && !workspace.path("other/metrics.jsonl").exists());
}
