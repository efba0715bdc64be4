//! Figures made of pictures: images, filters, feature maps.

use super::theme::WIDTH;
use super::{Figure, Table, shortened};
use base64::Engine;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use maud::html;

/// Pixels, [height, width, channels], one channel (grey) or three (red, green, blue).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) size: [usize; 2],
    pub(crate) is_colour: bool,
    pub(crate) pixels: Vec<u8>,
}

/// Pixels of the longer side of a picture in a figure, at most.
const MAX_SIDE: usize = 96;

impl Picture {
    /// An image of any number of channels: of other than one or three the first is shown.
    pub(crate) fn of_image([height, width, channels]: [usize; 3], pixels: &[u8]) -> Self {
        let is_colour = channels == 3;
        let pixels = match channels {
            1 | 3 => pixels.to_vec(),
            _ => pixels.iter().step_by(channels).copied().collect(),
        };
        Self { size: [height, width], is_colour, pixels }.thumbnail()
    }

    /// Numbers as grey, from the lowest (black) to the highest (white) of `range`.
    pub(crate) fn of_numbers(size: [usize; 2], numbers: &[f32], [low, high]: [f32; 2]) -> Self {
        let span = if high > low { high - low } else { 1.0 };
        let grey = |value: &f32| (((value - low) / span).clamp(0.0, 1.0) * 255.0).round() as u8;
        Self { size, is_colour: numbers.len() == 3 * size[0] * size[1], pixels: numbers.iter().map(grey).collect() }
            .thumbnail()
    }

    /// A smaller picture where this is large: every nth pixel.
    fn thumbnail(self) -> Self {
        let [height, width] = self.size;
        let stride = height.max(width).div_ceil(MAX_SIDE);
        if stride <= 1 {
            return self;
        }
        let channels = if self.is_colour { 3 } else { 1 };
        let rows = (0..height).step_by(stride);
        let pixels: Vec<u8> = rows
            .clone()
            .flat_map(|y| (0..width).step_by(stride).map(move |x| (y * width + x) * channels))
            .flat_map(|at| self.pixels[at..at + channels].to_vec())
            .collect();
        Self { size: [rows.len(), width.div_ceil(stride)], pixels, ..self }
    }

    /// As a PNG file.
    pub(crate) fn to_png(&self) -> Vec<u8> {
        let [height, width] = self.size;
        png([height, width, if self.is_colour { 3 } else { 1 }], &self.pixels)
    }

    /// As a `data:` address with a PNG file.
    pub(super) fn address(&self) -> String {
        format!("data:image/png;base64,{}", base64::engine::general_purpose::STANDARD.encode(self.to_png()))
    }

    /// Pictures of one size and kind as one, in rows of `columns` with black lines between them; small ones are magnified. None
    /// where there are none.
    pub(crate) fn sheet(pictures: &[Self], columns: usize) -> Option<Self> {
        const USUAL_SIDE: usize = 24;
        let Self { size: [height, width], is_colour, .. } = *pictures.first()?;
        let channels = if is_colour { 3 } else { 1 };
        let factor = (USUAL_SIDE / height.max(width)).max(1);
        let step = [height * factor + 1, width * factor + 1];
        let columns = columns.min(pictures.len());
        let size = [pictures.len().div_ceil(columns) * step[0] - 1, columns * step[1] - 1];
        let mut pixels = vec![0; size[0] * size[1] * channels];
        for (i, picture) in pictures.iter().enumerate() {
            let [top, left] = [i / columns * step[0], i % columns * step[1]];
            for (y, x) in (0..height * factor).flat_map(|y| (0..width * factor).map(move |x| (y, x))) {
                let from = (y / factor * width + x / factor) * channels;
                let to = ((top + y) * size[1] + left + x) * channels;
                pixels[to..to + channels].copy_from_slice(&picture.pixels[from..from + channels]);
            }
        }
        Some(Self { size, is_colour, pixels })
    }
}

/// An image of one channel or three as a PNG file.
pub(crate) fn png([height, width, channels]: [usize; 3], pixels: &[u8]) -> Vec<u8> {
    let colour = if channels == 3 { ExtendedColorType::Rgb8 } else { ExtendedColorType::L8 };
    let mut file = Vec::new();
    // Writing to memory cannot fail, and the sizes agree.
    let _ = PngEncoder::new(&mut file).write_image(pixels, width as u32, height as u32, colour);
    file
}

/// A picture, and what stands below it.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) picture: Picture,
    pub(crate) lines: Vec<String>,
}

