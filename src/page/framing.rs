//! Where the images of a set have what they show, and drawings made like them: cropped, scaled and centred.

use crate::data::Split;

/// Images that are looked at.
const IMAGES: usize = 500;
/// What differs less from the ground counts as ground.
const INK: f32 = 24.0;
/// Places on a pixel's side, at most, whose mean a scaled pixel is.
const MAX_SAMPLES: usize = 16;

/// How a set's images show what they show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Framing {
    /// Height, width and channels.
    image: [usize; 3],
    /// Whether it is dark on a bright ground.
    is_dark_on_bright: bool,
    /// The longer side of what is shown, a share of the image's.
    size: f32,
    /// What is put at `centre`: the centre of mass, else that of the sides.
    is_by_mass: bool,
    /// Row and column, shares of height and width.
    centre: [f32; 2],
}

/// The extent of what a grey picture shows on a dark ground: its sides' ends, and its centre of mass, in pixels.
struct Extent {
    rows: [f32; 2],
    columns: [f32; 2],
    mass: [f32; 2],
}

impl Extent {
    fn of(ink: &[f32], width: usize) -> Option<Self> {
        let (mut rows, mut columns) = ([f32::MAX, 0.0], [f32::MAX, 0.0]);
        let (mut sum, mut mass) = (0.0, [0.0; 2]);
        for (i, value) in ink.iter().enumerate().filter(|(_, value)| **value > INK) {
            let (row, column) = ((i / width) as f32, (i % width) as f32);
            rows = [rows[0].min(row), rows[1].max(row + 1.0)];
            columns = [columns[0].min(column), columns[1].max(column + 1.0)];
            mass = [mass[0] + value * (row + 0.5), mass[1] + value * (column + 0.5)];
            sum += value;
        }
        (sum > 0.0).then(|| Self { rows, columns, mass: mass.map(|moment| moment / sum) })
    }

    fn longer_side(&self) -> f32 {
        (self.rows[1] - self.rows[0]).max(self.columns[1] - self.columns[0])
    }

    fn centre(&self, is_by_mass: bool) -> [f32; 2] {
        match is_by_mass {
            true => self.mass,
            false => [self.rows, self.columns].map(|[start, end]| (start + end) / 2.0),
        }
    }
}

impl Framing {
    /// As the first images of `split` have it; of images that show nothing, all of the image.
    pub(super) fn of(split: &Split) -> Self {
        let [height, width, channels] = split.image;
        let is_dark_on_bright = split.has_bright_border() == Some(true);
        let ink = |image: &[u8]| -> Vec<f32> {
            let grey = image.chunks_exact(channels).map(|pixel| {
                let sum: f32 = pixel.iter().map(|value| f32::from(*value)).sum();
                sum / channels as f32
            });
            grey.map(|value| if is_dark_on_bright { 255.0 - value } else { value }).collect()
        };
        let images = split.pixels.chunks_exact(split.image_len().max(1)).take(IMAGES);
        let extents: Vec<Extent> = images.filter_map(|image| Extent::of(&ink(image), width)).collect();
        let mut framing =
            Self { image: split.image, is_dark_on_bright, size: 1.0, is_by_mass: false, centre: [0.5, 0.5] };
        if extents.is_empty() {
            return framing;
        }
        framing.size = mean(extents.iter().map(Extent::longer_side)) / height.max(width) as f32;
        // What a set was centred by lies in one place.
        let spread = [false, true].map(|is_by_mass| {
            let axis = |axis: usize| {
                let places: Vec<f32> = extents.iter().map(|extent| extent.centre(is_by_mass)[axis]).collect();
                let middle = mean(places.iter().copied());
                (middle, mean(places.iter().map(|place| (place - middle).powi(2))))
            };
            [axis(0), axis(1)]
        });
        let variance = |axes: [(f32, f32); 2]| axes[0].1 + axes[1].1;
        framing.is_by_mass = variance(spread[1]) < variance(spread[0]);
        let [row, column] = spread[usize::from(framing.is_by_mass)];
        framing.centre = [row.0 / height as f32, column.0 / width as f32];
        framing
    }

