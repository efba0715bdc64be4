//! Fashion-MNIST (H. Xiao, K. Rasul, R. Vollgraf, arXiv:1708.07747): finds the files and verifies their
//! digests.

use super::dataset::{CLASS_NAMES, Dataset};
use super::idx;
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// A file of the data set.
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// File name.
    pub name: &'static str,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 digest in hexadecimal.
    pub sha256: &'static str,
}

/// The published files: training images, training labels, test images, test labels.
pub const FILES: [File; 4] = [
    File {
        name: "train-images-idx3-ubyte.gz",
        bytes: 26_421_880,
        sha256: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    },
    File {
        name: "train-labels-idx1-ubyte.gz",
        bytes: 29_515,
        sha256: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    },
    File {
        name: "t10k-images-idx3-ubyte.gz",
        bytes: 4_422_102,
        sha256: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    },
    File {
        name: "t10k-labels-idx1-ubyte.gz",
        bytes: 5_148,
        sha256: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
];

/// Reads the data set from the first of `folders` that has all four files; `None` if no folder has them.
///
/// # Errors
/// [`Error::Data`] if a file there is damaged or differs from the published one.
pub fn read_any(folders: &[PathBuf]) -> Result<Option<Dataset>> {
    let has_all = |dir: &&PathBuf| FILES.iter().all(|f| dir.join(f.name).is_file());
    folders.iter().find(has_all).map(|dir| read(dir)).transpose()
}

/// Reads the four files in `dir` and verifies their digests.
pub(super) fn read(dir: &Path) -> Result<Dataset> {
    let mut contents = Vec::new();
    for file in FILES {
        let path = dir.join(file.name);
        let bytes = std::fs::read(&path).map_err(|e| Error::data(&path, format!("cannot read: {e}")))?;
        let found = idx::sha256_hex(&bytes);
        if found != file.sha256 {
            let what = format!(
                "not the published file: sha256 {found}, expected {}; delete it to download it again",
                file.sha256
            );
            return Err(Error::data(&path, what));
        }
        contents.push((path, bytes));
    }
    let train = idx::read_split(&contents[0], &contents[1])?;
    let test = idx::read_split(&contents[2], &contents[3])?;
    Ok(Dataset {
        name: "fashion-mnist".into(),
        source: dir.display().to_string(),
        train,
        test,
        classes: CLASS_NAMES.len(),
        class_names: CLASS_NAMES.map(String::from).to_vec(),
        sha256: FILES.iter().map(|f| (f.name.to_owned(), f.sha256.to_owned())).collect(),
    })
}
