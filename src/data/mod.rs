//! Data sets of labelled images: reading, downloading, generating, and batching.

mod border;
mod dataset;
#[cfg(feature = "download")]
pub mod download;
pub mod fashion_mnist;
mod folder;
mod gzip;
pub mod idx;
mod loader;
#[cfg(feature = "cli")]
mod picture;
pub mod synthetic;

pub use dataset::{CLASS_NAMES, Dataset, FILES, Split};
pub use folder::{check_labels, read_folder};
pub use loader::Batches;
#[cfg(feature = "cli")]
pub(crate) use picture::read_bytes as picture_bytes;
#[cfg(feature = "cli")]
pub use picture::{EXTENSIONS, PictureInfo, decode_picture, has_picture_extension, picture_info, read_picture};
