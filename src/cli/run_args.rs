//! The options of a run: a configuration file, and options that override it; and those of them that other subcommands have.

use super::config_file::{not_a_configuration, read, read_recipe, recipe_names};
use super::job::follows;
use super::precedence::{OF_THE_MACHINE, of_resumed, of_variables, one_of_each};
use super::run_request::{FILE, Resumed, RunRequest, is_file_there};
use super::setting_sources::{sources, with_variables};
use crate::error::{Error, Result};
use crate::graph::Preset;
use crate::report::RunFolder;
use crate::trainer::RunConfig;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use std::ffi::OsString;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

type Matched<T> = std::result::Result<T, clap::Error>;

/// The options of [`RunConfig`], none of them required, with its defaults in their help. Variables may say those that `heeds` names.
fn add_options(command: Command, heeds: &dyn Fn(&str) -> bool) -> Command {
    let command = with_variables(RunConfig::augment_args_for_update(command), heeds);
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

/// The run that a command line asks for, or what is wrong with it.
#[derive(Debug)]
pub(super) struct RunArgs(pub(super) Result<Box<RunRequest>>);

/// Epochs of a run that is to learn a few images by heart, unless others are asked for.
const OVERFIT_EPOCHS: u64 = 100;

/// The options that are no settings.
#[derive(Debug, Clone, Args)]
struct ConfigFile {
    /// Settings to start from: a TOML or JSON file, or the run.json of an earlier run; other options override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Settings and model that are known to reach an accuracy; the file of each says which, in how long. Other options override it
    #[arg(long, value_name = "NAME", value_parser = recipe_names(), conflicts_with = "config")]
    recipe: Option<String>,
    /// Go on with a run: its folder, or one of the checkpoints in it; with it go --epochs, --adapter, --threads, where the data are, and how often checkpoints are written
    #[arg(long, value_name = "RUN", conflicts_with_all = ["config", "recipe"])]
    resume: Option<PathBuf>,
}

impl Args for RunArgs {
    fn augment_args(command: Command) -> Command {
        add_options(ConfigFile::augment_args(command), &|_| true)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for RunArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Matched<Self> {
        let ConfigFile { config: file, recipe, resume } = ConfigFile::from_arg_matches(matches)?;
        let is_asked = |name: &str| matches.value_source(name) == Some(ValueSource::CommandLine);
        let base = match (&resume, &file, &recipe) {
            (Some(path), ..) => resumed(path, is_asked("model")),
            (None, Some(path), _) => read(path),
            (None, None, Some(name)) => read_recipe(name),
            (None, None, None) if is_file_there() => read(Path::new(FILE)),
            (None, None, None) => Ok(RunRequest::default()),
        };
        let from_file = match base {
            Ok(request) => request,
            Err(error) => return Ok(Self(Err(error))),
        };
        let mut config = from_file.config.clone();
        config.update_from_arg_matches(matches)?;
        Ok(Self(request(from_file, config, matches).map(Box::new)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Matched<()> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// What is asked for: `from_file`, with the settings `config` that options and variables make of its own.
fn request(from_file: RunRequest, mut config: RunConfig, matches: &ArgMatches) -> Result<RunRequest> {
    let (keys, name) = &from_file.of_file;
    let mut sources = sources(matches, keys, name);
    config = match from_file.resume.is_some() {
        true => of_resumed(config, &from_file.config, matches)?,
        false => one_of_each(config, &mut sources)?,
    };
    // The epochs of a file that asks for no such run are meant for all images.
    let [epochs, overfit] = ["epochs", "overfit_batches"].map(|name| sources.get(name));
    if config.overfit_batches.is_some() && (epochs.is_none() || epochs == Some(name) && overfit != Some(name)) {
        config.epochs = OVERFIT_EPOCHS;
    }
    // A preset is made for the images and the classes of the data.
    let is_recorded = matches.get_raw("model").is_none() && Preset::named(&config.model).is_none();
    // Together: an option may be what a setting of the file needs.
    let is_read = from_file.resume.is_none() && !name.is_empty();
    config.check().map_err(|error| match from_file.config.check() {
        Err(_) if is_read => not_a_configuration(Path::new(name), &error.to_string()),
        _ => {
            let text = error.to_string();
            Error::Usage(format!("{text}{}", of_variables(&text, &sources)))
        }
    })?;
    if from_file.resume.is_none() {
        config.check_numbers()?;
    }
    let model = from_file.model.filter(|_| is_recorded);
    Ok(RunRequest { config, model, sources, ..from_file })
}

/// Names, as in [`RunConfig`], of the options that another subcommand has, too.
pub(super) trait Names: std::fmt::Debug {
    const NAMES: &'static [&'static str];
}

/// Those options of `train` that `N` names, and the names of those that were given; other settings have their defaults.
#[derive(Debug)]
pub(super) struct Shared<N: Names>(pub(super) Box<RunConfig>, pub(super) Vec<&'static str>, PhantomData<N>);

impl<N: Names> Args for Shared<N> {
    fn augment_args(command: Command) -> Command {
        let all = add_options(Command::new("train"), &|name| OF_THE_MACHINE.contains(&name));
        command.args(all.get_arguments().filter(|arg| N::NAMES.contains(&arg.get_id().as_str())))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<N: Names> FromArgMatches for Shared<N> {
    /// Passes the named options on to a parser that knows all, since that of [`RunConfig`] asks for each.
    fn from_arg_matches(matches: &ArgMatches) -> Matched<Self> {
        let parser = RunConfig::augment_args_for_update(Command::new("train")).no_binary_name(true);
        let mut options = Vec::new();
        for arg in parser.get_arguments().filter(|arg| N::NAMES.contains(&arg.get_id().as_str())) {
            for value in matches.get_raw(arg.get_id().as_str()).into_iter().flatten() {
                let mut option = OsString::from(format!("--{}=", arg.get_long().unwrap_or_default()));
                option.push(value);
                options.push(option);
            }
        }
        let mut config = RunConfig::default();
        config.update_from_arg_matches(&parser.try_get_matches_from(options)?)?;
        let given = N::NAMES.iter().copied().filter(|name| matches.get_raw(name).is_some()).collect();
        Ok(Self(Box::new(config), given, PhantomData))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Matched<()> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The run of a folder or a checkpoint, with its settings.
fn resumed(path: &Path, names_model: bool) -> Result<RunRequest> {
    let run = RunFolder::find(path, follows())?;
    let config = run.checkpoint.state.config.clone();
    let of_file = (config.to_table()?.keys().cloned().collect(), "the run".to_owned());
    let resume = Some(Box::new(Resumed { run, names_model }));
    Ok(RunRequest { config, resume, of_file, ..RunRequest::default() })
}
