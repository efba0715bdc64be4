//! Decoding within limits.

use super::colors::without_alpha;
use super::{jpeg, resize};
use crate::error::{Error, Result, usage};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use std::fmt::Display;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Bytes that a file with a picture may have.
pub(super) const MAX_FILE: u64 = 512 << 20;
/// Pixels that an axis may have.
const MAX_SIDE: u32 = 65_535;
/// Pixels that a picture may have.
const MAX_PIXELS: u64 = 128 << 20;
/// Bytes that it may have when it is decoded.
const MAX_DECODED: u64 = MAX_FILE;
/// Decoded bytes from which on a picture is large: of these one at a time is in memory, whatever the number of threads.
const LARGE: u64 = 64 << 20;

static LARGE_ONE: Mutex<()> = Mutex::new(());

/// What the start of a picture says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureInfo {
    /// Pixels from top to bottom, once it is turned as it should be seen.
    pub height: usize,
    /// Pixels from left to right.
    pub width: usize,
    /// Whether the file can have colours; some formats always can.
    pub has_color: bool,
}

/// Size and colours of the picture that `bytes` are, whose pixels are not decoded.
///
/// # Errors
/// As [`super::read_picture`].
pub(super) fn info_of(bytes: &[u8], path: &Path) -> Result<PictureInfo> {
    guarded(path, || {
        let mut decoder = decoder(bytes, path)?;
        let (width, height) = decoder.dimensions();
        let has_color = decoder.color_type().has_color();
        let is_turned = matches!(
            orientation(&mut decoder),
            Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
        );
        let (width, height) = if is_turned { (height, width) } else { (width, height) };
        Ok(PictureInfo { height: height as usize, width: width as usize, has_color })
    })
}

/// The pixels of the picture that `bytes` are, the content of a file, as [`super::read_picture`]; `path` is used in messages only.
///
/// # Errors
/// As [`super::read_picture`].
pub fn decode_picture(bytes: &[u8], path: &Path, image: [usize; 3]) -> Result<Vec<u8>> {
    let channels = image[2];
    if channels != 1 && channels != 3 {
        return Err(usage!("images of {channels} channels; pictures have one channel or three"));
    }
    guarded(path, || {
        let mut decoder = decoder(bytes, path)?;
        let _one = (decoder.total_bytes() >= LARGE).then(|| LARGE_ONE.lock().unwrap_or_else(PoisonError::into_inner));
        let orientation = orientation(&mut decoder);
        let mut decoded = DynamicImage::from_decoder(decoder).map_err(|e| unreadable(path, &e))?;
        decoded.apply_orientation(orientation);
        let opaque = without_alpha(decoded);
        let opaque = if channels == 1 { opaque.into_grey() } else { opaque.into_rgb() };
        resize::resized(&opaque, image).map_err(|e| unreadable(path, &e))
    })
}

/// The format that the first bytes of a file tell, of those that are read.
///
/// # Errors
/// [`Error::Data`] if it is none.
pub(super) fn format_of(start: &[u8], path: &Path) -> Result<ImageFormat> {
    if start.is_empty() {
        return Err(Error::data(path, "an empty file, not a picture"));
    }
    let found = image::guess_format(start).ok().filter(ImageFormat::reading_enabled);
    found.ok_or_else(|| Error::data(path, "not a PNG, JPEG, WebP, BMP, GIF or PNM (PPM, PGM) picture"))
}

/// A decoder that has read the start of the picture, which is not too large.
fn decoder<'b>(bytes: &'b [u8], path: &Path) -> Result<impl ImageDecoder + 'b> {
    let format = format_of(bytes, path)?;
    if format == ImageFormat::Jpeg && !jpeg::is_whole(bytes) {
        return Err(unreadable(path, &"it is cut off: its end marker is missing"));
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODED);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|e| unreadable(path, &e))?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(unreadable(path, &format!("it has {width}x{height} pixels")));
    }
    if width.max(height) > MAX_SIDE || pixels > MAX_PIXELS || decoder.total_bytes() > MAX_DECODED {
        let limits = format!("{MAX_SIDE} an axis, {MAX_PIXELS} pixels and {MAX_DECODED} bytes");
        return Err(unreadable(path, &format!("{width}x{height} pixels are too many; the limits are {limits}")));
    }
    Ok(decoder)
}

/// How it has to be turned; a description that cannot be read says nothing.
fn orientation(decoder: &mut impl ImageDecoder) -> Orientation {
    decoder.orientation().unwrap_or(Orientation::NoTransforms)
}

/// Runs `f`, in which decoders may panic on damaged files.
fn guarded<R>(path: &Path, f: impl FnOnce() -> Result<R>) -> Result<R> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|_| Err(unreadable(path, &"the decoder failed; it is damaged")))
}

fn unreadable(path: &Path, why: &dyn Display) -> Error {
    Error::data(path, format!("cannot read the picture: {why}"))
}
