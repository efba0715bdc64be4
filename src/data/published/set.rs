//! What is known of a published set.

use crate::data::idx_files;
use std::path::{Path, PathBuf};

/// A published file.
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// File name.
    pub name: &'static str,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 digest in hexadecimal.
    pub sha256: &'static str,
    /// Of a gzipped file, length in bytes when it is unpacked.
    pub content_bytes: u64,
    /// SHA-256 digest of the unpacked content, in hexadecimal; none where no source of it is known.
    pub content_sha256: Option<&'static str>,
}

impl File {
    /// Whether `dir` has a file of this name, packed or not.
    pub fn is_in(&self, dir: &Path) -> bool {
        self.paths(dir).iter().any(|path| path.exists())
    }

    /// Where it may lie in `dir`.
    pub(super) fn paths(&self, dir: &Path) -> Vec<PathBuf> {
        match self.name.strip_suffix(".gz").filter(|name| name.ends_with("-ubyte")) {
            Some(plain) => idx_files::names(dir, plain).to_vec(),
            None => vec![dir.join(self.name)],
        }
    }
}

/// A published data set.
#[derive(Debug)]
pub struct Published {
    /// `fashion-mnist`: the name by which it is asked for, and that of its folder.
    pub name: &'static str,
    /// As its authors write it.
    pub title: &'static str,
    /// Its files: training images, training labels, test images, test labels, or one archive.
    pub files: &'static [File],
    /// Addresses that names of files are added to, the first to be tried first.
    pub sources: &'static [&'static str],
    /// Names of its classes.
    pub class_names: [&'static str; 10],
}

impl Published {
    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}
