//! Curves over epochs.

use super::scale::Scale;
use super::theme::{DASHES, SERIES, WIDTH};
use super::thin::{MAX_POINTS, thin};
use super::{Figure, Table, number};
use maud::{Markup, html};

/// How the points of a series are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// A thin line through many points.
    Thin,
    /// A line with a mark at each point.
    Line,
    /// Marks alone.
    Points,
}

/// A curve.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) label: String,
    /// Which colour, dash and mark it has, from 0.
    pub(crate) style: usize,
    pub(crate) mark: Mark,
    /// x and y, in the order of x.
    pub(crate) points: Vec<[f64; 2]>,
}

/// What the x axis shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum XAxis {
    /// Epochs, from 0 on.
    Epochs,
    /// Something above zero, by its logarithm.
    Logarithmic(&'static str),
}

impl XAxis {
    fn name(self) -> &'static str {
        match self {
            Self::Epochs => "epoch",
            Self::Logarithmic(name) => name,
        }
    }

    /// A number on the axis, for a table.
    fn text(self, at: f64) -> String {
        match self {
            Self::Epochs if at.fract() != 0.0 => format!("{at:.2}"),
            Self::Epochs => format!("{at}"),
            Self::Logarithmic(_) => number(at),
        }
    }
}

/// Curves over the epochs of a run, or over something else.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    pub(crate) name: &'static str,
    pub(crate) title: String,
    /// What the y axis shows, as in `loss`.
    pub(crate) quantity: &'static str,
    pub(crate) x: XAxis,
    pub(crate) series: Vec<Series>,
}

/// Of the axes' area.
const HEIGHT: f64 = 210.0;
/// Where the y axis is, at least, and what its name takes.
const LEFT: f64 = 62.0;
const AXIS_NAME: f64 = 26.0;
const RIGHT: f64 = 14.0;
const BOTTOM: f64 = 40.0;
const LINE: f64 = 18.0;
/// Width of a character of 12, on average.
const CHARACTER: f64 = 6.6;
/// Of a digit, which are wide.
const DIGIT: f64 = 7.2;
/// The highest value over the middle one from which on the axis is logarithmic.
const SPREAD: f64 = 40.0;
/// Rows of a table, at most.
const MAX_ROWS: usize = 200;

impl Chart {
    /// The figure; without a point, none.
    pub(crate) fn figure(self) -> Option<Figure> {
        let series: Vec<Series> = self
            .series
            .iter()
            .map(|series| Series { points: thin(&series.points, MAX_POINTS), ..series.clone() })
            .filter(|series| !series.points.is_empty())
            .collect();
        let of_axis = |axis: usize| series.iter().flat_map(|series| &series.points).map(move |point| point[axis]);
        let last = of_axis(0).reduce(f64::max)?;
        let rows = legend(&series);
        let top = rows.len() as f64 * LINE + 10.0;
        let (y, is_logarithmic) = scale_of(&of_axis(1).collect::<Vec<_>>(), [top + HEIGHT, top]);
        let longest = y.ticks().iter().map(|(_, text)| text.chars().count()).max().unwrap_or(0);
        let left = LEFT.max(AXIS_NAME + longest as f64 * DIGIT);
        let ends = [left, WIDTH - RIGHT];
        let x = match self.x {
            XAxis::Epochs => Scale::epochs(last, ends),
            XAxis::Logarithmic(_) => Scale::logarithmic(of_axis(0).fold(last, f64::min), last, ends),
        };
        let marks = html! {
            @for (row, entries) in rows.iter().enumerate() {
                @for (series, at) in entries { (legend_entry(series, *at, row as f64 * LINE + 12.0)) }
            }
            (axes([&x, &y], [left, top], [self.x.name(), self.quantity]))
            @for series in &series { (curve(series, &x, &y)) }
        };
        let scale = if is_logarithmic { " on a logarithmic axis" } else { "" };
        let said: Vec<String> = series.iter().map(describe).collect();
        let over = if self.x == XAxis::Epochs { "epochs" } else { self.x.name() };
        let description = format!("{} over {over}{scale}: {}.", capital(self.quantity), said.join("; "));
        let size = [WIDTH, top + HEIGHT + BOTTOM];
        let table = table(&self.series, self.x, self.quantity);
        Some(Figure { name: self.name.to_owned(), title: self.title, description, size, marks, table: Some(table) })
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// The scale of the values, and whether it is logarithmic.
fn scale_of(values: &[f64], ends: [f64; 2]) -> (Scale, bool) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high, middle) = (sorted[0], sorted[sorted.len() - 1], sorted[sorted.len() / 2]);
    match low > 0.0 && high > SPREAD * middle {
        true => (Scale::logarithmic(low, high, ends), true),
        false => (Scale::linear(low, high, 5.0, ends), false),
    }
}

/// Entries of the legend in rows, each with where it begins.
fn legend(series: &[Series]) -> Vec<Vec<(&Series, f64)>> {
    let mut rows: Vec<Vec<(&Series, f64)>> = vec![Vec::new()];
    let mut at = LEFT;
    for series in series {
        let width = 34.0 + series.label.chars().count() as f64 * CHARACTER + 14.0;
        if at + width > WIDTH && at > LEFT {
            rows.push(Vec::new());
            at = LEFT;
        }
        if let Some(row) = rows.last_mut() {
            row.push((series, at));
        }
        at += width;
    }
    rows
}

