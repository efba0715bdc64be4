//! `gpu-cnn summary`

use super::options::{Format, build_model};
use crate::report::{print, print_json, summary_table};
use gpu_cnn::{Error, Result};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// cnn, dnn, or a TOML file
    #[arg(long, default_value = "cnn", value_name = "MODEL")]
    model: String,
    /// Height, width and channels of an image
    #[arg(long, default_value = "28,28,1", value_name = "H,W,C", value_delimiter = ',', num_args = 1..)]
    input_shape: Vec<usize>,
    /// Classes, for the presets' last layer
    #[arg(long, default_value_t = 10, value_name = "N")]
    classes: usize,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let input: [usize; 3] = args.input_shape.clone().try_into().map_err(|shape: Vec<usize>| {
        Error::Usage(format!("--input-shape has {} numbers, it takes height,width,channels", shape.len()))
    })?;
    let summary = build_model(&args.model, input, args.classes.min(usize::from(u8::MAX) + 1))?.summary()?;
    match args.format {
        Format::Text => print(&summary_table(&summary)),
        Format::Json => print_json(&summary),
    }
}
