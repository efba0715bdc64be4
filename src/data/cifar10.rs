//! CIFAR-10 in its binary version (A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images"): a folder with its files, or the
//! archive itself, of which nothing is unpacked to the disk.
//!
//! A record is a byte with the class, then 32x32 bytes of red, as many of green, as many of blue.

use super::dataset::{Dataset, Split};
use super::idx;
use crate::digest::Hasher;
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The files with images: five to train on, one to test on.
pub(super) const BATCHES: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];
/// The file with the names of the classes, and the folder of all in the archive.
pub(super) const META: &str = "batches.meta.txt";
pub(super) const FOLDER: &str = "cifar-10-batches-bin";
/// How the published archive is called.
pub(super) const ARCHIVE: &str = "cifar-10-binary.tar.gz";
/// Bytes that a file may have: ten times what the published ones have.
pub(super) const MAX_BATCH: u64 = 307_300_000;
pub(super) const MAX_META: u64 = 1 << 12;

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const RECORD: usize = 1 + 3 * PLANE;

/// Names of the ten classes.
pub const CLASS_NAMES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// The contents of the files.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// In the order of [`BATCHES`].
    pub(super) batches: [Option<Vec<u8>>; 6],
    pub(super) meta: Option<Vec<u8>>,
}

/// The folder in or at `dir` that has such files.
pub(super) fn find(dir: &Path) -> Option<PathBuf> {
    let has = |dir: &PathBuf| BATCHES.iter().any(|name| dir.join(name).exists());
    [dir.to_owned(), dir.join(FOLDER)].into_iter().find(has)
}

/// Reads the folder `dir`.
///
/// # Errors
/// [`Error::Data`] for a file that is missing, cannot be read, or is malformed.
pub(super) fn read_folder(dir: &Path, name: String) -> Result<Dataset> {
    let mut contents = Contents::default();
    let content = |name: &str, max: u64| -> Result<Option<Vec<u8>>> {
        let path = dir.join(name);
        let content = idx::read_if_there(&path)?;
        match content.as_ref().map(|content| content.len() as u64).filter(|len| *len > max) {
            Some(len) => Err(Error::data(&path, format!("has {len} bytes, more than {max}"))),
            None => Ok(content),
        }
    };
    for (batch, name) in contents.batches.iter_mut().zip(BATCHES) {
        *batch = content(name, MAX_BATCH)?;
    }
    contents.meta = content(META, MAX_META)?;
    assemble(contents, name, &|file| dir.join(file))
}

/// The data set of the files' contents; `path` gives the path of a file for messages.
pub(super) fn assemble(contents: Contents, name: String, path: &dyn Fn(&str) -> PathBuf) -> Result<Dataset> {
    let empty = || Split { image: [SIDE, SIDE, 3], pixels: Vec::new(), labels: Vec::new() };
    let (mut train, mut test) = (empty(), empty());
    let mut sha256 = BTreeMap::new();
    for (i, (name, content)) in BATCHES.into_iter().zip(contents.batches).enumerate() {
        let Some(content) = content else {
            return Err(Error::data(&path(name), format!("missing; CIFAR-10 is {}", BATCHES.join(", "))));
        };
        let mut hasher = Hasher::default();
        hasher.update(&content);
        sha256.insert(name.to_owned(), hasher.hex());
        append(if i + 1 < BATCHES.len() { &mut train } else { &mut test }, &content)
            .map_err(|what| Error::data(&path(name), what))?;
    }
    let class_names = match contents.meta {
        Some(meta) => class_names(&meta).map_err(|what| Error::data(&path(META), what))?,
        None => CLASS_NAMES.map(String::from).to_vec(),
    };
    let source = name.clone();
    Ok(Dataset { name, source, train, test, classes: CLASS_NAMES.len(), class_names, sha256 })
}

/// Adds the images of a file.
fn append(split: &mut Split, content: &[u8]) -> Result<(), String> {
    if content.is_empty() || !content.len().is_multiple_of(RECORD) {
        return Err(format!("has {} bytes, which are no records of {RECORD} bytes", content.len()));
    }
    for (i, record) in content.chunks_exact(RECORD).enumerate() {
        let (label, planes) = (record[0], &record[1..]);
        if usize::from(label) >= CLASS_NAMES.len() {
            return Err(format!("label {label} of image {i} is out of range: labels run from 0 to 9"));
        }
        split.labels.push(label);
        split.pixels.extend((0..PLANE).flat_map(|at| [planes[at], planes[PLANE + at], planes[2 * PLANE + at]]));
    }
    Ok(())
}

/// The names in the text of [`META`], a line each.
fn class_names(meta: &[u8]) -> Result<Vec<String>, String> {
    let text = std::str::from_utf8(meta).map_err(|_| "is not UTF-8")?;
    let names: Vec<String> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect();
    match names.len() {
        n if n == CLASS_NAMES.len() => Ok(names),
        n => Err(format!("names {n} classes; CIFAR-10 has {}", CLASS_NAMES.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two images a file, whose colours are told apart at each pixel.
    fn batch(first_label: u8) -> Vec<u8> {
        let record = |label: u8| {
            let planes = (0..3).flat_map(move |c| (0..PLANE).map(move |at| (at % 64 * 4) as u8 + c));
            [label].into_iter().chain(planes)
        };
        [first_label, first_label + 1].into_iter().flat_map(record).collect()
    }

    fn read(contents: Contents) -> Result<Dataset> {
        assemble(contents, "cifar".into(), &|file| PathBuf::from(file))
    }

    fn whole() -> Contents {
        let batches = [0, 1, 2, 3, 4, 8].map(|label| Some(batch(label)));
        Contents { batches, meta: Some(b"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n".to_vec()) }
    }

    #[test]
    fn planes_become_pixels() {
        let data = read(whole()).expect("read");
        assert_eq!((data.train.labels, data.test.labels), (vec![0, 1, 1, 2, 2, 3, 3, 4, 4, 5], vec![8, 9]));
        assert_eq!(data.train.image, [32, 32, 3]);
        assert_eq!(data.train.pixels[..6], [0, 1, 2, 4, 5, 6]);
        assert_eq!(data.train.pixels[3 * 33..][..3], [132, 133, 134]);
        assert_eq!(data.class_names.concat(), "abcdefghij");
        let without = read(Contents { meta: None, ..whole() }).expect("read");
        assert_eq!(without.class_names, CLASS_NAMES);
    }

    #[test]
    fn what_is_wrong_is_said_with_the_file() {
        let refused = |change: fn(&mut Contents), expected: &str| {
            let mut contents = whole();
            change(&mut contents);
            let error = read(contents).expect_err(expected);
            assert!(error.to_string().contains(expected) && error.exit_code() == 4, "{error}");
        };
        refused(|contents| contents.batches[3] = None, "missing; CIFAR-10 is data_batch_1.bin");
        refused(
            |contents| contents.batches[5] = Some(Vec::new()),
            "has 0 bytes, which are no records of 3073 bytes: test_batch.bin",
        );
        refused(|contents| contents.batches[0] = Some(vec![0; RECORD - 1]), "has 3072 bytes");
        refused(|contents| contents.batches[1] = Some(vec![10; RECORD]), "label 10 of image 0 is out of range");
        refused(
            |contents| contents.meta = Some(b"cat\ndog\n".to_vec()),
            "names 2 classes; CIFAR-10 has 10: batches.meta.txt",
        );
        refused(|contents| contents.meta = Some(vec![0xff]), "is not UTF-8");
    }
}
