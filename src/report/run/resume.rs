//! How a run goes on in its folder.

use super::events::EventFiles;
use super::kept::{Kept, keep_aside};
use super::lock::{Lock, lock};
use super::log::{Mark, RunLog};
use super::names::{BEST, CHECKPOINT, LOSSES, METRICS, TABLE, TIMING, WEIGHTS, numbered};
use super::versions::{now, versions};
use super::{Host, RunFolder, replace, table};
use crate::error::{Error, Result, count_of};
use crate::files;
use crate::trainer::{Checkpoint, Progress, RunConfig};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A run to go on with, as its folder had it once that was locked.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// The run's folder.
    pub(crate) folder: PathBuf,
    /// The checkpoint's file.
    pub(crate) file: PathBuf,
    pub(crate) checkpoint: Checkpoint,
    lock: Lock,
}

impl RunFolder {
    /// Locks the run in `path`, unless this process follows another that does, and reads its last checkpoint, or the one that `path` names.
    ///
    /// # Errors
    /// If another run is writing there; as [`Checkpoint::read`].
    pub(crate) fn find(path: &Path, follows: bool) -> Result<Found> {
        let parent = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = if path.is_dir() { path } else { parent };
        // First: a run that writes there would go on past what was read.
        let lock = if follows { Lock::none() } else { lock(folder)? };
        let file = if path.is_dir() { replace::find(path, CHECKPOINT) } else { path.to_owned() };
        files::check_is_file(&file).map_err(|why| Error::data(&file, why))?;
        let checkpoint = Checkpoint::read(&file)?;
        Ok(Found { folder: folder.to_owned(), file, checkpoint, lock })
    }

    /// Opens the folder of the run that was `found`, to go on from there with the settings `config`: logs lose what came later. With what
    /// the user should know.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub(crate) fn resume(found: &Found, config: &RunConfig) -> Result<(Self, Vec<String>)> {
        let Found { folder: path, checkpoint, lock, .. } = found;
        let host: Host = serde_json::from_value(checkpoint.state.host.clone()).map_err(|e| {
            Error::Data(format!("the checkpoint is of no run folder ({e}): {}", path.join(CHECKPOINT).display()))
        })?;
        replace::finish(path)?;
        replace::abandon(path);
        files::sweep(path);
        let mut notes = Vec::new();
        // From here on it is the last, whichever it was; and the folder is tried before the first step.
        let (last, bytes) = (path.join(CHECKPOINT), checkpoint.to_bytes()?);
        let steps = checkpoint.state.progress.steps;
        for (name, what, end) in [(CHECKPOINT, "checkpoint after", ""), (BEST, "best checkpoint, after", ",")] {
            let found = Checkpoint::read(&path.join(name)).ok().map(|found| found.state.progress.steps);
            if let Some(later) = found.filter(|later| *later > steps) {
                keep_aside(path, name, later)?;
                let (after, kept) = (count_of(later, "step"), numbered(later));
                notes.push(format!("note: the {what} {after}{end} is kept as {kept}"));
                if name == BEST {
                    // Of an epoch which is yet to come again; the last is replaced below.
                    let best = path.join(BEST);
                    std::fs::remove_file(&best).map_err(|e| Error::output(&best, e))?;
                }
            }
        }
        files::replace(&last, &bytes).map_err(|e| Error::output(&last, format!("{e} ({} bytes)", bytes.len())))?;
        if steps > 0 {
            let weights = path.join(WEIGHTS);
            files::replace(&weights, &checkpoint.best_weights()?).map_err(|e| Error::output(&weights, e))?;
        }
        let mut log = |name: &str, mark: &Mark| {
            let log = path.join(name);
            if let Some(found) = RunLog::resume(&log, mark)? {
                return Ok(found);
            }
            if mark.bytes > 0 {
                notes.push(format!("warning: {name} is not what the checkpoint was written with; a new one begins"));
                if log.exists() {
                    let kept = path.join(format!("{name}.old"));
                    std::fs::rename(&log, &kept).map_err(|e| Error::output(&kept, e))?;
                    notes.push(format!("note: it is kept as {}", kept.display()));
                }
            }
            RunLog::create(&log)
        };
        let [metrics, losses, timing] =
            [log(METRICS, &host.metrics)?, log(LOSSES, &host.losses)?, log(TIMING, &host.timing)?];
        let lines = path.join(METRICS);
        let lines = std::fs::read_to_string(&lines).map_err(|e| Error::output(&lines, e))?;
        let logs = [metrics, losses, timing, RunLog::rewrite(&path.join(TABLE), table::table(&lines).as_bytes())?];
        let Progress { epoch, steps, .. } = checkpoint.state.progress;
        let (events, found) = EventFiles::resume(path, host.events, config.tensorboard, [epoch, steps])?;
        notes.extend(found);
        let mut kept = Kept::new(config.keep, steps, host.kept);
        kept.advance(path, steps)?;
        let (path, current) = (path.clone(), path.clone());
        Ok((Self { path, current, logs, events, description: host.description, kept, _lock: lock.clone() }, notes))
    }

    /// Describes a resumed run: what of `now` differs, when it was resumed, and that it is not over.
    pub(crate) fn describe_resumed(&mut self, now_holds: &Value, steps: u64) -> Result<()> {
        let described = &mut self.description;
        let mut resumed = described["resumed"].as_array().cloned().unwrap_or_default();
        let mut entry = json!({ "after_steps": steps, "at": now(), "versions": versions() });
        // What it went on from; the run's own device stays where it began.
        ["device", "profile"].into_iter().for_each(|key| entry[key] = now_holds[key].clone());
        entry["epochs_before"] = described["settings"]["epochs"].clone();
        ["settings", "data"].into_iter().for_each(|key| described[key] = now_holds[key].clone());
        resumed.push(entry);
        described["resumed"] = Value::Array(resumed);
        self.describe("running")
    }
}
