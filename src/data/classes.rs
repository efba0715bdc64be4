//! How many classes there are where the labels alone say it.

use super::dataset::{Dataset, Split};
use crate::error::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Maximum number of consecutive classes without images; a label after a longer gap is treated as damage.
const MAX_EMPTY_CLASSES: usize = 9;

/// The data set `name` of these images of `classes` classes ([`counted`]), with no names and no digests; `labels` are the files
/// of the training and the test labels, for messages.
///
/// # Errors
/// [`Error::Data`] for images of two sizes, fewer than two classes, or a test label above all training labels.
pub(super) fn numbered(name: String, classes: usize, train: Split, test: Split, labels: [&Path; 2]) -> Result<Dataset> {
    if train.image != test.image {
        let what = format!("test images of {:?}, but training images of {:?}", test.image, train.image);
        return Err(Error::data(labels[1], what));
    }
    if classes < 2 {
        return Err(Error::data(labels[0], "all labels are 0; training needs at least two classes"));
    }
    check_labels(&test, classes, labels[1])?;
    let source = name.clone();
    Ok(Dataset { name, source, train, test, classes, class_names: Vec::new(), sha256: BTreeMap::new() })
}

/// How many classes the training labels in the file `path` need.
///
/// # Errors
/// [`Error::Data`] for a label after a long gap.
pub(super) fn counted(train: &Split, path: &Path) -> Result<usize> {
    let classes = count_classes(&train.labels);
    check_gap(train, classes, path).map(|()| classes)
}

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
