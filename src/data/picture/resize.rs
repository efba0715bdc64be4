//! Resizing.

use super::colors::Opaque;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

/// The pixels of `picture`, which has as many channels, as an image of `shape`, [height, width, channels]. Where that has its size, they stay
/// as they are.
pub(super) fn resized(picture: &Opaque, shape: [usize; 3]) -> Result<Vec<u8>, String> {
    let [height, width, channels] = shape;
    if (picture.height, picture.width) == (height, width) {
        return Ok(picture.pixels.clone());
    }
    let kind = if channels == 1 { PixelType::U8 } else { PixelType::U8x3 };
    let size = |n: usize| u32::try_from(n).map_err(|_| format!("an image of {height}x{width} pixels is too large"));
    let from =
        ImageRef::new(size(picture.width)?, size(picture.height)?, &picture.pixels, kind).map_err(|e| e.to_string())?;
    let mut to = Image::new(size(width)?, size(height)?, kind);
    // Where the picture shrinks, the filter takes in all pixels that become one.
    let filter = ResizeAlg::Convolution(FilterType::Bilinear);
    let options = ResizeOptions::new().resize_alg(filter).use_alpha(false);
    Resizer::new().resize(&from, &mut to, &options).map_err(|e| e.to_string())?;
    Ok(to.into_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_counts_and_none_moves() {
        let stripes = |height: usize, width: usize| Opaque {
            height,
            width,
            channels: 1,
            pixels: (0..height * width).map(|i| if (i % width).is_multiple_of(2) { 0 } else { 200 }).collect(),
        };
        // Without antialiasing stripes would stay, or vanish.
        let grey = resized(&stripes(64, 64), [4, 4, 1]).expect("resized");
        assert!(grey.iter().all(|value| value.abs_diff(100) <= 3), "{grey:?}");
        assert_eq!(resized(&stripes(3, 5), [3, 5, 1]).expect("kept"), stripes(3, 5).pixels);
        // Twice as large, by the weights 3/4 and 1/4, as TensorFlow's resize gives it.
        let two = Opaque { height: 1, width: 2, channels: 3, pixels: vec![0, 80, 8, 100, 0, 8] };
        let four = resized(&two, [1, 4, 3]).expect("resized");
        assert_eq!(four, [0, 80, 8, 25, 60, 8, 75, 20, 8, 100, 0, 8]);
    }
}
