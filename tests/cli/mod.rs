//! The `gpu-cnn` command: its output, the files it writes, and its exit codes and messages.

mod checkpoints;
mod class_names;
mod commands;
mod config;
mod data;
#[cfg(target_os = "linux")]
mod disk;
mod errors;
mod export;
#[cfg(unix)]
mod faults;
#[cfg(target_os = "linux")]
mod headless;
mod lost;
#[cfg(target_os = "linux")]
mod malformed;
mod newcomer;
mod output;
mod predict;
mod recipes;
mod reproduce;
pub(super) mod resume;
mod runs;
mod same_bits;
mod settings;
mod shell;
mod stopping;
mod trials;
mod validation;
mod verify;

use crate::support::{adapter, software_adapter};
use gpu_cnn::data::{FILES, idx, synthetic};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// What a run that is over has in its folder.
pub(super) const FILES_OF_A_RUN: [&str; 9] = [
    "checkpoint-best.safetensors",
    "checkpoint.safetensors",
    "losses.f64",
    "metrics.csv",
    "metrics.jsonl",
    "model.safetensors",
    "report.html",
    "run.json",
    "timing.jsonl",
];

pub(super) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gpu-cnn"));
    command
        .args(arguments)
        .env_remove("WGPU_BACKEND")
        .env_remove("WGPU_ADAPTER_NAME")
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("COLUMNS")
        .env("GPU_CNN_DATA_URL", "http://127.0.0.1:9");
    command
}

pub(super) fn run(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

pub(super) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(super) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Asserts that the command fails with exit code `code`, a message on stderr that contains `message`, and no output.
pub(super) fn fails(arguments: &[&str], code: i32, message: &str) {
    let output = run(arguments);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    assert!(text.contains(message), "{arguments:?} does not say `{message}`: {text}");
    assert!(output.stdout.is_empty(), "{arguments:?}: {}", stdout(&output));
}

/// A temporary folder with a small data set in `data`, for the runs of a test.
pub(super) struct Workspace {
    folder: TempDir,
}

impl Workspace {
    pub(super) fn new() -> Self {
        let workspace = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(workspace.path("data")).unwrap();
        let data = synthetic::generate(11, [320, 50]);
        let contents = [idx::encode_split(&data.train), idx::encode_split(&data.test)];
        for (name, content) in FILES.iter().zip(contents.iter().flatten()) {
            std::fs::write(workspace.path("data").join(name), content).unwrap();
        }
        workspace
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn name(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Trains the dense preset for two epochs on the small data set, with the run folder `out`.
    pub(super) fn train(&self, out: &str, more: &[&str]) -> Output {
        self.train_model("dnn", out, more)
    }

    pub(super) fn train_model(&self, model: &str, out: &str, more: &[&str]) -> Output {
        let (data, out) = (self.name("data"), self.name(out));
        run(&[&["train", "--data", &data, "--out", &out, "--model", model, "--epochs", "2"], more].concat())
    }
}

/// The shared library of `NAME.c`, compiled into `folder`; none without a C compiler, which CI has.
#[cfg(target_os = "linux")]
pub(super) fn shim(folder: &Path, name: &str) -> Option<PathBuf> {
    let library = folder.join(format!("{name}.so"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/cli/{name}.c"));
    let compiled =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl").status();
    if compiled.is_ok_and(|status| status.success()) {
        return Some(library);
    }
    assert!(std::env::var_os("CI").is_none(), "no C compiler");
    eprintln!("skipped: no C compiler");
    None
}

pub(super) fn json_file(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub(super) fn json_lines(path: &Path) -> Vec<Value> {
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
