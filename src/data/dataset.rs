//! Labelled images, and sets of them.

use crate::error::{Result, usage};
use std::collections::BTreeMap;

/// Labelled images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Shape of one image: [height, width, channels].
    pub image: [usize; 3],
    /// Pixel values, [n, height, width, channels], one byte each.
    pub pixels: Vec<u8>,
    /// Class of each image, `[n]`.
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

    /// Bytes of one image: height x width x channels.
    pub fn image_len(&self) -> usize {
        self.image.iter().product()
    }

    /// The images of `classes` alone, whose labels are the classes' indices in that list.
    #[must_use]
    pub fn of_classes(&self, classes: &[u8]) -> Self {
        let mut found = Self { image: self.image, pixels: Vec::new(), labels: Vec::new() };
        for (i, label) in self.labels.iter().enumerate() {
            if let Some(new) = classes.iter().position(|class| class == label) {
                found.pixels.extend_from_slice(self.pixels_of(i));
                found.labels.push(new as u8);
            }
        }
        found
    }

    /// The first `images` of them, or all if there are fewer.
    #[must_use]
    pub fn first(&self, images: usize) -> Self {
        let images = images.min(self.len());
        let pixels = self.pixels[..images * self.image_len()].to_vec();
        Self { image: self.image, pixels, labels: self.labels[..images].to_vec() }
    }

    /// The bytes of image `i`.
    pub fn pixels_of(&self, i: usize) -> &[u8] {
        &self.pixels[i * self.image_len()..][..self.image_len()]
    }
}

/// A training and a test set of the same kind of images.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// `fashion-mnist`, `synthetic`, or the path of a folder.
    pub name: String,
    /// Where it was read from or how it was generated, for the report.
    pub source: String,
    /// Images to train on.
    pub train: Split,
    /// Images to test on.
    pub test: Split,
    /// Number of classes; labels are in 0..classes.
    pub classes: usize,
    /// Names of the classes; empty if unknown.
    pub class_names: Vec<String>,
    /// SHA-256 digest, in hexadecimal, of each file read or of each array generated.
    pub sha256: BTreeMap<String, String>,
}

impl Dataset {
    /// The set with the images of `classes` alone, which are numbered anew in that order.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage) for fewer than two classes, one named twice, or one of which there are no training or no
    /// test images.
    pub fn of_classes(self, classes: &[u8]) -> Result<Self> {
        if classes.len() < 2 {
            return Err(usage!("only_classes {classes:?}; training needs at least two classes"));
        }
        for (i, class) in classes.iter().enumerate() {
            if usize::from(*class) >= self.classes {
                return Err(usage!("only_classes names class {class}; the data has {} classes", self.classes));
            }
            if classes[..i].contains(class) {
                return Err(usage!("only_classes names class {class} twice"));
            }
        }
        for (split, name) in [(&self.train, "training"), (&self.test, "test")] {
            if let Some(class) = classes.iter().find(|class| !split.labels.contains(class)) {
                return Err(usage!("only_classes names class {class}, of which there are no {name} images"));
            }
        }
        let (train, test) = (self.train.of_classes(classes), self.test.of_classes(classes));
        let named = classes.iter().filter_map(|class| self.class_names.get(usize::from(*class)).cloned());
        let class_names = named.collect();
        Ok(Self { train, test, classes: classes.len(), class_names, ..self })
    }
}

/// Names of Fashion-MNIST's ten classes, which the synthetic data set shares.
pub const CLASS_NAMES: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

/// The four files of a data set in IDX format.
pub const FILES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subset_of_classes_is_numbered_in_the_order_that_is_given() {
        let split = Split { image: [1, 1, 1], pixels: vec![10, 11, 12, 13, 14], labels: vec![0, 2, 1, 2, 0] };
        let expected = Split { image: [1, 1, 1], pixels: vec![10, 11, 13, 14], labels: vec![1, 0, 0, 1] };
        assert_eq!(split.of_classes(&[2, 0]), expected);
        let data = Dataset {
            name: String::new(),
            source: String::new(),
            train: split.clone(),
            test: split,
            classes: 3,
            class_names: ["a", "b", "c"].map(String::from).to_vec(),
            sha256: BTreeMap::new(),
        };
        let found = data.clone().of_classes(&[2, 0]).expect("two classes");
        assert_eq!((found.classes, found.train, found.class_names), (2, expected, vec!["c".into(), "a".into()]));
        for (classes, word) in [(&[1][..], "at least two"), (&[1, 3], "class 3"), (&[1, 1], "twice")] {
            let error = data.clone().of_classes(classes).expect_err(word).to_string();
            assert!(error.contains(word), "{error}");
        }
        let mut without = data;
        without.test.labels.fill(0);
        let error = without.of_classes(&[0, 2]).expect_err("no test images").to_string();
        assert!(error.contains("class 2, of which there are no test images"), "{error}");
    }
}