    /// A drawing of `height` x `width`, bright on dark, as an image of the set: height, width, channels. One that shows nothing becomes
    /// the ground.
    pub(super) fn frame(&self, drawing: &[u8], width: usize) -> Vec<u8> {
        let [rows, columns, channels] = self.image;
        let ink: Vec<f32> = drawing.iter().map(|value| f32::from(*value)).collect();
        let grey: Vec<f32> = match Extent::of(&ink, width) {
            None => vec![0.0; rows * columns],
            Some(extent) => {
                // Pixels of the drawing that one of the image takes.
                let scale = extent.longer_side() / (self.size * rows.max(columns) as f32);
                let from = extent.centre(self.is_by_mass);
                let to = [self.centre[0] * rows as f32, self.centre[1] * columns as f32];
                let place = |axis: usize, at: f32| from[axis] + (at - to[axis]) * scale;
                let samples = (scale.ceil() as usize).clamp(2, MAX_SAMPLES);
                let at = |i: usize, sample: usize| i as f32 + (sample as f32 + 0.5) / samples as f32;
                let value = |row: f32, column: f32| {
                    let inside = row >= 0.0 && column >= 0.0 && (column as usize) < width;
                    let index = row as usize * width + column as usize;
                    ink.get(index).filter(|_| inside).copied().unwrap_or(0.0)
                };
                let pixel = |i: usize| {
                    let (row, column) = (i / columns, i % columns);
                    let places = (0..samples * samples).map(|k| (k / samples, k % samples));
                    mean(places.map(|(y, x)| value(place(0, at(row, y)), place(1, at(column, x)))))
                };
                (0..rows * columns).map(pixel).collect()
            }
        };
        let byte = |value: f32| if self.is_dark_on_bright { 255.0 - value } else { value }.round() as u8;
        grey.into_iter().flat_map(|value| std::iter::repeat_n(byte(value), channels)).collect()
    }
}

fn mean(values: impl Iterator<Item = f32>) -> f32 {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.0 } else { sum / count as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image of 20 x 20 with a bar of 4 x 10, whose upper left corner is at `row`, `column`.
    fn bar(row: usize, column: usize) -> Vec<u8> {
        let mut image = vec![0; 400];
        (row..row + 4).for_each(|y| image[y * 20 + column..][..10].fill(200));
        image
    }

    fn split(images: &[Vec<u8>], channels: usize) -> Split {
        let pixels: Vec<u8> =
            images.concat().into_iter().flat_map(|value| std::iter::repeat_n(value, channels)).collect();
        Split { image: [20, 20, channels], pixels, labels: vec![0; images.len()] }
    }

    #[test]
    fn a_drawing_becomes_as_large_as_the_images_and_lies_where_they_do() {
        let framing = Framing::of(&split(&[bar(8, 5), bar(8, 5)], 1));
        assert_eq!((framing.size, framing.centre), (0.5, [0.5, 0.5]));
        // Four times as large, and in a corner.
        let mut drawing = vec![0; 100 * 100];
        (0..16).for_each(|y| drawing[y * 100..][..40].fill(200));
        assert_eq!(framing.frame(&drawing, 100), bar(8, 5));
        // As it is already.
        assert_eq!(framing.frame(&bar(8, 5), 20), bar(8, 5));
        assert_eq!(framing.frame(&[0; 400], 20), [0; 400]);
        // Images that lie elsewhere.
        let framing = Framing::of(&split(&[bar(2, 9)], 3));
        let expected: Vec<u8> = bar(2, 9).into_iter().flat_map(|value| [value; 3]).collect();
        assert_eq!(framing.frame(&drawing, 100), expected);
    }

    #[test]
    fn dark_images_on_a_bright_ground_get_dark_drawings() {
        let inverted = |image: Vec<u8>| image.into_iter().map(|value| 255 - value).collect::<Vec<u8>>();
        let framing = Framing::of(&split(&[inverted(bar(8, 5))], 1));
        assert_eq!(framing.frame(&bar(1, 1), 20), inverted(bar(8, 5)));
        assert_eq!(framing.frame(&[0; 400], 20), [255; 400]);
    }

    #[test]
    fn sets_are_centred_by_mass_or_by_their_sides() {
        // A dot on one side or the other moves the sides' centre and hardly the mass.
        let with_dot = |column: usize| {
            let mut image = bar(8, 5);
            image[10 * 20 + column] = 40;
            image
        };
        let by_mass = Framing::of(&split(&[with_dot(0), with_dot(19)], 1));
        assert!(by_mass.is_by_mass && (by_mass.centre[1] - 0.5).abs() < 0.01, "{by_mass:?}");
        // Of equal extent, with the weight on one side or the other.
        let heavy = |columns: std::ops::Range<usize>| {
            let mut image = bar(8, 5);
            (8..12).for_each(|y| image[y * 20 + columns.start..y * 20 + columns.end].fill(60));
            image
        };
        assert!(!Framing::of(&split(&[heavy(5..10), heavy(10..15)], 1)).is_by_mass);
    }
}
