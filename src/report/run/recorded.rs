//! What a run has left in its folder, for comparison.

use super::names::{LOSSES, METRICS, RUN, WEIGHTS};
use super::replace;
use crate::digest::sha256_hex;
use crate::error::{Error, Result, usage};
use crate::files;
use serde_json::Value;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A run as its folder has it.
#[derive(Debug)]
pub(crate) struct RecordedRun {
    /// Where run.json is, and its content.
    pub(crate) description_path: PathBuf,
    pub(crate) description: Value,
    /// The loss of each step.
    pub(crate) losses: Vec<f64>,
    /// Whether their file ends within a number, as a kill can leave it.
    pub(crate) has_cut_losses: bool,
    /// The lines of metrics.jsonl.
    pub(crate) metrics: Vec<String>,
    /// SHA-256 of the weights file.
    pub(crate) weights: Option<String>,
}

impl RecordedRun {
    /// Reads the folder of a run.
    ///
    /// # Errors
    /// [`Error::Usage`] if there is no run, [`Error::Data`] if a file of it is damaged.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let description_path = replace::find(folder, RUN);
        let damaged = |e: &dyn std::fmt::Display| {
            Error::data(&description_path, format!("not a run's description, or damaged: {e}"))
        };
        let text = std::fs::read_to_string(&description_path).map_err(|e| match e.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => usage!("no run there, no {RUN}: {}", folder.display()),
            _ => damaged(&e),
        })?;
        let description = serde_json::from_str(&text).map_err(|e| damaged(&e))?;
        let read = |name: &str| {
            let path = replace::find(folder, name);
            files::check_is_file(&path).map_err(|why| Error::data(&path, why))?;
            match std::fs::read(&path) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
                Err(e) => Err(Error::data(&path, e)),
            }
        };
        let losses = read(LOSSES)?.unwrap_or_default();
        let (losses, rest) = losses.as_chunks::<8>();
        let has_cut_losses = !rest.is_empty();
        let losses = losses.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        let metrics = String::from_utf8(read(METRICS)?.unwrap_or_default());
        let metrics = metrics.map_err(|e| Error::data(&replace::find(folder, METRICS), e))?;
        // A line that was cut off says nothing.
        let lines = metrics.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        let lines = lines.map(String::from).collect();
        let weights = read(WEIGHTS)?.map(|bytes| sha256_hex(&bytes));
        Ok(Self { description_path, description, losses, has_cut_losses, metrics: lines, weights })
    }

    /// Whether it was stopped and went on.
    pub(crate) fn was_resumed(&self) -> bool {
        self.description["resumed"].is_array()
    }

    /// Leaves out the lines of steps, of which the losses are known all the same; those of skipped updates stay.
    pub(crate) fn forget_logged_steps(&mut self) {
        self.metrics.retain(|line| {
            let line: Value = serde_json::from_str(line).unwrap_or_default();
            line["event"] != "step" || line["skipped"] == true
        });
    }

    /// Whether it came to its end.
    pub(crate) fn is_over(&self) -> bool {
        self.description["status"] == "done"
    }
}
