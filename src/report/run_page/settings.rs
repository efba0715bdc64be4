//! What a run's description says, for its page.

use super::content::RunPage;
use crate::graph::Summary;
use crate::report::figures::Table;
use crate::report::history::History;
use crate::report::tables::thousands;
use crate::trainer::Score;
use serde_json::Value;
use std::time::Duration;

/// `value` as a reader writes it.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(values) if values.is_empty() => "–".to_owned(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// What was trained on what, in a sentence.
pub(super) fn lead(description: &Value) -> String {
    let of = |pointer: &str| description.pointer(pointer).map_or_else(|| "unknown".to_owned(), text);
    let status = match description["status"].as_str() {
        Some("done") => "ended",
        Some("running") => "is still going on",
        Some("interrupted") => "was interrupted",
        Some("killed") => "was killed, so that nothing says how it ended",
        Some(other) => other,
        None => "has no status",
    };
    let error = match (description["status"].as_str(), description["final"]["error"].as_str()) {
        (Some("failed"), Some(error)) => format!(": {}", error.trim_end_matches('.')),
        (Some("interrupted"), Some(error)) => error.strip_prefix("interrupted").unwrap_or_default().to_owned(),
        _ => String::new(),
    };
    let (model, data) = (of("/settings/model"), of("/data/name"));
    // As people write it: 2026-11-27 09:34:48 UTC.
    let started = of("/started").replace('T', " ").replace('Z', " UTC");
    format!("{model} on {data}, on {}. Started {started}; the run {status}{error}.", of("/device/adapter"))
}

/// The figures that a reader looks for first: of the test images, else of the last epoch.
pub(super) fn tiles(page: &RunPage) -> Vec<(String, String)> {
    let description = &page.description;
    let mut tiles: Vec<(String, String)> = Vec::new();
    let mut tile = |name: &str, value: String| tiles.push((name.to_owned(), value));
    let of_epoch = || page.history.last_epoch().into_iter().rev().flatten().collect();
    let scores: Vec<_> = page.history.test().map_or_else(of_epoch, |score| vec![("Test", score)]);
    for (images, Score { loss, accuracy }) in scores {
        tile(&format!("{images} accuracy"), format!("{accuracy:.4}"));
        tile(&format!("{images} loss"), format!("{loss:.4}"));
    }
    let epochs = description["settings"]["epochs"].as_u64();
    tile(
        "Epochs",
        format!("{} of {}", page.history.epochs(), epochs.map_or_else(|| "?".to_owned(), |n| n.to_string())),
    );
    if let Some(summary) = &page.summary {
        tile("Parameters", thousands(summary.total_params));
    }
    if duration(description).is_some() {
        tile(if description["resumed"].is_array() { "Time with pauses" } else { "Time" }, time(description));
    }
    tile("Seed", text(&description["settings"]["seed"]));
    tiles
}

/// From start to finish; none of a run that is not over.
fn duration(description: &Value) -> Option<Duration> {
    let time = |name: &str| humantime::parse_rfc3339(description[name].as_str()?).ok();
    let took = time("finished")?.duration_since(time("started")?).ok()?;
    Some(Duration::from_secs(took.as_secs()))
}

/// The time from start to finish as text.
fn time(description: &Value) -> String {
    let format = |took: Duration| match took.is_zero() {
        true => "under 1s".to_owned(),
        false => humantime::format_duration(took).to_string(),
    };
    let text = duration(description).map(format);
    // On one line.
    text.map_or_else(|| "–".to_owned(), |text| text.replace(' ', "\u{a0}"))
}

/// Adapter, data and settings.
pub(super) fn settings_table(description: &Value) -> (&'static str, Table) {
    let mut rows = Vec::new();
    for (part, name) in [("device", "device"), ("data", "data"), ("settings", "setting"), ("versions", "version")] {
        for (key, value) in description[part].as_object().into_iter().flatten() {
            // As long as a page, and in run.json.
            if !value.is_object() {
                rows.push(vec![format!("{name}: {}", key.replace('_', " ")), text(value)]);
            }
        }
    }
    (
        "Settings",
        Table { head: ["name", "value"].map(String::from).into(), rows, note: Some("run.json has all.".into()) },
    )
}

/// The layers, as `summary` prints them.
pub(super) fn model_table(summary: &Summary) -> (&'static str, Table) {
    let shape = |shape: &[usize]| shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
    let rows = summary.layers.iter().map(|layer| {
        vec![layer.name.clone(), layer.kind.to_string(), shape(&layer.output_shape), thousands(layer.params)]
    });
    let head = ["layer", "type", "output", "parameters"].map(String::from).into();
    let note = Some(format!(
        "{} parameters, {} of them trainable.",
        thousands(summary.total_params),
        thousands(summary.trainable_params)
    ));
    ("Model", Table { head, rows: rows.collect(), note })
}

/// Results of the runs that are compared, and the settings in which they differ.
pub(super) fn differing_settings(page: &RunPage) -> (&'static str, Table) {
    let own = (&page.name, &page.description, &page.history);
    let runs: Vec<_> = [own].into_iter().chain(page.others.iter().map(|(n, d, h)| (n, d, h))).collect();
    let head =
        ["result or setting".to_owned()].into_iter().chain(runs.iter().map(|(name, ..)| (*name).clone())).collect();
    let score = |value: fn(&Score) -> f64| {
        move |(_, _, history): &(&String, &Value, &History)| {
            history.test().as_ref().map_or_else(|| "–".to_owned(), |score| format!("{:.4}", value(score)))
        }
    };
    let row = |name: &str, values: Vec<String>| [name.to_owned()].into_iter().chain(values).collect::<Vec<_>>();
    let mut rows = vec![
        row("test accuracy", runs.iter().map(score(|score| score.accuracy)).collect()),
        row("test loss", runs.iter().map(score(|score| score.loss)).collect()),
        row("status", runs.iter().map(|(_, description, _)| text(&description["status"])).collect()),
        row("epochs done", runs.iter().map(|(_, _, history)| history.epochs().to_string()).collect()),
        row("time", runs.iter().map(|(_, description, _)| time(description)).collect()),
    ];
    for part in ["device", "data", "settings"] {
        let mut keys: Vec<&String> = Vec::new();
        for (_, description, _) in &runs {
            keys.extend(description[part].as_object().into_iter().flatten().map(|(key, _)| key));
        }
        keys.sort();
        keys.dedup();
        for key in keys {
            let values: Vec<&Value> = runs.iter().map(|(_, description, _)| &description[part][key]).collect();
            if values.iter().any(|value| *value != values[0])
                && !["out", "overwrite", "sha256", "class_names"].contains(&key.as_str())
            {
                rows.push(row(&key.replace('_', " "), values.into_iter().map(text).collect()));
            }
        }
    }
    ("Results, and the settings that differ", Table { head, rows, note: None })
}
