//! Images as training sees them.

use crate::data::Split;
use crate::layers::Augment;
use crate::plan::Step;

/// Image `i` of `split` as training with `seed` sees it in an epoch, from 1, with each pixel rounded to a byte.
#[must_use]
pub fn augmented(split: &Split, i: usize, augment: Augment, seed: u64, epoch: u64) -> Vec<u8> {
    let step = Step { seed: Step::seed_of(seed), ..Step::default() };
    augment.image(split.pixels_of(i), split.image, &step, [i as u32, epoch as u32])
}
