//! Whether images show something dark on a bright ground, or the other way round.

use super::dataset::Split;

/// Of a hundred images so many have to agree.
const AGREE: usize = 90;

impl Split {
    /// Whether the images have a bright border, as of ink on paper, or a dark one, as MNIST's: by the median of each image's outermost
    /// pixels, over all channels. None if fewer than nine in ten of the images agree, as of photographs, or there are none.
    pub fn has_bright_border(&self) -> Option<bool> {
        let bright = (0..self.len()).filter(|i| median_of_border(self.pixels_of(*i), self.image) > 127).count();
        let enough = |count: usize| !self.is_empty() && count * 100 >= self.len() * AGREE;
        match (enough(bright), enough(self.len() - bright)) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }
}

/// The median of the values of the outermost pixels, of two in the middle the lower.
fn median_of_border(pixels: &[u8], [height, width, channels]: [usize; 3]) -> u8 {
    let mut counts = [0usize; 256];
    for (i, row) in pixels.chunks_exact(width * channels).enumerate() {
        let inner = if i == 0 || i + 1 == height || width < 2 { 0 } else { (width - 2) * channels };
        let (left, rest) = if inner == 0 { (row, &[][..]) } else { row.split_at(channels) };
        left.iter().chain(rest.get(inner..).unwrap_or_default()).for_each(|value| counts[usize::from(*value)] += 1);
    }
    let total: usize = counts.iter().sum();
    let mut so_far = 0;
    let median = counts.iter().position(|count| {
        so_far += count;
        2 * so_far >= total
    });
    median.unwrap_or_default() as u8
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
