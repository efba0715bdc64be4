//! A folder with the four IDX files of a data set.

use super::dataset::{Dataset, FILES, Split};
use super::idx;
use crate::error::{Error, Result, usage};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Reads a folder that holds the four IDX files, each plain or gzipped.
///
/// The image size comes from the files, the number of classes from the maximum training label. Up to nine consecutive
/// classes may have no image; a label after a longer gap is treated as damage.
///
/// # Errors
/// [`Error::Data`] for a file that is missing, damaged or inconsistent with another, a training label after a long gap, or a
/// test label above all training labels.
pub fn read_folder(dir: &Path) -> Result<Dataset> {
    let source = std::fs::canonicalize(dir).map_err(|e| Error::data(dir, format!("cannot read: {e}")))?;
    let Some(name) = source.to_str().map(str::to_owned) else {
        return Err(usage!(
            "a data folder whose path is not UTF-8, which run.json cannot hold; rename it: {}",
            source.display()
        ));
    };
    let read = |name: &str| read_file(dir, name);
    let [train_images, train_labels, test_images, test_labels] = FILES;
    let train_images = read(train_images)?;
    let train_label_file = read(train_labels)?;
    let train = idx::read_split(&train_images, &train_label_file)?;
    let classes = count_classes(&train.labels);
    check_gap(&train, classes, &train_label_file.0)?;
    let test_label_file = read(test_labels)?;
    let test_image_file = read(test_images)?;
    let test = idx::read_split(&test_image_file, &test_label_file)?;
    if train.image != test.image {
        let (test, train, other) = (test.image, train.image, train_images.0.display());
        let what = format!("images of {test:?}, but training images of {train:?} in {other}");
        return Err(Error::data(&test_image_file.0, what));
    }
    if classes < 2 {
        return Err(Error::data(&train_label_file.0, "all labels are 0; training needs at least two classes"));
    }
    check_labels(&test, classes, &test_label_file.0)?;
    let contents = [idx::content_sha256(&train), idx::content_sha256(&test)].into_iter().flatten();
    let sha256 = FILES.iter().map(|name| (*name).to_owned()).zip(contents).collect();
    Ok(Dataset { source: name.clone(), name, train, test, classes, class_names: Vec::new(), sha256 })
}

/// Names that the file `name` may have in `dir`: the published one, or 7-Zip's for it; gzipped or plain.
pub(super) fn names(dir: &Path, name: &str) -> [PathBuf; 4] {
    let other = name.replacen("-idx", ".idx", 1);
    [format!("{name}.gz"), name.to_owned(), format!("{other}.gz"), other].map(|name| dir.join(name))
}

/// The file under one of its names, if it is there.
///
/// # Errors
/// [`Error::Data`] if one cannot be read.
pub(super) fn read_all(dir: &Path, name: &str) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut found = Vec::new();
    for path in names(dir, name).into_iter().filter(|path| !path.is_dir()) {
        if path.exists() && !path.is_file() {
            return Err(Error::data(&path, "is no file, but a device or a pipe"));
        }
        if let Some(len) = path.metadata().ok().map(|file| file.len()).filter(|len| *len > idx::MAX_FILE) {
            return Err(Error::data(&path, format!("has {len} bytes, more than {}", idx::MAX_FILE)));
        }
        match std::fs::read(&path) {
            Ok(bytes) => found.push((path, bytes)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) if e.kind() == std::io::ErrorKind::OutOfMemory => return Err(idx::out_of_memory(&path)),
            Err(e) => return Err(Error::data(&path, format!("cannot read: {e}"))),
        }
    }
    Ok(found)
}

/// The path and content of the file `name` in `dir`.
///
/// # Errors
/// [`Error::Data`] if it is not there, cannot be read, or is there twice with different content.
fn read_file(dir: &Path, name: &str) -> Result<(PathBuf, Vec<u8>)> {
    let mut found = read_all(dir, name)?.into_iter();
    let Some(first) = found.next() else {
        let what = format!("no {name}.gz or {name} here; a data folder holds {}, each plain or .gz", FILES.join(", "));
        return Err(Error::data(dir, what));
    };
    for other in found {
        if !idx::same_content(&first, &other)? {
            let what = format!("differs from {}; delete the one that is out of date", first.0.display());
            return Err(Error::data(&other.0, what));
        }
    }
    Ok(first)
}

/// Maximum number of consecutive classes without images; a label after a longer gap is treated as damage.
const MAX_EMPTY_CLASSES: usize = 9;

/// One more than the maximum label, ignoring labels after a gap of more than [`MAX_EMPTY_CLASSES`] unused ones.
fn count_classes(labels: &[u8]) -> usize {
    let used: BTreeSet<u8> = labels.iter().copied().collect();
    used.into_iter().map(usize::from).fold(0, |classes, label| match label - classes.min(label) {
        empty if empty <= MAX_EMPTY_CLASSES => label + 1,
        _ => classes,
    })
}

/// Checks that no training label follows a gap of more than [`MAX_EMPTY_CLASSES`], as [`count_classes`] ignores them.
///
/// # Errors
/// [`Error::Data`] with the first image of the label after the gap.
fn check_gap(split: &Split, classes: usize, path: &Path) -> Result<()> {
    let Some(label) = split.labels.iter().copied().filter(|label| usize::from(*label) >= classes).min() else {
        return Ok(());
    };
    let image = split.labels.iter().position(|l| *l == label).unwrap_or_default();
    let range = match classes {
        0 => "there is none".to_owned(),
        _ => format!("labels run from 0 to {}, then there is none", classes - 1),
    };
    let what = format!(
        "label {label} of image {image} is out of range: {range} up to {}; more than {MAX_EMPTY_CLASSES} classes in a row \
         without images are taken for damage: number the classes from 0",
        label - 1
    );
    Err(Error::data(path, what))
}

/// Checks that every label is below `classes`.
///
/// # Errors
/// [`Error::Data`] with the first label that is not; `path` names the label file in the message.
pub fn check_labels(split: &Split, classes: usize, path: &Path) -> Result<()> {
    match split.labels.iter().position(|l| usize::from(*l) >= classes) {
        Some(i) => {
            let label = split.labels[i];
            let what = format!(
                "label {label} of image {i} is out of range: labels run from 0 to {}",
                classes.saturating_sub(1)
            );
            Err(Error::data(path, what))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_after_a_long_gap_is_refused_with_the_gap() {
        let check = |labels: &[u8]| {
            let split = Split { image: [1, 1, 1], pixels: labels.to_vec(), labels: labels.to_vec() };
            check_gap(&split, count_classes(labels), Path::new("labels")).expect_err("a gap").to_string()
        };
        assert!(
            check(&[0, 255, 0])
                .contains("label 255 of image 1 is out of range: labels run from 0 to 0, then there is none up to 254")
        );
        assert!(
            check(&[0, 200, 30, 2])
                .contains("label 30 of image 2 is out of range: labels run from 0 to 2, then there is none up to 29")
        );
        assert!(check(&[12, 11]).contains("label 11 of image 1 is out of range: there is none up to 10"));
    }

    #[test]
    fn class_count_ignores_labels_after_a_long_gap() {
        assert_eq!(count_classes(&[0, 1, 2, 1]), 3);
        assert_eq!(count_classes(&[0, 9]), 10);
        assert_eq!(count_classes(&(0..=255).collect::<Vec<_>>()), 256);
        assert_eq!(count_classes(&[0, 1, 200, 2]), 3);
        assert_eq!(count_classes(&[0, 0]), 1);
    }
}
