//! What is known of the images that a model was trained on.

use crate::error::{Result, usage};
use serde::Serialize;

/// What weights files and checkpoints say of the training images, so that predictions on others need no data set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImagesInfo {
    /// Names of the classes in the order of the outputs; empty if they are not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub class_names: Vec<String>,
    /// Whether the images have a bright border (dark ink on paper) or a dark one (as MNIST); none if it is not known, or neither.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bright_border: Option<bool>,
}

impl ImagesInfo {
    /// Whether a model of `classes` classes may have been trained on them.
    ///
    /// # Errors
    /// If there are more names than classes.
    pub fn check(&self, classes: usize) -> Result<()> {
        match self.class_names.len() {
            names if names > classes => Err(usage!("{names} class_names for {classes} classes")),
            _ => Ok(()),
        }
    }
}
