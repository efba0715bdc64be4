//! The folder of a training run: its description, logs, weights and checkpoints.

mod events;
mod kept;
mod lock;
mod log;
mod names;
mod recorded;
mod replace;
mod resume;
mod table;
mod versions;

pub(crate) use lock::lock;
pub(crate) use names::{REPORT, RUN, TIMING, WEIGHTS};
pub(crate) use recorded::RecordedRun;
pub(crate) use replace::{beside, find as file_of_run};
pub(crate) use resume::Found;
pub(crate) use versions::versions;

use crate::error::{Error, Result};
use crate::files;
use crate::graph::Graph;
use crate::trainer::Checkpoint;
use events::{EventFiles, EventMarks};
use kept::Kept;
use lock::{Lock, create_new, is_locked};
use log::{Mark, RunLog};
use names::{BATCH, BEST, CHECKPOINT, LOSSES, METRICS, TABLE, earlier_run, is_of_a_run, names, remove_empty_folders};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use versions::now;

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
    /// [`METRICS`], [`LOSSES`], [`TIMING`] and [`TABLE`].
    logs: [RunLog; 4],
    events: EventFiles,
    description: Value,
    kept: Kept,
    _lock: Lock,
}

/// What a checkpoint holds for the run folder.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Host {
    description: Value,
    metrics: Mark,
    losses: Mark,
    timing: Mark,
    /// Steps of the numbered checkpoints.
    #[serde(default)]
    kept: Vec<u64>,
    #[serde(default)]
    events: EventMarks,
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
        Self::check_free(&path, overwrite)?;
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
                remove_empty_folders(&path);
                // Only an empty folder can be removed.
                created.iter().for_each(|folder| drop(std::fs::remove_dir(folder)));
            }
        })
    }

    fn start(path: &Path, current: PathBuf, description: Value, lock: Lock, first: Checkpoint) -> Result<Self> {
        let log = |name: &str| RunLog::create(&current.join(name));
        let logs = [log(METRICS)?, log(LOSSES)?, log(TIMING)?, log(TABLE)?];
        let kept = Kept::new(first.state.config.keep, 0, Vec::new());
        let events = EventFiles::new(first.state.config.tensorboard, &current)?;
        let mut folder = Self { path: path.to_owned(), current, logs, events, description, kept, _lock: lock };
        // From here on the run can be resumed.
        folder.save(first, true, false)?;
        folder.describe("running")?;
        Ok(folder)
    }

    /// Whether the files in the folder are still those of an earlier run.
    pub(crate) fn is_earlier_run(&self) -> bool {
        self.current != self.path
    }

    /// Whether `file` is one of a run's: there is a run in its folder, and runs write a file of its name.
    pub(crate) fn holds(file: &Path) -> bool {
        let is_named = file.file_name().is_some_and(|name| name.to_str().is_some_and(is_of_a_run));
        is_named && file.with_file_name(RUN).exists()
    }

    /// Whether a run is writing to `path`; where that cannot be known, it may be.
    pub(crate) fn is_written(path: &Path) -> bool {
        is_locked(path)
    }

    /// Checks that a run can be written to `path`, and leaves nothing there.
    ///
    /// # Errors
    /// If `path` is not a folder, cannot be written, or contains a run already and `overwrite` is false.
    pub(crate) fn check(path: &Path, overwrite: bool) -> Result<()> {
        if !overwrite && earlier_run(path).is_some() {
            // Whether it is still going on.
            lock(path)?;
        }
        Self::check_free(path, overwrite)
    }

    fn check_free(path: &Path, overwrite: bool) -> Result<()> {
        let existing = earlier_run(path);
        match existing {
            Some(name) if !overwrite => Err(Error::output(
                path.join(name),
                "an earlier run wrote it; choose another --out folder, use --overwrite, or go on with it by --resume",
            )),
            _ if path.exists() && !path.is_dir() => Err(Error::output(path, "it is not a folder")),
            _ => {
                files::check_links(path).map_err(|e| Error::output(path, e))?;
                let folder = path.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
                files::check(&folder.join(RUN_CHECK)).map_err(|e| Error::output(path, e))
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What run.json says while the run goes on.
    pub(crate) fn description(&self) -> Value {
        self.description_with("running")
    }

    /// Steps of the last checkpoint.
    pub(crate) fn last_steps(&self) -> u64 {
        self.kept.last()
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
        let [metrics, losses, timing, _] = &mut self.logs;
        let [metrics, losses, timing] = [metrics.sync()?, losses.sync()?, timing.sync()?];
        let events = self.events.sync(&self.current)?;
        if is_last {
            self.kept.number_last(&self.current)?;
        }
        let kept = self.kept.numbers().to_vec();
        let host = Host { description: self.description.clone(), metrics, losses, timing, kept, events };
        checkpoint.state.host = serde_json::to_value(host).unwrap_or_default();
        let bytes = checkpoint.to_bytes()?;
        if is_best {
            self.write(BEST, &bytes)?;
        }
        if is_last {
            self.write(CHECKPOINT, &bytes)?;
            self.kept.advance(&self.current, checkpoint.state.progress.steps)?;
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

    /// Appends one line to metrics.jsonl, and its numbers to metrics.csv and the event files; [`Self::flush`] writes them.
    pub(crate) fn log(&mut self, line: &Value) {
        self.logs[0].append(format!("{line}\n").as_bytes());
        self.events.log(line);
        if let Some(row) = table::row(line) {
            let head = if self.logs[3].is_empty() { table::head() } else { String::new() };
            self.logs[3].append((head + &row).as_bytes());
        }
    }

    /// Appends the loss of a step, before the step's line.
    pub(crate) fn log_loss(&mut self, loss: f64) {
        self.logs[1].append(&loss.to_le_bytes());
        self.events.count_step();
    }

    /// Whether the event files show the weights after `epoch`, from 1, of `epochs`: those of a long run not after each.
    pub(crate) fn shows_weights(&self, epoch: u64, epochs: u64) -> bool {
        self.events.shows_weights(epoch, epochs)
    }

    /// Appends histograms of the weights after `epoch`, and the first layer's filters, to the event files.
    pub(crate) fn log_weights(&mut self, graph: &Graph, weights: &[f32], epoch: u64) {
        self.events.log_weights(graph, weights, epoch);
    }

    /// Appends one line on the time that something took.
    pub(crate) fn log_time(&mut self, line: &Value) {
        self.logs[2].append(format!("{line}\n").as_bytes());
    }

    /// Writes what was logged.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.logs.iter_mut().try_for_each(RunLog::flush)?;
        self.events.flush(&self.current)
    }

    /// Notes a final figure, which run.json has when the run has ended, and checkpoints from now on.
    pub(crate) fn note_final(&mut self, name: &str, figure: Value) {
        self.description["final"][name] = figure;
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
        let description = self.description_with(status);
        self.write(RUN, format!("{description:#}\n").as_bytes())
    }

    fn description_with(&self, status: &str) -> Value {
        let mut description = self.description.clone();
        description["status"] = json!(status);
        description
    }
}
