//! Reads and writes IDX files, the format of MNIST. Reading rejects every deviation from the format.
//!
//! A file is a big-endian header (the magic number 0x0000_08DD, where 08 means unsigned bytes and DD is the number of
//! dimensions, then one 32-bit size per dimension), followed by the bytes in row-major order. See Y. LeCun, C. Cortes,
//! C. Burges, "The MNIST database of handwritten digits".

use super::dataset::Split;
use super::gzip::{self, Members};
use crate::digest::Hasher;
use crate::error::{Error, Result};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The element type code of unsigned bytes, in the third byte of the magic number.
const UNSIGNED_BYTE: u8 = 0x08;
/// Maximum number of bytes that a header may declare.
const MAX_BYTES: u64 = 4 << 30;
/// Maximum number of bytes of a file: a header, and what it may declare.
pub(super) const MAX_FILE: u64 = MAX_BYTES + 20;
/// How many bytes of content a byte of a gzip file may stand for, once the content is large: of images it is some 20 at most, of a bomb 1,000.
const MAX_EXPANSION: u64 = 100;
/// Bytes that a gzip file may have in any case, as labels in order pack well.
const MAX_EXPANDED: u64 = 64 << 20;

/// What the type code in the third byte stands for.
const TYPES: [(u8, &str); 6] = [
    (UNSIGNED_BYTE, "unsigned bytes"),
    (0x09, "signed bytes"),
    (0x0b, "16-bit integers"),
    (0x0c, "32-bit integers"),
    (0x0d, "32-bit floats"),
    (0x0e, "64-bit floats"),
];

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
    let (images_path, labels_path) = (&images.0, &labels.0);
    let images = parse(&images.1, images_path, &[3, 4])?;
    let labels = parse(&labels.1, labels_path, &[1])?;
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
    let parsed = |(path, bytes): &(PathBuf, Vec<u8>)| parse(bytes, path, &[1, 3, 4]);
    Ok(parsed(a)? == parsed(b)?)
}

pub(super) fn out_of_memory(path: &Path) -> Error {
    Error::device(format!("out of memory for the data in {}", path.display()))
}

fn parse(content: &[u8], path: &Path, dimensions: &[usize]) -> Result<Idx> {
    if content.is_empty() {
        return Err(Error::data(path, "is empty: it ends inside its header"));
    }
    if gzip::is_gzip(content) {
        let mut members = Members::new(content);
        let max = MAX_EXPANDED.max(content.len() as u64 * MAX_EXPANSION).min(MAX_BYTES);
        let idx = parse_stream(&mut members, path, dimensions, max)?;
        match members.rest().len() {
            0 => Ok(idx),
            extra => Err(Error::data(path, format!("{extra} bytes follow the end of the gzip stream"))),
        }
    } else {
        parse_stream(content, path, dimensions, MAX_BYTES)
    }
}

