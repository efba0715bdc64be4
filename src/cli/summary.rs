//! `gpu-cnn summary`: prints the layers, output shapes and parameter counts of a model.

use super::environment;
use super::options::{Format, ModelChoice, build};
use super::run_args::{Names, Shared};
use crate::error::{Error, Result};
use crate::graph::Model;
use crate::plan::Profile;
use crate::report::{print, print_json, summary_table};
use crate::trainer::{RunConfig, shader_digests};
use serde_json::json;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    shared: Shared<Options>,
    /// Height, width and channels of an image [default: those in the model's file, or 28,28,1]
    #[arg(long, value_name = "H,W,C", value_delimiter = ',', num_args = 1..)]
    input_shape: Option<Vec<usize>>,
    /// Number of classes, for the last layer of a model that is built in [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=256))]
    classes: Option<u16>,
    /// In place of the summary the SHA-256 of every WGSL shader by which an adapter of PROFILE trains the model: software, discrete or integrated
    #[arg(long, value_name = "PROFILE", num_args = 0..=1, default_missing_value = "integrated")]
    shaders: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug)]
struct Options;

impl Names for Options {
    const NAMES: &'static [&'static str] = &["model", "batch_size"];
}

/// Height, width and channels of the images of Fashion-MNIST, and the number of its classes.
const DEFAULT_INPUT: [usize; 3] = [28, 28, 1];
const DEFAULT_CLASSES: u16 = 10;

pub(super) fn run(args: &Args) -> Result<()> {
    let requested: Option<[usize; 3]> =
        args.input_shape.clone().map(TryInto::try_into).transpose().map_err(|shape: Vec<usize>| {
            Error::Usage(format!("--input-shape has {} numbers, but takes three: height,width,channels", shape.len()))
        })?;
    let model = match ModelChoice::read(&args.shared.0.model)? {
        ModelChoice::Preset(preset) => {
            preset.build(requested.unwrap_or(DEFAULT_INPUT), args.classes.unwrap_or(DEFAULT_CLASSES).into())
        }
        ModelChoice::File(_, name) if args.classes.is_some() => {
            return Err(Error::Usage(format!("--classes is for models that are built in; the model is `{name}`")));
        }
        ModelChoice::File(file, name) => {
            let input = requested.unwrap_or_else(|| file.input_or(DEFAULT_INPUT));
            build(file, input, &name)?
        }
    };
    if let Some(name) = &args.shaders {
        return shaders(&model, &args.shared.0, name, args.format);
    }
    let summary = model.summary()?;
    match args.format {
        Format::Text => print(&summary_table(&summary, environment::columns())),
        Format::Json => print_json(&summary),
    }
}

/// Prints the digests of the shaders of `model` on adapters whose profile has this name.
fn shaders(model: &Model, config: &RunConfig, name: &str, format: Format) -> Result<()> {
    let known = Profile::ADAPTERS.into_iter().find(|profile| profile.name == name);
    let profile = known.ok_or_else(|| {
        let names = Profile::ADAPTERS.map(|profile| profile.name).join(", ");
        Error::Usage(format!("no profile `{name}`; there are {names}"))
    })?;
    let digests = shader_digests(&model.graph()?, config, profile)?;
    match format {
        Format::Text => {
            print(&digests.iter().map(|shader| format!("{}  {}\n", shader.sha256, shader.name)).collect::<String>())
        }
        Format::Json => print_json(&json!({ "profile": name, "shaders": digests })),
    }
}
