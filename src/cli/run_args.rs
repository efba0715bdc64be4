//! The options of a run: a configuration file, and options that override it; and those of them that other subcommands have.

use super::options::has_extension;
use super::setting_sources::{FILE, sources, with_variables};
use crate::bounds::{check_values, read_text};
use crate::error::{Error, Result, usage};
use crate::graph::{Functional, Initializer, ModelFile, Preset};
use crate::hint::with_reason;
use crate::report::{Found, RunFolder};
use crate::trainer::RunConfig;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

type Matched<T> = std::result::Result<T, clap::Error>;

/// The options of [`RunConfig`], none of them required, with its defaults in their help.
fn add_options(command: Command) -> Command {
    let command = with_variables(RunConfig::augment_args_for_update(command));
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

/// A run: its configuration is the defaults, then a file, then single options.
#[derive(Debug, Clone, Default)]
pub(super) struct RunRequest {
    pub(super) config: RunConfig,
    /// The model of an earlier run, in place of the file that it was read from and that may have changed since.
    pub(super) model: Option<ModelFile>,
    /// The run to go on with.
    pub(super) resume: Option<Box<Resumed>>,
    /// Where each setting is from that is not the default.
    pub(super) sources: BTreeMap<String, String>,
    /// Keys of the file of settings, and what it is called.
    pub(super) of_file: (Vec<String>, String),
}

/// A run to go on with.
#[derive(Debug, Clone)]
pub(super) struct Resumed {
    pub(super) run: Found,
    /// Whether an option names the model, so that it has to be compared.
    pub(super) names_model: bool,
}

impl RunRequest {
    /// The file of settings that was read although no option names it.
    pub(super) fn found_file(&self) -> Option<&str> {
        Some(self.of_file.1.as_str()).filter(|name| *name == FILE)
    }
}

/// Epochs of a run that is to learn a few images by heart, unless others are asked for.
const OVERFIT_EPOCHS: u64 = 100;

/// The options that are no settings.
#[derive(Debug, Clone, Args)]
struct ConfigFile {
    /// Settings to start from: a TOML or JSON file, or the run.json of an earlier run; other options override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Go on with a run: its folder, or one of the checkpoints in it; with it go --epochs, --adapter, --threads, where the data are, and how often checkpoints are written
    #[arg(long, value_name = "RUN", conflicts_with_all = ["config", "out", "overwrite", "weights", "from_pytorch", "resume_optimizer"])]
    resume: Option<PathBuf>,
}

impl Args for RunArgs {
    fn augment_args(command: Command) -> Command {
        add_options(ConfigFile::augment_args(command))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for RunArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Matched<Self> {
        let ConfigFile { config: file, resume } = ConfigFile::from_arg_matches(matches)?;
        let base = match (&resume, &file) {
            (Some(path), _) => resumed(path, matches.get_raw("model").is_some()),
            (None, Some(path)) => read(path),
            (None, None) if Path::new(FILE).is_file() => read(Path::new(FILE)),
            (None, None) => Ok(RunRequest::default()),
        };
        let from_file = match base {
            Ok(request) => request,
            Err(error) => return Ok(Self(Err(error))),
        };
        let mut config = from_file.config.clone();
        config.update_from_arg_matches(matches)?;
        let (keys, name) = &from_file.of_file;
        let sources = sources(matches, keys, name);
        if config.overfit_batches.is_some() && !sources.contains_key("epochs") {
            config.epochs = OVERFIT_EPOCHS;
        }
        // A preset is made for the images and the classes of the data.
        let is_recorded = matches.get_raw("model").is_none() && Preset::named(&config.model).is_none();
        // Together: an option may be what a setting of the file needs.
        let is_read = resume.is_none() && !name.is_empty();
        let checked = config.check().map_err(|error| match from_file.config.check() {
            Err(_) if is_read => not_a_configuration(Path::new(name), &error.to_string()),
            _ => error,
        });
        let RunRequest { model, resume, of_file, .. } = from_file;
        let model = model.filter(|_| is_recorded);
        let request = RunRequest { config, model, resume, sources, of_file };
        Ok(Self(checked.map(|()| Box::new(request))))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Matched<()> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
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
        let all = add_options(Command::new("train"));
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

/// `run.json`; what it has beside the settings describes the run.
#[derive(serde::Deserialize)]
struct RunFile {
    settings: RunConfig,
    model: Option<Functional>,
    #[serde(default)]
    initializers: Vec<(String, Initializer)>,
}

/// The run of a folder or a checkpoint, with its settings.
fn resumed(path: &Path, names_model: bool) -> Result<RunRequest> {
    let run = RunFolder::find(path)?;
    let config = run.checkpoint.state.config.clone();
    let of_file = (names_of(&serde_json::to_value(&config).unwrap_or_default()), "the run".to_owned());
    let resume = Some(Box::new(Resumed { run, names_model }));
    Ok(RunRequest { config, resume, of_file, ..RunRequest::default() })
}

/// Reads a configuration: TOML, or JSON with the settings themselves or under `settings`, as in `run.json`,
/// whose folder is not taken over.
pub(super) fn read(path: &Path) -> Result<RunRequest> {
    let text = std::fs::File::open(path).and_then(|file| read_text(file, Vec::new()));
    let text = text.map_err(|e| usage!("cannot read the configuration: {e}: {}", path.display()))?;
    parse(&text, path)
}

/// What the text of a configuration says; `path` says whether it is JSON, and is used in messages.
fn parse(text: &str, path: &Path) -> Result<RunRequest> {
    check_values(text).map_err(|e| not_a_configuration(path, &e.to_string()))?;
    // Some editors begin a file with a mark of its order of bytes. No TOML begins with a brace.
    let json = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_json = json.trim_start().starts_with('{') || has_extension(path, &["json"]);
    let request = match is_json {
        true => from_json(json),
        false => toml::from_str(text).map(of_config).map_err(|e| e.to_string()),
    };
    let request = request.map_err(|e| not_a_configuration(path, &explained(&e)))?;
    let value: Option<serde_json::Value> =
        if is_json { serde_json::from_str(json).ok() } else { toml::from_str(text).ok() };
    let value = value.unwrap_or_default();
    let keys = names_of(value.get("settings").unwrap_or(&value));
    Ok(RunRequest { of_file: (keys, path.display().to_string()), ..request })
}

/// The keys of a table.
fn names_of(table: &serde_json::Value) -> Vec<String> {
    table.as_object().into_iter().flat_map(|table| table.keys().cloned()).collect()
}

/// The settings that the text of a configuration has, checked, and the model of its run, if it is a run's; `path` as for a file. For tests
/// and for fuzzing.
///
/// # Errors
/// As for the option.
pub fn parse_configuration(text: &str, path: &Path) -> Result<(RunConfig, Option<ModelFile>)> {
    let RunRequest { config, model, .. } = parse(text, path)?;
    config.check()?;
    Ok((config, model))
}

/// The message with a hint: what was probably meant, or, since no setting is unknown among the settings, that it is one of them.
fn explained(error: &str) -> String {
    let settings = serde_json::to_value(RunConfig::default()).unwrap_or_default();
    with_reason(error, |name| {
        settings.get(name).map(|_| format!("`{name}` is a setting of the run: write it at the top level"))
    })
}

fn not_a_configuration(path: &Path, why: &str) -> Error {
    usage!("not a configuration: {}: {why}", path.display())
}

fn of_config(config: RunConfig) -> RunRequest {
    RunRequest { config, ..RunRequest::default() }
}

/// Parsed twice: a [`serde_json::Value`] shows what it is, but keeps only the last of two equal keys.
fn from_json(text: &str) -> Result<RunRequest, String> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let settings = value.get("settings");
    // Serde would read a struct from an array, too, by position.
    if !settings.unwrap_or(&value).is_object() {
        return Err("settings are an object, as in {\"epochs\": 5}".into());
    }
    match settings {
        Some(_) => {
            let RunFile { settings, model, initializers } = serde_json::from_str(text).map_err(|e| e.to_string())?;
            // Another run, with a folder of its own.
            let config = RunConfig { out: None, overwrite: false, ..settings };
            // Over images of any shape, as `settings` may get other data.
            let of_layers = |Functional { layers, .. }| ModelFile { initializers, ..ModelFile::of_layers(layers) };
            let model = model.map(of_layers);
            Ok(RunRequest { config, model, ..RunRequest::default() })
        }
        None => serde_json::from_str(text).map(of_config).map_err(|e| e.to_string()),
    }
}
