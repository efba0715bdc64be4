//! Where each setting of a run is from, and the settings as a file: `train --print-config`.

use super::environment::PREFIX;
use super::run_request::RunRequest;
use crate::error::{Result, usage};
use crate::graph::ModelFile;
use crate::trainer::RunConfig;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Options whose variable has another meaning, which is like theirs.
const OTHER_VARIABLES: [&str; 1] = ["data-dir"];

/// The variable that an option's value may be in: `GPU_CNN_BATCH_SIZE`.
pub(super) fn variable_of(option: &str) -> String {
    format!("{PREFIX}{}", option.replace('-', "_").to_uppercase())
}

/// The options that are settings of runs.
fn options_of_settings() -> Command {
    RunConfig::augment_args_for_update(Command::new("train"))
}

/// Lets the options that are settings of runs and that `heeds` names be said by a variable, too.
pub(super) fn with_variables(command: Command, heeds: &dyn Fn(&str) -> bool) -> Command {
    let settings = options_of_settings();
    let options =
        settings.get_arguments().filter_map(|arg| Some((arg.get_id().to_string(), arg.get_long()?.to_owned())));
    let options: Vec<_> =
        options.filter(|(id, option)| heeds(id) && !OTHER_VARIABLES.contains(&option.as_str())).collect();
    options
        .into_iter()
        .fold(command, |command, (id, option)| command.mut_arg(id, |arg| arg.env(variable_of(&option)).hide_env(true)))
}

/// Names of the variables that say a setting.
pub(super) fn variables() -> Vec<String> {
    let command = options_of_settings();
    let options = command.get_arguments().filter_map(|arg| arg.get_long());
    options.filter(|option| !OTHER_VARIABLES.contains(option)).map(variable_of).collect()
}

/// Where each setting that is not the default is from.
pub(super) fn sources(matches: &ArgMatches, of_file: &[String], file: &str) -> BTreeMap<String, String> {
    let command = options_of_settings();
    let source = |arg: &clap::Arg| {
        let (name, option) = (arg.get_id().as_str(), arg.get_long()?);
        let from = match matches.value_source(name) {
            Some(ValueSource::CommandLine) => format!("--{option}"),
            Some(ValueSource::EnvVariable) => variable_of(option),
            _ if of_file.iter().any(|key| key == name) => file.to_owned(),
            _ => return None,
        };
        Some((name.to_owned(), from))
    };
    command.get_arguments().filter_map(source).collect()
}

/// The settings as a configuration file, each with where it is from; then the layers of the model, where it is that of the file that was read.
///
/// # Errors
/// None that comes up: the settings and the layers are tables.
pub(super) fn config_file(request: &RunRequest) -> Result<String> {
    let RunRequest { config, model, sources, of_file: (_, file), .. } = request;
    let mut settings = config.to_table()?;
    if model.is_some() {
        settings.remove("model");
    }
    let line = |name: &String, value: &Value| match value {
        // A file cannot say that there is nothing.
        Value::Null => (format!("# {name} is not set"), sources.get(name).cloned()),
        value => (
            format!("{name} = {}", toml_of(value)),
            Some(sources.get(name).map_or("default", String::as_str).to_owned()),
        ),
    };
    let lines: Vec<(String, Option<String>)> =
        in_order(settings).iter().map(|(name, value)| line(name, value)).collect();
    let width = lines.iter().map(|(text, _)| text.chars().count()).filter(|width| *width <= 48).max().unwrap_or(0);
    let written = lines.iter().map(|(text, source)| match source {
        Some(source) => format!("{text:width$}  # {source}\n"),
        None => format!("{text}\n"),
    });
    let layers = model.as_ref().map(|model| layers(model, file)).transpose()?;
    Ok(written.chain(layers).collect())
}

/// The layers of the model of `file`, as that of a configuration.
fn layers(model: &ModelFile, file: &str) -> Result<String> {
    let mut layers = serde_json::to_value(&model.layers).map_err(|e| usage!("the model of {file}: {e}"))?;
    for (layer, argument, how) in model.initializer_arguments()? {
        layers[layer][argument] = how;
    }
    let lines = layers.as_array().into_iter().flatten().map(|layer| format!("    {},\n", toml_of(layer)));
    let input: Option<Vec<usize>> = model.input.into_iter().collect();
    let input = input.map(|input| format!("input = {input:?}\n")).unwrap_or_default();
    Ok(format!("\n# The model of {file}\n{input}layers = [\n{}]\n", lines.collect::<String>()))
}

/// The settings in the order in which they are described.
fn in_order(mut settings: Map<String, Value>) -> Vec<(String, Value)> {
    let command = options_of_settings();
    let names = command.get_arguments().map(|arg| arg.get_id().to_string());
    let mut ordered: Vec<(String, Value)> = names.filter_map(|name| settings.remove_entry(&name)).collect();
    ordered.extend(settings);
    ordered
}

/// A value of a table.
fn toml_of(value: &Value) -> String {
    match value {
        Value::Array(values) => format!("[{}]", values.iter().map(toml_of).collect::<Vec<_>>().join(", ")),
        Value::Object(values) => {
            let pairs = values.iter().filter(|(_, value)| !value.is_null());
            let pairs: Vec<String> =
                pairs.map(|(name, value)| format!("{} = {}", Value::from(name.as_str()), toml_of(value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        // Numbers, truth values and strings are written as in JSON.
        value => value.to_string(),
    }
}
