//! Decodes many pictures at once.

use super::found::Picture;
use crate::data::idx::{MAX_BYTES, out_of_memory};
use crate::data::picture::{PictureInfo, picture_info, read_picture};
use crate::data::read_options::{ColorMode, ImageSize, ReadEvent, ReadEvents, ReadOptions};
use crate::error::{Error, Result};
use crate::threads::{install, pool};
use rayon::ThreadPool;
use rayon::prelude::*;
use std::path::Path;

/// Pictures between two reports.
const CHUNK: usize = 256;
/// Pictures that cannot be read that are named, at most.
const NAMED: usize = 5;

/// The pixels of all, [n, height, width, channels], and the shape of one.
pub(super) fn decode(
    pictures: &[&Picture],
    dir: &Path,
    options: &ReadOptions,
    say: &mut ReadEvents<'_>,
) -> Result<([usize; 3], Vec<u8>)> {
    let pool = pool(options.threads)?;
    let (size, channels) = match (options.image_size, options.color_mode) {
        (Some(size), Some(mode)) => (size, mode.channels()),
        (size, mode) => {
            let infos = infos(pictures, pool.as_ref())?;
            let size = size.map_or_else(|| common_size(pictures, &infos), Ok)?;
            let has_color = infos.iter().any(|info| info.has_color);
            (size, mode.map_or(if has_color { 3 } else { 1 }, ColorMode::channels))
        }
    };
    let image = [size.height, size.width, channels];
    let len: usize = image.iter().product();
    let total = (len as u64).saturating_mul(pictures.len() as u64);
    if total > MAX_BYTES {
        let [h, w, c] = image;
        let what = format!(
            "{} pictures of {h}x{w}x{c} are {total} bytes of pixels, more than {MAX_BYTES}; a smaller image_size takes less",
            pictures.len()
        );
        return Err(Error::data(dir, what));
    }
    let mut pixels = Vec::new();
    pixels.try_reserve_exact(total as usize).map_err(|_| out_of_memory(dir))?;
    pixels.resize(total as usize, 0);
    let mut errors = Vec::new();
    for (i, chunk) in pictures.chunks(CHUNK).enumerate() {
        let start = i * CHUNK;
        let images = &mut pixels[start * len..][..chunk.len() * len];
        let decode = |(image_pixels, picture): (&mut [u8], &&Picture)| {
            read_picture(&picture.path, image).map(|found| image_pixels.copy_from_slice(&found)).err()
        };
        let failed: Vec<Error> =
            install(pool.as_ref(), || images.par_chunks_mut(len).zip(chunk).filter_map(decode).collect());
        errors.extend(failed);
        say(ReadEvent::Decoded(start + chunk.len(), pictures.len()));
    }
    check_all(errors, pictures.len())?;
    match options.color_mode {
        None if channels == 3 && pixels.chunks_exact(3).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]) => {
            let grey = pixels.chunks_exact(3).map(|pixel| pixel[0]).collect();
            Ok(([size.height, size.width, 1], grey))
        }
        _ => Ok((image, pixels)),
    }
}

/// An error that names the first pictures that cannot be read; [`Error::Data`], unless the first is another.
fn check_all(mut errors: Vec<Error>, pictures: usize) -> Result<()> {
    match errors.len() {
        0 => Ok(()),
        1 => Err(errors.remove(0)),
        _ if !matches!(errors[0], Error::Data(_)) => Err(errors.remove(0)),
        count => {
            let named: String = errors.iter().take(NAMED).map(|error| format!("\n  {error}")).collect();
            let more = if count > NAMED { format!("\n  and {} more", count - NAMED) } else { String::new() };
            Err(Error::Data(format!(
                "{count} of {pictures} pictures cannot be read; mend or delete them:{named}{more}"
            )))
        }
    }
}

fn infos(pictures: &[&Picture], pool: Option<&ThreadPool>) -> Result<Vec<PictureInfo>> {
    let found: Vec<Result<PictureInfo>> =
        install(pool, || pictures.par_iter().map(|picture| picture_info(&picture.path)).collect());
    let (mut infos, mut errors) = (Vec::new(), Vec::new());
    for found in found {
        match found {
            Ok(info) => infos.push(info),
            Err(error) => errors.push(error),
        }
    }
    check_all(errors, pictures.len())?;
    Ok(infos)
}

/// The size that all pictures have.
fn common_size(pictures: &[&Picture], infos: &[PictureInfo]) -> Result<ImageSize> {
    let size = |info: &PictureInfo| (info.height, info.width);
    let area = |i: &usize| infos[*i].height * infos[*i].width;
    let (Some(smallest), Some(largest)) = ((0..infos.len()).min_by_key(area), (0..infos.len()).max_by_key(area)) else {
        return Err(Error::Data("no pictures".into()));
    };
    let other = (0..infos.len()).find(|i| size(&infos[*i]) != size(&infos[0]));
    let Some(other) = other else {
        let (height, width) = size(&infos[0]);
        return match height.max(width) {
            larger if larger > ImageSize::MAX => Err(Error::data(
                &pictures[0].path,
                format!(
                    "pictures of {height}x{width} pixels, more than {} an axis; image_size says what to resize them to, such as 64x64",
                    ImageSize::MAX
                ),
            )),
            _ => Ok(ImageSize { height, width }),
        };
    };
    // Two of one area are no range.
    let (smallest, largest) = if area(&smallest) == area(&largest) { (0, other) } else { (smallest, largest) };
    let shown = |i: usize| format!("{}x{} ({})", infos[i].height, infos[i].width, pictures[i].path.display());
    Err(Error::Data(format!(
        "the pictures have several sizes, from {} to {}; image_size (HEIGHTxWIDTH) says what to resize them to, such as 64x64",
        shown(smallest),
        shown(largest)
    )))
}
