//! Data in the formats of other programs: folders of pictures, archives of NumPy's, CIFAR-10, EMNIST and QMNIST.

mod cache;
mod formats;
mod mutated;
mod pictures;
mod python;
mod split;

use gpu_cnn::data::{self, Dataset, ReadEvent, ReadOptions};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What reading said.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) warnings: Vec<String>,
    pub(super) notes: Vec<String>,
    pub(super) details: Vec<String>,
    /// The last report of pictures that were decoded.
    pub(super) decoded: Option<(usize, usize)>,
}

pub(super) fn open_with(path: &Path, options: &ReadOptions) -> (gpu_cnn::Result<Dataset>, Said) {
    let mut said = Said::default();
    let read = data::open(path, options, &mut |event| match event {
        ReadEvent::Warning(text) => said.warnings.push(text),
        ReadEvent::Note(text) => said.notes.push(text),
        ReadEvent::Detail(text) => said.details.push(text),
        ReadEvent::Decoded(done, total) => said.decoded = Some((done, total)),
    });
    (read, said)
}

pub(super) fn open(path: &Path) -> gpu_cnn::Result<Dataset> {
    open_with(path, &ReadOptions::default()).0
}

/// Asserts that the data cannot be used, with exit code 4 and this message; returns the whole.
pub(super) fn refused(path: &Path, message: &str) -> String {
    refused_with(path, &ReadOptions::default(), message)
}

pub(super) fn refused_with(path: &Path, options: &ReadOptions, message: &str) -> String {
    let error = open_with(path, options).0.expect_err(message);
    assert!(error.to_string().contains(message), "no `{message}` in: {error}");
    assert_eq!(error.exit_code(), 4, "{error}");
    error.to_string()
}

/// A temporary folder to write files in.
pub(super) struct Folder(TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, and the folders that it is in.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Writes a grey picture of 2x3 pixels of this value.
    pub(super) fn grey(&self, name: &str, value: u8) {
        self.write(name, &png([2, 3, 1], &[value; 6]));
    }
}

/// A PNG file of one channel or three.
pub(super) fn png([height, width, channels]: [u32; 3], pixels: &[u8]) -> Vec<u8> {
    use image::ImageEncoder;
    let colour = if channels == 3 { image::ExtendedColorType::Rgb8 } else { image::ExtendedColorType::L8 };
    let mut file = Vec::new();
    image::codecs::png::PngEncoder::new(&mut file).write_image(pixels, width, height, colour).unwrap();
    file
}
