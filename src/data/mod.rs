//! Images and labels: where they come from, and how batches are made of them.

pub mod fashion_mnist;
pub mod idx;
mod loader;
pub mod synthetic;

pub use loader::Batches;

use crate::error::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Labelled images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// One image: height, width, channels.
    pub image: [usize; 3],
    /// [n, height, width, channels], one byte a value.
    pub pixels: Vec<u8>,
    /// `[n]`.
    pub labels: Vec<u8>,
}

impl Split {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Bytes of one image.
    pub fn image_len(&self) -> usize {
        self.image.iter().product()
    }

    /// The bytes of image `i`.
    pub fn pixels_of(&self, i: usize) -> &[u8] {
        &self.pixels[i * self.image_len()..][..self.image_len()]
    }
}

/// A training and a test set of the same kind of images.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// `fashion-mnist`, `synthetic`, or a folder.
    pub name: String,
    /// Where it was read or how it was made, for the report.
    pub source: String,
    /// To train on.
    pub train: Split,
    /// To test on.
    pub test: Split,
    /// Number of classes: labels are below it.
    pub classes: usize,
    /// What the classes are called, if that is known.
    pub class_names: Vec<String>,
    /// Hex sha256 of each file, or of what was made.
    pub sha256: BTreeMap<String, String>,
}

/// What Fashion-MNIST's ten classes are called; the synthetic set has the same.
pub const CLASS_NAMES: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

/// The four files of a data set in IDX format.
pub const FILES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// Reads a folder that holds the four IDX files, each as it is or gzipped.
///
/// The image size comes from the files, the number of classes from the greatest training label. Up to nine classes in a
/// row may have no image; a label beyond is taken for damage.
///
/// # Errors
/// A file that is missing, damaged or at odds with another, by name and values; a training label far above all others;
/// a test label above the training labels.
pub fn read_folder(dir: &Path) -> Result<Dataset> {
    let mut sha256 = BTreeMap::new();
    let mut read = |name: &str| -> Result<(PathBuf, Vec<u8>)> {
        let (path, bytes) = read_either(dir, name)?;
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        sha256.insert(file, idx::sha256_hex(&bytes));
        Ok((path, bytes))
    };
    let [train_images, train_labels, test_images, test_labels] = FILES;
    let train_images = read(train_images)?;
    let train_label_file = read(train_labels)?;
    let train = idx::read_split(&train_images, &train_label_file)?;
    let classes = count_classes(&train.labels);
    check_labels(&train, classes, &train_label_file.0)?;
    let test_label_file = read(test_labels)?;
    let test = idx::read_split(&read(test_images)?, &test_label_file)?;
    if train.image != test.image {
        let what = format!("test images are {:?}, training images {:?}", test.image, train.image);
        return Err(Error::data(dir, what));
    }
    if classes < 2 {
        return Err(Error::data(&train_label_file.0, "all labels are 0; there is nothing to tell apart"));
    }
    check_labels(&test, classes, &test_label_file.0)?;
    let name = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()).display().to_string();
    Ok(Dataset { source: name.clone(), name, train, test, classes, class_names: Vec::new(), sha256 })
}

/// `name` or `name.gz` in `dir`.
fn read_either(dir: &Path, name: &str) -> Result<(PathBuf, Vec<u8>)> {
    for path in [dir.join(format!("{name}.gz")), dir.join(name)] {
        match std::fs::read(&path) {
            Ok(bytes) => return Ok((path, bytes)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(Error::data(&path, format!("cannot read: {e}"))),
        }
    }
    Err(Error::data(
        dir,
        format!("no {name}.gz or {name} here; a data folder holds {}, each plain or .gz", FILES.join(", ")),
    ))
}

/// A class may go without images, but not this many in a row: a label beyond is taken for damage.
const MAX_EMPTY_CLASSES: usize = 9;

/// One more than the greatest label, up to the first long run of labels that no image has.
fn count_classes(labels: &[u8]) -> usize {
    let used: BTreeSet<u8> = labels.iter().copied().collect();
    used.into_iter().map(usize::from).fold(0, |classes, label| match label - classes.min(label) {
        empty if empty <= MAX_EMPTY_CLASSES => label + 1,
        _ => classes,
    })
}

/// Every label below `classes`, or an error with the first that is not.
pub fn check_labels(split: &Split, classes: usize, path: &Path) -> Result<()> {
    match split.labels.iter().position(|l| usize::from(*l) >= classes) {
        Some(i) => {
            let label = split.labels[i];
            let what = match classes {
                0 => format!("label {label} of image {i} is out of range: labels are numbered from 0"),
                _ => format!("label {label} of image {i} is out of range: labels run from 0 to {}", classes - 1),
            };
            Err(Error::data(path, what))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_counted_up_to_a_stray_label() {
        assert_eq!(count_classes(&[0, 1, 2, 1]), 3);
        assert_eq!(count_classes(&[0, 9]), 10);
        assert_eq!(count_classes(&(0..=255).collect::<Vec<_>>()), 256);
        assert_eq!(count_classes(&[0, 1, 200, 2]), 3);
        assert_eq!(count_classes(&[0, 0]), 1);
    }
}
