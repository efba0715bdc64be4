//! What a run was trained on and by, for commands that go on from its files.

use crate::bounds::{check_values, read_text};
use crate::data::published::Published;
use crate::data::{Dataset, is_there};
use crate::error::{Error, Result};
use crate::report::{RUN, beside, note};
use crate::trainer::{RunConfig, Tta};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The `run.json` beside the weights, or `checkpoint`, the one that the weights' own file has; null where there is neither.
///
/// # Errors
/// If it is damaged: with the defaults in its place, other data might be taken.
pub(super) fn run_of(weights: &Path, checkpoint: Option<Value>) -> Result<Value> {
    let path = beside(weights, RUN);
    let Ok(file) = std::fs::File::open(&path) else { return Ok(checkpoint.unwrap_or_default()) };
    let read = || {
        let text = read_text(file, Vec::new()).map_err(|e| e.to_string())?;
        check_values(&text).map_err(|e| e.to_string())?;
        serde_json::from_str(&text).map_err(|e| e.to_string())
    };
    read().map_err(|e| {
        Error::data(
            &path,
            format!(
                "not a run's description, or damaged: {e}; to use the weights without it, copy their file elsewhere"
            ),
        )
    })
}

/// The data set of the run, and where it lay; `asked` where that says nothing.
pub(super) fn trained_on(run: &Value, asked: &RunConfig) -> RunConfig {
    let data = run["data"]["name"].as_str().map(str::to_owned);
    let folder = data.as_deref().filter(|data| Published::named(data).is_some()).and_then(|_| source(run));
    RunConfig { data, data_dir: asked.data_dir.clone().or(folder), ..asked.clone() }
}

/// The folder that the run's data were in, if it is still there.
fn source(run: &Value) -> Option<PathBuf> {
    run["data"]["source"].as_str().map(PathBuf::from).filter(|source| source.is_dir())
}

/// The settings of the run, if it has any.
pub(super) fn settings_of(run: &Value) -> Option<RunConfig> {
    serde_json::from_value(run["settings"].clone()).ok()
}

/// A note of the views over which each image's probabilities are averaged.
pub(super) fn note_views(tta: Option<Tta>) {
    if let Some(tta) = tta {
        note(&format!("tta: probabilities are averaged over the views of {tta}"));
    }
}

/// `config`, with where the data of `run` lay if neither is a folder from here: a relative one, or one that the environment named.
pub(super) fn with_data_of(run: &Value, config: &RunConfig) -> RunConfig {
    let settings = &run["settings"];
    let is_asked_for = serde_json::to_value(config)
        .is_ok_and(|config| ["data", "data_dir"].iter().any(|name| config[name] != settings[name]));
    let is_found = config.data_dir.as_ref().map_or_else(
        || config.data.as_ref().is_some_and(|data| data == "synthetic" || is_there(Path::new(data))),
        |folder| folder.is_dir(),
    );
    match source(run) {
        Some(_) if !is_asked_for && !is_found => trained_on(run, &RunConfig { data_dir: None, ..config.clone() }),
        _ => config.clone(),
    }
}

/// `config` with the classes and the loss of the run, except for those settings that were given as options.
pub(super) fn with_loss_of(run: &Value, mut config: RunConfig, given: &[&str]) -> Result<RunConfig> {
    let settings = &run["settings"];
    set(&mut config.only_classes, settings, "only_classes", given)?;
    set(&mut config.image_size, settings, "image_size", given)?;
    set(&mut config.color_mode, settings, "color_mode", given)?;
    set(&mut config.test_split, settings, "test_split", given)?;
    set(&mut config.split_seed, settings, "split_seed", given)?;
    set(&mut config.loss, settings, "loss", given)?;
    set(&mut config.from_logits, settings, "from_logits", given)?;
    set(&mut config.label_smoothing, settings, "label_smoothing", given)?;
    set(&mut config.tta, settings, "tta", given)?;
    config.check()?;
    Ok(config)
}

/// Sets `to` to the setting `name` of the run, if it has one and none was given.
fn set<T: DeserializeOwned>(to: &mut T, settings: &Value, name: &str, given: &[&str]) -> Result<()> {
    let value = &settings[name];
    if !value.is_null() && !given.contains(&name) {
        *to = T::deserialize(value).map_err(|e| Error::Usage(format!("{name} in the run's description: {e}")))?;
    }
    Ok(())
}

/// A warning for each file of the data set that has changed since the run.
pub(super) fn changed_files(run: &Value, data: &Dataset) -> Vec<String> {
    let recorded = &run["data"];
    if recorded["name"] != data.name.as_str() {
        let name = recorded["name"].as_str().filter(|_| !recorded["sha256"].is_null());
        let other = |name| format!("warning: the run was trained on {name}; what follows is of {}", data.name);
        return name.map(other).into_iter().collect();
    }
    let has_changed = |(file, sha256): &(&String, &String)| {
        recorded["sha256"].get(file.as_str()).is_some_and(|recorded| recorded != sha256.as_str())
    };
    let changed = data.sha256.iter().filter(has_changed);
    changed
        .map(|(file, _)| {
            format!("warning: {file} is not the file that the run was trained with (run.json has its sha256)")
        })
        .collect()
}
