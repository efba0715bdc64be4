//! What augmentation changes in the training images: a setting of training.

use crate::error::{Number, Result, usage};
use crate::kernels::Mirror;
use crate::kernels::augment::{AugmentImages, Changes};
use crate::plan::Step;
use serde::{Deserialize, Serialize};
use std::fmt::{Display, Formatter};

/// What is changed in the training images, each by draws that are a function of seed, epoch and image. In settings a list such as
/// `flip,crop2`: what is changed, and by how much at most. What comes from beyond an image's edge is the image reflected there (dcba|abcd|dcba).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "Vec<String>", try_from = "ListOrText")]
pub struct Augment {
    /// `flip` (alternating) or `random-flip`.
    pub mirror: Option<Mirror>,
    /// `crop2`: moved by so many whole pixels at most, along each axis.
    pub crop: u32,
    /// `shift0.1`: moved by this share of height and width at most.
    pub shift: f64,
    /// `rotate10`: turned by so many degrees at most.
    pub rotate: f64,
    /// `zoom0.1`: larger or smaller by this share at most.
    pub zoom: f64,
    /// `brightness0.1`: lighter or darker by this share of the range of pixels at most.
    pub brightness: f64,
    /// `cutout8`: a square of so many pixels a side is black; its centre is anywhere in the image.
    pub cutout: u32,
}

/// The setting as files have it.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a list such as [\"flip\", \"crop2\"], or a text such as \"flip,crop2\"")]
enum ListOrText {
    List(Vec<String>),
    Text(String),
}

/// Names, and what stands for a number that is left out.
const NAMES: [(&str, &str); 8] = [
    ("random-flip", ""),
    ("flip", ""),
    ("crop", "2"),
    ("shift", "0.1"),
    ("rotate", "10"),
    ("zoom", "0.1"),
    ("brightness", "0.1"),
    ("cutout", "8"),
];

impl Augment {
    /// Reads a list such as `flip,crop2,rotate15`.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut augment = Self::default();
        let mut seen = Vec::new();
        if text.trim() == "none" {
            return Ok(augment);
        }
        for item in text.split(',').map(str::trim) {
            let found = NAMES.into_iter().find(|(name, _)| item.starts_with(name));
            let form = || {
                let names = NAMES.map(|(name, usual)| format!("{name}{usual}")).join(", ");
                format!("`{item}` is no augmentation; those are {names}")
            };
            let (name, usual) = found.ok_or_else(form)?;
            if seen.contains(&name.trim_start_matches("random-")) {
                return Err(format!("`{item}` comes twice"));
            }
            seen.push(name.trim_start_matches("random-"));
            let number = &item[name.len()..];
            let number = if number.is_empty() { usual } else { number };
            let whole = || number.parse::<u32>().map_err(|_| form());
            let share = || number.parse::<f64>().map_err(|_| form());
            match name {
                "flip" | "random-flip" if !number.is_empty() => return Err(form()),
                "flip" => augment.mirror = Some(Mirror::Alternating),
                "random-flip" => augment.mirror = Some(Mirror::Random),
                "crop" => augment.crop = whole()?,
                "shift" => augment.shift = share()?,
                "rotate" => augment.rotate = share()?,
                "zoom" => augment.zoom = share()?,
                "brightness" => augment.brightness = share()?,
                _ => augment.cutout = whole()?,
            }
        }
        Ok(augment)
    }

    /// Whether nothing is changed.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// # Errors
    /// If a number is out of range.
    pub(crate) fn check(&self) -> Result<()> {
        const MAX: f64 = 64.0;
        let ranges = [
            ("crop", f64::from(self.crop), MAX),
            ("shift", self.shift, 1.0),
            ("rotate", self.rotate, 180.0),
            ("zoom", self.zoom, 0.9),
            ("brightness", self.brightness, 1.0),
            ("cutout", f64::from(self.cutout), 1024.0),
        ];
        match ranges.into_iter().find(|(_, value, max)| !(0.0..=*max).contains(value)) {
            Some((name, value, max)) => Err(usage!("augment: {name} of {}; it must be from 0 to {max}", Number(value))),
            None => Ok(()),
        }
    }

    /// The kernel that changes a batch of images; the arguments are those of [`AugmentImages`].
    pub(crate) fn kernel(&self, batch: usize, image: [usize; 3], words: usize, divisor: f64) -> AugmentImages {
        let Self { mirror, crop, shift, rotate, zoom, brightness, cutout } = *self;
        let changes = Changes { mirror, crop, shift, rotate, zoom, brightness, cutout };
        AugmentImages { batch, image, words, divisor, changes }
    }

    /// An image of the shape `image` as training sees it, with each pixel rounded to a byte; `key` is its number and the epoch.
    pub(crate) fn image(&self, pixels: &[u8], image: [usize; 3], step: &Step, key: [u32; 2]) -> Vec<u8> {
        let mut seen = vec![0; pixels.len()];
        // Of bytes, so that a number is that of a byte.
        self.kernel(1, image, 0, 1.0).bytes(&mut seen, pixels, step, key);
        seen
    }

    fn items(&self) -> Vec<String> {
        let Self { mirror, crop, shift, rotate, zoom, brightness, cutout } = *self;
        let mirror = mirror.map(|mirror| if mirror == Mirror::Random { "random-flip" } else { "flip" }.to_owned());
        let whole = [("crop", crop)].map(|(name, n)| (n > 0).then(|| format!("{name}{n}")));
        let shares = [("shift", shift), ("rotate", rotate), ("zoom", zoom), ("brightness", brightness)];
        let shares = shares.map(|(name, share)| (share != 0.0).then(|| format!("{name}{share}")));
        let cutout = (cutout > 0).then(|| format!("cutout{cutout}"));
        [mirror].into_iter().chain(whole).chain(shares).chain([cutout]).flatten().collect()
    }
}

