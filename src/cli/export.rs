//! `gpu-cnn export`: a trained model in the formats of other programs.

use super::options::{Trained, read_trained};
use crate::error::{Error, Result};
use crate::files;
use crate::graph::{save_weights, to_archive, to_json, to_weights_h5};
use crate::report::note;
use clap::ValueEnum;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run folder, a weights file, or a checkpoint
    run_or_file: PathBuf,
    /// What to write [default: what the name of the output file says]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The file to write
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// The model, for a file that does not describe it, as for `train`
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// The weights are PyTorch's: names such as features.0.weight, output channels first
    #[arg(long)]
    from_pytorch: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Keras's archive: the model and its weights (FILE.keras)
    Keras,
    /// The model alone, as Keras's `to_json()` (FILE.json)
    Json,
    /// The weights, as Keras's `save_weights()` (FILE.weights.h5)
    WeightsH5,
    /// The weights by layer and name, with the model in the metadata (FILE.safetensors)
    Safetensors,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let format = args.format.map_or_else(|| format_of(&args.output), Ok)?;
    files::check(&args.output).map_err(|e| Error::output(&args.output, e))?;
    let Trained { model, graph, weights, images, path } =
        read_trained(&args.run_or_file, args.model.as_deref(), args.from_pytorch)?;
    let exported = match format {
        Format::Keras => to_archive(&graph, &weights),
        Format::Json => to_json(&graph).map(String::into_bytes),
        Format::WeightsH5 => to_weights_h5(&graph, &weights),
        Format::Safetensors => save_weights(&model, &graph, &weights, &images),
    };
    let bytes = exported.map_err(|e| Error::Usage(format!("{e}: {}", path.display())))?;
    files::write(&args.output, &bytes).map_err(|e| Error::output(&args.output, e))?;
    note(&format!("wrote {} bytes: {}", bytes.len(), args.output.display()));
    if graph.largest_pixel() == 1.0 && format != Format::Safetensors {
        note("note: this model takes pixels from 0 to 1: in Keras, divide those of images by 255");
    }
    Ok(())
}

/// The format that the name of a file says.
fn format_of(path: &Path) -> Result<Format> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let known = [
        (".keras", Format::Keras),
        (".json", Format::Json),
        (".weights.h5", Format::WeightsH5),
        (".safetensors", Format::Safetensors),
    ];
    let found = known.into_iter().find(|(end, _)| name.ends_with(end)).map(|(_, format)| format);
    found.ok_or_else(|| {
        Error::Usage(format!(
            "--format says what to write; the name of --output does, if it ends in .keras, .json, .weights.h5 or .safetensors: {}",
            path.display()
        ))
    })
}
