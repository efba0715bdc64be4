//! Reads and writes IDX files, the format of MNIST. Reading rejects every deviation from the format.
//!
//! A file is a big-endian header (the magic number 0x0000_08DD, where 08 means unsigned bytes and DD is the number of
//! dimensions, then one 32-bit size per dimension), followed by the bytes in row-major order. See Y. LeCun, C. Cortes,
//! C. Burges, "The MNIST database of handwritten digits".

use super::dataset::Split;
use super::gzip::{self, Members};
use crate::digest::Hasher;
use crate::error::{Error, Result, count_of};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The element type code of unsigned bytes, in the third byte of the magic number.
const UNSIGNED_BYTE: u8 = 0x08;
/// That of 32-bit integers.
const INTEGER: u8 = 0x0c;
/// Maximum number of bytes that a header may declare.
pub(super) const MAX_BYTES: u64 = 4 << 30;
/// Maximum number of bytes of a file: a header, and what it may declare.
pub(super) const MAX_FILE: u64 = MAX_BYTES + 20;
/// How many bytes of content a byte of a gzip file may stand for, once the content is large: of images it is some 20 at most, of a bomb 1,000.
pub(super) const MAX_EXPANSION: u64 = 100;
/// Bytes that a gzip file may have in any case, as labels in order pack well.
pub(super) const MAX_EXPANDED: u64 = 64 << 20;

/// What the type code in the third byte stands for.
const TYPES: [(u8, &str); 6] = [
    (UNSIGNED_BYTE, "unsigned bytes"),
    (0x09, "signed bytes"),
    (0x0b, "16-bit integers"),
    (INTEGER, "32-bit integers"),
    (0x0d, "32-bit floats"),
    (0x0e, "64-bit floats"),
];

/// What a file has to hold.
#[derive(Debug, Clone, Copy)]
struct Kind {
    code: u8,
    element_bytes: u64,
    /// Numbers of dimensions.
    ranks: &'static [usize],
}

const IMAGES: Kind = Kind { code: UNSIGNED_BYTE, element_bytes: 1, ranks: &[3, 4] };
const LABELS: Kind = Kind { code: UNSIGNED_BYTE, element_bytes: 1, ranks: &[1] };
const ANY: Kind = Kind { code: UNSIGNED_BYTE, element_bytes: 1, ranks: &[1, 3, 4] };
/// QMNIST's labels: the class in the first of eight columns, then who wrote the digit where.
const TABLE: Kind = Kind { code: INTEGER, element_bytes: 4, ranks: &[2] };
/// Its columns.
const COLUMNS: usize = 8;

/// The dimensions and the content of an IDX file.
#[derive(Debug, PartialEq)]
struct Idx {
    sizes: Vec<usize>,
    bytes: Vec<u8>,
}

/// Parses images and labels from the contents of two files, plain or gzipped; the paths are used in messages only.
///
/// Images have three dimensions (count, height, width) or four (count, height, width, channels with 1 or 3 channels),
/// labels one (count).
///
/// # Errors
/// [`Error::Data`] if a file is malformed or empty, or the counts differ.
pub fn read_split(images: &(PathBuf, Vec<u8>), labels: &(PathBuf, Vec<u8>)) -> Result<Split> {
    let read = parse(&labels.1, &labels.0, LABELS)?;
    join(images, read, &labels.0)
}

/// As [`read_split`], where the labels are a table of integers with eight columns, as QMNIST's.
///
/// # Errors
/// As there; also for a class that is no digit.
pub fn read_split_of_table(images: &(PathBuf, Vec<u8>), labels: &(PathBuf, Vec<u8>)) -> Result<Split> {
    let path = &labels.0;
    let Idx { sizes, bytes } = parse(&labels.1, path, TABLE)?;
    if sizes[1] != COLUMNS {
        return Err(Error::data(path, format!("a table of {} columns; QMNIST's labels have {COLUMNS}", sizes[1])));
    }
    let class = |(i, row): (usize, &[u8])| match *row {
        [0, 0, 0, class @ 0..=9, ..] => Ok(class),
        _ => Err(Error::data(path, format!("the class of image {i} is no digit from 0 to 9"))),
    };
    let classes: Result<Vec<u8>> = bytes.chunks_exact(4 * COLUMNS).enumerate().map(class).collect();
    join(images, Idx { sizes: sizes[..1].to_vec(), bytes: classes? }, path)
}

