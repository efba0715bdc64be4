//! `--class-weights`: factors of the loss from the counts of the classes, or from a file.

use super::options::has_extension;
use crate::bounds::{check_values, read_text};
use crate::data::Dataset;
use crate::error::{Result, usage};
use crate::report::note;
use crate::trainer::RunConfig;
use serde_json::Value;
use std::path::Path;

/// Puts the factors that the settings name the source of into them, so that the run is described by the numbers.
///
/// # Errors
/// [`crate::Error::Usage`] if the file cannot be read, or names a class that there is not.
pub(super) fn resolve(config: &mut RunConfig, data: &Dataset) -> Result<()> {
    let Some(source) = config.class_weights.clone() else { return Ok(()) };
    match source.as_str() {
        "balanced" => config.balance_classes(&data.train.labels[config.trained_on(data.train.len())?]),
        path => config.weigh_classes(read(Path::new(path), data)?),
    }
    note(&format!("class weights: {}", config.class_weight.iter().map(ToString::to_string).collect::<String>()));
    config.check()
}

/// Reads a file: JSON with a list or an object, or TOML with a table.
fn read(path: &Path, data: &Dataset) -> Result<Vec<(u8, f64)>> {
    let failed = |why: String| usage!("not weights of classes: {why}: {}", path.display());
    let text = std::fs::File::open(path).and_then(|file| read_text(file, Vec::new()));
    let text = text.map_err(|e| {
        usage!("cannot read the weights of classes: {e}; the other choice is `balanced`: {}", path.display())
    })?;
    check_values(&text).map_err(|e| failed(e.to_string()))?;
    let is_json = has_extension(path, &["json"]) || text.trim_start().starts_with(['{', '[']);
    let value = match is_json {
        true => serde_json::from_str::<Value>(&text).map_err(|e| e.to_string()),
        false => toml::from_str::<Value>(&text).map_err(|e| e.to_string()),
    };
    let pairs: Vec<(String, Value)> = match value.map_err(failed)? {
        Value::Array(values) => {
            values.into_iter().enumerate().map(|(class, value)| (class.to_string(), value)).collect()
        }
        Value::Object(values) => values.into_iter().collect(),
        other => return Err(failed(format!("{other} is no list, nor a table from class to factor"))),
    };
    let mut weights = Vec::new();
    for (class, value) in pairs {
        let named = data.class_names.iter().position(|name| *name == class);
        let number = named.or_else(|| class.parse().ok()).filter(|number| *number < data.classes);
        let number = number.and_then(|number| u8::try_from(number).ok());
        let number = number.ok_or_else(|| failed(format!("there is no class `{class}`")))?;
        let factor = value.as_f64().ok_or_else(|| failed(format!("the factor of `{class}` is {value}, no number")))?;
        if weights.iter().any(|(known, _)| *known == number) {
            return Err(failed(format!("class {number} has two factors")));
        }
        weights.push((number, factor));
    }
    Ok(weights)
}
