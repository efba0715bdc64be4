//! What a run was trained on and by, for commands that go on from its weights.

use crate::bounds::{check_values, read_text};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::report::note;
use crate::trainer::RunConfig;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The description of a run, in its folder.
pub(super) const RUN: &str = "run.json";

/// The `run.json` beside the weights; null where there is none.
pub(super) fn run_of(weights: &Path) -> Value {
    let path = weights.with_file_name(RUN);
    let Ok(file) = std::fs::File::open(&path) else { return Value::Null };
    let read = || {
        let text = read_text(file, Vec::new()).map_err(|e| e.to_string())?;
        check_values(&text).map_err(|e| e.to_string())?;
        serde_json::from_str(&text).map_err(|e| e.to_string())
    };
    read().unwrap_or_else(|e: String| {
        note(&format!("warning: cannot read the run's description: {e}: {}", path.display()));
        Value::Null
    })
}

/// The data set of the run, and where it lay; `asked` where that says nothing.
pub(super) fn trained_on(run: &Value, asked: &RunConfig) -> RunConfig {
    let source = run["data"]["source"].as_str().map(PathBuf::from).filter(|source| source.is_dir());
    let data = run["data"]["name"].as_str().map(str::to_owned);
    RunConfig { data, data_dir: asked.data_dir.clone().or(source), ..asked.clone() }
}

/// `config` with the classes and the loss of the run, except for those settings that were given as options.
pub(super) fn with_loss_of(run: &Value, mut config: RunConfig, given: &[&str]) -> Result<RunConfig> {
    let settings = &run["settings"];
    set(&mut config.only_classes, settings, "only_classes", given)?;
    set(&mut config.loss, settings, "loss", given)?;
    set(&mut config.from_logits, settings, "from_logits", given)?;
    set(&mut config.label_smoothing, settings, "label_smoothing", given)?;
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
        return Vec::new();
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
