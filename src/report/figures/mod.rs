//! Figures of reports: SVG in the colours of a page or of a file, PNG, and the numbers as a table.

mod chart;
mod contact_sheet;
mod matrix;
mod pictures;
mod raster;
mod ratios;
mod scale;
mod theme;
mod thin;

pub(crate) use chart::{Chart, Mark, Series, XAxis};
pub(crate) use contact_sheet::contact_sheet;
pub(crate) use matrix::confusion_matrix;
pub(crate) use pictures::{Cell, Picture, Pictures, png};
pub(crate) use ratios::class_ratios;
pub(crate) use theme::page_colours;
pub(crate) use thin::{MAX_POINTS, thin};

use crate::error::Result;
use maud::{Markup, html};

/// A drawing with its title, what it shows in words, and its numbers.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    /// Name of its files without their ends: `loss`.
    pub(crate) name: String,
    pub(crate) title: String,
    /// What a reader sees there, for those who do not see it.
    pub(crate) description: String,
    /// Width and height, in units of which text is 12 high.
    pub(crate) size: [f64; 2],
    /// What is inside the `svg` element.
    pub(crate) marks: Markup,
    /// The numbers; none where the marks are pictures.
    pub(crate) table: Option<Table>,
}

/// Numbers and names in rows and columns; the first cell of a row is its head.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
    /// What is to be said of the numbers, if anything.
    pub(crate) note: Option<String>,
}

impl Figure {
    /// What the names of figures start with that not every report has.
    pub(crate) const NAMES: [&str; 7] =
        ["feature-maps-", "compared-", "filters.", "mistakes.", "learning-rate.", "confusion-matrix.", "classes."];

    /// The `svg` element inside a page, which has the colours.
    pub(crate) fn inline(&self) -> Markup {
        let [width, height] = self.size;
        let id = |part: &str| format!("{}-{part}", self.name);
        html! {
            svg role="img" aria-labelledby={ (id("title")) " " (id("description")) } viewBox={ "0 0 " (width) " " (height) }
                style={ "max-width:" (width * 1.5) "px" } {
                title id=(id("title")) { (self.title) }
                desc id=(id("description")) { (self.description) }
                (self.marks)
            }
        }
    }

    /// A file of its own, on white.
    pub(crate) fn to_svg(&self) -> String {
        let [width, height] = self.size;
        let file = html! {
            svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width=(width) height=(height)
                viewBox={ "0 0 " (width) " " (height) } role="img" {
                title { (self.title) }
                desc { (self.description) }
                style { (maud::PreEscaped(theme::file_style())) }
                rect class="paper" width="100%" height="100%" {}
                (self.marks)
            }
        };
        file.into_string() + "\n"
    }

    /// The picture, twice as many pixels wide as the figure's units.
    ///
    /// # Errors
    /// If the figure is too large to be drawn.
    pub(crate) fn to_png(&self) -> Result<Vec<u8>> {
        raster::to_png(&self.to_svg(), 2.0)
    }
}

/// A number as few digits as tell it: 0.0012, 0.912, 12.3, 1240.
pub(crate) fn number(value: f64) -> String {
    let digits = match value.abs() {
        0.0 => return "0".to_owned(),
        v if !(1e-4..1e6).contains(&v) => return format!("{value:.2e}"),
        v if v >= 1000.0 => 0,
        v => (3 - v.log10().floor() as i32).clamp(0, 7) as usize,
    };
    let text = format!("{value:.digits$}");
    // Zeros at the end say nothing.
    let shorter = if digits > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    shorter.to_owned()
}

/// `text` in at most `columns` columns, of which wide characters take two, the rest as an ellipsis.
fn shortened(text: &str, columns: usize) -> String {
    console::truncate_str(text, columns, "…").into_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_have_as_few_digits_as_tell_them() {
        let texts = [0.0, 0.001, 0.912_34, 1.0, 12.345, 1240.0, 3.2e-7, -0.5].map(super::number);
        assert_eq!(texts, ["0", "0.001", "0.9123", "1", "12.35", "1240", "3.20e-7", "-0.5"]);
    }
}
