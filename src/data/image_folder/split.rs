//! Which pictures are held out where there is no folder of test pictures.

use super::found::Picture;
use crate::data::read_options::ReadOptions;
use crate::digest::sha256_hex;
use crate::error::{Error, Result};
use std::path::Path;

/// The training and the test pictures of `pictures`, which are sorted by class.
///
/// A picture's side depends on the seed and its own name alone, so that pictures that are added change the side of no other: it is a test
/// picture if the first 64 bits of the SHA-256 of both, as a fraction, are below `test_split`. Where by that all pictures of a class would be
/// training or all test pictures, the one with the smallest or the largest fraction changes sides, until others are added. A class of one
/// picture is for training.
///
/// # Errors
/// [`Error::Data`] if no class has two pictures.
pub(super) fn held_out(
    pictures: Vec<Picture>,
    classes: usize,
    options: &ReadOptions,
    dir: &Path,
) -> Result<(Vec<Picture>, Vec<Picture>)> {
    let fractions: Vec<u64> = pictures.iter().map(|picture| fraction(options.split_seed, &picture.name)).collect();
    let limit = (options.test_split * 2f64.powi(64)) as u64;
    let mut is_test: Vec<bool> = fractions.iter().map(|fraction| *fraction < limit).collect();
    for class in 0..classes {
        let of_class = || (0..pictures.len()).filter(|i| usize::from(pictures[*i].class) == class);
        let tests = of_class().filter(|i| is_test[*i]).count();
        let smallest = of_class().min_by_key(|i| fractions[*i]);
        let largest = of_class().max_by_key(|i| fractions[*i]);
        match (smallest, largest) {
            (Some(smallest), Some(largest)) if smallest != largest => match (tests, tests == of_class().count()) {
                (0, _) => is_test[smallest] = true,
                (_, true) => is_test[largest] = false,
                _ => {}
            },
            (Some(only), _) => is_test[only] = false,
            _ => {}
        }
    }
    if !is_test.contains(&true) {
        let what = "no class has two pictures, so that none can be held out as a test image";
        return Err(Error::data(dir, what));
    }
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for (picture, is_test) in pictures.into_iter().zip(is_test) {
        if is_test { test.push(picture) } else { train.push(picture) }
    }
    Ok((train, test))
}

/// Puts pictures into an order that depends on their names alone, so that the last ones, which may validate the training, are a sample of
/// all classes.
pub(super) fn mix(pictures: &mut [Picture]) {
    // Another seed than the default of the split, or each would begin with those that were nearly held out.
    pictures.sort_by_cached_key(|picture| fraction(u64::MAX, &picture.name));
}

/// Of 2^64.
fn fraction(seed: u64, name: &[u8]) -> u64 {
    let digest = sha256_hex(&[seed.to_string().as_bytes(), b"\n", name].concat());
    u64::from_str_radix(&digest[..16], 16).unwrap_or_default()
}
