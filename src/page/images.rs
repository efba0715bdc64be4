//! The images that a page trains on: drawn, or a user's own.

use crate::data::synthetic::{self, DEFAULT_SEED};
use crate::data::{CLASS_NAMES, Dataset, Split, check_labels, idx};
use crate::error::{Result, usage};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Test images that are drawn.
const DRAWN_TESTS: usize = 1000;
/// Test images of other sets that are evaluated, at most: as long as somebody waits for.
const MAX_TESTS: usize = 2000;
/// Of so many images of a class one is kept for the test, where there is no test set.
const TEST_EVERY: usize = 5;

/// Images to train on, and images to test on.
#[derive(Debug, Clone)]
pub(super) struct Images {
    pub(super) name: String,
    pub(super) train: Split,
    /// None until they are drawn.
    test: Option<Split>,
    pub(super) class_names: Vec<String>,
}

impl Images {
    /// The first `count` of the synthetic set.
    pub(super) fn synthetic(count: usize) -> Self {
        let train = synthetic::generate(DEFAULT_SEED, [count, 0]).train;
        Self { name: "synthetic".into(), train, test: None, class_names: CLASS_NAMES.map(String::from).to_vec() }
    }

    /// The first `count` training images of `data`, and of its test images as many as are evaluated.
    pub(super) fn of_dataset(data: &Dataset, count: usize) -> Self {
        let (name, class_names) = (data.name.clone(), names(data));
        Self { name, train: data.train.first(count), test: Some(data.test.first(MAX_TESTS)), class_names }
    }

    pub(super) fn test(&mut self) -> &Split {
        self.test.get_or_insert_with(|| synthetic::generate(DEFAULT_SEED, [0, DRAWN_TESTS]).test)
    }

    pub(super) fn tests(&self) -> usize {
        self.test.as_ref().map_or(DRAWN_TESTS, Split::len)
    }
}

/// The names of the classes, numbers where there are none.
pub(crate) fn names(data: &Dataset) -> Vec<String> {
    (0..data.classes).map(|i| data.class_names.get(i).cloned().unwrap_or_else(|| i.to_string())).collect()
}

/// What a page says of `data`.
pub(super) fn description(data: &Dataset) -> Value {
    json!({
        "image": data.train.image,
        "classes": names(data),
        "train": data.train.len(),
        "test": data.test.len(),
    })
}

/// A file's name and content.
type File = (PathBuf, Vec<u8>);

/// The data set of files in IDX format, plain or gzipped, which are named as MNIST's are: images and labels, for the training, the test or
/// both. Without test images some of the others are kept for it.
///
/// # Errors
/// If the files are not such ones.
pub(super) fn of_idx(files: Vec<(String, Vec<u8>)>) -> Result<Dataset> {
    let has = |name: &str, words: &[&str]| words.iter().any(|word| name.to_lowercase().contains(word));
    let is_test = |name: &str| has(name, &["t10k", "test", "val"]);
    let mut parts: [[Option<File>; 2]; 2] = Default::default();
    let listed = files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    for (name, bytes) in files {
        let kind = match (has(&name, &["image", "idx3", "idx4"]), has(&name, &["label", "idx1"])) {
            (_, true) => 1,
            (true, false) => 0,
            _ => return Err(usage!("{name} is not named as IDX files are, such as train-images-idx3-ubyte.gz")),
        };
        let part = &mut parts[usize::from(is_test(&name))][kind];
        if part.replace((PathBuf::from(&name), bytes)).is_some() {
            return Err(usage!("two files of one kind: {listed}"));
        }
    }
    let read = |part: [Option<File>; 2]| match part {
        [Some(images), Some(labels)] => {
            let path = labels.0.clone();
            idx::read_split(&images, &labels).map(|split| Some((split, path)))
        }
        [None, None] => Ok(None),
        _ => Err(usage!("images and labels go together, and one of them is missing: {listed}")),
    };
    let [train, test] = parts.map(read);
    match (train?, test?) {
        (Some((train, train_path)), Some((test, test_path))) => numbered(train, Some(test), [&train_path, &test_path]),
        (Some((split, path)), None) | (None, Some((split, path))) => numbered(split, None, [&path, &path]),
        (None, None) => Err(usage!("no files")),
    }
}

fn numbered(train: Split, test: Option<Split>, labels: [&Path; 2]) -> Result<Dataset> {
    let classes = train.labels.iter().max().map_or(0, |label| usize::from(*label) + 1);
    let (train, test) = match test {
        Some(test) => (train, test),
        None => apart(&train),
    };
    check_labels(&test, classes, labels[1])?;
    let names = (0..classes).map(|i| i.to_string()).collect();
    dataset("own", train, test, names)
}

