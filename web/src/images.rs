//! Labelled images, drawn or given as bytes.

use gpu_cnn::data::synthetic::{self, DEFAULT_SEED};
use gpu_cnn::data::{CLASS_NAMES, Split};
use wasm_bindgen::prelude::*;

/// Labelled images and the names of their classes.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Images {
    pub(crate) split: Split,
    pub(crate) class_names: Vec<String>,
}

#[wasm_bindgen]
impl Images {
    /// The first `count` training images of the synthetic set, the same as the command's `--data synthetic` has.
    pub fn synthetic(count: usize) -> Self {
        Self::drawn(synthetic::generate(DEFAULT_SEED, [count, 0]).train)
    }

    /// The first `count` test images of the synthetic set.
    pub fn synthetic_test(count: usize) -> Self {
        Self::drawn(synthetic::generate(DEFAULT_SEED, [0, count]).test)
    }

    /// Images of `height` x `width` x `channels` bytes, one after the other, the class of each, from 0, and the names of all classes. What
    /// does not go together is refused where the images are used.
    pub fn of_bytes(
        height: usize,
        width: usize,
        channels: usize,
        pixels: Vec<u8>,
        labels: Vec<u8>,
        class_names: Vec<String>,
    ) -> Self {
        Self { split: Split { image: [height, width, channels], pixels, labels }, class_names }
    }

    /// Number of images.
    #[wasm_bindgen(getter)]
    pub fn count(&self) -> usize {
        self.split.len()
    }

    /// Names of the classes.
    #[wasm_bindgen(getter)]
    pub fn class_names(&self) -> Vec<String> {
        self.class_names.clone()
    }

    /// The bytes of the first image of `class`; none if there is no such image.
    pub fn first_of(&self, class: u8) -> Option<Vec<u8>> {
        let image = self.split.labels.iter().position(|label| *label == class)?;
        Some(self.split.pixels_of(image).to_vec())
    }
}

impl Images {
    fn drawn(split: Split) -> Self {
        Self { split, class_names: CLASS_NAMES.map(String::from).to_vec() }
    }
}
