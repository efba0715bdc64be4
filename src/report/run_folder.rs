//! A run's folder: run.json, metrics.jsonl, model.safetensors.

use gpu_cnn::{Error, Result};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

const RUN: &str = "run.json";
const METRICS: &str = "metrics.jsonl";
const WEIGHTS: &str = "model.safetensors";

/// An open run folder. Whole files are written under another name and renamed, so none is ever half there.
#[derive(Debug)]
pub(crate) struct RunFolder {
    path: PathBuf,
    metrics: File,
    description: Value,
}

impl RunFolder {
    /// Makes the folder `out`, or `runs/<utc time>-<model>`, and writes what is known so far.
    ///
    /// # Errors
    /// If it cannot be written, or holds a run already and `overwrite` is off.
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

    /// Whether a run can be written to `path`, as far as can be told without writing.
    pub(crate) fn check(path: &Path, overwrite: bool) -> Result<()> {
        let left = [RUN, METRICS, WEIGHTS].map(|name| path.join(name)).into_iter().find(|file| file.exists());
        match left {
            Some(file) if !overwrite => {
                Err(Error::output(&file, "an earlier run left it; name another folder with --out, or use --overwrite"))
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

    /// One line in metrics.jsonl.
    pub(crate) fn log(&mut self, line: &Value) -> Result<()> {
        let written = writeln!(self.metrics, "{line}");
        written.map_err(|e| Error::output(self.path.join(METRICS), e))
    }

    /// A whole file.
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

    /// Writes run.json for the last time: how the run ended, and its final figures.
    pub(crate) fn close(mut self, status: &str, figures: Value) -> Result<()> {
        self.description["finished"] = json!(humantime::format_rfc3339_seconds(SystemTime::now()).to_string());
        self.description["final"] = figures;
        self.describe(status)
    }

    fn describe(&self, status: &str) -> Result<()> {
        let mut description = self.description.clone();
        description["status"] = json!(status);
        self.write(RUN, format!("{description:#}\n").as_bytes())
    }
}

/// Temporary files are private to the user; a run's files are for whom the folder is for.
#[cfg(unix)]
fn set_permissions(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_permissions(_: &File) -> std::io::Result<()> {
    Ok(())
}

/// `path`, or `path-2`, `path-3`, ... if an earlier run of the same second took it.
fn unused(path: &Path) -> PathBuf {
    let numbered = |n: u32| PathBuf::from(format!("{}-{n}", path.display()));
    std::iter::once(path.to_owned()).chain((2..).map(numbered)).find(|p| !p.exists()).unwrap_or_else(|| path.to_owned())
}

/// This program's version, and those of the crates that decide what a GPU is told.
fn versions() -> Value {
    let lock = include_str!("../../Cargo.lock");
    let of = |name: &str| {
        let entry = lock.split_once(&format!("name = \"{name}\"\nversion = \""));
        entry.and_then(|(_, rest)| rest.split_once('"')).map(|(version, _)| version)
    };
    json!({ "gpu-cnn": env!("CARGO_PKG_VERSION"), "wgpu": of("wgpu"), "naga": of("naga") })
}