/// The data set of pictures of `classes`, of which some are kept for the test.
///
/// # Errors
/// If bytes, labels and classes do not go together.
pub(super) fn of_pictures(
    image: [usize; 3],
    pixels: Vec<u8>,
    labels: Vec<u8>,
    classes: Vec<String>,
) -> Result<Dataset> {
    let split = Split { image, pixels, labels };
    if split.pixels.len() != split.len() * split.image_len() {
        return Err(usage!("{} bytes for {} images of {image:?}", split.pixels.len(), split.len()));
    }
    if let Some(label) = split.labels.iter().find(|label| usize::from(**label) >= classes.len()) {
        return Err(usage!("a picture of class {label}; there are {}", classes.len()));
    }
    if let Some(class) =
        (0..classes.len()).find(|class| !split.labels.iter().any(|label| usize::from(*label) == *class))
    {
        return Err(usage!("there is no picture of “{}”", classes[class]));
    }
    let (train, test) = apart(&split);
    dataset("own", train, test, classes)
}

fn dataset(name: &str, train: Split, test: Split, class_names: Vec<String>) -> Result<Dataset> {
    if train.image != test.image {
        return Err(usage!("test images of {:?}, but training images of {:?}", test.image, train.image));
    }
    if class_names.len() < 2 {
        return Err(usage!("images of {} class; training needs at least two", class_names.len()));
    }
    if train.is_empty() || test.is_empty() {
        return Err(usage!("{} images to train on and {} to test on; both are needed", train.len(), test.len()));
    }
    let (name, classes) = (name.to_owned(), class_names.len());
    Ok(Dataset { source: name.clone(), name, train, test, classes, class_names, sha256: Default::default() })
}

/// Every fifth image of each class for the test, the others in an order in which classes alternate as far as they can.
fn apart(split: &Split) -> (Split, Split) {
    let mut seen = [0; 256];
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for (i, label) in split.labels.iter().enumerate() {
        let count = &mut seen[usize::from(*label)];
        *count += 1;
        if *count % TEST_EVERY == 0 { test.push(i) } else { train.push((*count, i)) }
    }
    // A part of the images, the first, then has all classes.
    train.sort();
    let of = |images: Vec<usize>| Split {
        image: split.image,
        pixels: images.iter().flat_map(|i| split.pixels_of(*i)).copied().collect(),
        labels: images.iter().map(|i| split.labels[*i]).collect(),
    };
    (of(train.into_iter().map(|(_, i)| i).collect()), of(test))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(labels: &[u8]) -> Split {
        Split { image: [1, 2, 1], pixels: labels.iter().flat_map(|l| [*l, 9]).collect(), labels: labels.to_vec() }
    }

    fn files(names: [&str; 2], labels: &[u8]) -> Vec<(String, Vec<u8>)> {
        names.map(str::to_owned).into_iter().zip(idx::encode_split(&split(labels))).collect()
    }

    #[test]
    fn idx_files_are_told_apart_by_their_names() {
        let train = || files(["train-images-idx3-ubyte", "train-labels-idx1-ubyte"], &[0, 1, 2, 0, 1]);
        let test = files(["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"], &[2, 0]);
        let both = of_idx([train(), test].concat()).expect("a set");
        assert_eq!((both.train, both.test), (split(&[0, 1, 2, 0, 1]), split(&[2, 0])));
        assert_eq!(both.class_names, ["0", "1", "2"]);
        let labels: Vec<u8> = (0..20).map(|i| i / 10).collect();
        let one = of_idx(files(["my-images.idx", "my-labels.idx"], &labels)).expect("a set");
        assert_eq!(
            (one.train.labels[..4].to_vec(), one.train.len(), one.test.labels),
            (vec![0, 1, 0, 1], 16, vec![0, 0, 1, 1])
        );
        let message = |files: Vec<(String, Vec<u8>)>| of_idx(files).expect_err("no set").to_string();
        assert!(message(train()[..1].to_vec()).contains("one of them is missing: train-images-idx3-ubyte"));
        assert!(message(files(["a.png", "b.png"], &[0, 1])).contains("a.png is not named as IDX files are"));
        assert!(message([train(), train()].concat()).contains("two files of one kind"));
        assert!(message(vec![]).contains("no files"));
        let other = files(["test-images", "test-labels"], &[3]);
        assert!(message([train(), other].concat()).contains("test-labels"));
    }

    #[test]
    fn pictures_are_split_class_by_class() {
        let labels: Vec<u8> = (0..20).map(|i| i % 2).collect();
        let names = || vec!["cat".to_owned(), "dog".to_owned()];
        let of = |labels: &[u8], names| of_pictures([1, 2, 1], split(labels).pixels, labels.to_vec(), names);
        let data = of(&labels, names()).expect("a set");
        assert_eq!((data.train.len(), data.test.labels.clone(), names()), (16, vec![0, 1, 0, 1], data.class_names));
        for (labels, names, message) in [
            (&[0, 0, 0, 0, 0][..], names(), "no picture of “dog”"),
            (&[0, 1, 2], names(), "class 2"),
            (&[0, 1], names(), "0 to test on"),
            (&[0, 0, 0, 0, 0], vec!["cat".to_owned()], "at least two"),
        ] {
            let error = of(labels, names).expect_err(message).to_string();
            assert!(error.contains(message), "{error}");
        }
        assert!(of_pictures([1, 2, 1], vec![0; 3], vec![0, 1], names()).is_err());
    }
}
