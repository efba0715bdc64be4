//! Samples of each class as one picture.

use super::{Figure, Picture, shortened};
use crate::error::Result;
use maud::html;

/// Width of the names, and side of an image with the space around it.
const NAMES: f64 = 110.0;
const CELL: f64 = 36.0;
const HEAD: f64 = 26.0;

/// A PNG file with a row of images for each class, whose name stands before them.
///
/// # Errors
/// If it would be too large.
pub(crate) fn contact_sheet(title: &str, rows: Vec<(String, Vec<Picture>)>) -> Result<Vec<u8>> {
    let columns = rows.iter().map(|(_, pictures)| pictures.len()).max().unwrap_or(0).max(4);
    let width = NAMES + columns as f64 * CELL + 8.0;
    let marks = html! {
        text x="8" y="17" { (shortened(title, (width / 7.0) as usize)) }
        @for (r, (name, pictures)) in rows.iter().enumerate() {
            @let y = HEAD + r as f64 * CELL;
            text class="small" x="8" y=(y + CELL / 2.0 + 3.0) { (shortened(name, 17)) }
            @if pictures.is_empty() {
                text class="small muted" x=(NAMES) y=(y + CELL / 2.0 + 3.0) { "no images" }
            }
            @for (i, picture) in pictures.iter().enumerate() {
                @let x = NAMES + i as f64 * CELL;
                rect class="outline" x=(x + 1.5) y=(y + 1.5) width=(CELL - 3.0) height=(CELL - 3.0) {}
                image x=(x + 2.0) y=(y + 2.0) width=(CELL - 4.0) height=(CELL - 4.0) href=(picture.address()) {}
            }
        }
    };
    let size = [width, HEAD + rows.len() as f64 * CELL + 8.0];
    let (title, description) = (title.to_owned(), "a row of images for each class".to_owned());
    Figure { name: "samples".into(), title, description, size, marks, table: None }.to_png()
}
