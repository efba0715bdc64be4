//! The folder of a training run: run.json, metrics.jsonl, model.safetensors.

use crate::error::{Error, Result};
use crate::files::{self, PendingFile};
use serde_json::{Value, json};
use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The folder of runs that are not given one.
const RUNS: &str = "runs";
const RUN: &str = "run.json";
const METRICS: &str = "metrics.jsonl";
const WEIGHTS: &str = "model.safetensors";
/// A file that no run has, to see whether a folder can be written.
const RUN_CHECK: &str = ".gpu-cnn";

/// An open run folder. Except for metrics.jsonl, files are written under a temporary name and renamed, so a reader
/// never finds a partial file.
#[derive(Debug)]
pub(crate) struct RunFolder {
    path: PathBuf,
    metrics: File,
    /// The file that the metrics go to while the folder is still that of an earlier run, whose files stay until this run
    /// has weights.
    aside: Option<PendingFile>,
    description: Value,
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
        let is_new = out.is_none_or(|path| !path.exists());
        let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let path = match out {
            Some(path) => {
                std::fs::create_dir_all(path).map_err(|e| Error::output(path, e))?;
                path.to_owned()
            }
            None => create_new(&Path::new(RUNS).join(format!("{}-{model}", now.replace(':', ""))))?,
        };
        let lock = lock(&path)?;
        Self::check(&path, overwrite)?;
        files::sweep(&path);
        description["started"] = json!(now);
        description["versions"] = versions();
        Self::start(&path, description, lock).inspect_err(|_| {
            // Only an empty folder can be removed.
            let _ = if is_new { std::fs::remove_dir(&path) } else { Ok(()) };
        })
    }

    /// Opens metrics.jsonl and writes run.json; leaves neither where one of them cannot be written.
    fn start(path: &Path, description: Value, lock: Option<File>) -> Result<Self> {
        let metrics_path = path.join(METRICS);
        let failed = |e| Error::output(&metrics_path, e);
        let is_earlier_run = [RUN, WEIGHTS].iter().any(|name| path.join(name).exists());
        let aside = is_earlier_run.then(|| PendingFile::create(&metrics_path)).transpose().map_err(failed)?;
        let metrics =
            aside.as_ref().map_or_else(|| File::create(&metrics_path), PendingFile::handle).map_err(failed)?;
        let folder = Self { path: path.to_owned(), metrics, aside, description, _lock: lock };
        if !folder.is_earlier_run() {
            folder.describe("running").inspect_err(|_| drop(std::fs::remove_file(&metrics_path)))?;
        }
        Ok(folder)
    }

    /// Whether the files in the folder are still those of an earlier run.
    pub(crate) fn is_earlier_run(&self) -> bool {
        self.aside.is_some()
    }

    /// Checks that a run can be written to `path`, and leaves nothing there.
    ///
    /// # Errors
    /// If `path` is not a folder, cannot be written, or contains a run already and `overwrite` is false.
    pub(crate) fn check(path: &Path, overwrite: bool) -> Result<()> {
        let existing = [RUN, METRICS, WEIGHTS].map(|name| path.join(name)).into_iter().find(|file| file.exists());
        match existing {
            Some(file) if !overwrite => {
                Err(Error::output(&file, "an earlier run wrote it; choose another --out folder, or use --overwrite"))
            }
            _ if path.exists() && !path.is_dir() => Err(Error::output(path, "it is not a folder")),
            _ => {
                let folder = path.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
                files::check(&folder.join(RUN_CHECK)).map_err(|e| Error::output(path, e))
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn weights_path(&self) -> PathBuf {
        self.path.join(WEIGHTS)
    }

    /// Replaces the weights; the first of a run over an earlier one replace its other files, too.
    pub(crate) fn write_weights(&mut self, bytes: &[u8]) -> Result<()> {
        self.write(WEIGHTS, bytes)?;
        if let Some(metrics) = self.aside.take() {
            self.describe("running")?;
            metrics.commit().map_err(|e| Error::output(self.path.join(METRICS), e))?;
        }
        Ok(())
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

    /// Writes the final run.json, with how the run ended (`status`) and its final metrics; an earlier run keeps its own.
    pub(crate) fn close(mut self, status: &str, figures: Value) -> Result<()> {
        if self.is_earlier_run() {
            return Ok(());
        }
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
        // What killed runs left in their folders.
        let runs = std::fs::read_dir(parent).into_iter().flatten().flatten();
        runs.for_each(|run| files::sweep(&run.path()));
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
