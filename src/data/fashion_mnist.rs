//! Fashion-MNIST (H. Xiao, K. Rasul, R. Vollgraf, arXiv:1708.07747): finds the files and verifies their
//! digests.

use super::dataset::{CLASS_NAMES, Dataset, FILES as NAMES};
use super::{folder, gzip, idx};
use crate::digest::sha256_hex;
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// A published file: a gzipped IDX file.
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// File name.
    pub name: &'static str,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 digest in hexadecimal.
    pub sha256: &'static str,
    /// Length in bytes when it is unpacked.
    pub content_bytes: u64,
    /// SHA-256 digest of the unpacked content, in hexadecimal.
    pub content_sha256: &'static str,
    /// Length in bytes of MNIST's file of the same name.
    pub mnist_bytes: u64,
}

impl File {
    /// What a file with `bytes` bytes that is not this one may be, in a few words.
    pub(super) fn likeness(&self, bytes: u64) -> Option<&'static str> {
        match bytes {
            bytes if bytes == self.mnist_bytes => {
                Some("the length of MNIST's file of this name, of handwritten digits")
            }
            bytes if bytes == self.content_bytes => {
                Some("damaged, or MNIST's, whose files have the same names and lengths")
            }
            _ => None,
        }
    }
}

/// The published files: training images, training labels, test images, test labels.
pub const FILES: [File; 4] = [
    File {
        name: "train-images-idx3-ubyte.gz",
        bytes: 26_421_880,
        sha256: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        content_bytes: 47_040_016,
        content_sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        mnist_bytes: 9_912_422,
    },
    File {
        name: "train-labels-idx1-ubyte.gz",
        bytes: 29_515,
        sha256: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        content_bytes: 60_008,
        content_sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        mnist_bytes: 28_881,
    },
    File {
        name: "t10k-images-idx3-ubyte.gz",
        bytes: 4_422_102,
        sha256: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        content_bytes: 7_840_016,
        content_sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        mnist_bytes: 1_648_877,
    },
    File {
        name: "t10k-labels-idx1-ubyte.gz",
        bytes: 5_148,
        sha256: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        content_bytes: 10_008,
        content_sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        mnist_bytes: 4_542,
    },
];

/// Reads the data set from the first of `folders` that has all four files, as they are published or unpacked; `None` if no
/// folder has them. `skipped` gets a line for each folder that has some of them, or one that cannot be used.
///
/// # Errors
/// [`Error::Data`] if no folder has all, and a file cannot be read or differs from the published one.
pub fn read_any(folders: &[PathBuf], skipped: &mut Vec<String>) -> Result<Option<Dataset>> {
    let mut failure = None;
    for folder in folders {
        let found = find(folder).and_then(|found| match found {
            Files::All(found) => read(folder, found).map(Some),
            Files::Some(why) => {
                skipped.push(why);
                Ok(None)
            }
            Files::None => Ok(None),
        });
        match found {
            Ok(None) => {}
            Err(e @ Error::Data(_)) => {
                skipped.push(e.to_string());
                failure.get_or_insert(e);
            }
            done => return done,
        }
    }
    failure.map_or(Ok(None), Err)
}

/// A path and the content of the file.
type Content = (PathBuf, Vec<u8>);

/// What a folder has of the data set.
enum Files {
    /// For each of the four names at least one file.
    All([Vec<Content>; 4]),
    /// Not all, with what is missing.
    Some(String),
    None,
}

fn find(dir: &Path) -> Result<Files> {
    match std::fs::read_dir(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Files::None),
        Err(e) => return Err(Error::data(dir, format!("cannot read: {e}"))),
        Ok(_) => {}
    }
    let mut found: [Vec<Content>; 4] = Default::default();
    for (found, name) in found.iter_mut().zip(NAMES) {
        *found = folder::read_all(dir, name)?;
    }
    Ok(match found.iter().position(Vec::is_empty) {
        None => Files::All(found),
        Some(_) if found.iter().all(Vec::is_empty) => Files::None,
        Some(lacking) => Files::Some(format!("there is no {}: {}", FILES[lacking].name, dir.display())),
    })
}

/// Verifies the files of `dir` by their digests and parses them.
fn read(dir: &Path, found: [Vec<Content>; 4]) -> Result<Dataset> {
    let mut contents = Vec::new();
    for (file, found) in FILES.iter().zip(found) {
        contents.push(published(file, found)?);
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

/// The one of `found` that is `file`.
fn published(file: &File, found: Vec<Content>) -> Result<Content> {
    let mut wrong = None;
    for (path, bytes) in found {
        let sha256 = sha256_hex(&bytes);
        // Compressed anew, or not at all: one byte more than the content shows that it goes on.
        let is_content = || {
            let content = gzip::unpacked(&bytes, file.content_bytes + 1);
            content.is_ok_and(|content| sha256_hex(&content) == file.content_sha256)
        };
        if sha256 == file.sha256 || is_content() {
            return Ok((path, bytes));
        }
        let kin = file.likeness(bytes.len() as u64).map(|kin| format!(" ({kin})")).unwrap_or_default();
        let what = format!(
            "not the published file{kin}: sha256 {sha256}, expected {} ({} unpacked); delete it to download it again",
            file.sha256, file.content_sha256
        );
        wrong.get_or_insert(Error::data(&path, what));
    }
    Err(wrong.unwrap_or_else(|| Error::Data(format!("there is no {}", file.name))))
}