/// Pictures in rows.
#[derive(Debug, Clone)]
pub(crate) struct Pictures {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) cells: Vec<Cell>,
    /// What stands above the columns; nothing where it is empty.
    pub(crate) heads: Vec<String>,
    /// Pictures of a row.
    pub(crate) columns: usize,
    pub(crate) table: Option<Table>,
}

const LINE: f64 = 13.0;

impl Pictures {
    pub(crate) fn figure(self) -> Figure {
        let columns = self.columns.max(1);
        let step = WIDTH / columns as f64;
        let side = step - 8.0;
        let heights = self.cells.iter().map(|cell| cell.picture.size[0] as f64 / cell.picture.size[1].max(1) as f64);
        // As wide as the column; not higher than twice that.
        let height = side * heights.fold(0.1, f64::max).min(2.0);
        let mut tops = vec![if self.heads.is_empty() { 4.0 } else { 6.0 + LINE }];
        for row in self.cells.chunks(columns) {
            let lines = row.iter().map(|cell| cell.lines.len()).max().unwrap_or(0);
            tops.push(tops[tops.len() - 1] + height + lines as f64 * LINE + 8.0);
        }
        let text_columns = (side / 5.4) as usize;
        let marks = html! {
            @for (column, head) in self.heads.iter().enumerate() {
                text class="small" x=(column as f64 * step + 4.0) y=(LINE - 1.0) { (shortened(head, text_columns)) }
            }
            @for (i, cell) in self.cells.iter().enumerate() {
                @let (x, y) = ((i % columns) as f64 * step + 4.0, tops[i / columns]);
                rect class="outline" x=(x - 0.5) y=(y - 0.5) width=(side + 1.0) height=(height + 1.0) {}
                image x=(x) y=(y) width=(side) height=(height) href=(cell.picture.address()) {}
                @for (n, line) in cell.lines.iter().enumerate() {
                    text class="small" x=(x) y=(y + height + (n as f64 + 1.0) * LINE - 2.0) {
                        (shortened(line, text_columns))
                    }
                }
            }
        };
        let size = [WIDTH, tops[tops.len() - 1]];
        let Self { name, title, description, table, .. } = self;
        Figure { name, title, description, size, marks, table }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grey_between_the_ends_of_their_range() {
        let picture = Picture::of_numbers([1, 3], &[-1.0, 0.0, 1.0], [-1.0, 1.0]);
        assert_eq!((picture.is_colour, picture.pixels), (false, vec![0, 128, 255]));
        assert_eq!(Picture::of_numbers([1, 2], &[2.0, 2.0], [2.0, 2.0]).pixels, [0, 0]);
    }

    #[test]
    fn large_pictures_are_made_small_and_channels_that_cannot_be_shown_left_out() {
        let pixels: Vec<u8> = (0..200 * 100 * 3).map(|i| (i / 3 % 100) as u8).collect();
        let picture = Picture::of_image([200, 100, 3], &pixels);
        assert_eq!((picture.size, picture.pixels.len()), ([67, 34], 67 * 34 * 3));
        assert_eq!(picture.pixels[..6], [0, 0, 0, 3, 3, 3]);
        let picture = Picture::of_image([1, 2, 2], &[7, 8, 9, 10]);
        assert_eq!((picture.is_colour, picture.pixels), (false, vec![7, 9]));
        assert!(picture_file(&Picture::of_image([1, 1, 1], &[5])).starts_with(b"\x89PNG"));
    }

    #[test]
    fn a_sheet_has_pictures_in_rows_with_lines_between_them() {
        let grey = |value: u8| Picture { size: [12, 12], is_colour: false, pixels: vec![value; 144] };
        let sheet = Picture::sheet(&[grey(10), grey(20), grey(30)], 2).expect("pictures");
        assert_eq!(sheet.size, [49, 49]);
        let at = |y: usize, x: usize| sheet.pixels[y * 49 + x];
        assert_eq!([at(0, 0), at(23, 23), at(0, 24), at(24, 0), at(0, 25), at(48, 0)], [10, 10, 0, 0, 20, 30]);
        assert_eq!((at(48, 48), Picture::sheet(&[], 2)), (0, None));
        let colour = Picture { size: [40, 30], is_colour: true, pixels: (0..3600).map(|i| i as u8).collect() };
        assert_eq!(Picture::sheet(std::slice::from_ref(&colour), 8), Some(colour));
    }

    fn picture_file(picture: &Picture) -> Vec<u8> {
        let address = picture.address();
        let text = address.strip_prefix("data:image/png;base64,").expect("an address");
        base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
    }
}
