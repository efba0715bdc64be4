//! A folder with the four IDX files of a data set.

use super::classes::{check_labels, counted, numbered};
use super::dataset::{Dataset, FILES, Split};
use super::idx;
use super::idx_files::read_all;
use super::idx_names::{Names, Storage};
use crate::error::{Error, Result, usage};
use std::path::{Path, PathBuf};

/// Reads a folder that holds the four IDX files of one data set, each plain or gzipped, named as MNIST's, EMNIST's or QMNIST's.
///
/// The image size comes from the files, the number of classes from the maximum training label. Up to nine consecutive
/// classes may have no image; a label after a longer gap is treated as damage. Of EMNIST, whose images are stored by columns, rows and columns
/// are exchanged, and the letters, numbered from 1, are numbered from 0. Where a folder has several of its splits, a path such as
/// `FOLDER/emnist-letters` names one.
///
/// # Errors
/// [`Error::Data`] for a file that is missing, damaged or inconsistent with another, a training label after a long gap, or a
/// test label above all training labels; or if the folder has the files of several sets.
pub fn read_folder(dir: &Path) -> Result<Dataset> {
    if let Some((dir, names)) = Names::named(dir) {
        return read(dir, &names);
    }
    let found = Names::found(dir);
    match &found[..] {
        [names] => read(dir, names),
        [] => Err(none_here(dir, FILES[0])),
        several => {
            let prefix =
                |names: &Names| if names.prefix.is_empty() { "mnist".to_owned() } else { names.prefix.clone() };
            let sets: Vec<String> = several.iter().map(prefix).collect();
            let one = several.iter().find(|names| !names.prefix.is_empty());
            let example = one.map(|names| dir.join(&names.prefix).display().to_string()).unwrap_or_default();
            let what = format!("the files of {} lie here; name one of them, as in `{example}`", sets.join(" and of "));
            Err(Error::data(dir, what))
        }
    }
}

/// The absolute path of the data, which is also their name.
///
/// # Errors
/// If there is nothing, or its path is not UTF-8.
pub(super) fn name_of(path: &Path) -> Result<String> {
    let source = std::fs::canonicalize(path).map_err(|e| Error::data(path, format!("cannot read: {e}")))?;
    source.to_str().map(str::to_owned).ok_or_else(|| {
        usage!("data whose path is not UTF-8, which run.json cannot hold; rename it: {}", source.display())
    })
}

fn read(dir: &Path, names: &Names) -> Result<Dataset> {
    let mut name = name_of(dir)?;
    if Names::found(dir).len() > 1 {
        name = Path::new(&name).join(&names.prefix).display().to_string();
    }
    let read = |i: usize| read_file(dir, &names.files[i]);
    let split = |images: usize| -> Result<_> {
        let (images, labels) = (read(images)?, read(images + 1)?);
        let split = match names.storage {
            Storage::Qmnist => idx::read_split_of_table(&images, &labels),
            _ => idx::read_split(&images, &labels),
        };
        let split = match names.storage {
            Storage::Emnist { first_label, .. } => emnist(split?, first_label, &labels.0)?,
            _ => split?,
        };
        Ok((split, labels.0, images.0))
    };
    let (train, train_labels, train_images) = split(0)?;
    let (classes, characters) = match names.storage {
        Storage::Emnist { characters, .. } => (characters.len(), Some(characters)),
        _ => (counted(&train, &train_labels)?, None),
    };
    let (test, test_labels, test_images) = split(2)?;
    if train.image != test.image {
        let (test, train, other) = (test.image, train.image, train_images.display());
        let what = format!("images of {test:?}, but training images of {train:?} in {other}");
        return Err(Error::data(&test_images, what));
    }
    let contents = [idx::content_sha256(&train), idx::content_sha256(&test)].into_iter().flatten();
    let sha256 = names.files.iter().cloned().zip(contents).collect();
    let Some(characters) = characters else {
        return Ok(Dataset { sha256, ..numbered(name, classes, train, test, [&train_labels, &test_labels])? });
    };
    let class_names = characters.chars().map(String::from).collect();
    for (split, labels) in [(&train, &train_labels), (&test, &test_labels)] {
        check_labels(split, classes, labels)?;
    }
    Ok(Dataset { source: name.clone(), name, train, test, classes, class_names, sha256 })
}

/// Images that are stored by columns by rows, with labels from 0.
fn emnist(split: Split, first_label: u8, path: &Path) -> Result<Split> {
    let [width, height, channels] = split.image;
    let mut pixels = Vec::with_capacity(split.pixels.len());
    for i in 0..split.len() {
        let stored = split.pixels_of(i);
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            pixels.extend_from_slice(&stored[(x * height + y) * channels..][..channels]);
        }
    }
    let number = |(i, label): (usize, &u8)| {
        label.checked_sub(first_label).ok_or_else(|| {
            let what = format!("label {label} of image {i}; EMNIST numbers its letters from {first_label}");
            Error::data(path, format!("{what}: name the files as MNIST's to have them read as they are"))
        })
    };
    let labels = split.labels.iter().enumerate().map(number).collect::<Result<_>>()?;
    Ok(Split { image: [height, width, channels], pixels, labels })
}

/// The path and content of the file `name` in `dir`.
///
/// # Errors
/// [`Error::Data`] if it is not there, cannot be read, or is there twice with different content.
fn read_file(dir: &Path, name: &str) -> Result<(PathBuf, Vec<u8>)> {
    let mut found = read_all(dir, name)?.into_iter();
    let Some(first) = found.next() else {
        return Err(none_here(dir, name));
    };
    for other in found {
        if !idx::same_content(&first, &other)? {
            let what = format!("differs from {}; delete the one that is out of date", first.0.display());
            return Err(Error::data(&other.0, what));
        }
    }
    Ok(first)
}

fn none_here(dir: &Path, name: &str) -> Error {
    let what = format!(
        "no {name}.gz or {name} here; a data folder holds {}, each plain or .gz; or a folder of pictures for each class",
        FILES.join(", ")
    );
    Error::data(dir, what)
}
