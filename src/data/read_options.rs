//! How data are read that do not say all themselves.

use crate::error::Result;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt::{Display, Formatter};
use std::path::PathBuf;
use std::str::FromStr;

/// Pixels of an image along each axis, in text `HEIGHTxWIDTH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageSize {
    /// Pixels from top to bottom.
    pub height: usize,
    /// Pixels from left to right.
    pub width: usize,
}

impl ImageSize {
    /// Pixels that an axis may have.
    pub const MAX: usize = 4096;
}

impl FromStr for ImageSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let axis = |text: &str| text.parse().ok().filter(|pixels| (1..=Self::MAX).contains(pixels));
        let (height, width) = text.split_once(['x', 'X']).unwrap_or((text, text));
        match (axis(height), axis(width)) {
            (Some(height), Some(width)) => Ok(Self { height, width }),
            _ => {
                Err(format!("an image size is HEIGHTxWIDTH, such as 64x64, each from 1 to {}; not `{text}`", Self::MAX))
            }
        }
    }
}

impl Display for ImageSize {
    fn fmt(&self, f: &mut Formatter) -> std::fmt::Result {
        write!(f, "{}x{}", self.height, self.width)
    }
}

impl Serialize for ImageSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ImageSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Channels that pictures are read with; the names are Keras's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColorMode {
    /// One channel.
    Grayscale,
    /// Three.
    Rgb,
}

impl ColorMode {
    /// Number of channels.
    pub fn channels(self) -> usize {
        match self {
            Self::Grayscale => 1,
            Self::Rgb => 3,
        }
    }
}

impl FromStr for ColorMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "grayscale" => Ok(Self::Grayscale),
            "rgb" => Ok(Self::Rgb),
            _ => Err(format!("a color mode is grayscale or rgb, not `{text}`")),
        }
    }
}

impl Display for ColorMode {
    fn fmt(&self, f: &mut Formatter) -> std::fmt::Result {
        f.write_str(match self {
            Self::Grayscale => "grayscale",
            Self::Rgb => "rgb",
        })
    }
}

/// How a folder of pictures is read; other data have all of it in their files.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadOptions {
    /// What pictures are resized to; without it they have to have one size.
    pub image_size: Option<ImageSize>,
    /// Their channels; without it what they have: one if no picture has a colour.
    pub color_mode: Option<ColorMode>,
    /// Share of the pictures that is held out as test images where there is no folder of them.
    pub test_split: f64,
    /// Seed of the choice of those.
    pub split_seed: u64,
    /// Threads that decode pictures; 0 means one per core.
    pub threads: usize,
    /// Folder for decoded pictures, so that the next run finds them; none keeps nothing.
    pub cache: Option<PathBuf>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        let (image_size, color_mode, cache) = (None, None, None);
        Self { image_size, color_mode, test_split: Self::TEST_SPLIT, split_seed: 0, threads: 0, cache }
    }
}

impl ReadOptions {
    /// The usual share of test images.
    pub const TEST_SPLIT: f64 = 0.2;
}

/// What reading has to say meanwhile.
#[derive(Debug)]
pub enum ReadEvent {
    /// Something that the user may not have meant.
    Warning(String),
    /// What was chosen.
    Note(String),
    /// How it was done.
    Detail(String),
    /// So many pictures of all are decoded.
    Decoded(usize, usize),
}

/// Takes what reading says.
pub type ReadEvents<'a> = dyn FnMut(ReadEvent) + 'a;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_modes_are_read_as_they_are_written() {
        for (text, height, width) in [("64x48", 64, 48), ("28", 28, 28), ("1X4096", 1, 4096)] {
            assert_eq!(text.parse(), Ok(ImageSize { height, width }), "{text}");
        }
        for text in ["", "x", "0x5", "5x", "4097x1", "-1", "3x4x5", "64 x 64", "1e3"] {
            let error = text.parse::<ImageSize>().expect_err(text);
            assert!(error.contains("HEIGHTxWIDTH, such as 64x64"), "{error}");
        }
        let json = serde_json::to_string(&(ImageSize { height: 3, width: 5 }, ColorMode::Rgb)).expect("serialises");
        assert_eq!(json, r#"["3x5","rgb"]"#);
        assert_eq!(
            serde_json::from_str::<(ImageSize, ColorMode)>(&json).expect("reads back"),
            (ImageSize { height: 3, width: 5 }, ColorMode::Rgb)
        );
        for mode in [ColorMode::Grayscale, ColorMode::Rgb] {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
    }
}
