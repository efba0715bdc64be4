//! Finds the files of a published set and verifies their digests.

use super::set::{File, Published};
#[cfg(feature = "cli")]
use crate::data::cifar10_archive::parse_cifar10_archive;
use crate::data::dataset::{Dataset, Split};
use crate::data::{gzip, idx, idx_files};
use crate::digest::sha256_hex;
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// Reads `set` from the first of `folders` that has all its files, as they are published or, where their contents are known, unpacked;
/// `None` if no folder has them. `skipped` gets a line for each folder that has some of them, or one that cannot be used.
///
/// # Errors
/// [`Error::Data`] if no folder has all, and a file cannot be read or differs from the published one.
pub fn read_any(set: &Published, folders: &[PathBuf], skipped: &mut Vec<String>) -> Result<Option<Dataset>> {
    let mut failure = None;
    for folder in folders {
        let found = find(set, folder).and_then(|found| match found {
            Files::All(found) => read(set, folder, found).map(Some),
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
    /// For each name at least one file.
    All(Vec<Vec<Content>>),
    /// Not all, with what is missing.
    Some(String),
    None,
}

fn find(set: &Published, dir: &Path) -> Result<Files> {
    match std::fs::read_dir(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Files::None),
        Err(e) => return Err(Error::data(dir, format!("cannot read: {e}"))),
        Ok(_) => {}
    }
    let found: Vec<Vec<Content>> = set.files.iter().map(|file| candidates(file, dir)).collect::<Result<_>>()?;
    Ok(match found.iter().position(Vec::is_empty) {
        None => Files::All(found),
        Some(_) if found.iter().all(Vec::is_empty) => Files::None,
        Some(lacking) => Files::Some(format!("there is no {}: {}", set.files[lacking].name, dir.display())),
    })
}

/// The files that may be `file`, each with its content.
fn candidates(file: &File, dir: &Path) -> Result<Vec<Content>> {
    idx_files::read_those(file.paths(dir))
}

/// Verifies the files of `dir` by their digests and parses them.
fn read(set: &Published, dir: &Path, found: Vec<Vec<Content>>) -> Result<Dataset> {
    let mut contents = Vec::new();
    for (file, found) in set.files.iter().zip(found) {
        contents.push(published(set, file, found)?);
    }
    let sha256 = set.files.iter().map(|f| (f.name.to_owned(), f.sha256.to_owned())).collect();
    let (train, test) = match &contents[..] {
        [train_images, train_labels, test_images, test_labels] => {
            (idx::read_split(train_images, train_labels)?, idx::read_split(test_images, test_labels)?)
        }
        [(path, bytes)] => archive(path, bytes)?,
        _ => return Err(Error::data(dir, format!("{} files of {}", contents.len(), set.title))),
    };
    Ok(Dataset {
        name: set.name.into(),
        source: dir.display().to_string(),
        train,
        test,
        classes: set.class_names.len(),
        class_names: set.class_names.map(String::from).to_vec(),
        sha256,
    })
}

#[cfg(feature = "cli")]
fn archive(path: &Path, bytes: &[u8]) -> Result<(Split, Split)> {
    let Dataset { train, test, .. } = parse_cifar10_archive(bytes, path)?;
    Ok((train, test))
}

#[cfg(not(feature = "cli"))]
fn archive(path: &Path, _: &[u8]) -> Result<(Split, Split)> {
    Err(Error::data(path, "this program was built without the feature `cli`, by which archives are read"))
}

/// Whether `bytes` are those of `file`, as it is published, compressed anew, or unpacked.
fn is_published(file: &File, bytes: &[u8], sha256: &str) -> bool {
    // One byte more than the content shows that it goes on.
    let has_content = |expected: &str| {
        let content = gzip::unpacked(bytes, file.content_bytes + 1);
        content.is_ok_and(|content| sha256_hex(&content) == expected)
    };
    sha256 == file.sha256 || file.content_sha256.is_some_and(has_content)
}

/// Whether the file in `dir` is `file`; none if it is not there.
///
/// # Errors
/// [`Error::Data`] if it cannot be read, or is another, with what is wrong.
pub fn is_verified(set: &Published, file: &File, dir: &Path) -> Result<Option<PathBuf>> {
    let found = candidates(file, dir)?;
    match found.is_empty() {
        true => Ok(None),
        false => published(set, file, found).map(|(path, _)| Some(path)),
    }
}

/// The one of `found` that is `file`.
fn published(set: &Published, file: &File, found: Vec<Content>) -> Result<Content> {
    let mut wrong = None;
    for (path, bytes) in found {
        let sha256 = sha256_hex(&bytes);
        if is_published(file, &bytes, &sha256) {
            return Ok((path, bytes));
        }
        let other = Published::ALL
            .into_iter()
            .find(|other| other.name != set.name && other.files.iter().any(|file| is_published(file, &bytes, &sha256)));
        let kin = match other {
            Some(other) => Some(format!("it is {}'s", other.title)),
            None => set.likeness(file, bytes.len() as u64),
        };
        let kin = kin.map(|kin| format!(" ({kin})")).unwrap_or_default();
        let content = file.content_sha256.map(|content| format!(" ({content} unpacked)")).unwrap_or_default();
        let unknown = match file.content_sha256 {
            None if bytes.len() as u64 == file.content_bytes => "; of this set the unpacked files are not known",
            _ => "",
        };
        let what = format!(
            "not the published file{kin}: sha256 {sha256}, expected {}{content}{unknown}; delete it to download it again",
            file.sha256
        );
        wrong.get_or_insert(Error::data(&path, what));
    }
    Err(wrong.unwrap_or_else(|| Error::Data(format!("there is no {}", file.name))))
}
