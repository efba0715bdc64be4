//! `gpu-cnn export`: a trained model in the formats of other programs.

use super::export_check::check;
use super::options::{Trained, TrainedArgs, read_trained, weights_path};
use crate::error::{Error, Result};
use crate::files;
use crate::graph::{save_weights, to_archive, to_json, to_npz, to_weights_h5};
use crate::onnx::{OPSET, OPSETS, to_onnx};
use crate::report::{RunFolder, note};
use clap::ValueEnum;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    trained: TrainedArgs,
    /// What to write [default: what the name of the output file says]
    #[arg(long, value_enum, required_unless_present = "output")]
    format: Option<Format>,
    /// The file to write [default: model.onnx, or as the format has it, in the run's folder or beside the file]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The version of ONNX's operators, 13 to 21 [default: 17]
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(i64).range(OPSETS))]
    opset: Option<i64>,
    /// Evaluate the ONNX file by ONNX's definitions, and compare with the model's own predictions
    #[arg(long)]
    check: bool,
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
    /// The model and its weights, for ONNX runtimes (FILE.onnx)
    Onnx,
    /// The weights as NumPy arrays, in the order of Keras's `set_weights()` (FILE.npz)
    Npz,
}

impl Format {
    /// How the names of files of each format end.
    const ENDS: [(&str, Self); 6] = [
        (".keras", Self::Keras),
        (".json", Self::Json),
        (".weights.h5", Self::WeightsH5),
        (".safetensors", Self::Safetensors),
        (".onnx", Self::Onnx),
        (".npz", Self::Npz),
    ];

    /// The format that the name of a file says.
    fn of(path: &Path) -> Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let found = Self::ENDS.into_iter().find(|(end, _)| name.ends_with(end)).map(|(_, format)| format);
        found.ok_or_else(|| {
            let [others @ .., last] = Self::ENDS.map(|(end, _)| end);
            Error::Usage(format!(
                "--format says what to write; the name of --output does, if it ends in {} or {last}: {}",
                others.join(", "),
                path.display()
            ))
        })
    }
}

/// What is written, and where: to the file that is named, else beside the weights.
fn place(args: &Args) -> Result<(Format, PathBuf)> {
    match (&args.output, args.format) {
        (Some(output), _) if output.as_os_str() == "-" => {
            Err(Error::Usage("--output names a file; an export is not written to standard output".into()))
        }
        (Some(output), Some(format)) => match Format::of(output) {
            Ok(named) if named != format => Err(Error::Usage(format!(
                "the name of --output is that of another format than --format says: {}",
                output.display()
            ))),
            _ => Ok((format, output.clone())),
        },
        (Some(output), None) => Ok((Format::of(output)?, output.clone())),
        (None, None) => Err(Error::Usage("--format says what to write, or the name of --output does".into())),
        (None, Some(format)) => {
            let weights = weights_path(&args.trained.run_or_file)?;
            let end = Format::ENDS.into_iter().find(|(_, of)| *of == format).map_or("", |(end, _)| end);
            let mut name = weights.file_stem().unwrap_or_default().to_owned();
            name.push(end);
            let output = weights.with_file_name(name);
            match output == weights {
                true => Err(Error::Usage(format!("--output says where to write; not over {}", weights.display()))),
                false => Ok((format, output)),
            }
        }
    }
}

pub(super) fn run(args: &Args) -> Result<()> {
    let (format, output) = place(args)?;
    for (option, is_given) in [("--opset", args.opset.is_some()), ("--check", args.check)] {
        if is_given && format != Format::Onnx {
            return Err(Error::Usage(format!("{option} is for --format onnx alone: {}", output.display())));
        }
    }
    if RunFolder::holds(&output) {
        return Err(Error::Usage(format!("--output is a file of a run, which would be lost: {}", output.display())));
    }
    files::check(&output).map_err(|e| Error::output(&output, e))?;
    let trained = read_trained(&args.trained)?;
    let Trained { model, graph, weights, images, path, .. } = &trained;
    let exported = match format {
        Format::Keras => to_archive(graph, weights),
        Format::Json => to_json(graph).map(String::into_bytes),
        Format::WeightsH5 => to_weights_h5(graph, weights),
        Format::Safetensors => save_weights(model, graph, weights, images),
        Format::Onnx => to_onnx(graph, weights, &images.class_names, args.opset.unwrap_or(OPSET)),
        Format::Npz => to_npz(graph, weights),
    };
    let bytes = exported.map_err(|e| Error::Usage(format!("{e}: {}", path.display())))?;
    if args.check {
        // Before anything is written: a file that is there stays where the new one is wrong.
        check(&bytes, &trained, &output)?;
    }
    files::write(&output, &bytes).map_err(|e| Error::output(&output, e))?;
    note(&format!("wrote {} bytes: {}", bytes.len(), output.display()));
    let [height, width, channels] = graph.input;
    match format {
        Format::Onnx => note(&format!(
            "note: the file takes pixels from 0 to 255 as floats, [N, {height}, {width}, {channels}], and gives probabilities"
        )),
        Format::Safetensors => {}
        _ if graph.largest_pixel() == 1.0 => {
            note("note: this model takes pixels from 0 to 1: in Keras, divide those of images by 255");
        }
        _ => {}
    }
    Ok(())
}
