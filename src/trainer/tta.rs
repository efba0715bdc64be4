//! Test-time augmentation: the views of an image that are averaged.

use serde::{Deserialize, Serialize};
use std::fmt::{Display, Formatter};

/// The views of an image whose probabilities are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tta {
    /// The image alone, as without this setting: what an option says in place of a file.
    #[serde(rename = "none")]
    None,
    /// The image, and mirrored left to right.
    #[serde(rename = "flip")]
    Flip,
    /// These, which count half, and both moved by a pixel up and left, and down and right, reflected at the edges.
    #[serde(rename = "flip+shift")]
    FlipShift,
}

/// A view: by how many pixels it is moved down and to the right, whether that is mirrored then, and its weight.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    is_mirrored: bool,
    moved: i32,
    pub(super) weight: f32,
}

impl Tta {
    /// Names in settings.
    pub const NAMES: [&str; 3] = ["none", "flip", "flip+shift"];

    /// The one of this name.
    ///
    /// # Errors
    /// What the names are.
    pub fn parse(name: &str) -> std::result::Result<Self, String> {
        let unknown = || format!("it must be {}", Self::NAMES.join(" or "));
        [Self::None, Self::Flip, Self::FlipShift].into_iter().find(|tta| tta.to_string() == name).ok_or_else(unknown)
    }

    pub(super) fn views(self) -> Vec<View> {
        let places = match self {
            Self::None => return vec![View { is_mirrored: false, moved: 0, weight: 1.0 }],
            Self::Flip => vec![(0, 0.5)],
            Self::FlipShift => vec![(0, 0.25), (-1, 0.125), (1, 0.125)],
        };
        let both = |(moved, weight)| [false, true].map(|is_mirrored| View { is_mirrored, moved, weight });
        places.into_iter().flat_map(both).collect()
    }
}

impl Display for Tta {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(Self::NAMES[*self as usize])
    }
}

impl View {
    /// This view of images of `[height, width, channels]`.
    pub(super) fn of(self, pixels: &[u8], [height, width, channels]: [usize; 3]) -> Vec<u8> {
        let reflected = |at: usize, len: usize| {
            // At most a pixel outside.
            let from = at as i32 - self.moved;
            (if from < 0 { 0 } else { from as usize }).min(len - 1)
        };
        let mut seen = Vec::with_capacity(pixels.len());
        for image in pixels.chunks_exact(height * width * channels) {
            for y in 0..height {
                for x in 0..width {
                    let x = reflected(if self.is_mirrored { width - 1 - x } else { x }, width);
                    seen.extend_from_slice(&image[(reflected(y, height) * width + x) * channels..][..channels]);
                }
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_mirrored_and_moved_and_weigh_one_together() {
        let pixels = [1, 2, 3, 4, 5, 6];
        let view = |is_mirrored, moved| View { is_mirrored, moved, weight: 1.0 }.of(&pixels, [2, 3, 1]);
        assert_eq!(view(false, 0), pixels);
        assert_eq!(view(true, 0), [3, 2, 1, 6, 5, 4]);
        assert_eq!(view(false, 1), [1, 1, 2, 1, 1, 2]);
        assert_eq!(view(false, -1), [5, 6, 6, 5, 6, 6]);
        assert_eq!(view(true, 1), [2, 1, 1, 2, 1, 1]);
        assert_eq!(View { is_mirrored: true, moved: 0, weight: 1.0 }.of(&pixels, [1, 2, 3]), [4, 5, 6, 1, 2, 3]);
        for tta in [Tta::None, Tta::Flip, Tta::FlipShift] {
            assert_eq!(tta.views().iter().map(|view| view.weight).sum::<f32>(), 1.0);
            assert_eq!(Tta::parse(&tta.to_string()), Ok(tta));
        }
        assert!(Tta::parse("shift").is_err());
    }
}
