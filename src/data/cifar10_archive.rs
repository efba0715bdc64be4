//! The archive that CIFAR-10 is published as, a gzipped tar, read as a stream. Its names are compared with those that are known; none is a path
//! that anything is written to.

use super::cifar10::{BATCHES, Contents, FOLDER, MAX_BATCH, MAX_META, META, assemble};
use super::dataset::Dataset;
use super::idx;
use crate::error::{Error, Result};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;
use tar::{Archive, EntryType};

/// Bytes that all entries may have together, also those that are not taken.
const MAX_ALL: u64 = 2 << 30;
/// Entries that there may be; the published archive has nine.
const MAX_ENTRIES: usize = 100;

/// Reads the archive.
///
/// # Errors
/// [`Error::Data`] if it cannot be read, is damaged, lacks a file, has one twice, or a file is malformed.
pub(super) fn read(path: &Path, name: String) -> Result<Dataset> {
    if path.exists() && !path.is_file() {
        return Err(Error::data(path, "is no file, but a folder, a device or a pipe"));
    }
    let file = File::open(path).map_err(|e| Error::data(path, format!("cannot read: {e}")))?;
    let contents = contents(MultiGzDecoder::new(BufReader::new(file)), path)?;
    assemble(contents, name, &|file| path.join(file))
}

/// Reads a gzipped archive of these bytes; `path` is used in messages only.
///
/// # Errors
/// As of a file.
pub fn parse_cifar10_archive(bytes: &[u8], path: &Path) -> Result<Dataset> {
    assemble(contents(MultiGzDecoder::new(bytes), path)?, "cifar10".into(), &|file| path.join(file))
}

/// What the archive that `stream` is has of CIFAR-10.
fn contents(stream: impl Read, path: &Path) -> Result<Contents> {
    let damaged = |e: std::io::Error| match e.kind() {
        ErrorKind::OutOfMemory => idx::out_of_memory(path),
        _ => Error::data(path, format!("not a gzipped tar of CIFAR-10, or damaged: {e}")),
    };
    let mut archive = Archive::new(stream.take(MAX_ALL + 1));
    let mut found = Contents::default();
    let mut entries = 0;
    // Raw: no long names, which could fill the memory.
    for entry in archive.entries().map_err(damaged)?.raw(true) {
        let mut entry = entry.map_err(damaged)?;
        entries += 1;
        if entries > MAX_ENTRIES {
            return Err(Error::data(path, format!("more than {MAX_ENTRIES} entries; CIFAR-10's archive has nine")));
        }
        let Some((place, max)) = place(&mut found, &entry.path_bytes()) else { continue };
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let wrong = |what: String| Error::data(&path.join(&name), what);
        if entry.header().entry_type() != EntryType::Regular {
            return Err(wrong("is no file in the archive, but a link or a folder".into()));
        }
        if place.is_some() {
            return Err(wrong("is in the archive twice".into()));
        }
        if entry.size() > max {
            return Err(wrong(format!("has {} bytes, more than {max}", entry.size())));
        }
        let (size, mut content) = (entry.size(), Vec::new());
        entry.by_ref().take(max).read_to_end(&mut content).map_err(damaged)?;
        if (content.len() as u64) < size {
            return Err(wrong(format!("ends after {} of {size} bytes", content.len())));
        }
        *place = Some(content);
    }
    // What is behind the end of the tar, to the end of the gzip stream, whose sum shows damage.
    let mut rest = archive.into_inner();
    std::io::copy(&mut rest, &mut std::io::sink()).map_err(damaged)?;
    match rest.limit() {
        0 => Err(Error::data(path, format!("unpacks to more than {MAX_ALL} bytes"))),
        _ => Ok(found),
    }
}