/// Parses a stream that may declare at most `max` bytes.
fn parse_stream(mut stream: impl Read, path: &Path, dimensions: &[usize], max: u64) -> Result<Idx> {
    let damaged = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::UnexpectedEof => Error::data(path, "ends inside its header or its gzip stream"),
        std::io::ErrorKind::OutOfMemory => out_of_memory(path),
        _ => Error::data(path, format!("damaged: {e}")),
    };
    let mut magic = [0; 4];
    stream.read_exact(&mut magic).map_err(damaged)?;
    let rank = usize::from(magic[3]);
    if magic[..3] != [0, 0, UNSIGNED_BYTE] || !dimensions.contains(&rank) {
        return Err(Error::data(path, wrong_magic(magic, dimensions)));
    }
    let mut sizes = Vec::with_capacity(rank);
    for _ in 0..rank {
        let mut size = [0; 4];
        stream.read_exact(&mut size).map_err(damaged)?;
        sizes.push(u32::from_be_bytes(size) as usize);
    }
    let declared = sizes.iter().try_fold(1u64, |n, &s| n.checked_mul(s as u64)).filter(|&n| n <= max);
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
fn wrong_magic(magic: [u8; 4], dimensions: &[usize]) -> String {
    let expected: Vec<String> = dimensions.iter().map(|d| format!("0x{:08x}", 0x800 + d)).collect();
    let ranks: Vec<String> = dimensions.iter().map(usize::to_string).collect();
    let found = match TYPES.iter().find(|(code, _)| magic[..3] == [0, 0, *code]) {
        Some((_, name)) => format!("{name} in {} dimension{}", magic[3], if magic[3] == 1 { "" } else { "s" }),
        None => "no IDX file".into(),
    };
    format!(
        "wrong magic number 0x{:08x}, expected {}: {found}, not unsigned bytes in {} dimensions",
        u32::from_be_bytes(magic),
        expected.join(" or "),
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
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("memory does not fail");
        encoder.finish().expect("memory does not fail")
    }

    fn read(images: &[u8], labels: &[u8]) -> Result<Split> {
        read_split(&("images".into(), images.to_vec()), &("labels".into(), labels.to_vec()))
    }

    fn rejects(images: &[u8], labels: &[u8], expected: &str) {
        let error = read(images, labels).expect_err(expected);
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.exit_code(), 4);
    }

    #[test]
    fn reads_what_it_writes_plain_and_gzipped() {
        for image in [[2, 3, 1], [2, 1, 3]] {
            let split = Split { image, pixels: (0..12).collect(), labels: vec![1, 0] };
            let [images, labels] = encode_split(&split);
            assert_eq!(read(&images, &labels).expect("plain"), split);
            assert_eq!(read(&gzip(&images), &gzip(&labels)).expect("gzipped"), split);
        }
    }

    #[test]
    fn rejects_a_malformed_file_with_the_reason() {
        let images = encode(&[2, 2, 2], &[7; 8]);
        let labels = encode(&[2], &[0, 1]);
        let cut = |bytes: &[u8], n: usize| bytes[..bytes.len() - n].to_vec();
        let longer = |bytes: &[u8]| [bytes, &[0]].concat();
        rejects(&labels, &labels, "wrong magic number 0x00000801, expected 0x00000803 or 0x00000804");
        rejects(&images, &images, "wrong magic number 0x00000803, expected 0x00000801");
        rejects(&images, &encode(&[3], &[0, 1, 1]), "3 labels for 2 images");
        rejects(&cut(&images, 1), &labels, "holds 7 bytes after its header");
        rejects(&longer(&images), &labels, "holds more than the 8 bytes");
        rejects(&gzip(&longer(&images)), &labels, "holds more than the 8 bytes");
        rejects(&cut(&gzip(&images), 9), &labels, "gzip stream");
        rejects(&longer(&gzip(&images)), &labels, "1 bytes follow the end of the gzip stream");
        rejects(&images[..9], &labels, "ends inside its header");
        rejects(&[], &labels, "ends inside its header");
        rejects(&encode(&[0, 2, 2], &[]), &encode(&[0], &[]), "holds no images");
        rejects(&encode(&[2, 0, 2], &[]), &labels, "images of 0x2");
        rejects(&encode(&[2, 1, 1, 2], &[0; 4]), &labels, "with 2 channels");
        rejects(&encode(&[1 << 31, 1 << 31, 1 << 31], &[]), &labels, "more than");
    }

    #[test]
    fn a_gzip_of_several_members_is_read_whole() {
        let [images, labels] = [encode(&[2, 2, 2], &[7; 8]), encode(&[2], &[0, 1])];
        let members = |cuts: &[usize]| {
            let ends = cuts.iter().copied().chain([images.len()]);
            let starts = [0].into_iter().chain(cuts.iter().copied());
            starts.zip(ends).flat_map(|(start, end)| gzip(&images[start..end])).collect::<Vec<_>>()
        };
        let plain = read(&images, &labels).expect("plain");
        // Cut in the header and in the content, and with an empty member at the end, as bgzip writes it.
        for cuts in [&[3, 9][..], &[20], &[images.len()]] {
            assert_eq!(read(&members(cuts), &labels).expect("several members"), plain, "{cuts:?}");
        }
        rejects(&[&members(&[9])[..], &[0; 3]].concat(), &labels, "3 bytes follow the end of the gzip stream");
        rejects(&[members(&[9]), gzip(&[1])].concat(), &labels, "holds more than the 8 bytes");
        let cut = members(&[9]);
        rejects(&cut[..cut.len() - 4], &labels, "gzip stream");
    }

    #[test]
    fn a_type_that_is_not_read_is_named() {
        let floats = |code: u8| [&[0, 0, code, 3][..], &[0; 12]].concat();
        rejects(&floats(0x0d), &encode(&[1], &[0]), "32-bit floats in 3 dimensions");
        rejects(&floats(0x09), &encode(&[1], &[0]), "signed bytes");
        rejects(b"PK\x03\x04", &encode(&[1], &[0]), "no IDX file");
    }

    #[test]
    fn a_damaged_gzip_is_an_error() {
        let mut images = gzip(&encode(&[2, 2, 2], &[7; 8]));
        let middle = images.len() - 6;
        images[middle] ^= 0x55;
        rejects(&images, &encode(&[2], &[0, 1]), "damaged");
    }
}