/// Images with the labels that were read from the file `labels_path`.
fn join(images: &(PathBuf, Vec<u8>), labels: Idx, labels_path: &Path) -> Result<Split> {
    let images_path = &images.0;
    let images = parse(&images.1, images_path, IMAGES)?;
    let (height, width, channels) = (images.sizes[1], images.sizes[2], images.sizes.get(3).copied().unwrap_or(1));
    if height == 0 || width == 0 || !matches!(channels, 1 | 3) {
        let what =
            format!("images of {height}x{width} with {channels} channels; they need at least 1x1 and 1 or 3 channels");
        return Err(Error::data(images_path, what));
    }
    if images.sizes[0] != labels.sizes[0] {
        let what = format!("{} labels for {} images in {}", labels.sizes[0], images.sizes[0], images_path.display());
        return Err(Error::data(labels_path, what));
    }
    if images.sizes[0] == 0 {
        return Err(Error::data(images_path, "holds no images"));
    }
    Ok(Split { image: [height, width, channels], pixels: images.bytes, labels: labels.bytes })
}

/// Whether two files, plain or gzipped, have the same content.
///
/// # Errors
/// [`Error::Data`] if one is malformed.
pub(super) fn same_content(a: &(PathBuf, Vec<u8>), b: &(PathBuf, Vec<u8>)) -> Result<bool> {
    let parsed = |(path, bytes): &(PathBuf, Vec<u8>)| parse(bytes, path, ANY);
    Ok(a.1 == b.1 || parsed(a)? == parsed(b)?)
}

pub(super) fn out_of_memory(path: &Path) -> Error {
    Error::device(format!("out of memory for the data in {}", path.display()))
}

/// The content of a file of at most [`MAX_FILE`] bytes, if there is one.
///
/// # Errors
/// [`Error::Data`] if it cannot be read, is no file, or has more.
pub(super) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>> {
    if path.exists() && !path.is_file() {
        return Err(Error::data(path, "is no file, but a folder, a device or a pipe"));
    }
    if let Some(len) = path.metadata().ok().map(|file| file.len()).filter(|len| *len > MAX_FILE) {
        return Err(Error::data(path, format!("has {len} bytes, more than {MAX_FILE}")));
    }
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) if e.kind() == std::io::ErrorKind::OutOfMemory => Err(out_of_memory(path)),
        Err(e) => Err(Error::data(path, format!("cannot read: {e}"))),
    }
}

fn parse(content: &[u8], path: &Path, kind: Kind) -> Result<Idx> {
    if content.is_empty() {
        return Err(Error::data(path, "is empty: it ends inside its header"));
    }
    if gzip::is_gzip(content) {
        let mut members = Members::new(content);
        let max = MAX_EXPANDED.max(content.len() as u64 * MAX_EXPANSION).min(MAX_BYTES);
        let idx = parse_stream(&mut members, path, kind, max)?;
        match members.rest().len() {
            0 => Ok(idx),
            extra => Err(Error::data(path, format!("{extra} bytes follow the end of the gzip stream"))),
        }
    } else {
        parse_stream(content, path, kind, MAX_BYTES)
    }
}