/// Where the content of the entry `name` goes, and how many bytes it may have; none if it is not of CIFAR-10.
fn place<'c>(contents: &'c mut Contents, name: &[u8]) -> Option<(&'c mut Option<Vec<u8>>, u64)> {
    let name = name.strip_prefix(b"./").unwrap_or(name);
    let file = name.strip_prefix(FOLDER.as_bytes())?.strip_prefix(b"/")?;
    match BATCHES.iter().position(|known| known.as_bytes() == file) {
        Some(i) => Some((&mut contents.batches[i], MAX_BATCH)),
        None => (file == META.as_bytes()).then_some((&mut contents.meta, MAX_META)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;
    use tar::{Builder, Header};

    fn archive(entries: &[(&str, EntryType, Vec<u8>)]) -> Vec<u8> {
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, kind, content) in entries {
            let mut header = Header::new_gnu();
            // As it stands: the builder's own functions refuse some of these names.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(content.len() as u64);
            header.set_cksum();
            builder.append(&header, &content[..]).expect("memory does not fail");
        }
        builder.into_inner().and_then(GzEncoder::finish).expect("memory does not fail")
    }

    /// Name, kind and content.
    type Entry = (&'static str, EntryType, Vec<u8>);

    fn whole() -> Vec<Entry> {
        const NAMES: [&str; 6] = [
            "cifar-10-batches-bin/data_batch_1.bin",
            "cifar-10-batches-bin/data_batch_2.bin",
            "cifar-10-batches-bin/data_batch_3.bin",
            "./cifar-10-batches-bin/data_batch_4.bin",
            "cifar-10-batches-bin/data_batch_5.bin",
            "cifar-10-batches-bin/test_batch.bin",
        ];
        let record = |i: usize| [vec![i as u8], vec![i as u8 * 10; 3072]].concat();
        let batches = NAMES.into_iter().enumerate().map(|(i, name)| (name, EntryType::Regular, record(i)));
        let folder = ("cifar-10-batches-bin/", EntryType::Directory, Vec::new());
        let other = ("cifar-10-batches-bin/readme.html", EntryType::Regular, b"<html>".to_vec());
        [folder, other].into_iter().chain(batches).collect()
    }

    fn read(bytes: &[u8]) -> Result<Dataset> {
        parse_cifar10_archive(bytes, Path::new("cifar.tar.gz"))
    }

    #[test]
    fn the_files_are_taken_by_their_names_alone() {
        let mut entries = whole();
        entries.push(("../../etc/passwd", EntryType::Regular, b"root".to_vec()));
        entries.push(("/etc/shadow", EntryType::Symlink, Vec::new()));
        let data = read(&archive(&entries)).expect("read");
        assert_eq!((data.train.labels, data.test.labels), (vec![0, 1, 2, 3, 4], vec![5]));
        assert!(data.test.pixels.iter().all(|value| *value == 50));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let refused = |entries: Vec<(&str, EntryType, Vec<u8>)>, expected: &str| {
            let error = read(&archive(&entries)).expect_err(expected);
            assert!(error.to_string().contains(expected) && error.exit_code() == 4, "{error}");
        };
        let with = |change: fn(&mut Vec<Entry>)| {
            let mut entries = whole();
            change(&mut entries);
            entries
        };
        refused(with(|entries| drop(entries.pop())), "missing; CIFAR-10 is data_batch_1.bin");
        refused(with(|entries| entries.push(entries[3].clone())), "is in the archive twice");
        refused(with(|entries| entries[4].1 = EntryType::Symlink), "is no file in the archive, but a link");
        refused(with(|entries| entries[4].2.push(0)), "has 3074 bytes, which are no records");
        refused(
            with(|entries| {
                entries.push(("cifar-10-batches-bin/batches.meta.txt", EntryType::Regular, vec![b'a'; 5000]))
            }),
            "has 5000 bytes, more than 4096",
        );
        refused(vec![("x", EntryType::Regular, Vec::new()); 101], "more than 100 entries");
        let good = archive(&whole());
        for (bytes, expected) in [
            (&good[..good.len() - 5], "damaged"),
            (&good[..good.len() / 2], ""),
            (&b"hello"[..], "not a gzipped tar"),
            (&b""[..], "not a gzipped tar"),
        ] {
            let error = read(bytes).expect_err("damaged").to_string();
            assert!(error.contains(expected), "{error}");
        }
        let mut damaged = good.clone();
        let last = damaged.len() - 6;
        damaged[last] ^= 1;
        assert!(read(&damaged).expect_err("its sum is wrong").to_string().contains("damaged"));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&[0; 20_000]).expect("memory does not fail");
        let zeros = encoder.finish().expect("memory does not fail");
        assert!(read(&zeros).expect_err("no entries").to_string().contains("missing"));
    }
}
