//! Batches of a split, in file order or shuffled.

use super::dataset::Split;
use crate::rng::{Purpose, Rng};
use std::ops::Range;

/// The batches of one pass over a split or a part of it; the last may be short.
#[derive(Debug)]
pub struct Batches<'a> {
    split: &'a Split,
    /// The images of the pass.
    range: Range<usize>,
    order: Option<Vec<u32>>,
    batch: usize,
    /// From 1; 0 where it does not matter.
    epoch: u64,
}

impl<'a> Batches<'a> {
    /// All images in file order, `batch` at a time.
    pub fn in_order(split: &'a Split, batch: usize) -> Self {
        Self::within(split, 0..split.len(), batch)
    }

    /// The images of `range` in file order, `batch` at a time.
    pub fn within(split: &'a Split, range: Range<usize>, batch: usize) -> Self {
        Self { split, range, order: None, batch, epoch: 0 }
    }

    /// The same images in a random order that depends only on `seed`, `epoch` and their number.
    #[must_use]
    pub fn shuffled(self, seed: u64, epoch: u64) -> Self {
        let order = Rng::new(seed, Purpose::Shuffle, epoch).permutation(self.range.len());
        Self { order: Some(order), epoch, ..self }
    }

    /// The same images as those of this epoch, for which they are augmented.
    #[must_use]
    pub fn of_epoch(self, epoch: u64) -> Self {
        Self { epoch, ..self }
    }

    /// Number of batches, including a short last one.
    pub fn len(&self) -> usize {
        self.range.len().div_ceil(self.batch)
    }

    /// Whether there are no batches.
    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// Images of batch `i`.
    pub fn images(&self, i: usize) -> usize {
        self.batch.min(self.range.len().saturating_sub(i * self.batch))
    }

    /// Which images batch `i` has, by their numbers in the split.
    pub fn indices(&self, i: usize) -> impl Iterator<Item = usize> {
        (i * self.batch..i * self.batch + self.images(i)).map(|n| self.index(n))
    }

    /// The number of the `n`th image of the pass.
    fn index(&self, n: usize) -> usize {
        self.range.start + self.order.as_ref().map_or(n, |order| order[n] as usize)
    }

    /// Writes number and epoch of each image of batch `i` into `keys` ([batch, 2]), filled up with zeros.
    pub fn write_keys(&self, i: usize, keys: &mut [u32]) {
        keys.fill(0);
        for (key, index) in keys.as_chunks_mut::<2>().0.iter_mut().zip(self.indices(i)) {
            *key = [index as u32, self.epoch as u32];
        }
    }

    /// Writes batch `i` into `pixels` ([batch, height, width, channels] bytes) and `labels` (`[batch]`), both filled up
    /// with zeros after the images of a short batch. Returns the number of images in the batch.
    pub fn write(&self, i: usize, pixels: &mut [u8], labels: &mut [u32]) -> usize {
        let (first, image_len) = (i * self.batch, self.split.image_len());
        let images = self.images(i);
        for n in 0..images {
            let index = self.index(first + n);
            pixels[n * image_len..][..image_len].copy_from_slice(self.split.pixels_of(index));
            labels[n] = u32::from(self.split.labels[index]);
        }
        pixels[images * image_len..].fill(0);
        labels[images..].fill(0);
        images
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split() -> Split {
        Split { image: [1, 1, 1], pixels: (0..7).collect(), labels: (0..7).collect() }
    }

    #[test]
    fn a_pass_holds_every_image_once_and_ends_short() {
        let split = split();
        for (batches, expected) in [
            (Batches::in_order(&split, 3), 0..7),
            (Batches::in_order(&split, 3).shuffled(1, 1), 0..7),
            (Batches::within(&split, 2..6, 3), 2..6),
            (Batches::within(&split, 2..6, 3).shuffled(1, 1), 2..6),
        ] {
            let mut found = Vec::new();
            for i in 0..batches.len() {
                let (mut pixels, mut labels) = ([9; 4], [9; 3]);
                let images = batches.write(i, &mut pixels, &mut labels);
                assert!(pixels[images..].iter().all(|p| *p == 0));
                assert!((0..images).all(|n| u32::from(pixels[n]) == labels[n]));
                found.extend_from_slice(&labels[..images]);
            }
            found.sort_unstable();
            assert_eq!(found, expected.collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_order_is_a_function_of_seed_and_epoch() {
        let split = split();
        let order = |seed, epoch| Batches::in_order(&split, 3).shuffled(seed, epoch).order;
        assert_eq!(order(1, 1), order(1, 1));
        assert_ne!(order(1, 1), order(1, 2));
        assert_ne!(order(1, 1), order(2, 1));
    }
}
