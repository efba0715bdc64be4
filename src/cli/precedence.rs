//! Which setting holds where two exclude each other, and what a resumed run takes of its surroundings.

use super::environment::PREFIX;
use crate::error::{Error, Result, usage};
use crate::trainer::RunConfig;
use clap::ArgMatches;
use clap::parser::ValueSource;
use std::collections::BTreeMap;

/// Settings of which a run has one.
const EITHER: [[&str; 2]; 8] = [
    ["validation_split", "validation"],
    ["clip_value", "clip_norm"],
    ["class_weight", "class_weights"],
    ["micro_batch", "fast_reduce"],
    ["overfit_batches", "validation"],
    ["overfit_batches", "validation_split"],
    ["overfit_batches", "ema"],
    ["overfit_batches", "tta"],
];

/// Settings, and those that are for some of their values alone.
const GOES_WITH: [(&str, &[&str]); 2] = [
    (
        "schedule",
        &[
            "decay_rate",
            "decay_steps",
            "plateau_factor",
            "plateau_patience",
            "plateau_min_delta",
            "plateau_cooldown",
            "plateau_min_rate",
        ],
    ),
    ("optimizer", &["momentum", "nesterov"]),
];

/// Options that do not go with `--resume`.
const NOT_RESUMED: [&str; 5] = ["out", "overwrite", "weights", "from_pytorch", "resume_optimizer"];

/// The settings whose variables other commands heed, too, and a resumed run: they say something of the machine.
pub(super) const OF_THE_MACHINE: [&str; 2] = ["adapter", "threads"];

/// How near to the command line a setting was said.
fn rank(source: Option<&String>) -> u8 {
    match source {
        Some(source) if source.starts_with("--") => 3,
        Some(source) if source.starts_with(PREFIX) => 2,
        Some(_) => 1,
        None => 0,
    }
}

/// The settings without those that exclude one which was said nearer to the command line, or do not go with it; the same of their sources.
///
/// # Errors
/// None that comes up: the settings are a table.
pub(super) fn one_of_each(config: RunConfig, sources: &mut BTreeMap<String, String>) -> Result<RunConfig> {
    let mut dropped: Vec<&str> = Vec::new();
    let rank_of = |name: &str| rank(sources.get(name));
    // The nearest first: what is dropped excludes nothing.
    for nearest in [3, 2] {
        for [a, b] in EITHER {
            let (stronger, weaker) = if rank_of(a) < rank_of(b) { (b, a) } else { (a, b) };
            let is_said = (1..nearest).contains(&rank_of(weaker)) && rank_of(stronger) == nearest;
            // No views exclude nothing.
            let excludes = b != "tta" || config.views().is_some();
            if is_said && excludes && !dropped.contains(&a) && !dropped.contains(&b) {
                dropped.push(weaker);
            }
        }
    }
    for (owner, names) in GOES_WITH {
        let takes = |name: &str| match owner {
            "schedule" => config.schedule.takes(name),
            _ => config.optimizer.takes(name),
        };
        let is_dropped = |name: &&str| (1..rank_of(owner)).contains(&rank_of(name)) && !takes(name);
        dropped.extend(names.iter().copied().filter(is_dropped));
    }
    for name in &dropped {
        sources.remove(*name);
    }
    match dropped.is_empty() {
        true => Ok(config),
        false => with(config, |settings| dropped.iter().for_each(|name| drop(settings.remove(*name)))),
    }
}

/// The settings of a resumed run: those of `run`, where variables say others, but for those of the machine.
///
/// # Errors
/// [`Error::Usage`] if an option is given that a resumed run cannot have.
pub(super) fn of_resumed(config: RunConfig, run: &RunConfig, matches: &ArgMatches) -> Result<RunConfig> {
    let is_from = |name: &str, source| matches.value_source(name) == Some(source);
    if let Some(name) = NOT_RESUMED.into_iter().find(|name| is_from(name, ValueSource::CommandLine)) {
        return Err(usage!(
            "--{} cannot be used with --resume: the run goes on in its folder, from its weights",
            name.replace('_', "-")
        ));
    }
    let own = run.to_table()?;
    with(config, |settings| {
        for (name, value) in own {
            if is_from(&name, ValueSource::EnvVariable) && !OF_THE_MACHINE.contains(&name.as_str()) {
                settings.insert(name, value);
            }
        }
    })
}

/// The settings, changed as a table.
fn with(config: RunConfig, change: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>)) -> Result<RunConfig> {
    let mut settings = config.to_table()?;
    change(&mut settings);
    serde_json::from_value(settings.into()).map_err(|e| Error::Usage(format!("settings: {e}")))
}

/// `; NAME is from VARIABLE` for each setting that the message names and a variable says.
pub(super) fn of_variables(message: &str, sources: &BTreeMap<String, String>) -> String {
    let is_named = |name: &str| message.split(|c: char| c != '_' && !c.is_alphanumeric()).any(|word| word == name);
    let named = sources.iter().filter(|(name, source)| is_named(name) && source.starts_with(PREFIX));
    named.map(|(name, source)| format!("; {name} is from {source}")).collect()
}