impl Display for Augment {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.items().join(","))
    }
}

impl From<Augment> for Vec<String> {
    fn from(augment: Augment) -> Self {
        augment.items()
    }
}

impl TryFrom<ListOrText> for Augment {
    type Error = String;

    fn try_from(value: ListOrText) -> Result<Self, String> {
        match value {
            ListOrText::List(items) if items.is_empty() => Ok(Self::default()),
            ListOrText::List(items) => Self::parse(&items.join(",")),
            ListOrText::Text(text) => Self::parse(&text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn augmentations_are_named_with_their_numbers() {
        let all = "flip,crop3,shift0.2,rotate15,zoom0.25,brightness0.3,cutout6";
        let augment = Augment::parse(all).expect("known");
        let expected = Augment {
            mirror: Some(Mirror::Alternating),
            crop: 3,
            shift: 0.2,
            rotate: 15.0,
            zoom: 0.25,
            brightness: 0.3,
            cutout: 6,
        };
        assert_eq!(augment, expected);
        assert_eq!(augment.to_string(), all);
        let json = serde_json::to_string(&augment).expect("a list");
        assert_eq!(serde_json::from_str::<Augment>(&json).expect("back"), augment);
        assert_eq!(
            serde_json::from_str::<Augment>("\"random-flip, crop\"").expect("a text").to_string(),
            "random-flip,crop2"
        );
        assert!(serde_json::from_str::<Augment>("[]").expect("nothing").is_none());
        for wrong in ["", "flop", "flip2", "crop-1", "crop1.5", "rotatex", "flip,flip", "flip,random-flip", "crop2,,"] {
            assert!(Augment::parse(wrong).is_err(), "{wrong}");
        }
        for wrong in ["rotate181", "zoom1", "shift-0.1", "crop65", "brightnessnan"] {
            assert!(Augment::parse(wrong).is_ok_and(|augment| augment.check().is_err()), "{wrong}");
        }
    }
}