/// Parses a stream that may declare at most `max` bytes.
fn parse_stream(mut stream: impl Read, path: &Path, kind: Kind, max: u64) -> Result<Idx> {
    let damaged = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::UnexpectedEof => Error::data(path, "ends inside its header or its gzip stream"),
        std::io::ErrorKind::OutOfMemory => out_of_memory(path),
        _ => Error::data(path, format!("damaged: {e}")),
    };
    let mut magic = [0; 4];
    stream.read_exact(&mut magic).map_err(damaged)?;
    let rank = usize::from(magic[3]);
    if magic[..3] != [0, 0, kind.code] || !kind.ranks.contains(&rank) {
        return Err(Error::data(path, wrong_magic(magic, kind)));
    }
    let mut sizes = Vec::with_capacity(rank);
    for _ in 0..rank {
        let mut size = [0; 4];
        stream.read_exact(&mut size).map_err(damaged)?;
        sizes.push(u32::from_be_bytes(size) as usize);
    }
    let declared = sizes.iter().try_fold(kind.element_bytes, |n, &s| n.checked_mul(s as u64)).filter(|&n| n <= max);
    let Some(declared) = declared else {
        return Err(Error::data(path, format!("declares sizes {sizes:?}, more than {max} bytes")));
    };
    // Reading one byte more than declared detects excess data. The vector grows with the data actually read, so a false
    // header cannot cause a large allocation.
    let mut bytes = Vec::new();
    stream.by_ref().take(declared + 1).read_to_end(&mut bytes).map_err(damaged)?;
    let found = bytes.len() as u64;
    if found < declared {
        return Err(Error::data(
            path,
            format!("holds {found} bytes after its header, which declares {sizes:?} = {declared}"),
        ));
    }
    if found > declared {
        return Err(Error::data(
            path,
            format!("holds more than the {declared} bytes that its header declares, {sizes:?}"),
        ));
    }
    Ok(Idx { sizes, bytes })
}

/// What a file with this magic number holds, and what was expected.
fn wrong_magic(magic: [u8; 4], Kind { code, ranks, .. }: Kind) -> String {
    let expected: Vec<String> = ranks.iter().map(|rank| format!("0x{:08x}", usize::from(code) << 8 | rank)).collect();
    let ranks: Vec<String> = ranks.iter().map(usize::to_string).collect();
    let name = |code: &u8| TYPES.iter().find(|(known, _)| known == code).map(|(_, name)| *name);
    let found = match TYPES.iter().find(|(code, _)| magic[..3] == [0, 0, *code]) {
        Some((_, name)) => format!("{name} in {}", count_of(magic[3], "dimension")),
        None => "no IDX file".into(),
    };
    format!(
        "wrong magic number 0x{:08x}, expected {}: {found}, not {} in {} dimensions",
        u32::from_be_bytes(magic),
        expected.join(" or "),
        name(&code).unwrap_or_default(),
        ranks.join(" or "),
    )
}

/// Encodes `bytes` as an IDX file whose dimensions are `sizes`.
pub fn encode(sizes: &[usize], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, UNSIGNED_BYTE, sizes.len() as u8];
    for size in sizes {
        file.extend_from_slice(&(*size as u32).to_be_bytes());
    }
    file.extend_from_slice(bytes);
    file
}

/// The SHA-256 digests of [`encode_split`]'s two files: those of the contents, however they are packed.
pub(super) fn content_sha256(split: &Split) -> [String; 2] {
    let digest = |sizes: &[usize], bytes: &[u8]| {
        let mut hasher = Hasher::default();
        hasher.update(&encode(sizes, &[]));
        hasher.update(bytes);
        hasher.hex()
    };
    [digest(&sizes(split), &split.pixels), digest(&[split.len()], &split.labels)]
}

/// The sizes that an image file declares: no channels where there is one.
fn sizes(split: &Split) -> Vec<usize> {
    let [h, w, c] = split.image;
    [split.len(), h, w, c].into_iter().take(if c == 1 { 3 } else { 4 }).collect()
}

/// Encodes a split as an image file and a label file, not compressed.
pub fn encode_split(split: &Split) -> [Vec<u8>; 2] {
    [encode(&sizes(split), &split.pixels), encode(&[split.len()], &split.labels)]
}

#[cfg(test)]
mod tests;
