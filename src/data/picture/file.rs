//! Files with pictures.

use super::decode::{MAX_FILE, PictureInfo, decode_picture, format_of, info_of};
use crate::error::{Error, Result};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// How names of pictures end, in lower case.
pub const EXTENSIONS: [&str; 12] =
    ["bmp", "gif", "jfif", "jpe", "jpeg", "jpg", "pbm", "pgm", "png", "pnm", "ppm", "webp"];

/// Bytes that tell the format.
const START: u64 = 16;

/// Whether the name ends as those of pictures do, in upper or lower case. What is in the file is not looked at.
pub fn has_picture_extension(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}

/// The pixels of the picture in a file, whose format its content tells, as an image of shape `image`, [height, width, channels] with one
/// channel or three: height x width x channels bytes.
///
/// # Errors
/// [`Error::Data`] with the path and the reason if it cannot be read, is no picture, is damaged or cut off, or is larger than any that is
/// meant to be one: 65,535 pixels an axis, 134 million pixels and 512 MB. [`Error::Usage`] for another number of channels.
pub fn read_picture(path: &Path, image: [usize; 3]) -> Result<Vec<u8>> {
    decode_picture(&bytes_of(path)?, path, image)
}

/// Size and colours of the picture in a file, of which the pixels are not decoded.
///
/// # Errors
/// As [`read_picture`].
pub fn picture_info(path: &Path) -> Result<PictureInfo> {
    info_of(&bytes_of(path)?, path)
}

fn bytes_of(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(|e| Error::data(path, format!("cannot read the picture: {e}")))?;
    read_bytes(file, path)
}

/// The bytes of a file or a stream with a picture; of anything else only the first are read. `path` is used in messages only.
///
/// # Errors
/// [`Error::Data`] if it cannot be read, is no picture, or is larger than any is.
pub(crate) fn read_bytes(mut file: impl Read, path: &Path) -> Result<Vec<u8>> {
    let failed = |e: std::io::Error| Error::data(path, format!("cannot read the picture: {e}"));
    let mut bytes = Vec::new();
    file.by_ref().take(START).read_to_end(&mut bytes).map_err(failed)?;
    format_of(&bytes, path)?;
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 > MAX_FILE {
        true => Err(Error::data(path, format!("a picture of more than {MAX_FILE} bytes"))),
        false => Ok(bytes),
    }
}
