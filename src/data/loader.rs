//! Batches of a split, in file order or shuffled.

use super::dataset::Split;
use crate::rng::{Purpose, Rng};

/// The batches of one pass over a split; the last may be short.
#[derive(Debug)]
pub struct Batches<'a> {
    split: &'a Split,
    order: Option<Vec<u32>>,
    batch: usize,
}

impl<'a> Batches<'a> {
    /// All images in file order, `batch` at a time.
    pub fn in_order(split: &'a Split, batch: usize) -> Self {
        Self { split, order: None, batch }
    }

    /// All images in a random order that depends only on `seed` and `epoch`, `batch` at a time.
    pub fn shuffled(split: &'a Split, batch: usize, seed: u64, epoch: u64) -> Self {
        let order = Rng::new(seed, Purpose::Shuffle, epoch).permutation(split.len());
        Self { split, order: Some(order), batch }
    }

    /// Number of batches, including a short last one.
    pub fn len(&self) -> usize {
        self.split.len().div_ceil(self.batch)
    }

    /// Whether there are no batches.
    pub fn is_empty(&self) -> bool {
        self.split.is_empty()
    }

    /// Images of batch `i`.
    pub fn images(&self, i: usize) -> usize {
        self.batch.min(self.split.len().saturating_sub(i * self.batch))
    }

    /// Which images batch `i` has, by their numbers in the split.
    pub fn indices(&self, i: usize) -> impl Iterator<Item = usize> {
        (i * self.batch..i * self.batch + self.images(i)).map(|n| self.index(n))
    }

    /// The number of the `n`th image of the pass.
    fn index(&self, n: usize) -> usize {
        self.order.as_ref().map_or(n, |order| order[n] as usize)
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
        for batches in [Batches::in_order(&split, 3), Batches::shuffled(&split, 3, 1, 1)] {
            let mut found = Vec::new();
            for i in 0..batches.len() {
                let (mut pixels, mut labels) = ([9; 4], [9; 3]);
                let images = batches.write(i, &mut pixels, &mut labels);
                assert!(pixels[images..].iter().all(|p| *p == 0));
                assert!((0..images).all(|n| u32::from(pixels[n]) == labels[n]));
                found.extend_from_slice(&labels[..images]);
            }
            found.sort_unstable();
            assert_eq!(found, (0..7).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_order_is_a_function_of_seed_and_epoch() {
        let split = split();
        let order = |seed, epoch| Batches::shuffled(&split, 3, seed, epoch).order;
        assert_eq!(order(1, 1), order(1, 1));
        assert_ne!(order(1, 1), order(1, 2));
        assert_ne!(order(1, 1), order(2, 1));
    }
}
