//! The folder of a training run: its description, logs, weights and checkpoints.

mod log;
mod names;
mod place;
mod recorded;
mod replace;

pub(crate) use names::REPORT;
pub(crate) use recorded::RecordedRun;

use crate::error::{Error, Result};
use crate::files;
use crate::trainer::Checkpoint;
use log::{Mark, RunLog};
use names::{BATCH, BEST, CHECKPOINT, LOSSES, METRICS, RUN, TIMING, WEIGHTS, earlier_run, keep_last, names, prune};
use place::{create_new, lock, now, versions};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs::File;
use std::path::{Path, PathBuf};

/// The folder of runs that are not given one.
const RUNS: &str = "runs";
/// A file that no run has, to see whether a folder can be written.
const RUN_CHECK: &str = ".gpu-cnn";

/// An open run folder. Except for the logs, files are written under a temporary name and renamed, so a reader never finds a partial
/// file.
#[derive(Debug)]
pub(crate) struct RunFolder {
    path: PathBuf,
    /// Where the files are written: another folder while `path` is still that of an earlier run.
    current: PathBuf,
    logs: [RunLog; 3],
    description: Value,
    /// Checkpoints to keep, and the number of steps of the last one.
    keep: usize,
    last_steps: u64,
    /// Holds the folder against other runs.
    _lock: Option<File>,
}

/// What a checkpoint holds for the run folder.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Host {
    description: Value,
    metrics: Mark,
    losses: Mark,
    timing: Mark,
}

impl RunFolder {
    /// Creates the folder `out`, or `runs/<utc time>-<model>`, and writes `description` to run.json with status `running`, and the
    /// first checkpoint. With `overwrite`, the files of an earlier run are replaced when this run has weights.
    ///
    /// # Errors
    /// If the folder cannot be written, another run is writing there, or it contains a run already and `overwrite` is false.
    pub(crate) fn create(
        out: Option<&Path>,
        model: &str,
        overwrite: bool,
        mut description: Value,
        first: Checkpoint,
    ) -> Result<Self> {
        let now = now();
        let (path, created) = match out {
            Some(path) => (path.to_owned(), files::create_folder(path).map_err(|e| Error::output(path, e))?),
            None => {
                let path = create_new(&Path::new(RUNS).join(format!("{}-{model}", now.replace(':', ""))))?;
                (path.clone(), vec![path])
            }
        };
        let lock = lock(&path)?;
        Self::check(&path, overwrite)?;
        replace::finish(&path)?;
        files::sweep(&path);
        description["started"] = json!(now);
        description["versions"] = versions();
        let is_earlier_run = earlier_run(&path).is_some();
        let current = if is_earlier_run { replace::begin(&path)? } else { path.clone() };
        Self::start(&path, current.clone(), description, lock, first).inspect_err(|_| {
            // Nothing of a run that did not start stays.
            if is_earlier_run {
                replace::abandon(&path);
            } else {
                for name in names(&path) {
                    let _ = std::fs::remove_file(path.join(name));
                }
                // Only an empty folder can be removed.
                created.iter().for_each(|folder| drop(std::fs::remove_dir(folder)));
            }
        })
    }

    fn start(path: &Path, current: PathBuf, description: Value, lock: Option<File>, first: Checkpoint) -> Result<Self> {
        let log = |name: &str| RunLog::create(&current.join(name));
        let logs = [log(METRICS)?, log(LOSSES)?, log(TIMING)?];
        let keep = first.state.config.keep as usize;
        let path = path.to_owned();
        let mut folder = Self { path, current, logs, description, keep, last_steps: 0, _lock: lock };
        // From here on the run can be resumed.
        folder.save(first, true, false)?;
        folder.describe("running")?;
        Ok(folder)
    }

    /// Opens the folder of `checkpoint`, which was read from it, to go on from there and keep `keep` checkpoints: logs lose what came
    /// later. With what the user should know.
    ///
    /// # Errors
    /// If the folder cannot be written or another run is writing there.
    pub(crate) fn resume(path: &Path, checkpoint: &Checkpoint, keep: u32) -> Result<(Self, Vec<String>)> {
        let host: Host = serde_json::from_value(checkpoint.state.host.clone()).map_err(|e| {
            Error::Data(format!("the checkpoint is of no run folder ({e}): {}", path.join(CHECKPOINT).display()))
        })?;
        let lock = lock(path)?;
        replace::finish(path)?;
        replace::abandon(path);
        files::sweep(path);
        // From here on it is the last, whichever it was; and the folder is tried before the first step.
        let (last, bytes) = (path.join(CHECKPOINT), checkpoint.to_bytes()?);
        files::replace(&last, &bytes).map_err(|e| Error::output(&last, format!("{e} ({} bytes)", bytes.len())))?;
        let mut notes = Vec::new();
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
        let logs = [log(METRICS, &host.metrics)?, log(LOSSES, &host.losses)?, log(TIMING, &host.timing)?];
        let (path, steps, keep) = (path.to_owned(), checkpoint.state.progress.steps, keep as usize);
        let folder = Self {
            current: path.clone(),
            path,
            logs,
            description: host.description,
            keep,
            last_steps: steps,
            _lock: lock,
        };
        prune(&folder.path, folder.keep, steps)?;
        Ok((folder, notes))
    }

