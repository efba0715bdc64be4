//! The options of a run: a configuration file, and options that override it.

use crate::error::{Error, Result, usage};
use crate::trainer::RunConfig;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use std::path::{Path, PathBuf};

/// The configuration that a command line asks for: the defaults, then a file, then single options.
#[derive(Debug, Clone)]
pub(super) struct RunArgs(pub(super) RunConfig);

/// The option that is no setting.
#[derive(Debug, Clone, Args)]
struct ConfigFile {
    /// Settings to start from: a TOML or JSON file, or the run.json of an earlier run; other options override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Args for RunArgs {
    /// The options of [`RunConfig`], none of them required, with its defaults in their help.
    fn augment_args(command: Command) -> Command {
        let command = RunConfig::augment_args_for_update(ConfigFile::augment_args(command));
        let Ok(serde_json::Value::Object(defaults)) = serde_json::to_value(RunConfig::default()) else {
            return command;
        };
        defaults.into_iter().fold(command, |command, (name, default)| {
            let shown = match &default {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Number(number) => number.to_string(),
                serde_json::Value::Object(value) => value["type"].as_str().unwrap_or_default().to_owned(),
                _ => return command,
            };
            command.mut_arg(name, |arg| {
                let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
                arg.help(format!("{help} [default: {shown}]"))
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for RunArgs {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        let failed = |error: Error| clap::Error::raw(clap::error::ErrorKind::ValueValidation, format!("{error}\n"));
        let mut config = match ConfigFile::from_arg_matches(matches)?.config {
            Some(path) => read(&path).map_err(failed)?,
            None => RunConfig::default(),
        };
        config.update_from_arg_matches(matches)?;
        config.check().map_err(failed)?;
        Ok(Self(config))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> std::result::Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Reads a configuration: TOML, or JSON with the settings themselves or under `settings`, as in `run.json`,
/// whose folder is not taken over.
fn read(path: &Path) -> Result<RunConfig> {
    let text =
        std::fs::read_to_string(path).map_err(|e| usage!("cannot read the configuration: {e}: {}", path.display()))?;
    let wrong =
        |e: &dyn std::fmt::Display| usage!("not a configuration: {}: {}", path.display(), e.to_string().trim_end());
    if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
        return toml::from_str(&text).map_err(|e| wrong(&e));
    }
    let mut json: serde_json::Value = serde_json::from_str(&text).map_err(|e| wrong(&e))?;
    // Serde would read a struct from an array, too, by position.
    if !json.get("settings").unwrap_or(&json).is_object() {
        return Err(wrong(&"settings are an object, as in {\"epochs\": 5}"));
    }
    match json.get_mut("settings").map(serde_json::Value::take) {
        Some(settings) => {
            let config: RunConfig = serde_json::from_value(settings).map_err(|e| wrong(&e))?;
            // Another run, with a folder of its own.
            Ok(RunConfig { out: None, overwrite: false, ..config })
        }
        None => serde_json::from_value(json).map_err(|e| wrong(&e)),
    }
}
