//! Weights of files of any kind.

use crate::error::Result;
use crate::graph::{Weights, parse_weights, read_safetensors};
use crate::trainer::Checkpoint;
use std::path::Path;

/// Reads a weights file ([`crate::graph::load_weights`]), or the weights of inference of a checkpoint.
///
/// # Errors
/// If it is neither, or damaged.
pub(super) fn load_weights(path: &Path) -> Result<Weights> {
    let bytes = read_safetensors(path, "weights file")?;
    match Checkpoint::is_in(&bytes) {
        true => parse_weights(Checkpoint::parse(&bytes, path)?.weights()?, path),
        false => parse_weights(bytes, path),
    }
}
