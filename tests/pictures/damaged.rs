//! Files that are no pictures, or damaged ones.

use super::*;

/// The error of reading these bytes, which is one of the file.
fn refused(bytes: &[u8], what: &str) -> String {
    let error = decode_picture(bytes, Path::new("some/file.png"), [4, 5, 3]).expect_err(what);
    let text = error.to_string();
    assert!(error.exit_code() == 4 && text.ends_with(": some/file.png"), "{what}: {text}");
    text
}

#[test]
fn what_is_no_picture_is_refused() {
    for (bytes, word) in [
        (&b""[..], "an empty file"),
        (b"hello", "not a PNG, JPEG"),
        (b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "not a PNG, JPEG"),
        // Formats that `image` knows and this build does not read.
        (b"II*\0\x08\0\0\0", "not a PNG, JPEG"),
        (b"qoif0000", "not a PNG, JPEG"),
        (b"BM", "cannot read the picture"),
        (b"P6 0 0 255 ", "cannot read the picture"),
        (b"P5 2 2 255\nab", "cannot read the picture"),
    ] {
        let text = refused(bytes, word);
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn a_picture_that_is_cut_off_is_refused() {
    let picture = RgbImage::from_fn(64, 64, |x, y| Rgb([(x * y) as u8, (x * 7 + y * y) as u8, (x ^ y) as u8]));
    let formats = [ImageFormat::Jpeg, ImageFormat::Gif];
    for format in LOSSLESS.into_iter().chain(formats) {
        let whole = encoded(picture.clone(), format);
        for len in [whole.len() / 4, whole.len() / 2, whole.len() * 3 / 4] {
            refused(&whole[..len], &format!("{format:?}, {len} of {} bytes", whole.len()));
        }
    }
    // What cameras and programs append does not matter.
    let jpeg = [encoded(picture, ImageFormat::Jpeg), vec![0xff, 0xda, 1, 2, 3]].concat();
    assert_eq!(decoded(&jpeg, [8, 8, 3]).len(), 8 * 8 * 3);
}

#[test]
fn flipped_bytes_give_pixels_or_an_error() {
    let picture = RgbImage::from_fn(20, 20, |x, y| Rgb([(x * 12) as u8, (y * 12) as u8, 128]));
    for format in LOSSLESS.into_iter().chain([ImageFormat::Jpeg, ImageFormat::Gif]) {
        let whole = encoded(picture.clone(), format);
        for at in (0..whole.len()).step_by((whole.len() / 150).max(1)) {
            for value in [0, 0xff, whole[at] ^ 1] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                match decode_picture(&bytes, Path::new("p"), [6, 6, 3]) {
                    Ok(pixels) => assert_eq!(pixels.len(), 108),
                    Err(error) => assert_eq!(error.exit_code(), 4, "{format:?}, byte {at}: {error}"),
                }
            }
        }
    }
}

/// A PNG without pixels that says it has so many.
fn png_of(width: u32, height: u32) -> Vec<u8> {
    let mut whole = encoded(GrayImage::new(1, 1), ImageFormat::Png);
    whole[16..20].copy_from_slice(&width.to_be_bytes());
    whole[20..24].copy_from_slice(&height.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&whole[12..29]);
    whole[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    whole
}

#[test]
fn a_picture_that_claims_to_be_huge_takes_no_memory() {
    for (width, height) in [(40_000, 40_000), (70_000, 1), (1, 70_000), (u32::MAX >> 1, u32::MAX >> 1)] {
        let text = refused(&png_of(width, height), "huge");
        assert!(text.contains("are too many; the limits are") || text.contains("imit"), "{text}");
    }
    refused(b"P6 60000 60000 255\n", "huge PPM");
    refused(b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x02\0;", "huge GIF");
    let gif = b"GIF89a\x02\0\x02\0\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x02\0;";
    refused(gif, "a GIF with a frame larger than itself");
}

#[test]
fn a_device_without_end_is_no_picture_and_a_missing_file_is_named() {
    let error = read_picture(Path::new("/dev/zero"), [4, 4, 1]).unwrap_err().to_string();
    assert!(cfg!(not(unix)) || error.contains("not a PNG"), "{error}");
    let error = read_picture(Path::new("no such"), [4, 4, 1]).unwrap_err();
    assert!(error.exit_code() == 4 && error.to_string().ends_with(": no such"), "{error}");
    assert_eq!(read_picture(Path::new("."), [4, 4, 1]).unwrap_err().exit_code(), 4);
}
