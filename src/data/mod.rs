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
pub mod synthetic;

pub use dataset::{CLASS_NAMES, Dataset, FILES, Split};
pub use folder::{check_labels, read_folder};
pub use loader::Batches;
