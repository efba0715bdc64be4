//! Data sets of labelled images: reading, downloading, generating, and batching.

mod border;
pub mod cifar10;
#[cfg(feature = "cli")]
mod cifar10_archive;
mod classes;
mod dataset;
#[cfg(feature = "download")]
pub mod download;
pub mod fashion_mnist;
mod folder;
mod gzip;
pub mod idx;
mod idx_files;
mod idx_names;
#[cfg(feature = "cli")]
mod image_folder;
mod loader;
mod npy;
mod npz;
mod open;
#[cfg(feature = "cli")]
mod picture;
pub mod published;
mod read_options;
pub mod synthetic;

#[cfg(feature = "cli")]
pub use cifar10_archive::parse_cifar10_archive;
pub use classes::check_labels;
pub use dataset::{CLASS_NAMES, Dataset, FILES, Split};
pub use folder::read_folder;
#[cfg(feature = "cli")]
pub use image_folder::{cached_pictures, read_image_folder};
pub use loader::Batches;
pub use npz::parse_npz;
pub use open::{DataKind, is_there, kind_of, open};
#[cfg(feature = "cli")]
pub(crate) use picture::read_bytes as picture_bytes;
#[cfg(feature = "cli")]
pub use picture::{EXTENSIONS, PictureInfo, decode_picture, has_picture_extension, picture_info, read_picture};
pub use read_options::{ColorMode, ImageSize, ReadEvent, ReadEvents, ReadOptions};
