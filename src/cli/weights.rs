//! Weights of files of any kind.

use crate::error::{Result, usage};
use crate::graph::{Weights, parse_weights, read_safetensors};
use crate::trainer::Checkpoint;
use serde_json::Value;
use std::path::Path;

/// Reads a weights file ([`crate::graph::load_weights`]), or the weights of inference of a checkpoint, with that run's description.
///
/// # Errors
/// If it is neither, or damaged.
pub(super) fn load_weights(path: &Path) -> Result<(Weights, Option<Value>)> {
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx")) {
        return Err(usage!(
            "ONNX files are written, and not read; export a run to .safetensors, .keras or .h5: {}",
            path.display()
        ));
    }
    let bytes = read_safetensors(path, "weights file")?;
    if !Checkpoint::is_in(&bytes) {
        return Ok((parse_weights(bytes, path)?, None));
    }
    let mut checkpoint = Checkpoint::parse(&bytes, path)?;
    let description = checkpoint.state.host["description"].take();
    Ok((parse_weights(checkpoint.weights()?, path)?, Some(description)))
}
