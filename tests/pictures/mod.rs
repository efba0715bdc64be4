//! Pictures of every format as pixels, written here by the `image` crate.

mod damaged;

use gpu_cnn::data::{PictureInfo, decode_picture, picture_info, read_picture};
use image::codecs::png::PngEncoder;
use image::{ColorType, DynamicImage, GrayImage, ImageEncoder, ImageFormat, LumaA, Rgb, RgbImage, Rgba};
use std::io::Cursor;
use std::path::Path;

/// Formats that keep every value, in three channels.
const LOSSLESS: [ImageFormat; 4] = [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Pnm];

/// 5 pixels wide and 4 high, all of different colours.
fn colors() -> RgbImage {
    RgbImage::from_fn(5, 4, |x, y| Rgb([50 * x as u8, 60 * y as u8, 255 - 10 * (x + 5 * y) as u8]))
}

fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn decoded(bytes: &[u8], image: [usize; 3]) -> Vec<u8> {
    decode_picture(bytes, Path::new("picture"), image).unwrap()
}

/// The values of PIL's convert("L").
fn grey(rgb: &[u8]) -> Vec<u8> {
    let luma = |p: &[u8]| (19595 * u32::from(p[0]) + 38470 * u32::from(p[1]) + 7471 * u32::from(p[2]) + 32768) >> 16;
    rgb.chunks_exact(3).map(|pixel| luma(pixel) as u8).collect()
}

#[test]
fn formats_without_loss_give_every_value_in_colours_and_as_luma() {
    let raw = colors().into_raw();
    for format in LOSSLESS {
        let bytes = encoded(colors(), format);
        assert_eq!(decoded(&bytes, [4, 5, 3]), raw, "{format:?}");
        assert_eq!(decoded(&bytes, [4, 5, 1]), grey(&raw), "{format:?}");
    }
    // Few colours, so that its palette has all of them.
    let three = RgbImage::from_fn(5, 4, |x, _| Rgb([[0, 0, 0], [255, 0, 0], [255; 3]][x as usize % 3]));
    assert_eq!(decoded(&encoded(three.clone(), ImageFormat::Gif), [4, 5, 3]), three.into_raw());
    // Twice as large, so that blocks of colours are not mixed.
    let smooth = RgbImage::from_fn(32, 32, |x, y| Rgb([4 * x as u8, 4 * y as u8, 90]));
    let close = decoded(&encoded(smooth.clone(), ImageFormat::Jpeg), [32, 32, 3]);
    let distance = close.iter().zip(smooth.as_raw()).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(distance < Some(16), "{distance:?}");
}

#[test]
fn grey_pictures_are_grey_in_three_channels_too() {
    let picture = GrayImage::from_fn(3, 2, |x, y| [(100 * x + 30 * y) as u8].into());
    for format in [ImageFormat::Png, ImageFormat::Pnm, ImageFormat::Bmp] {
        let bytes = encoded(picture.clone(), format);
        assert_eq!(decoded(&bytes, [2, 3, 1]), *picture.as_raw(), "{format:?}");
        let three: Vec<u8> = picture.as_raw().iter().flat_map(|value| [*value; 3]).collect();
        assert_eq!(decoded(&bytes, [2, 3, 3]), three, "{format:?}");
    }
    assert_eq!(decoded(b"P1 3 1 1 0 1", [1, 3, 1]), [0, 255, 0], "black is 1 in PBM");
    assert_eq!(decoded(b"P2 # by hand\n2 1 15\n0 15\n", [1, 2, 1]), [0, 255]);
}

#[test]
fn sixteen_bits_become_eight_and_what_is_transparent_white() {
    let wide = image::ImageBuffer::from_fn(2, 1, |x, _| Rgb([65535 * x as u16, 257 * 7, 128]));
    assert_eq!(decoded(&encoded(wide, ImageFormat::Png), [1, 2, 3]), [0, 7, 0, 255, 7, 0]);
    let ink =
        image::RgbaImage::from_fn(3, 1, |x, _| [Rgba([0; 4]), Rgba([0, 0, 0, 255]), Rgba([0, 0, 0, 51])][x as usize]);
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        assert_eq!(decoded(&encoded(ink.clone(), format), [1, 3, 1]), [255, 0, 204], "{format:?}");
    }
    let grey = image::ImageBuffer::from_fn(2, 1, |x, _| LumaA([10u8, 255 * x as u8]));
    assert_eq!(decoded(&encoded(grey, ImageFormat::Png), [1, 2, 3]), [255, 255, 255, 10, 10, 10]);
    // White ink would be lost on white.
    let chalk = image::RgbaImage::from_fn(2, 1, |x, _| [Rgba([255, 255, 255, 0]), Rgba([255; 4])][x as usize]);
    assert_eq!(decoded(&encoded(chalk, ImageFormat::Png), [1, 2, 1]), [0, 255]);
    // Of a GIF one colour is transparent.
    let gif = image::RgbaImage::from_fn(2, 1, |x, _| [Rgba([0, 0, 0, 0]), Rgba([9, 9, 9, 255])][x as usize]);
    assert_eq!(decoded(&encoded(gif, ImageFormat::Gif), [1, 2, 1]), [255, 9]);
}