fn legend_entry(series: &Series, x: f64, y: f64) -> Markup {
    let ends = [[x, y - 4.0], [x + 26.0, y - 4.0]];
    html! {
        @if series.mark != Mark::Points { (line(series, &path(&ends))) }
        @if series.mark != Mark::Thin { (marker(series.style, [x + 13.0, y - 4.0])) }
        text x=(x + 32.0) y=(y) { (series.label) }
    }
}

/// Rules, numbers and names of both axes.
fn axes([x, y]: [&Scale; 2], [left, top]: [f64; 2], [name, quantity]: [&str; 2]) -> Markup {
    let bottom = top + HEIGHT;
    let middle = top + HEIGHT / 2.0;
    html! {
        @for (value, text) in y.ticks() {
            @let at = round(y.place(value));
            path class="grid" d={ "M" (left) " " (at) "H" (WIDTH - RIGHT) } {}
            text class="end muted" x=(left - 6.0) y=(at + 4.0) { (text) }
        }
        @for (value, text) in x.ticks() {
            @let at = round(x.place(value));
            path class="rule" d={ "M" (at) " " (bottom) "v5" } {}
            // Not over the edge.
            @let middle = at.min(round(WIDTH - 1.0 - text.chars().count() as f64 * DIGIT / 2.0));
            text class="middle muted" x=(middle) y=(bottom + 18.0) { (text) }
        }
        path class="rule" d={ "M" (left) " " (bottom) "H" (WIDTH - RIGHT) } {}
        text class="middle" x=((left + WIDTH - RIGHT) / 2.0) y=(bottom + 34.0) { (name) }
        text class="middle" transform={ "rotate(-90 12 " (middle) ")" } x="12" y=(middle) { (quantity) }
    }
}

fn curve(series: &Series, x: &Scale, y: &Scale) -> Markup {
    let points: Vec<[f64; 2]> =
        series.points.iter().map(|point| [round(x.place(point[0])), round(y.place(point[1]))]).collect();
    // Marks that would hide the line are left out.
    let marked = if series.mark == Mark::Thin && points.len() > 1 {
        // It is a line.
        &[]
    } else if points.len() <= 40 {
        &points[..]
    } else {
        &points[points.len() - 1..]
    };
    html! {
        @if series.mark != Mark::Points { (line(series, &path(&points))) }
        @for at in marked { (marker(series.style, *at)) }
    }
}

fn line(series: &Series, path: &str) -> Markup {
    let style = series.style % SERIES;
    let (thin, dash) = if series.mark == Mark::Thin { (" thin", "none") } else { ("", DASHES[style]) };
    html! { path class={ "line s" (style) (thin) } stroke-dasharray=(dash) d=(path) {} }
}

/// A circle, square, diamond or triangle around a point.
pub(super) fn marker(style: usize, [x, y]: [f64; 2]) -> Markup {
    let shape = match style % 4 {
        0 => "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
        1 => "m-3.6 -3.6h7.2v7.2h-7.2z",
        2 => "m0 -5.2l5.2 5.2l-5.2 5.2l-5.2 -5.2z",
        _ => "m0 -5l5 8.6h-10z",
    };
    html! { path class={ "f" (style % SERIES) } d={ "M" (x) " " (y) (shape) } {} }
}

fn path(points: &[[f64; 2]]) -> String {
    let mut path = String::new();
    for (i, [x, y]) in points.iter().enumerate() {
        path += &format!("{}{x} {y}", if i == 0 { "M" } else { "L" });
    }
    path
}

/// Tenths of a unit are as fine as anybody sees.
pub(super) fn round(place: f64) -> f64 {
    (place * 10.0).round() / 10.0
}

/// Where a curve begins and ends, in words.
fn describe(series: &Series) -> String {
    let (first, last) = (series.points[0], series.points[series.points.len() - 1]);
    match series.points.len() {
        1 => format!("{} {}", series.label, number(last[1])),
        _ if series.points.iter().all(|point| point[1] == first[1]) => {
            format!("{} {} throughout", series.label, number(last[1]))
        }
        _ => format!("{} from {} to {}", series.label, number(first[1]), number(last[1])),
    }
}

/// The values at the epochs; of single steps there would be too many.
fn table(series: &[Series], x: XAxis, quantity: &str) -> Table {
    let is_of_epochs = |series: &Series| series.mark != Mark::Thin && !series.points.is_empty();
    let columns: Vec<&Series> = match series.iter().any(is_of_epochs) {
        true => series.iter().filter(|series| series.mark != Mark::Thin).collect(),
        false => series.iter().collect(),
    };
    let mut epochs: Vec<f64> = columns.iter().flat_map(|series| &series.points).map(|point| point[0]).collect();
    epochs.sort_by(f64::total_cmp);
    epochs.dedup();
    let total = epochs.len();
    let note = (total > MAX_ROWS).then(|| format!("{MAX_ROWS} of {total} rows; metrics.jsonl has all."));
    let stride = total.div_ceil(MAX_ROWS).max(1);
    let value = |series: &Series, epoch: f64| {
        let found = series.points.iter().find(|point| point[0] == epoch);
        found.map_or_else(|| "–".to_owned(), |point| number(point[1]))
    };
    let row =
        |epoch: f64| [x.text(epoch)].into_iter().chain(columns.iter().map(|series| value(series, epoch))).collect();
    let head = [x.name().to_owned()].into_iter();
    let head = head.chain(columns.iter().map(|series| format!("{quantity}, {}", series.label))).collect();
    // The last epoch is always there.
    let rows = epochs.iter().rev().step_by(stride).rev().map(|epoch| row(*epoch)).collect();
    Table { head, rows, note }
}
