//! Fashion-MNIST (H. Xiao, K. Rasul, R. Vollgraf, arXiv:1708.07747), one of the published sets.

use super::dataset::Dataset;
pub use super::published::File;
use super::published::{self, FASHION_MNIST};
use crate::error::Result;
use std::path::PathBuf;

/// The published files: training images, training labels, test images, test labels.
pub const FILES: [File; 4] = super::published::FASHION_MNIST_FILES;

/// As [`published::read_any`].
///
/// # Errors
/// As there.
pub fn read_any(folders: &[PathBuf], skipped: &mut Vec<String>) -> Result<Option<Dataset>> {
    published::read_any(&FASHION_MNIST, folders, skipped)
}