    /// The last checkpoint of the run in `path`, or the one that `path` names, after the run's folder and the checkpoint's file.
    ///
    /// # Errors
    /// As [`Checkpoint::read`].
    pub(crate) fn checkpoint(path: &Path) -> Result<(PathBuf, PathBuf, Checkpoint)> {
        let parent = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let (folder, file) =
            if path.is_dir() { (path, replace::find(path, CHECKPOINT)) } else { (parent, path.to_owned()) };
        Checkpoint::read(&file).map(|checkpoint| (folder.to_owned(), file, checkpoint))
    }

    /// Whether the files in the folder are still those of an earlier run.
    pub(crate) fn is_earlier_run(&self) -> bool {
        self.current != self.path
    }

    /// Checks that a run can be written to `path`, and leaves nothing there.
    ///
    /// # Errors
    /// If `path` is not a folder, cannot be written, or contains a run already and `overwrite` is false.
    pub(crate) fn check(path: &Path, overwrite: bool) -> Result<()> {
        let existing = earlier_run(path);
        match existing {
            Some(name) if !overwrite => Err(Error::output(
                path.join(name),
                "an earlier run wrote it; choose another --out folder, use --overwrite, or go on with it by --resume",
            )),
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

    /// Steps of the last checkpoint.
    pub(crate) fn last_steps(&self) -> u64 {
        self.last_steps
    }

    /// Replaces the weights.
    pub(crate) fn write_weights(&mut self, bytes: &[u8]) -> Result<()> {
        self.write(WEIGHTS, bytes)
    }

    /// Writes the batch of an update that could not be made; returns its file.
    pub(crate) fn write_batch(&self, bytes: &[u8]) -> Result<PathBuf> {
        self.write(BATCH, bytes).map(|()| self.path.join(BATCH))
    }

    /// Writes a checkpoint, as the last and as the best where it is.
    pub(crate) fn save(&mut self, mut checkpoint: Checkpoint, is_last: bool, is_best: bool) -> Result<()> {
        let [metrics, losses, timing] = &mut self.logs;
        let [metrics, losses, timing] = [metrics.sync()?, losses.sync()?, timing.sync()?];
        let host = Host { description: self.description.clone(), metrics, losses, timing };
        checkpoint.state.host = serde_json::to_value(host).unwrap_or_default();
        let bytes = checkpoint.to_bytes()?;
        if is_best {
            self.write(BEST, &bytes)?;
        }
        if is_last {
            if self.keep > 1 && self.last_steps > 0 {
                keep_last(&self.current, self.last_steps)?;
            }
            self.write(CHECKPOINT, &bytes)?;
            self.last_steps = checkpoint.state.progress.steps;
            prune(&self.current, self.keep, self.last_steps)?;
        }
        Ok(())
    }

    /// Takes the earlier run's place, if there is one, once this run has weights and a checkpoint.
    pub(crate) fn replace_earlier(&mut self) -> Result<()> {
        if self.is_earlier_run() {
            replace::replace(&self.path)?;
            self.current.clone_from(&self.path);
        }
        Ok(())
    }

    /// Appends one line to metrics.jsonl; [`Self::flush`] writes it.
    pub(crate) fn log(&mut self, line: &Value) {
        self.logs[0].append(format!("{line}\n").as_bytes());
    }

    /// Appends the loss of a step.
    pub(crate) fn log_loss(&mut self, loss: f64) {
        self.logs[1].append(&loss.to_le_bytes());
    }

    /// Appends one line on the time that something took.
    pub(crate) fn log_time(&mut self, line: &Value) {
        self.logs[2].append(format!("{line}\n").as_bytes());
    }

    /// Writes what was logged.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.logs.iter_mut().try_for_each(RunLog::flush)
    }

    /// Notes a final figure, which run.json has when the run has ended, and checkpoints from now on.
    pub(crate) fn note_final(&mut self, name: &str, figure: Value) {
        self.description["final"][name] = figure;
    }

    /// Describes a resumed run: what of `now` differs, when it was resumed, and that it is not over.
    pub(crate) fn describe_resumed(&mut self, now_holds: &Value, steps: u64) -> Result<()> {
        let described = &mut self.description;
        ["settings", "device", "data"].into_iter().for_each(|key| described[key] = now_holds[key].clone());
        let mut resumed = described["resumed"].as_array().cloned().unwrap_or_default();
        resumed.push(json!({ "after_steps": steps, "at": now(), "versions": versions() }));
        described["resumed"] = Value::Array(resumed);
        self.describe("running")
    }

    /// Writes a complete file.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.current.join(name);
        files::replace(&path, bytes)
            .map_err(|e| Error::output(self.path.join(name), format!("{e} ({} bytes)", bytes.len())))
    }

    /// Writes the final run.json, with how the run ended (`status`); an earlier run keeps its own.
    pub(crate) fn close(mut self, status: &str) -> Result<()> {
        if self.is_earlier_run() {
            replace::abandon(&self.path);
            return Ok(());
        }
        let flushed = self.flush();
        self.description["finished"] = json!(now());
        flushed.and(self.describe(status))
    }

    /// Writes run.json with the given status.
    fn describe(&self, status: &str) -> Result<()> {
        let mut description = self.description.clone();
        description["status"] = json!(status);
        self.write(RUN, format!("{description:#}\n").as_bytes())
    }
}
