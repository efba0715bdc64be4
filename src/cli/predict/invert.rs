//! Whether bright and dark are exchanged: a drawing is dark on white, a digit of MNIST bright on black.

use crate::data::Split;
use crate::report::detail;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What `--invert` says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    /// Where the border says so
    #[default]
    Auto,
    /// Every picture
    Yes,
    /// None
    No,
}

/// Decides for each picture, and counts.
#[derive(Debug, Clone)]
pub(super) struct Inverter {
    when: When,
    /// [height, width, channels].
    image: [usize; 3],
    /// Whether the training images have a bright border; none if that is not known, or they differ.
    of_training: Option<bool>,
    inverted: usize,
    all: usize,
}

/// What became of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Inverted(bool);

impl Inverted {
    pub(super) fn is_inverted(self) -> bool {
        self.0
    }
}

impl Inverter {
    pub(super) fn new(when: When, image: [usize; 3], of_training: Option<bool>) -> Self {
        Self { when, image, of_training, inverted: 0, all: 0 }
    }

    /// The pixels, inverted or not.
    pub(super) fn apply(&self, mut pixels: Vec<u8>) -> (Vec<u8>, Inverted) {
        let invert = match (self.when, self.of_training) {
            (When::Yes, _) => true,
            (When::Auto, Some(of_training)) if self.image[2] == 1 => {
                let alone = Split { image: self.image, pixels, labels: vec![0] };
                let of_picture = alone.has_bright_border();
                pixels = alone.pixels;
                of_picture.is_some_and(|of_picture| of_picture != of_training)
            }
            _ => false,
        };
        if invert {
            pixels.iter_mut().for_each(|value| *value = 255 - *value);
        }
        (pixels, Inverted(invert))
    }

    /// Counts what became of the picture at `path`.
    pub(super) fn count(&mut self, inverted: Inverted, path: &Path) {
        self.all += 1;
        if inverted.is_inverted() {
            self.inverted += 1;
            detail(|| format!("inverted: {}", path.display()));
        }
    }

    /// What was decided.
    pub(super) fn summary(&self) -> Option<String> {
        let Self { when, image, of_training, inverted, all } = self;
        match (when, of_training) {
            _ if *all == 0 || *when != When::Auto || image[2] != 1 => None,
            (_, None) => Some(
                "note: no picture was inverted: the weights file does not say that the training images have a dark border (white on black) \
                 or a bright one; --invert inverts them all"
                    .to_owned(),
            ),
            (_, Some(of_training)) => {
                let [training, pictures] = if *of_training { ["bright", "dark"] } else { ["dark", "bright"] };
                let what = format!("with a {pictures} border, as the training images have a {training} one");
                let of = if *all == 1 { "the picture".to_owned() } else { format!("{inverted} of {all} pictures") };
                (*inverted > 0).then(|| format!("note: inverted {of} {what}; --invert no leaves them"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: [usize; 3] = [4, 5, 1];

    /// An image with a border and an inside.
    fn image(border: u8, inside: u8) -> Vec<u8> {
        let mut pixels = vec![border; 20];
        [6, 7, 8, 11, 12, 13].iter().for_each(|i| pixels[*i] = inside);
        pixels
    }

    #[test]
    fn the_border_decides_where_it_is_auto() {
        let of = |when, of_training, pixels| Inverter::new(when, SHAPE, of_training).apply(pixels);
        let (drawing, photo) = (image(250, 10), image(5, 245));
        assert_eq!(of(When::Auto, Some(false), drawing.clone()), (photo.clone(), Inverted(true)));
        assert_eq!(of(When::Auto, Some(true), drawing.clone()), (drawing.clone(), Inverted(false)));
        assert_eq!(of(When::Auto, Some(false), photo.clone()), (photo.clone(), Inverted(false)));
        assert_eq!(of(When::Auto, Some(true), photo.clone()), (drawing.clone(), Inverted(true)));
        assert_eq!(of(When::Auto, None, drawing.clone()), (drawing.clone(), Inverted(false)));
        assert_eq!(of(When::No, Some(false), drawing.clone()), (drawing.clone(), Inverted(false)));
        assert_eq!(of(When::Yes, Some(true), drawing.clone()), (photo, Inverted(true)));
        let color = Inverter::new(When::Auto, [2, 2, 3], Some(false)).apply(vec![255; 12]);
        assert_eq!(color, (vec![255; 12], Inverted(false)));
    }

    #[test]
    fn what_was_decided_is_said() {
        let summary = |when, of_training, inverted: &[bool]| {
            let mut inverter = Inverter::new(when, SHAPE, of_training);
            inverted.iter().for_each(|inverted| inverter.count(Inverted(*inverted), Path::new("a")));
            inverter.summary().unwrap_or_default()
        };
        assert!(summary(When::Auto, Some(false), &[true]).contains("inverted the picture with a bright border"));
        assert!(
            summary(When::Auto, Some(true), &[true, false]).contains("inverted 1 of 2 pictures with a dark border")
        );
        assert_eq!(summary(When::Auto, Some(false), &[false]), "");
        assert_eq!(summary(When::Yes, None, &[true]), "");
        assert!(summary(When::Auto, None, &[false]).starts_with("note: no picture was inverted"));
    }
}
