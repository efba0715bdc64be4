//! A folder of pictures: `train/CLASS/*.png` and `test/CLASS/*.png`, or `CLASS/*.png` of which some are held out.
//!
//! The conventions are those of Keras's `image_dataset_from_directory` and torchvision's `ImageFolder`: a folder is a class, classes are numbered
//! in the order of the bytes of their names, pictures may lie in folders inside, hidden files are not read. `val`, `valid` and `validation` are
//! read in place of `test` where that is not there.

mod cache;
mod decode;
mod found;
mod listing;
mod split;

use super::dataset::{Dataset, Split};
use super::folder::name_of;
use super::idx;
use super::read_options::{ReadEvent, ReadEvents, ReadOptions};
use crate::error::Result;
use cache::Cache;
pub use cache::cached_pictures;
use found::Picture;
use listing::Listing;
use std::path::Path;

/// Reads the folder `dir`.
///
/// # Errors
/// [`crate::Error::Data`] if it has no pictures of two classes, a class has none to train on, pictures cannot be read or, without a size in
/// `options`, have several; [`crate::Error::Device`] without memory for them.
pub fn read_image_folder(dir: &Path, options: &ReadOptions, say: &mut ReadEvents<'_>) -> Result<Dataset> {
    let name = name_of(dir)?;
    let listing = Listing::new(dir, options, say)?;
    let counts = [listing.train.len(), listing.test.len()];
    let cache = Cache::new(&name, &listing, options);
    let cached = cache.as_ref().and_then(|cache| cache.read(counts));
    let is_cached = cached.is_some();
    let [train, test] = match cached {
        Some(splits) => splits,
        None => decoded(&listing, dir, options, say)?,
    };
    if let Some(cache) = &cache {
        let folder = cache.folder.display();
        let text = match is_cached {
            true => format!("the pictures were decoded before: {folder}"),
            false => match cache.write([&train, &test]) {
                Ok(()) => format!("the decoded pictures are kept: {folder}"),
                Err(e) => format!("the decoded pictures cannot be kept: {e}: {folder}"),
            },
        };
        say(ReadEvent::Detail(text));
    }
    let names = ["train images", "train labels", "test images", "test labels"].map(str::to_owned);
    let digests = [idx::content_sha256(&train), idx::content_sha256(&test)].into_iter().flatten();
    let sha256 = names.into_iter().zip(digests).collect();
    let (classes, class_names) = (listing.class_names.len(), listing.class_names);
    Ok(Dataset { source: name.clone(), name, train, test, classes, class_names, sha256 })
}

/// Decodes the training and the test pictures.
fn decoded(listing: &Listing, dir: &Path, options: &ReadOptions, say: &mut ReadEvents<'_>) -> Result<[Split; 2]> {
    let all: Vec<&Picture> = listing.train.iter().chain(&listing.test).collect();
    let (image, mut pixels) = decode::decode(&all, dir, options, say)?;
    let test = pixels.split_off(listing.train.len() * image.iter().product::<usize>());
    let split = |pictures: &[Picture], pixels| {
        let labels = pictures.iter().map(|picture| picture.class).collect();
        Split { image, pixels, labels }
    };
    Ok([split(&listing.train, pixels), split(&listing.test, test)])
}
