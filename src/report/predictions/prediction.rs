//! What a model makes of pictures.

use serde_json::Value;
use std::path::Path;

/// What is the same for all pictures.
#[derive(Debug, Clone)]
pub(crate) struct PredictionHead {
    /// The weights file.
    pub(crate) weights: String,
    /// What the predictions are made on.
    pub(crate) device: Value,
    /// Shape of the images that the pictures become, [height, width, channels].
    pub(crate) image: [usize; 3],
    /// Names of the classes, as far as they are known.
    pub(crate) class_names: Vec<String>,
    /// Number of classes.
    pub(crate) classes: usize,
    /// Classes that are printed of each picture.
    pub(crate) top_k: usize,
}

/// A class that a picture may be of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guess {
    pub(crate) class: usize,
    pub(crate) probability: f32,
}

/// What the model makes of a picture.
#[derive(Debug)]
pub(crate) struct Predicted<'a> {
    pub(crate) path: &'a Path,
    /// Whether bright and dark were exchanged.
    pub(crate) is_inverted: bool,
    /// The most probable first.
    pub(crate) guesses: Vec<Guess>,
}