#[test]
fn the_first_frame_of_an_animation_counts() {
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
    for value in [200, 0] {
        encoder.encode(&[value; 3 * 4], 2, 2, image::ExtendedColorType::Rgb8).unwrap();
    }
    drop(encoder);
    assert_eq!(decoded(&bytes, [2, 2, 1]), [200; 4]);
}

#[test]
fn four_inks_are_colours() {
    // Written by PIL: 8 columns of magenta and yellow, 8 of half black.
    let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pictures/cmyk.jpg")).unwrap();
    let pixels = decoded(&bytes, [8, 16, 3]);
    let at = |x: usize| [pixels[3 * x], pixels[3 * x + 1], pixels[3 * x + 2]];
    let is_close = |found: [u8; 3], expected: [u8; 3]| found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) < 4);
    assert!(is_close(at(0), [255, 0, 0]) && is_close(at(15), [127; 3]), "{:?} {:?}", at(0), at(15));
}

/// What EXIF needs to say how a picture has to be turned.
fn exif(orientation: u8) -> Vec<u8> {
    let header = [&b"II*\0\x08\0\0\0"[..], b"\x01\0"].concat();
    [&header[..], b"\x12\x01\x03\0\x01\0\0\0", &[orientation, 0, 0, 0], &[0; 4]].concat()
}

fn png_with_exif(picture: &RgbImage, orientation: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    encoder.set_exif_metadata(exif(orientation)).unwrap();
    encoder.write_image(picture.as_raw(), picture.width(), picture.height(), ColorType::Rgb8.into()).unwrap();
    bytes
}

#[test]
fn a_picture_is_turned_as_its_camera_was_held() {
    use image::imageops::{flip_horizontal, flip_vertical, rotate90, rotate180, rotate270};
    let upright = colors();
    // What a camera stores, so that the orientation makes it upright (EXIF 2.32, 4.6.5.1.6).
    let stored = [
        upright.clone(),
        flip_horizontal(&upright),
        rotate180(&upright),
        flip_vertical(&upright),
        flip_horizontal(&rotate90(&upright)),
        rotate270(&upright),
        flip_horizontal(&rotate270(&upright)),
        rotate90(&upright),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (picture, orientation) in stored.iter().zip(1..) {
        let bytes = png_with_exif(picture, orientation);
        assert_eq!(decoded(&bytes, [4, 5, 3]), *upright.as_raw(), "orientation {orientation}");
        let path = folder.path().join("photo");
        std::fs::write(&path, bytes).unwrap();
        let expected = PictureInfo { height: 4, width: 5, has_color: true };
        assert_eq!(picture_info(&path).unwrap(), expected, "orientation {orientation}");
        assert_eq!(read_picture(&path, [4, 5, 3]).unwrap(), *upright.as_raw());
    }
    for wrong in [0, 9, 255] {
        assert_eq!(decoded(&png_with_exif(&upright, wrong), [4, 5, 3]), *upright.as_raw(), "orientation {wrong}");
    }
    // In a JPEG it stands in a segment of its own.
    let blocks = RgbImage::from_fn(16, 32, |_, y| Rgb([if y < 16 { 250 } else { 5 }; 3]));
    let plain = encoded(blocks, ImageFormat::Jpeg);
    let segment = [&b"Exif\0\0"[..], &exif(6)].concat();
    let length = (segment.len() as u16 + 2).to_be_bytes();
    let jpeg = [&plain[..2], &[0xff, 0xe1], &length, &segment, &plain[2..]].concat();
    let pixels = decoded(&jpeg, [16, 32, 1]);
    assert!(pixels[0] < 20 && pixels[31] > 230, "a quarter clockwise: {} {}", pixels[0], pixels[31]);
}

#[test]
fn a_photo_is_resized_with_antialiasing() {
    // Lines of one pixel: without antialiasing they would be all black or all white, or stripes.
    let lines = GrayImage::from_fn(280, 560, |x, _| [if x % 2 == 0 { 0 } else { 255 }].into());
    let pixels = decoded(&encoded(lines, ImageFormat::Png), [28, 28, 1]);
    assert!(pixels.iter().all(|value| (115..=140).contains(value)), "{pixels:?}");
    // Left is left and above is above, with three channels, too.
    let quarters =
        RgbImage::from_fn(300, 100, |x, y| Rgb([if x < 150 { 0 } else { 200 }, if y < 50 { 0 } else { 200 }, 7]));
    let small = decoded(&encoded(quarters, ImageFormat::Png), [2, 2, 3]);
    let expected = [0, 0, 7, 200, 0, 7, 0, 200, 7, 200, 200, 7];
    assert!(small.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 30), "{small:?}");
}

#[test]
fn other_numbers_of_channels_are_refused() {
    let error = decode_picture(&encoded(colors(), ImageFormat::Png), Path::new("p"), [4, 5, 2]).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("2 channels"), "{error}");
}
