//! A picture that was found.

use std::fs::Metadata;
use std::path::PathBuf;

/// A picture in a class's folder.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    pub(super) path: PathBuf,
    /// Its path in the data's folder, with `/` between names.
    pub(super) name: Vec<u8>,
    pub(super) class: u8,
    pub(super) metadata: Metadata,
}
