//! Data of any kind that a path leads to.

use super::dataset::Dataset;
use super::folder::name_of;
use super::idx_names::Names;
use super::read_options::{ReadEvents, ReadOptions};
use super::{cifar10, folder, npz};
use crate::error::{Error, Result};
use std::path::Path;

/// Whether data can be looked for at `path`: there is something, or it names one of the sets in a folder.
pub fn is_there(path: &Path) -> bool {
    path.exists() || Names::named(path).is_some()
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataKind {
    /// A folder with IDX files, or one of its sets.
    Idx,
    /// A folder with CIFAR-10's binary files.
    Cifar10,
    /// A folder with CIFAR-10's archive, or the archive.
    Cifar10Archive,
    /// An archive of NumPy's.
    Npz,
    /// A folder with pictures, which are in folders, or should be.
    Pictures,
    /// None of these.
    Other,
}

/// What `path` leads to: what is in a folder tells it, or how a file is called.
pub fn kind_of(path: &Path) -> DataKind {
    let has_extension = |extension: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension));
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let is_archive = [".tar.gz", ".tgz"].iter().any(|end| name.ends_with(end));
    match path.is_dir() {
        _ if !Names::found(path).is_empty() || Names::named(path).is_some() => DataKind::Idx,
        true if cifar10::find(path).is_some() => DataKind::Cifar10,
        true if path.join(cifar10::ARCHIVE).exists() => DataKind::Cifar10Archive,
        true if has_folders(path) || has_pictures(path) => DataKind::Pictures,
        false if path.exists() && is_archive => DataKind::Cifar10Archive,
        false if path.exists() && has_extension("npz") => DataKind::Npz,
        _ => DataKind::Other,
    }
}

/// Whether a folder has a folder that is not hidden.
fn has_folders(dir: &Path) -> bool {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| !entry.file_name().as_encoded_bytes().starts_with(b".") && entry.path().is_dir())
}

/// Whether a folder has pictures.
#[cfg(feature = "cli")]
fn has_pictures(dir: &Path) -> bool {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| super::has_picture_extension(&entry.path()))
}

#[cfg(not(feature = "cli"))]
fn has_pictures(_: &Path) -> bool {
    false
}

/// Reads the data that `path` leads to: a folder with four IDX files, with CIFAR-10's binary files or archive, or with pictures in folders of
/// their classes; or a file, CIFAR-10's archive or an `.npz`. What is in a folder tells which it is.
///
/// # Errors
/// [`Error::Data`] if there is nothing of that, or it cannot be used; [`Error::Device`] without memory for it.
pub fn open(path: &Path, options: &ReadOptions, say: &mut ReadEvents<'_>) -> Result<Dataset> {
    match kind_of(path) {
        DataKind::Idx => folder::read_folder(path),
        DataKind::Cifar10 => cifar10::read_folder(&cifar10::find(path).unwrap_or_default(), name_of(path)?),
        DataKind::Cifar10Archive => archive(path),
        DataKind::Npz => npz::read(path, name_of(path)?),
        DataKind::Pictures => pictures(path, options, say),
        DataKind::Other if path.is_dir() => folder::read_folder(path),
        DataKind::Other if path.exists() => {
            Err(Error::data(path, "data are a folder, an .npz file, or CIFAR-10's cifar-10-binary.tar.gz"))
        }
        DataKind::Other => Err(Error::data(path, "there is no such folder or file")),
    }
}

#[cfg(feature = "cli")]
fn archive(path: &Path) -> Result<Dataset> {
    let file = if path.is_dir() { path.join(cifar10::ARCHIVE) } else { path.to_owned() };
    super::cifar10_archive::read(&file, name_of(path)?)
}

#[cfg(feature = "cli")]
fn pictures(path: &Path, options: &ReadOptions, say: &mut ReadEvents<'_>) -> Result<Dataset> {
    super::read_image_folder(path, options, say)
}

#[cfg(not(feature = "cli"))]
fn archive(path: &Path) -> Result<Dataset> {
    Err(Error::data(path, "built without the feature `cli`, by which archives are read"))
}

#[cfg(not(feature = "cli"))]
fn pictures(path: &Path, _: &ReadOptions, _: &mut ReadEvents<'_>) -> Result<Dataset> {
    Err(Error::data(path, "built without the feature `cli`, by which pictures are read"))
}
