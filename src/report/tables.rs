//! Tables as text for the terminal.

use gpu_cnn::Evaluation;
use gpu_cnn::model::Summary;
use std::fmt::Write;

/// A number with a comma between thousands: `243,786`.
fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size as Keras prints it, `952.29 KB`, where 1 KB is 1024 bytes.
fn size(bytes: usize) -> String {
    let bytes = bytes as f64;
    match bytes {
        b if b < 1024.0 => format!("{b:.2} B"),
        b if b < 1024.0 * 1024.0 => format!("{:.2} KB", b / 1024.0),
        b => format!("{:.2} MB", b / 1024.0 / 1024.0),
    }
}

/// The table of layers that Keras's `Model.summary()` prints.
pub(crate) fn summary_table(summary: &Summary) -> String {
    let head = ["Layer (type)".to_owned(), "Output Shape".to_owned(), "Param #".to_owned()];
    let rows: Vec<[String; 3]> = summary
        .layers
        .iter()
        .map(|layer| {
            let shape: Vec<String> = layer.output_shape.iter().map(usize::to_string).collect();
            [
                format!("{} ({})", layer.name, layer.kind),
                format!("(None, {})", shape.join(", ")),
                thousands(layer.params),
            ]
        })
        .collect();
    let width = |i: usize| rows.iter().chain([&head]).map(|row| row[i].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let rule = |left: &str, middle: &str, right: &str, line: &str| {
        format!("{left}{}{right}\n", widths.map(|w| line.repeat(w + 2)).join(middle))
    };
    let row = |cells: &[String; 3], edge: &str| {
        let [a, b, c] = cells;
        let [wa, wb, wc] = widths;
        format!("{edge} {a:<wa$} {edge} {b:<wb$} {edge} {c:>wc$} {edge}\n")
    };
    let mut text = String::from("Model: \"sequential\"\n");
    text += &rule("┏", "┳", "┓", "━");
    text += &row(&head, "┃");
    text += &rule("┡", "╇", "┩", "━");
    let separator = rule("├", "┼", "┤", "─");
    text += &rows.iter().map(|cells| row(cells, "│")).collect::<Vec<_>>().join(&separator);
    text += &rule("└", "┴", "┘", "─");
    let totals = [
        ("Total params", summary.total_params),
        ("Trainable params", summary.trainable_params),
        ("Non-trainable params", summary.total_params - summary.trainable_params),
    ];
    for (name, params) in totals {
        // Writing to a string cannot fail.
        let _ = writeln!(text, " {name}: {} ({})", thousands(params), size(params * 4));
    }
    text
}

/// Loss and accuracy, and one row per class with its accuracy; `names` are the classes' names.
pub(crate) fn evaluation_table(evaluation: &Evaluation, names: &[String]) -> String {
    let name = |i: usize| names.get(i).map_or_else(|| format!("class {i}"), Clone::clone);
    let width = (0..evaluation.classes.len()).map(|i| name(i).len()).max().unwrap_or(0);
    let mut text = format!("loss: {:.4}\naccuracy: {:.4}\n", evaluation.score.loss, evaluation.score.accuracy);
    for (i, class) in evaluation.classes.iter().enumerate() {
        let accuracy = class.accuracy().map_or_else(|| "-".to_owned(), |a| format!("{a:.4}"));
        let _ = writeln!(text, "  {:<width$}  {accuracy}  ({} of {})", name(i), class.correct, class.images);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_formatted_as_in_keras() {
        assert_eq!(thousands(243_786), "243,786");
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(1_000), "1,000");
        assert_eq!(size(243_786 * 4), "952.29 KB");
        assert_eq!(size(0), "0.00 B");
    }
}
