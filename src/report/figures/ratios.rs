//! Precision, recall and F1 of each class.

use super::chart::{marker, round};
use super::scale::Scale;
use super::theme::WIDTH;
use super::{Figure, Table, shortened};
use crate::trainer::{ClassScore, Evaluation, Ratios};
use maud::html;

const LEFT: f64 = 116.0;
const RIGHT: f64 = 18.0;
const ROW: f64 = 26.0;
const TOP: f64 = 32.0;
/// Classes that are drawn, at most: those with the lowest F1.
const MAX_CLASSES: usize = 40;
const NAMES: [&str; 3] = ["precision", "recall", "F1"];

fn values(ratios: &Ratios) -> [f64; 3] {
    [ratios.precision, ratios.recall, ratios.f1]
}

/// The figure of the classes' ratios: three marks in a row for each class.
pub(crate) fn class_ratios(evaluation: &Evaluation, names: &[String]) -> Figure {
    let ratios: Vec<[f64; 3]> = evaluation.classes.iter().map(|class| values(&class.ratios())).collect();
    let mut drawn: Vec<usize> = (0..ratios.len()).collect();
    if drawn.len() > MAX_CLASSES {
        drawn.sort_by(|a, b| ratios[*a][2].total_cmp(&ratios[*b][2]));
        drawn.truncate(MAX_CLASSES);
    }
    let lowest = drawn.iter().flat_map(|class| ratios[*class]).fold(1.0, f64::min);
    let x = Scale::linear(lowest.min(0.9), 1.0, 5.0, [LEFT, WIDTH - RIGHT]);
    let bottom = TOP + ROW * drawn.len() as f64;
    let marks = html! {
        @for (style, name) in NAMES.iter().enumerate() {
            @let at = LEFT + 100.0 * style as f64;
            (marker(style, [at, 12.0]))
            text x=(at + 10.0) y="16" { (name) }
        }
        @for (value, text) in x.ticks() {
            path class="grid" d={ "M" (x.place(value)) " " (TOP) "V" (bottom) } {}
            text class="middle muted" x=(x.place(value)) y=(bottom + 18.0) { (text) }
        }
        @for (row, class) in drawn.iter().enumerate() {
            @let y = TOP + ROW * (row as f64 + 0.5);
            text class="end" x=(LEFT - 12.0) y=(y + 4.0) { (shortened(&names[*class], 15)) }
            path class="grid" d={ "M" (LEFT) " " (y) "H" (WIDTH - RIGHT) } {}
            @for (style, value) in ratios[*class].iter().enumerate() {
                (marker(style, [round(x.place(*value)), y]))
            }
        }
    };
    let by_f1 = |a: &&usize, b: &&usize| ratios[**a][2].total_cmp(&ratios[**b][2]);
    let said = |class: &usize| format!("{} with F1 {:.3}", names[*class], ratios[*class][2]);
    let all: Vec<usize> = (0..ratios.len()).collect();
    let (worst, best) = (all.iter().min_by(by_f1).map(said), all.iter().max_by(by_f1).map(said));
    let description = format!(
        "Precision, recall and F1 of each class. Lowest: {}; highest: {}.",
        worst.unwrap_or_default(),
        best.unwrap_or_default()
    );
    let title = match drawn.len() < ratios.len() {
        true => format!("Precision, recall and F1: the {MAX_CLASSES} classes with the lowest F1"),
        false => "Precision, recall and F1".to_owned(),
    };
    let size = [WIDTH, bottom + 26.0];
    Figure { name: "classes".to_owned(), title, description, size, marks, table: Some(table(evaluation, names)) }
}

fn table(evaluation: &Evaluation, names: &[String]) -> Table {
    let row = |name: &str, ratios: Ratios, images: usize| {
        let ratios = values(&ratios).map(|ratio| format!("{ratio:.4}"));
        [name.to_owned()].into_iter().chain(ratios).chain([images.to_string()]).collect()
    };
    let classes = evaluation.classes.iter().zip(names);
    let mut rows: Vec<Vec<String>> =
        classes.map(|(class, name): (&ClassScore, _)| row(name, class.ratios(), class.images)).collect();
    let images = evaluation.classes.iter().map(|class| class.images).sum();
    rows.push(row("macro average", evaluation.macro_average(), images));
    Table { head: ["class", "precision", "recall", "F1", "images"].map(String::from).into(), rows, note: None }
}
