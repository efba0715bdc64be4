//! Data sets as their authors publish them: which files they are, where they are to be had, and the digests that tell them.

mod read;
mod sets;

use super::folder;
use std::path::{Path, PathBuf};

pub use read::{is_verified, read_any};
pub(super) use sets::FASHION_MNIST_FILES;
pub use sets::{CIFAR10, FASHION_MNIST, KMNIST, MNIST};

/// A published file.
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// File name.
    pub name: &'static str,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 digest in hexadecimal.
    pub sha256: &'static str,
    /// Of a gzipped file, length in bytes when it is unpacked.
    pub content_bytes: u64,
    /// SHA-256 digest of the unpacked content, in hexadecimal; none where no source of it is known.
    pub content_sha256: Option<&'static str>,
}

impl File {
    /// Whether `dir` has a file of this name, packed or not.
    pub fn is_in(&self, dir: &Path) -> bool {
        self.paths(dir).iter().any(|path| path.exists())
    }

    /// Where it may lie in `dir`.
    pub(super) fn paths(&self, dir: &Path) -> Vec<PathBuf> {
        match self.name.strip_suffix(".gz").filter(|name| name.ends_with("-ubyte")) {
            Some(plain) => folder::names(dir, plain).to_vec(),
            None => vec![dir.join(self.name)],
        }
    }
}

/// A published data set.
#[derive(Debug)]
pub struct Published {
    /// `fashion-mnist`: the name by which it is asked for, and that of its folder.
    pub name: &'static str,
    /// As its authors write it.
    pub title: &'static str,
    /// Its files: training images, training labels, test images, test labels, or one archive.
    pub files: &'static [File],
    /// Addresses that names of files are added to, the first to be tried first.
    pub sources: &'static [&'static str],
    /// Names of its classes.
    pub class_names: [&'static str; 10],
}

impl Published {
    /// All that are known.
    pub const ALL: [&'static Self; 4] = [&FASHION_MNIST, &MNIST, &KMNIST, &CIFAR10];

    /// The one that is called `name`.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.into_iter().find(|set| set.name == name)
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// The other sets with a file of this name.
    fn others(&self, name: &str) -> impl Iterator<Item = (&'static Self, &'static File)> {
        let others = Self::ALL.into_iter().filter(|set| set.name != self.name);
        others.filter_map(move |set| Some((set, set.files.iter().find(|file| file.name == name)?)))
    }

    /// What a file with `bytes` bytes that is not `file` may be, in a few words.
    pub(super) fn likeness(&self, file: &File, bytes: u64) -> Option<String> {
        let of_others: Vec<String> = self.others(file.name).map(|(set, _)| format!("{}'s", set.title)).collect();
        if let Some((set, _)) = self.others(file.name).find(|(_, other)| other.bytes == bytes) {
            return Some(format!("the length of {}'s file of this name", set.title));
        }
        (bytes == file.content_bytes && !of_others.is_empty())
            .then(|| format!("damaged, or {}, whose files have the same names and lengths", of_others.join(" or ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_digests_of_its_own() {
        let files = || Published::ALL.into_iter().flat_map(|set| set.files);
        let digests = || files().flat_map(|file| [Some(file.sha256), file.content_sha256]).flatten();
        for digest in digests() {
            assert!(digest.len() == 64 && digest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{digest}");
            assert_eq!(digests().filter(|other| *other == digest).count(), 1, "{digest}");
        }
        assert_eq!(files().count(), 13);
    }

    #[test]
    fn a_file_of_another_set_is_told_by_its_length() {
        let [images, mnist] = [&FASHION_MNIST.files[0], &MNIST.files[0]];
        assert_eq!(
            FASHION_MNIST.likeness(images, mnist.bytes).as_deref(),
            Some("the length of MNIST's file of this name")
        );
        let unpacked = FASHION_MNIST.likeness(images, images.content_bytes).expect("unpacked");
        assert!(unpacked.contains("damaged, or MNIST's or KMNIST's"), "{unpacked}");
        assert_eq!(CIFAR10.likeness(&CIFAR10.files[0], 5), None);
    }
}
