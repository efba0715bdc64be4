//! The files that Keras writes: `.keras`, a zip of the configuration and an HDF5 file with the variables, and HDF5 files as they are.

use super::hdf5::Hdf5;
use super::layout::Layout;
use super::object::check_version;
use super::optimizer::{self, SavedOptimizer};
use crate::bounds::{MAX_TEXT, check_values};
use crate::error::{Result, usage};
use crate::graph::Graph;
use serde_json::Value;
use std::io::{Cursor, Read};
use std::path::Path;
use zip::ZipArchive;

/// How often the length of a compressed entry its content may be.
const MAX_EXPANSION: u64 = 16;

/// Whether the bytes begin a zip archive.
pub(in crate::graph) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// Whether the bytes begin an HDF5 file.
pub(in crate::graph) fn is_hdf5(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89HDF\r\n\x1a\n")
}

/// A file of Keras: what describes the model, and its variables.
#[derive(Debug)]
pub(in crate::graph) struct Archive {
    /// JSON, as `model.to_json()` writes it, unless the file holds weights alone.
    pub(in crate::graph) config: Option<String>,
    pub(in crate::graph) variables: Hdf5,
}

impl Archive {
    /// Reads the bytes of a zip archive or an HDF5 file.
    ///
    /// # Errors
    /// What is damaged, or what the file holds that is not supported.
    pub(in crate::graph) fn read(bytes: Vec<u8>) -> Result<Self> {
        if is_hdf5(&bytes) {
            let variables = Hdf5::open(bytes)?;
            let config = variables.root_text("model_config")?;
            check_version(variables.root_text("keras_version")?.as_deref(), config.as_deref().unwrap_or_default())?;
            return Ok(Self { config, variables });
        }
        let damaged = |e| usage!("not a .keras archive: {e}");
        let mut zip = ZipArchive::new(Cursor::new(&bytes[..])).map_err(damaged)?;
        let names: Vec<String> = zip.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
        let has = |name: &str| names.iter().any(|known| known == name);
        if !has("config.json") {
            return Err(usage!("not a .keras archive: the zip has no `config.json`; it has {}", listed(&names)));
        }
        for sharded in ["model.weights.json", "model.weights.h5.json"] {
            if has(sharded) {
                return Err(usage!(
                    "weights in several files (`{sharded}`) are not supported; save the model without max_shard_size"
                ));
            }
        }
        if !has("model.weights.h5") {
            return Err(usage!("the archive has no `model.weights.h5`; it has {}", listed(&names)));
        }
        let config = String::from_utf8(entry(&mut zip, bytes.len(), "config.json", MAX_TEXT)?)
            .map_err(|e| usage!("`config.json` is not UTF-8: {e}"))?;
        if has("metadata.json") {
            let metadata = entry(&mut zip, bytes.len(), "metadata.json", MAX_TEXT)?;
            let metadata = String::from_utf8_lossy(&metadata);
            check_values(&metadata)?;
            let metadata: Value = serde_json::from_str(&metadata).unwrap_or_default();
            check_version(metadata["keras_version"].as_str(), &config)?;
        }
        let variables = entry(&mut zip, bytes.len(), "model.weights.h5", u64::MAX)?;
        let variables = Hdf5::open(variables).map_err(|e| usage!("`model.weights.h5`: {e}"))?;
        Ok(Self { config: Some(config), variables })
    }

    /// Where the model has its variables; empty if it cannot be read, of which who wants the model is told.
    pub(in crate::graph) fn layout(&self) -> Layout {
        let read = self.config.as_deref().and_then(|config| super::read(config).ok());
        read.map(|read| read.layout).unwrap_or_default()
    }
}

/// The optimizer that a `.keras` file was saved with, its state laid out as the parameters of `graph`.
///
/// # Errors
/// If the file cannot be read, or has no optimizer that can go on here.
pub fn load_optimizer(path: &Path, graph: &Graph) -> Result<SavedOptimizer> {
    let bytes = std::fs::read(path).map_err(|e| usage!("cannot read the optimizer: {e}: {}", path.display()))?;
    parse_optimizer(bytes, graph).map_err(|e| usage!("{e}: {}", path.display()))
}

/// As [`load_optimizer`], from the bytes of a file.
///
/// # Errors
/// As [`load_optimizer`].
pub fn parse_optimizer(bytes: Vec<u8>, graph: &Graph) -> Result<SavedOptimizer> {
    if !is_zip(&bytes) {
        return Err(usage!("the state of an optimizer is taken from .keras files"));
    }
    let archive = Archive::read(bytes)?;
    let own = archive.layout();
    let layout = if own.is_of(graph) { own } else { Layout::of_graph(graph) };
    optimizer::read(archive.config.as_deref().unwrap_or_default(), &archive.variables.optimizer()?, &layout, graph)
}

/// The content of an entry, of at most `max` bytes.
fn entry(zip: &mut ZipArchive<Cursor<&[u8]>>, len: usize, name: &str, max: u64) -> Result<Vec<u8>> {
    let damaged = |e: &dyn std::fmt::Display| usage!("not a .keras archive: `{name}`: {e}");
    let len = len as u64;
    let entry = zip.by_name(name).map_err(|e| damaged(&e))?;
    // The archive says how long an entry is, and it may lie.
    let compressed = entry.compressed_size().min(len);
    let max = max.min(compressed.saturating_mul(MAX_EXPANSION));
    let mut bytes = Vec::new();
    entry.take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| damaged(&e))?;
    match bytes.len() as u64 > max {
        true => Err(usage!("`{name}` unpacks to more than {max} bytes")),
        false => Ok(bytes),
    }
}

/// The first few of some names.
fn listed(names: &[String]) -> String {
    const FEW: usize = 5;
    let few: Vec<String> =
        names.iter().take(FEW).map(|name| format!("`{}`", name.chars().take(40).collect::<String>())).collect();
    match few.len() {
        0 => "nothing".to_owned(),
        _ if names.len() > FEW => format!("{} and {} more", few.join(", "), names.len() - FEW),
        _ => few.join(", "),
    }
}
