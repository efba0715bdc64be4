//! The images of which the model is most confident and wrong.

use crate::report::figures::{Cell, Figure, Picture, Pictures, Table};
use crate::trainer::Mistake;

/// Mistakes that are shown, at most.
const MAX_MISTAKES: usize = 16;

/// The figure of the first `mistakes`, whose images `picture` has; none without any.
pub(crate) fn mistakes(mistakes: &[Mistake], names: &[String], picture: &dyn Fn(usize) -> Picture) -> Option<Figure> {
    let shown = &mistakes[..mistakes.len().min(MAX_MISTAKES)];
    let percent = |mistake: &Mistake| {
        // Not "100 %", which it is not.
        format!("{:.1} %", (f64::from(mistake.probability) * 1000.0).floor() / 10.0)
    };
    let cell = |mistake: &Mistake| Cell {
        picture: picture(mistake.image),
        lines: vec![
            format!("true: {}", names[mistake.label]),
            format!("given: {}", names[mistake.predicted]),
            format!("with {}", percent(mistake)),
        ],
    };
    let first = shown.first()?;
    let description = format!(
        "Of {} test images with a wrong class the {} with the highest probability for it. The first is {}, given {} with {}.",
        mistakes.len(),
        shown.len(),
        names[first.label],
        names[first.predicted],
        percent(first)
    );
    let row = |mistake: &Mistake| {
        let Mistake { image, label, predicted, .. } = *mistake;
        vec![image.to_string(), names[label].clone(), names[predicted].clone(), percent(mistake)]
    };
    let head = ["test image", "true class", "given class", "probability"].map(String::from).into();
    let table = Table { head, rows: shown.iter().map(row).collect(), note: None };
    let figure = Pictures {
        name: "mistakes".to_owned(),
        title: "Most confident mistakes".to_owned(),
        description,
        cells: shown.iter().map(cell).collect(),
        heads: Vec::new(),
        columns: 4,
        table: Some(table),
    };
    Some(figure.figure())
}
