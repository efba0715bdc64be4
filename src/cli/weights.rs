//! Weights of files of any kind.

use crate::error::Result;
use crate::graph::{Weights, parse_weights, read_safetensors};
use crate::trainer::Checkpoint;
use serde_json::Value;
use std::path::Path;

/// Reads a weights file ([`crate::graph::load_weights`]), or the weights of inference of a checkpoint, with that run's description.
///
/// # Errors
/// If it is neither, or damaged.
pub(super) fn load_weights(path: &Path) -> Result<(Weights, Option<Value>)> {
    let bytes = read_safetensors(path, "weights file")?;
    if !Checkpoint::is_in(&bytes) {
        return Ok((parse_weights(bytes, path)?, None));
    }
    let mut checkpoint = Checkpoint::parse(&bytes, path)?;
    let description = checkpoint.state.host["description"].take();
    Ok((parse_weights(checkpoint.weights()?, path)?, Some(description)))
}
