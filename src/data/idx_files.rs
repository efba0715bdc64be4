//! The files of a folder with a data set, under the names that they may have.

use super::idx;
use crate::error::Result;
use std::path::{Path, PathBuf};

/// Names that the file `name` may have in `dir`: the published one, or 7-Zip's for it; gzipped or plain.
pub(super) fn names(dir: &Path, name: &str) -> [PathBuf; 4] {
    let other = name.replacen("-idx", ".idx", 1);
    [format!("{name}.gz"), name.to_owned(), format!("{other}.gz"), other].map(|name| dir.join(name))
}

/// The file under one of its names, if it is there.
///
/// # Errors
/// [`crate::Error::Data`] if one cannot be read.
pub(super) fn read_all(dir: &Path, name: &str) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    read_those(names(dir, name).to_vec())
}

/// Those of the files that are there, each with its content; a folder is none.
///
/// # Errors
/// [`crate::Error::Data`] if one cannot be read.
pub(super) fn read_those(paths: Vec<PathBuf>) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut found = Vec::new();
    for path in paths.into_iter().filter(|path| !path.is_dir()) {
        found.extend(idx::read_if_there(&path)?.map(|bytes| (path, bytes)));
    }
    Ok(found)
}
