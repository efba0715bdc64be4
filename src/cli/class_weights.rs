//! `--class-weights`: factors of the loss from the counts of the classes, or from a file.

use super::options::has_extension;
use super::run_request::RunRequest;
use crate::bounds::{check_values, read_text};
use crate::data::Dataset;
use crate::error::{Result, usage};
use crate::report::note;
use crate::trainer::{RunConfig, WrittenWeights};
use std::path::Path;

/// Puts the factors that the settings name the source of into them, so that the run is described by the numbers.
///
/// # Errors
/// [`crate::Error::Usage`] if the file cannot be read, or names a class that there is not.
pub(super) fn resolve(config: &mut RunConfig, data: &Dataset) -> Result<()> {
    let Some(source) = config.class_weights.clone() else { return Ok(()) };
    match source.as_str() {
        // In place of those of a file of settings.
        "none" => {
            config.class_weights = None;
            return Ok(());
        }
        "balanced" => config.balance_classes(&data.train.labels[config.trained_on(data.train.len())?]),
        path => config.weigh_classes(read(Path::new(path), data)?),
    }
    config.check().map_err(|e| match source.as_str() {
        "balanced" => e,
        path => usage!("not weights of classes: {e}: {path}"),
    })?;
    note(&format!("class weights: {}", config.class_weight.iter().map(ToString::to_string).collect::<String>()));
    Ok(())
}

/// A warning where factors of classes by their numbers are from a file of settings, and its data or classes are replaced by others.
pub(super) fn of_other_data(request: &RunRequest) -> Option<String> {
    let RunRequest { sources, of_file: (keys, file), .. } = request;
    if sources.get("class_weight") != Some(file) {
        return None;
    }
    let of_file = ["data", "only_classes"].into_iter().filter(|name| keys.iter().any(|key| key == name));
    let other = of_file.filter_map(|name| sources.get(name)).find(|source| *source != file)?;
    Some(format!(
        "warning: class_weight is from {file}, and {other} may mean other classes; --class-weights none, balanced or a file replaces it"
    ))
}

/// Reads a file: JSON with a list or an object, or TOML with a table.
fn read(path: &Path, data: &Dataset) -> Result<Vec<(u8, f64)>> {
    let failed = |why: String| usage!("not weights of classes: {why}: {}", path.display());
    let text = std::fs::File::open(path).and_then(|file| read_text(file, Vec::new()));
    let text = text.map_err(|e| {
        usage!(
            "cannot read the weights of classes: {e}; the other choices are `balanced` and `none`: {}",
            path.display()
        )
    })?;
    check_values(&text).map_err(|e| failed(e.to_string()))?;
    let is_json =
        has_extension(path, &["json"]) || !has_extension(path, &["toml"]) && text.trim_start().starts_with(['{', '[']);
    let written = match is_json {
        true => serde_json::from_str::<WrittenWeights>(&text).map_err(|e| e.to_string()),
        false => toml::from_str::<WrittenWeights>(&text).map_err(|e| e.to_string()),
    };
    let written = written.map_err(failed)?;
    let pairs = match written {
        WrittenWeights::List(factors) if factors.len() == data.classes => {
            return Ok((0..=u8::MAX).zip(factors).collect());
        }
        WrittenWeights::List(factors) => {
            return Err(failed(format!("it is a list of {}; there are {} classes", factors.len(), data.classes)));
        }
        WrittenWeights::Table(pairs) => pairs,
    };
    if pairs.is_empty() {
        return Err(failed(format!("it names no class; {}", classes(data))));
    }
    let mut weights = Vec::new();
    for (class, factor) in pairs {
        let named = data.class_names.iter().position(|name| *name == class);
        let is_number = class.bytes().all(|byte| byte.is_ascii_digit());
        let number = named.or_else(|| class.parse().ok().filter(|_| is_number)).filter(|number| *number < data.classes);
        let number = number.and_then(|number| u8::try_from(number).ok());
        let number = number.ok_or_else(|| failed(format!("there is no class `{class}`; {}", classes(data))))?;
        if weights.iter().any(|(known, _)| *known == number) {
            return Err(failed(format!("class {number} has two factors")));
        }
        weights.push((number, factor));
    }
    Ok(weights)
}

/// What classes there are, as a part of a message.
fn classes(data: &Dataset) -> String {
    let names: Vec<&str> = data.class_names.iter().take(20).map(String::as_str).collect();
    let names = if names.is_empty() { String::new() } else { format!(", or {}", names.join(", ")) };
    format!("those are 0 to {}{names}", data.classes.saturating_sub(1))
}
