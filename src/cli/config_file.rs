//! Settings in files: TOML with or without a model's layers, JSON, run.json, and the recipes.

use super::options::has_extension;
use super::run_request::RunRequest;
use crate::bounds::{check_values, read_text};
use crate::error::{Error, Result, usage};
use crate::graph::{Functional, Initializer, ModelFile};
use crate::hint::with_reason;
use crate::trainer::RunConfig;
use clap::builder::PossibleValuesParser;
use std::path::Path;

/// `run.json`; what it has beside the settings describes the run.
#[derive(serde::Deserialize)]
struct RunFile {
    settings: RunConfig,
    model: Option<Functional>,
    #[serde(default)]
    initializers: Vec<(String, Initializer)>,
}

/// Reads a configuration: TOML, or JSON with the settings themselves or under `settings`, as in `run.json`,
/// whose folder is not taken over.
pub(super) fn read(path: &Path) -> Result<RunRequest> {
    if path.is_dir() {
        return Err(usage!(
            "cannot read the configuration: it is a folder; the settings of a run are in its run.json: {}",
            path.display()
        ));
    }
    let text = std::fs::File::open(path).and_then(|file| read_text(file, Vec::new()));
    let text = text.map_err(|e| usage!("cannot read the configuration: {e}: {}", path.display()))?;
    parse(&text, path)
}

/// The recipes: settings with a model, each with what it reaches.
const RECIPES: [(&str, &str); 4] = [
    ("best", include_str!("../../assets/recipes/best.toml")),
    ("fast-907", include_str!("../../assets/recipes/fast-907.toml")),
    ("fast-930", include_str!("../../assets/recipes/fast-930.toml")),
    ("fast-940", include_str!("../../assets/recipes/fast-940.toml")),
];

/// The names that `--recipe` takes.
pub(super) fn recipe_names() -> PossibleValuesParser {
    PossibleValuesParser::new(RECIPES.map(|(name, _)| name))
}

/// Reads a recipe.
///
/// # Errors
/// If there is none of that name.
pub(super) fn read_recipe(name: &str) -> Result<RunRequest> {
    let found = RECIPES.into_iter().find(|(known, _)| *known == name);
    let (_, text) = found.ok_or_else(|| usage!("no recipe `{name}`"))?;
    let request = parse(text, Path::new(name))?;
    Ok(RunRequest { of_file: (request.of_file.0, format!("the recipe {name}")), is_recipe: true, ..request })
}

/// What the text of a configuration says; `path` says whether it is JSON, and is used in messages.
fn parse(text: &str, path: &Path) -> Result<RunRequest> {
    check_values(text).map_err(|e| not_a_configuration(path, &e.to_string()))?;
    // Some editors begin a file with a mark of its order of bytes. No TOML begins with a brace.
    let json = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_json = json.trim_start().starts_with('{') || has_extension(path, &["json"]);
    let request = match is_json {
        true => from_json(json),
        false => from_toml(text, path),
    };
    let (keys, request) = request.map_err(|e| not_a_configuration(path, &explained(&e)))?;
    Ok(RunRequest { of_file: (keys, path.display().to_string()), ..request })
}

/// Keys of the settings, and the run that they ask for.
type Keyed = (Vec<String>, RunRequest);

/// Settings, and with them the layers of a model, if the file has any, which then is called as the file.
fn from_toml(text: &str, path: &Path) -> Result<Keyed, String> {
    let mut table: toml::Table = toml::from_str(text).map_err(|e| e.to_string())?;
    let keys = table.keys().cloned().collect();
    if !table.contains_key("layers") {
        // From the text, whose lines the messages quote.
        return toml::from_str(text).map(|config| (keys, of_config(config))).map_err(|e| e.to_string());
    }
    if table.contains_key("model") {
        return Err("it has `layers`, and so a model; `model` names another".into());
    }
    let model = ModelFile::parse_part(text).map_err(|e| e.to_string())?;
    for key in ["layers", "input"] {
        table.remove(key);
    }
    let mut config: RunConfig = table.try_into().map_err(|e: toml::de::Error| e.to_string())?;
    config.model = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok((keys, RunRequest { config, model: Some(model), is_own_model: true, ..RunRequest::default() }))
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

pub(super) fn not_a_configuration(path: &Path, why: &str) -> Error {
    usage!("not a configuration: {}: {why}", path.display())
}

fn of_config(config: RunConfig) -> RunRequest {
    RunRequest { config, ..RunRequest::default() }
}

/// Parsed twice: a [`serde_json::Value`] shows what it is, but keeps only the last of two equal keys.
fn from_json(text: &str) -> Result<Keyed, String> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let settings = value.get("settings");
    // Serde would read a struct from an array, too, by position.
    let Some(table) = settings.unwrap_or(&value).as_object() else {
        return Err("settings are an object, as in {\"epochs\": 5}".into());
    };
    let keys = table.keys().cloned().collect();
    match settings {
        Some(_) => {
            let RunFile { settings, model, initializers } = serde_json::from_str(text).map_err(|e| e.to_string())?;
            // Another run, with a folder of its own.
            let config = RunConfig { out: None, overwrite: false, ..settings };
            // Over images of any shape, as `settings` may get other data.
            let of_layers = |Functional { layers, .. }| ModelFile { initializers, ..ModelFile::of_layers(layers) };
            let model = model.map(of_layers);
            Ok((keys, RunRequest { config, model, ..RunRequest::default() }))
        }
        None => serde_json::from_str(text).map(|config| (keys, of_config(config))).map_err(|e| e.to_string()),
    }
}
