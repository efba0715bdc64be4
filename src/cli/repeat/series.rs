//! The runs of a series: those that its file knows, and those in its folder.

use crate::cli::run_request::RunRequest;
use crate::cli::start::Start;
use crate::cli::trained_on::run_of;
use crate::error::{Error, Result, usage};
use crate::report::{RUN, TIMING, WEIGHTS, file_of_run};
use crate::trainer::RunConfig;
use serde_json::{Map, Value};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// What a run came to.
#[derive(serde::Deserialize)]
pub(super) struct Done {
    pub(super) seed: u64,
    pub(super) test_accuracy: f64,
    pub(super) test_loss: f64,
    /// Of its epochs.
    pub(super) seconds: f64,
}

/// The runs so far, and the seeds of those that came to their end without a result.
#[derive(Default, serde::Deserialize)]
pub(super) struct Series {
    pub(super) runs: Vec<Done>,
    #[serde(default)]
    pub(super) failed: Vec<u64>,
}

/// What of the file is read again.
#[derive(serde::Deserialize)]
struct Earlier {
    settings: RunConfig,
    #[serde(flatten)]
    series: Series,
}

/// Settings on which results do not depend, or that each run has for itself.
const OWN: [&str; 8] = ["seed", "out", "overwrite", "threads", "checkpoint_every", "keep", "log_steps", "tensorboard"];
/// What to do about a series that is another.
const ADVICE: &str = "choose another --out folder, or use --overwrite";

/// The settings that all runs of a series have.
pub(super) fn shared(config: &RunConfig) -> Result<Map<String, Value>> {
    let mut settings = config.to_table()?;
    OWN.iter().for_each(|name| drop(settings.shift_remove(*name)));
    Ok(settings)
}

/// The first setting that differs, as a part of a sentence.
fn other_setting(before: &RunConfig, now: &RunConfig) -> Result<Option<String>> {
    let (before, now) = (shared(before)?, shared(now)?);
    let differs = now.iter().find(|(name, value)| before.get(*name) != Some(value));
    Ok(differs.map(|(name, value)| {
        let was = before.get(name).unwrap_or(&Value::Null);
        format!("{name} is {was} in them, {value} was asked for")
    }))
}

/// What of a run's description is not as in that of another, as a part of a sentence.
fn difference(before: &Value, now: &Value) -> Result<Option<String>> {
    let data = |of: &Value| of["data"]["sha256"].clone();
    // Initial values depend on the seed; those of a file do not.
    let start = |of: &Value| if of["settings"]["weights"].is_null() { Value::Null } else { of["start_sha256"].clone() };
    let differs = [
        (before["model"] != now["model"], "the model is another"),
        (before["initializers"] != now["initializers"], "its initial values are others"),
        (data(before) != data(now), "its data are others"),
        (start(before) != start(now), "the weights that it began with are others"),
    ];
    if let Some((_, what)) = differs.into_iter().find(|(differs, _)| *differs) {
        return Ok(Some(what.to_owned()));
    }
    let settings = |of: &Value| serde_json::from_value::<RunConfig>(of["settings"].clone()).ok();
    match settings(before).zip(settings(now)) {
        Some((before, now)) => other_setting(&before, &now),
        None => Ok(Some("it has no settings".to_owned())),
    }
}

/// The content of a run's run.json; none where there is none, or one that is damaged.
fn description_of(folder: &Path) -> Option<Value> {
    run_of(&file_of_run(folder, WEIGHTS), None).ok().filter(|description| !description.is_null())
}

/// Whether a run in the folder was begun and not brought to its end. A killed run may have no run.json yet.
pub(super) fn is_unfinished(folder: &Path) -> bool {
    match file_of_run(folder, RUN).exists() {
        true => description_of(folder).is_some_and(|description| description["status"] != "done"),
        false => folder.exists(),
    }
}

/// Seconds of the epochs of the run in the folder.
pub(super) fn seconds_of(folder: &Path) -> f64 {
    let lines = std::fs::read_to_string(folder.join(TIMING)).unwrap_or_default();
    lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()?["elapsed_secs"].as_f64()).sum()
}

impl Series {
    /// The series that the file has, if it is there. One without a run that has other settings is as none.
    ///
    /// # Errors
    /// If it cannot be read, or its runs have other settings.
    pub(super) fn read(file: &Path, config: &RunConfig) -> Result<Option<Self>> {
        let text = match std::fs::read_to_string(file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|e| Error::data(file, e))?,
        };
        let Earlier { settings, series } = serde_json::from_str(&text).map_err(|e| Error::data(file, e))?;
        match other_setting(&settings, config)? {
            None => Ok(Some(series)),
            Some(_) if series.runs.is_empty() => Ok(None),
            Some(what) => Err(Error::output(file, format!("runs with other settings are there: {what}; {ADVICE}"))),
        }
    }

    /// Whether the run of this seed is among them.
    pub(super) fn has(&self, seed: u64) -> bool {
        self.runs.iter().any(|run| run.seed == seed)
    }

    pub(super) fn add(&mut self, run: Done) {
        self.failed.retain(|failed| *failed != run.seed);
        self.runs.push(run);
        self.runs.sort_by_key(|run| run.seed);
    }

    pub(super) fn add_failed(&mut self, seed: u64) {
        if !self.failed.contains(&seed) {
            self.failed.push(seed);
        }
    }

    /// Adds those of the runs with the seeds `asked` that are finished, but that the file does not know: a kill came first, or
    /// `--resume` has finished them.
    ///
    /// # Errors
    /// If a finished run is of another model, other data or other settings than `request`, or what that names cannot be read.
    pub(super) fn take_finished(
        &mut self,
        request: &RunRequest,
        asked: RangeInclusive<u64>,
        folder: &dyn Fn(u64) -> PathBuf,
    ) -> Result<()> {
        // What learns its images by heart may not have come to the accuracy that it should.
        let may_be_new =
            |seed: &u64| request.config.overfit_batches.is_none() && !self.has(*seed) && !self.failed.contains(seed);
        let seeds = self.runs.iter().map(|run| run.seed).chain(asked.filter(may_be_new));
        let finished: Vec<(u64, Value)> = seeds
            .filter_map(|seed| Some((seed, description_of(&folder(seed))?)))
            .filter(|(_, description)| description["status"] == "done")
            .collect();
        if finished.is_empty() {
            return Ok(());
        }
        let now = Start::new(request.clone())?.description;
        for (seed, description) in finished {
            let place = folder(seed);
            let what = match description["seed"] == seed {
                true => difference(&description, &now)?,
                false => Some("it has another seed".to_owned()),
            };
            if let Some(what) = what {
                return Err(Error::output(&place, format!("the run there is no part of the series: {what}; {ADVICE}")));
            }
            if !self.has(seed) {
                let test = &description["final"]["test"];
                let (Some(test_loss), Some(test_accuracy)) = (test["loss"].as_f64(), test["accuracy"].as_f64()) else {
                    return Err(usage!("the run has no result of its test images: {}", place.display()));
                };
                self.add(Done { seed, test_accuracy, test_loss, seconds: seconds_of(&place) });
            }
        }
        Ok(())
    }
}
