//! From any kind of pixels to 8 bits, without transparency, grey or in colours.

use image::DynamicImage;

/// A picture with 8 bits a channel and without transparency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Opaque {
    pub(super) height: usize,
    pub(super) width: usize,
    /// One, or three.
    pub(super) channels: usize,
    /// [height, width, channels].
    pub(super) pixels: Vec<u8>,
}

/// `picture` in 8 bits, in front of white, or of black if all that is visible were lost on white.
pub(super) fn without_alpha(picture: DynamicImage) -> Opaque {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let color = picture.color();
    let (channels, pixels) = match (color.has_alpha(), color.has_color()) {
        (true, _) => (3, composited(picture.into_rgba8().into_raw())),
        (false, true) => (3, picture.into_rgb8().into_raw()),
        (false, false) => (1, picture.into_luma8().into_raw()),
    };
    Opaque { height, width, channels, pixels }
}

/// The colours of pixels with four channels, of which the last is their opacity, in front of a background; in place.
fn composited(mut pixels: Vec<u8>) -> Vec<u8> {
    let background = background(&pixels);
    let count = pixels.len() / 4;
    for i in 0..count {
        let [r, g, b, a] = [pixels[4 * i], pixels[4 * i + 1], pixels[4 * i + 2], pixels[4 * i + 3]];
        pixels[3 * i..][..3].copy_from_slice(&[r, g, b].map(|value| over(value, a, background)));
    }
    pixels.truncate(3 * count);
    pixels.shrink_to_fit();
    pixels
}

/// `value` with opacity `a` in front of `background`, rounded.
fn over(value: u8, a: u8, background: u8) -> u8 {
    let (value, a, background) = (u32::from(value), u32::from(a), u32::from(background));
    ((value * a + background * (255 - a) + 127) / 255) as u8
}

/// White; black where some pixels are transparent, and all others would be nearly white on white.
fn background(pixels: &[u8]) -> u8 {
    const WHITE: u8 = 255;
    const NEARLY_WHITE: u8 = 240;
    let mut is_transparent = false;
    let mut is_visible = false;
    for pixel in pixels.chunks_exact(4) {
        let a = pixel[3];
        if pixel[..3].iter().any(|value| over(*value, a, WHITE) < NEARLY_WHITE) {
            return WHITE;
        }
        is_transparent |= a < 128;
        is_visible |= a >= 128;
    }
    if is_transparent && is_visible { 0 } else { WHITE }
}

impl Opaque {
    /// In one channel: the luma of ITU-R BT.601, (19595 R + 38470 G + 7471 B) / 65536, rounded as PIL does.
    pub(super) fn into_grey(mut self) -> Self {
        if self.channels == 1 {
            return self;
        }
        let count = self.pixels.len() / 3;
        for i in 0..count {
            let [r, g, b] = [self.pixels[3 * i], self.pixels[3 * i + 1], self.pixels[3 * i + 2]].map(u32::from);
            self.pixels[i] = ((19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16) as u8;
        }
        self.pixels.truncate(count);
        Self { channels: 1, ..self }
    }

    /// In three channels, of which the grey of one is the value of each.
    pub(super) fn into_rgb(self) -> Self {
        if self.channels == 3 {
            return self;
        }
        let pixels = self.pixels.iter().flat_map(|value| [*value; 3]).collect();
        Self { channels: 3, pixels, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageBuffer, LumaA, Rgba};

    fn of_rgba(pixels: &[[u8; 4]]) -> Vec<u8> {
        composited(pixels.concat())
    }

    #[test]
    fn what_is_transparent_is_white_or_black_where_white_would_hide_all() {
        assert_eq!(of_rgba(&[[9, 9, 9, 0], [0, 100, 200, 255]]), [255, 255, 255, 0, 100, 200]);
        assert_eq!(of_rgba(&[[0, 0, 0, 51]]), [204; 3]);
        let white_ink = [[0, 0, 0, 0], [255, 255, 255, 255], [255, 255, 255, 100]];
        assert_eq!(of_rgba(&white_ink), [0, 0, 0, 255, 255, 255, 100, 100, 100]);
        assert_eq!(of_rgba(&[[255, 255, 255, 255]]), [255; 3], "a white page");
        assert_eq!(of_rgba(&[[255, 0, 0, 0]]), [255; 3], "nothing visible");
    }

    #[test]
    fn grey_is_the_luma_of_pil() {
        let of = |pixels: &[u8]| {
            let picture = Opaque { height: 1, width: pixels.len() / 3, channels: 3, pixels: pixels.to_vec() };
            picture.into_grey().pixels
        };
        // As PIL's convert("L") gives them.
        assert_eq!(of(&[255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 200, 30, 255, 255, 255]), [76, 150, 29, 124, 255]);
        for grey in 0..=255 {
            assert_eq!(of(&[grey; 3]), [grey]);
        }
    }

    #[test]
    fn sixteen_bits_become_eight() {
        let wide: ImageBuffer<Rgba<u16>, Vec<u16>> =
            ImageBuffer::from_pixel(1, 1, Rgba([65535, 257 * 100, 128, 65535]));
        let narrow = without_alpha(wide.into());
        assert_eq!((narrow.channels, &narrow.pixels[..]), (3, &[255, 100, 0][..]));
        let grey: ImageBuffer<LumaA<u16>, Vec<u16>> = ImageBuffer::from_pixel(2, 1, LumaA([0, 0]));
        assert_eq!(without_alpha(grey.into()).into_grey().pixels, [255, 255]);
    }
}
