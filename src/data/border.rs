//! Whether images show something dark on a bright ground, or the other way round.

use super::dataset::Split;

/// Of a hundred images so many have to agree.
const AGREE: usize = 90;

impl Split {
    /// Whether the images have a bright border, as of ink on paper, or a dark one, as MNIST's: by the median of each image's outermost
    /// pixels, over all channels. None if fewer than nine in ten of the images agree, as of photographs, or there are none.
    pub fn has_bright_border(&self) -> Option<bool> {
        let bright = (0..self.len()).filter(|i| is_border_bright(self.pixels_of(*i), self.image)).count();
        let enough = |count: usize| !self.is_empty() && count * 100 >= self.len() * AGREE;
        match (enough(bright), enough(self.len() - bright)) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }
}

/// Whether the median of the values of the outermost pixels, of two in the middle the lower, is in the upper half of the range.
fn is_border_bright(pixels: &[u8], [height, width, channels]: [usize; 3]) -> bool {
    let (mut bright, mut total) = (0, 0);
    for (i, row) in pixels.chunks_exact(width * channels).enumerate() {
        let inner = if i == 0 || i + 1 == height || width < 2 { 0 } else { (width - 2) * channels };
        let (left, rest) = if inner == 0 { (row, &[][..]) } else { row.split_at(channels) };
        for part in [left, rest.get(inner..).unwrap_or_default()] {
            bright += part.iter().filter(|value| **value > 127).count();
            total += part.len();
        }
    }
    2 * bright > total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_border_alone_counts_and_most_images_have_to_agree() {
        let [dark, bright] = [(0, 255), (255, 0)].map(|(border, inner)| {
            let mut image = vec![border; 5 * 4 * 3];
            (1..4).for_each(|y| image[(y * 4 + 1) * 3..][..2 * 3].fill(inner));
            image
        });
        let info = |bright_of_ten: usize| {
            let images = (0..10).map(|i| if i < bright_of_ten { &bright } else { &dark });
            let pixels = images.flatten().copied().collect();
            Split { image: [5, 4, 3], pixels, labels: vec![0; 10] }.has_bright_border()
        };
        assert_eq!(
            [0, 1, 2, 5, 8, 9, 10].map(info),
            [Some(false), Some(false), None, None, None, Some(true), Some(true)]
        );
        let small = |image: [usize; 3], pixels: &[u8]| {
            Split { image, pixels: pixels.to_vec(), labels: vec![0] }.has_bright_border()
        };
        assert_eq!(small([1, 1, 1], &[200]), Some(true));
        assert_eq!(small([3, 1, 1], &[0, 200, 200]), Some(true));
        assert_eq!(small([1, 3, 1], &[0, 200, 0]), Some(false));
        assert_eq!(small([2, 2, 1], &[0, 255, 255, 255]), Some(true));
        assert_eq!(Split { image: [1, 1, 1], pixels: vec![], labels: vec![] }.has_bright_border(), None);
    }
}
