//! The folder of a training run: run.json, metrics.jsonl, model.safetensors.

use crate::error::{Error, Result};
use serde_json::{Value, json};
use std::fs::File;
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
}

impl RunFolder {
    /// Creates the folder `out`, or `runs/<utc time>-<model>`, and writes `description` to run.json with status
    /// `running`. With `overwrite`, the files of an earlier run are deleted.
    ///
    /// # Errors
    /// If the folder cannot be written, or contains a run already and `overwrite` is false.
    pub(crate) fn create(out: Option<&Path>, model: &str, overwrite: bool, mut description: Value) -> Result<Self> {
        let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let path = match out {
            Some(path) => path.to_owned(),
            None => unused(&PathBuf::from("runs").join(format!("{}-{model}", now.replace(':', "")))),
        };
        Self::check(&path, overwrite)?;
        std::fs::create_dir_all(&path).map_err(|e| Error::output(&path, e))?;
        for file in [RUN, METRICS, WEIGHTS].map(|name| path.join(name)).iter().filter(|file| file.exists()) {
            std::fs::remove_file(file).map_err(|e| Error::output(file, e))?;
        }
        let metrics_path = path.join(METRICS);
        let metrics = File::create(&metrics_path).map_err(|e| Error::output(&metrics_path, e))?;
        description["started"] = json!(now);
        description["versions"] = versions();
        let folder = Self { path, metrics, description };
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

    /// Appends one line to metrics.jsonl.
    pub(crate) fn log(&mut self, line: &Value) -> Result<()> {
        let written = writeln!(self.metrics, "{line}");
        written.map_err(|e| Error::output(self.path.join(METRICS), e))
    }

    /// Writes a complete file atomically.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        let write = || {
            let mut file = tempfile::Builder::new().prefix(".writing-").tempfile_in(&self.path)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            set_permissions(file.as_file())?;
            file.persist(&path).map(drop).map_err(|e| e.error)
        };
        write().map_err(|e| Error::output(&path, e))
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

/// Makes a file readable by all users: `tempfile` creates files that only their owner can read.
#[cfg(unix)]
fn set_permissions(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_permissions(_: &File) -> std::io::Result<()> {
    Ok(())
}

/// `path`, or the first of `path-2`, `path-3`, ... that does not exist, where a run of the same second has taken it.
fn unused(path: &Path) -> PathBuf {
    let numbered = |n: u32| PathBuf::from(format!("{}-{n}", path.display()));
    std::iter::once(path.to_owned()).chain((2..).map(numbered)).find(|p| !p.exists()).unwrap_or_else(|| path.to_owned())
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
