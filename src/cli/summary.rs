//! `gpu-cnn summary`: prints the layers, output shapes and parameter counts of a model.

use super::environment;
use super::options::{Format, ModelChoice, build};
use super::run_args::{Names, Shared};
use crate::error::{Error, Result};
use crate::report::{print, print_json, summary_table};

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
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug)]
struct Options;

impl Names for Options {
    const NAMES: &'static [&'static str] = &["model"];
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
    let summary = model.summary()?;
    match args.format {
        Format::Text => print(&summary_table(&summary, environment::columns())),
        Format::Json => print_json(&summary),
    }
}
