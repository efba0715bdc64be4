//! The folder of a training run: run.json, metrics.jsonl, model.safetensors.

use crate::error::{Error, Result};
use crate::files;
use serde_json::{Value, json};
use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

const RUN: &str = "run.json";
const METRICS: &str = "metrics.jsonl";
const WEIGHTS: &str = "model.safetensors";

/// An open run folder. Except for metrics.jsonl, files are written under a temporary name and renamed, so a reader
/// never finds a partial file.
#[derive(Debug)]
pub(crate) struct RunFolder {
    path: PathBuf,
    metrics: File,
    description: Value,
    /// Whether model.safetensors is still that of an earlier run.
    has_earlier_weights: bool,
    /// Holds the folder against other runs.
    _lock: Option<File>,
}

impl RunFolder {
    /// Creates the folder `out`, or `runs/<utc time>-<model>`, and writes `description` to run.json with status
    /// `running`. With `overwrite`, the files of an earlier run are replaced, its weights when this run has some.
    ///
    /// # Errors
    /// If the folder cannot be written, another run is writing there, or it contains a run already and `overwrite` is false.
    pub(crate) fn create(out: Option<&Path>, model: &str, overwrite: bool, mut description: Value) -> Result<Self> {
        let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let path = match out {
            Some(path) => {
                std::fs::create_dir_all(path).map_err(|e| Error::output(path, e))?;
                path.to_owned()
            }
            None => create_new(&PathBuf::from("runs").join(format!("{}-{model}", now.replace(':', ""))))?,
        };
        let lock = lock(&path)?;
        Self::check(&path, overwrite)?;
        files::sweep(&path);
        let metrics_path = path.join(METRICS);
        let metrics = File::create(&metrics_path).map_err(|e| Error::output(&metrics_path, e))?;
        description["started"] = json!(now);
        description["versions"] = versions();
        let has_earlier_weights = path.join(WEIGHTS).exists();
        let folder = Self { path, metrics, description, has_earlier_weights, _lock: lock };
        folder.describe("running")?;
        Ok(folder)
    }

    /// Checks, without writing, that a run can be written to `path`.
    ///
    /// # Errors
    /// If `path` is not a folder, or contains a run already and `overwrite` is false.
    pub(crate) fn check(path: &Path, overwrite: bool) -> Result<()> {
        let existing = [RUN, METRICS, WEIGHTS].map(|name| path.join(name)).into_iter().find(|file| file.exists());
        match existing {
            Some(file) if !overwrite => {
                Err(Error::output(&file, "an earlier run wrote it; choose another --out folder, or use --overwrite"))
            }
            _ if path.exists() && !path.is_dir() => Err(Error::output(path, "it is not a folder")),
            _ => Ok(()),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn weights_path(&self) -> PathBuf {
        self.path.join(WEIGHTS)
    }

    /// Replaces the weights.
    pub(crate) fn write_weights(&mut self, bytes: &[u8]) -> Result<()> {
        self.write(WEIGHTS, bytes)?;
        self.has_earlier_weights = false;
        Ok(())
    }

    /// Whether the weights in the folder are still those of an earlier run.
    pub(crate) fn has_earlier_weights(&self) -> bool {
        self.has_earlier_weights
    }

    /// Appends one line to metrics.jsonl.
    pub(crate) fn log(&mut self, line: &Value) -> Result<()> {
        let written = writeln!(self.metrics, "{line}");
        written.map_err(|e| Error::output(self.path.join(METRICS), e))
    }

    /// Writes a complete file.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        files::write(&path, bytes).map_err(|e| Error::output(&path, e))
    }

    /// Writes the final run.json, with how the run ended (`status`) and its final metrics.
    pub(crate) fn close(mut self, status: &str, figures: Value) -> Result<()> {
        self.description["finished"] = json!(humantime::format_rfc3339_seconds(SystemTime::now()).to_string());
        self.description["final"] = figures;
        self.describe(status)
    }

    /// Writes run.json with the given status.
    fn describe(&self, status: &str) -> Result<()> {
        let mut description = self.description.clone();
        description["status"] = json!(status);
        self.write(RUN, format!("{description:#}\n").as_bytes())
    }
}

/// Creates `path`, or the first of `path-2`, `path-3`, ... that no other run has taken.
fn create_new(path: &Path) -> Result<PathBuf> {
    let failed = |path: &Path, e: std::io::Error| Error::output(path, e);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|e| failed(parent, e))?;
    }
    let mut number = 1;
    loop {
        let name = if number == 1 { path.to_owned() } else { PathBuf::from(format!("{}-{number}", path.display())) };
        match std::fs::create_dir(&name) {
            Ok(()) => return Ok(name),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(e) => return Err(failed(&name, e)),
        }
    }
}

/// Locks the folder for the lifetime of this process; none where a folder cannot be locked.
fn lock(path: &Path) -> Result<Option<File>> {
    let Ok(folder) = File::open(path) else { return Ok(None) };
    match folder.try_lock() {
        Ok(()) => Ok(Some(folder)),
        Err(TryLockError::WouldBlock) => {
            Err(Error::output(path, "another run is writing there; choose another --out folder"))
        }
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// The versions of this program and of the crates that generate GPU code, from Cargo.lock.
fn versions() -> Value {
    let lock = include_str!("../../Cargo.lock");
    let of = |name: &str| {
        let entry = lock.split_once(&format!("name = \"{name}\"\nversion = \""));
        entry.and_then(|(_, rest)| rest.split_once('"')).map(|(version, _)| version)
    };
    json!({ "gpu-cnn": env!("CARGO_PKG_VERSION"), "wgpu": of("wgpu"), "naga": of("naga") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn runs_of_one_second_never_share_a_folder() {
        const RUNS: usize = 8;
        let folder = tempfile::tempdir().expect("a folder");
        for round in 0..50 {
            let (path, start) = (folder.path().join(format!("{round}/run")), Barrier::new(RUNS));
            let create = || {
                start.wait();
                create_new(&path).expect("created")
            };
            let mut taken: Vec<PathBuf> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..RUNS).map(|_| scope.spawn(create)).collect();
                threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
            });
            taken.sort();
            taken.dedup();
            assert_eq!(taken.len(), RUNS, "round {round}");
        }
    }
}
