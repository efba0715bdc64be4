//! Decoded pictures, kept as IDX files for the next run.
//!
//! A folder of the cache has the four files of a data set and `info.json`, which is written last and has the SHA-256 of each, and of what was
//! decoded: names, sizes and times of the pictures and how they were read. Where anything differs, the pictures are decoded again. Each file
//! appears whole or not at all; two processes write the same bytes.

use super::found::Picture;
use super::listing::Listing;
use crate::data::dataset::{FILES, Split};
use crate::data::idx;
use crate::data::read_options::ReadOptions;
use crate::digest::{Hasher, sha256_hex};
use crate::files;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Version of what decoding gives; other versions' folders are not read.
const FORMAT: u32 = 1;
/// The file that is written last.
const INFO: &str = "info.json";
/// Digits of the digest that names a folder.
const NAME_LEN: usize = 16;
/// Bytes that the file may have.
const MAX_INFO: u64 = 1 << 20;

/// What a folder holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct CacheInfo {
    format: u32,
    /// The folder that the pictures are in.
    folder: String,
    /// Digest of the pictures' names, sizes and times.
    pictures: String,
    /// SHA-256 of the four files.
    sha256: [String; 4],
}

/// The place of one data set in the cache.
#[derive(Debug)]
pub(super) struct Cache {
    pub(super) folder: PathBuf,
    expected: CacheInfo,
}

impl Cache {
    /// The place of the pictures of `listing`, which are in the folder `name` and are read as `options` say; none without a cache.
    pub(super) fn new(name: &str, listing: &Listing, options: &ReadOptions) -> Option<Self> {
        let ReadOptions { image_size, color_mode, test_split, split_seed, cache, .. } = options;
        let how = format!("{name}\n{image_size:?} {color_mode:?} {test_split:?} {split_seed}");
        let folder = cache.as_ref()?.join(&sha256_hex(how.as_bytes())[..NAME_LEN]);
        let pictures = digest(listing)?;
        let sha256 = Default::default();
        Some(Self { folder, expected: CacheInfo { format: FORMAT, folder: name.to_owned(), pictures, sha256 } })
    }

    /// The decoded pictures, training and test images, if they are there and nothing has changed.
    pub(super) fn read(&self, [train, test]: [usize; 2]) -> Option<[Split; 2]> {
        let info = info(&self.folder)?;
        if (CacheInfo { sha256: Default::default(), ..info.clone() }) != self.expected {
            return None;
        }
        let file = |i: usize| {
            let path = self.folder.join(FILES[i]);
            Some((path.clone(), idx::read_if_there(&path).ok()??))
        };
        let split = |i: usize| idx::read_split(&file(i)?, &file(i + 1)?).ok();
        let splits = [split(0)?, split(2)?];
        let [a, b] = [idx::content_sha256(&splits[0]), idx::content_sha256(&splits[1])];
        let is_whole = a.iter().chain(&b).eq(&info.sha256) && [splits[0].len(), splits[1].len()] == [train, test];
        is_whole.then_some(splits)
    }

    /// Keeps decoded pictures.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn write(&self, splits: [&Split; 2]) -> std::io::Result<()> {
        files::create_folder(&self.folder)?;
        files::sweep(&self.folder);
        let [a, b] = splits.map(idx::content_sha256);
        let [[a0, a1], [b0, b1]] = [a, b];
        let contents = splits.map(idx::encode_split);
        for (name, content) in FILES.iter().zip(contents.iter().flatten()) {
            files::replace(&self.folder.join(name), content)?;
        }
        let info = CacheInfo { sha256: [a0, a1, b0, b1], ..self.expected.clone() };
        let text = serde_json::to_string_pretty(&info).map_err(std::io::Error::other)?;
        files::replace(&self.folder.join(INFO), text.as_bytes())
    }
}

/// The folders of the cache `dir`, each with the folder of its pictures and its bytes.
pub fn cached_pictures(dir: &Path) -> Vec<(PathBuf, String, u64)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let folder = entry.path();
        let Some(CacheInfo { folder: of, .. }) = info(&folder) else { continue };
        let bytes = FILES.iter().filter_map(|name| folder.join(name).metadata().ok()).map(|file| file.len()).sum();
        found.push((folder, of, bytes));
    }
    found.sort();
    found
}

/// What a folder of the cache says of itself, if it is one.
fn info(folder: &Path) -> Option<CacheInfo> {
    let path = folder.join(INFO);
    path.metadata().ok().filter(|file| file.is_file() && file.len() <= MAX_INFO)?;
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Of names, sizes and times; none where the system has no times, so that changes would not be seen.
fn digest(listing: &Listing) -> Option<String> {
    let mut hasher = Hasher::default();
    for (i, pictures) in [&listing.train, &listing.test].into_iter().enumerate() {
        for Picture { name, class, metadata, .. } in pictures {
            let time = metadata.modified().ok()?;
            // Before 1970 by how much.
            let time = time
                .duration_since(UNIX_EPOCH)
                .map_or_else(|e| -(e.duration().as_nanos() as i128), |d| d.as_nanos() as i128);
            hasher.update(format!("{i} {class} {} {time} {} ", metadata.len(), name.len()).as_bytes());
            hasher.update(name);
            hasher.update(b"\n");
        }
    }
    // The names of the classes are in those of the pictures, but for how they are read.
    listing.class_names.iter().for_each(|name| hasher.update(format!("{}:{name}\n", name.len()).as_bytes()));
    Some(hasher.hex())
}
