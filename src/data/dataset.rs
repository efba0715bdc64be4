//! Labelled images, and sets of them.

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

/// Names of Fashion-MNIST's ten classes, which the synthetic data set shares.
pub const CLASS_NAMES: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

/// The four files of a data set in IDX format.
pub const FILES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];
