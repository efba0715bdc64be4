//! The confusion matrix.

use super::{Figure, Table, shortened};
use crate::trainer::Evaluation;
use maud::{Markup, html};

/// Classes up to which cells have numbers.
const MAX_NUMBERS: usize = 20;
/// Rows of the table of confusions, at most.
const MAX_ROWS: usize = 100;
const LABEL: f64 = 96.0;
/// Columns of a label.
const LABEL_COLUMNS: usize = 14;

/// The figure of `evaluation.confusion`: a row for each label, a column for each prediction, the darker the larger the share of the row.
pub(crate) fn confusion_matrix(evaluation: &Evaluation, names: &[String]) -> Figure {
    let confusion = &evaluation.confusion;
    let count = confusion.len();
    let cell = if count <= MAX_NUMBERS { 34.0 } else { 320.0 / count as f64 };
    let (left, top) = if count <= MAX_NUMBERS { (LABEL + 20.0, LABEL + 14.0) } else { (44.0, 34.0) };
    let side = cell * count as f64;
    let marks = html! {
        text class="small muted" x="2" y=(if count <= MAX_NUMBERS { top - 6.0 } else { 11.0 }) { "true ↓ given →" }
        rect class="outline" x=(left) y=(top) width=(side) height=(side) {}
        @for (row, cells) in confusion.iter().enumerate() {
            @let images: usize = cells.iter().sum();
            @for (column, n) in cells.iter().enumerate().filter(|(_, n)| **n > 0) {
                @let share = *n as f64 / images as f64;
                (shaded([left + column as f64 * cell, top + row as f64 * cell], cell, share))
                @if count <= MAX_NUMBERS {
                    (figure_in([left + (column as f64 + 0.5) * cell, top + (row as f64 + 0.5) * cell], *n, share))
                }
            }
        }
        @if count <= MAX_NUMBERS {
            @for (i, name) in names.iter().enumerate() { (labels(name, [left, top], (i as f64 + 0.5) * cell)) }
        } @else {
            @for i in (0..count).step_by(count.div_ceil(8)) {
                @let at = (i as f64 + 0.5) * cell;
                text class="small end muted" x=(left - 4.0) y=(top + at + 3.0) { (i) }
                text class="small middle muted" x=(left + at) y=(top - 4.0) { (i) }
            }
        }
    };
    let worst = confusions(evaluation);
    let most = worst.first().map_or_else(String::new, |(images, row, column)| {
        format!(" The most frequent confusion: {images} of {} taken for {}.", names[*row], names[*column])
    });
    let key = match (names.first(), names.last()) {
        (Some(first), Some(last)) if count > MAX_NUMBERS => {
            format!(
                " Numbers beside it are places in the order of the classes, from 0, {first}, to {}, {last}.",
                count - 1
            )
        }
        _ => String::new(),
    };
    let description = format!(
        "{count} classes; rows are true classes, columns given ones, the darker the larger the share of the row.{key} {} of {} images are right.{most}",
        (0..count).map(|i| confusion[i][i]).sum::<usize>(),
        confusion.iter().flatten().sum::<usize>(),
    );
    Figure {
        name: "confusion-matrix".to_owned(),
        title: "Confusion matrix".to_owned(),
        description,
        // The last column's name leans over the edge.
        size: [left + side + if count <= MAX_NUMBERS { 42.0 } else { 8.0 }, top + side + 8.0],
        marks,
        table: Some(table(evaluation, names, &worst)),
    }
}

fn shaded([x, y]: [f64; 2], size: f64, share: f64) -> Markup {
    // The faintest cell can still be seen.
    let opacity = format!("{:.2}", 0.08 + 0.92 * share);
    html! { rect class="cell" x=(short(x)) y=(short(y)) width=(short(size)) height=(short(size)) fill-opacity=(opacity) {} }
}

/// A place with few digits.
fn short(place: f64) -> f64 {
    (place * 100.0).round() / 100.0
}

/// The number in a cell around `x` and `y`, which can be read on its shade.
fn figure_in([x, y]: [f64; 2], n: usize, share: f64) -> Markup {
    let class = if share > 0.45 { "middle inverse" } else { "middle" };
    let class = if n > 9999 { format!("{class} small") } else { class.to_owned() };
    html! { text class=(class) x=(x) y=(y + 4.0) { (n) } }
}

/// The name of a class beside its row and above its column.
fn labels(name: &str, [left, top]: [f64; 2], at: f64) -> Markup {
    let name = shortened(name, LABEL_COLUMNS);
    let (x, y) = (left + at + 3.0, top - 6.0);
    html! {
        text class="end" x=(left - 6.0) y=(top + at + 4.0) { (name) }
        text x=(x) y=(y) transform={ "rotate(-55 " (x) " " (y) ")" } { (name) }
    }
}

/// Images, label and prediction of each wrong cell, the fullest first.
fn confusions(evaluation: &Evaluation) -> Vec<(usize, usize, usize)> {
    let cells = evaluation.confusion.iter().enumerate().flat_map(|(row, cells)| {
        cells.iter().enumerate().filter(move |(column, n)| *column != row && **n > 0).map(move |(c, n)| (*n, row, c))
    });
    let mut found: Vec<_> = cells.collect();
    found.sort_by_key(|(images, row, column)| (std::cmp::Reverse(*images), *row, *column));
    found
}

/// The matrix itself, or of many classes the most frequent confusions.
fn table(evaluation: &Evaluation, names: &[String], worst: &[(usize, usize, usize)]) -> Table {
    if names.len() > MAX_NUMBERS {
        let rows = worst.iter().take(MAX_ROWS);
        let rows = rows.map(|(n, row, column)| vec![names[*row].clone(), names[*column].clone(), n.to_string()]);
        let note = (worst.len() > MAX_ROWS).then(|| format!("The {MAX_ROWS} most frequent of {}.", worst.len()));
        return Table { head: ["true", "given", "images"].map(String::from).into(), rows: rows.collect(), note };
    }
    let head = ["true ↓ given →".to_owned()].into_iter().chain(names.iter().cloned()).collect();
    let row = |(name, cells): (&String, &Vec<usize>)| {
        [name.clone()].into_iter().chain(cells.iter().map(usize::to_string)).collect()
    };
    Table { head, rows: names.iter().zip(&evaluation.confusion).map(row).collect(), note: None }
}
