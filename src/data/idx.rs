//! IDX files, the format of MNIST: strict reading, and writing.
//!
//! A file is a big-endian header (magic 0x0000_08_D, with D dimensions of unsigned bytes, then D sizes) and the bytes in
//! row-major order. See Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".

use super::Split;
use crate::error::{Error, Result};
use flate2::bufread::GzDecoder;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Unsigned bytes, in the third byte of the magic number.
const UNSIGNED_BYTE: u8 = 0x08;
/// No file may declare more bytes than this.
const MAX_BYTES: u64 = 4 << 30;

/// A file's sizes and bytes.
struct Idx {
    sizes: Vec<usize>,
    bytes: Vec<u8>,
}

/// Hex sha256.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Two lower-case digits a byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Images and labels from the content of two files, plain or gzipped; the paths are for messages.
///
/// Images have three dimensions (count, height, width) or four (and channels, 1 or 3), labels one.
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

fn parse(content: &[u8], path: &Path, dimensions: &[usize]) -> Result<Idx> {
    if content.starts_with(&[0x1f, 0x8b]) {
        let mut gzip = GzDecoder::new(content);
        let idx = parse_stream(&mut gzip, path, dimensions)?;
        match gzip.into_inner().len() {
            0 => Ok(idx),
            more => Err(Error::data(path, format!("{more} bytes follow the end of the gzip stream"))),
        }
    } else {
        parse_stream(content, path, dimensions)
    }
}

fn parse_stream(mut stream: impl Read, path: &Path, dimensions: &[usize]) -> Result<Idx> {
    let damaged = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::UnexpectedEof => Error::data(path, "ends inside its header or its gzip stream"),
        _ => Error::data(path, format!("damaged: {e}")),
    };
    let mut magic = [0; 4];
    stream.read_exact(&mut magic).map_err(damaged)?;
    let rank = usize::from(magic[3]);
    if magic[..3] != [0, 0, UNSIGNED_BYTE] || !dimensions.contains(&rank) {
        let expected: Vec<String> = dimensions.iter().map(|d| format!("0x{:08x}", 0x800 + d)).collect();
        let what =
            format!("wrong magic number 0x{:08x}, expected {}", u32::from_be_bytes(magic), expected.join(" or "));
        return Err(Error::data(path, what));
    }
    let mut sizes = Vec::with_capacity(rank);
    for _ in 0..rank {
        let mut size = [0; 4];
        stream.read_exact(&mut size).map_err(damaged)?;
        sizes.push(u32::from_be_bytes(size) as usize);
    }
    let declared = sizes.iter().try_fold(1u64, |n, &s| n.checked_mul(s as u64)).filter(|&n| n <= MAX_BYTES);
    let Some(declared) = declared else {
        return Err(Error::data(path, format!("declares sizes {sizes:?}, more than {MAX_BYTES} bytes")));
    };
    // One byte more than declared is enough to know that there is too much; memory grows with what is really there.
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

/// The bytes of an IDX file of `sizes`.
pub fn encode(sizes: &[usize], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, UNSIGNED_BYTE, sizes.len() as u8];
    for size in sizes {
        file.extend_from_slice(&(*size as u32).to_be_bytes());
    }
    file.extend_from_slice(bytes);
    file
}

/// The image and the label file of a split, not compressed.
pub fn encode_split(split: &Split) -> [Vec<u8>; 2] {
    let [h, w, c] = split.image;
    let with_channels = [split.len(), h, w, c];
    let sizes = if c == 1 { &with_channels[..3] } else { &with_channels[..] };
    [encode(sizes, &split.pixels), encode(&[split.len()], &split.labels)]
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
    fn names_what_is_wrong_with_a_file() {
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
    fn a_damaged_gzip_is_an_error() {
        let mut images = gzip(&encode(&[2, 2, 2], &[7; 8]));
        let middle = images.len() - 6;
        images[middle] ^= 0x55;
        rejects(&images, &encode(&[2], &[0, 1]), "damaged");
    }
}
