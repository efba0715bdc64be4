//! How the four IDX files of a data set are named, and what is particular to sets of these names.

use super::dataset::FILES;
use super::idx_files;
use std::path::Path;

/// How a set stores what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Storage {
    /// As MNIST.
    Mnist,
    /// As EMNIST: images are stored by columns, and letters are numbered from 1.
    Emnist {
        /// The characters of the classes; those that are joined have one.
        characters: &'static str,
        first_label: u8,
    },
    /// As QMNIST: labels are tables of integers.
    Qmnist,
}

/// The names of a set's files, without `.gz`: training images and labels, test images and labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    /// What each begins with; empty for MNIST's.
    pub(super) prefix: String,
    pub(super) files: [String; 4],
    pub(super) storage: Storage,
}

const DIGITS: &str = "0123456789";
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// Of the small letters those that do not look like the capital ones.
const MERGED: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt";
const ALL: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// EMNIST's splits (G. Cohen et al., arXiv:1702.05373).
const SPLITS: [(&str, &str, u8); 6] = [
    ("balanced", MERGED, 0),
    ("byclass", ALL, 0),
    ("bymerge", MERGED, 0),
    ("digits", DIGITS, 0),
    ("letters", LETTERS, 1),
    ("mnist", DIGITS, 0),
];

impl Names {
    fn mnist() -> Self {
        Self { prefix: String::new(), files: FILES.map(str::to_owned), storage: Storage::Mnist }
    }

    /// All that are known.
    fn all() -> impl Iterator<Item = Self> {
        let emnist = SPLITS.into_iter().map(|(split, characters, first_label)| {
            let prefix = format!("emnist-{split}");
            let files = ["train-images-idx3", "train-labels-idx1", "test-images-idx3", "test-labels-idx1"];
            let files = files.map(|file| format!("{prefix}-{file}-ubyte"));
            Self { prefix, files, storage: Storage::Emnist { characters, first_label } }
        });
        let files =
            ["train-images-idx3-ubyte", "train-labels-idx2-int", "test-images-idx3-ubyte", "test-labels-idx2-int"];
        let files = files.map(|file| format!("qmnist-{file}"));
        let qmnist = Self { prefix: "qmnist".into(), files, storage: Storage::Qmnist };
        [Self::mnist(), qmnist].into_iter().chain(emnist)
    }

    /// The sets of which `dir` has at least one file.
    pub(super) fn found(dir: &Path) -> Vec<Self> {
        let is_there = |name: &String| idx_files::names(dir, name).iter().any(|path| path.exists());
        Self::all().filter(|names| names.files.iter().any(is_there)).collect()
    }

    /// The set of files in `dir` that `path`, on which there is nothing, means: `FOLDER/emnist-letters`.
    pub(super) fn named(path: &Path) -> Option<(&Path, Self)> {
        let (dir, name) = (path.parent()?, path.file_name()?.to_str()?);
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        let found = Self::found(dir).into_iter().find(|names| names.prefix == name);
        found.filter(|_| !path.exists()).map(|names| (dir, names))
    }
}
