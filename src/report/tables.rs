//! Tables as text for the terminal.

use crate::graph::Summary;
use console::{Alignment, measure_text_width, pad_str};
use std::borrow::Cow;
use std::fmt::Write;

/// A number with a comma between thousands: `243,786`.
pub(super) fn thousands(n: usize) -> String {
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

/// The table of layers that Keras's `Model.summary()` prints, at most `columns` wide where that is given: long cells then take
/// several lines.
pub(crate) fn summary_table(summary: &Summary, columns: Option<usize>) -> String {
    let mut head = vec!["Layer (type)", "Output Shape", "Param #"];
    if summary.model == "functional" {
        head.push("Connected to");
    }
    let head: Vec<String> = head.into_iter().map(String::from).collect();
    let rows: Vec<Vec<String>> = summary
        .layers
        .iter()
        .map(|layer| {
            let shape: Vec<String> = layer.output_shape.iter().map(usize::to_string).collect();
            let cells = [
                format!("{} ({})", layer.name, layer.kind),
                format!("(None, {})", shape.join(", ")),
                thousands(layer.params),
                layer.inputs.join(", "),
            ];
            cells.into_iter().take(head.len()).collect()
        })
        .collect();
    let widest = |i: usize| rows.iter().chain([&head]).map(|row| measure_text_width(&row[i])).max().unwrap_or(0);
    let widths = fitted((0..head.len()).map(widest).collect(), columns);
    let rule = |left: &str, middle: &str, right: &str, line: &str| {
        let parts: Vec<String> = widths.iter().map(|w| line.repeat(w + 2)).collect();
        format!("{left}{}{right}\n", parts.join(middle))
    };
    let mut text = format!("Model: \"{}\"\n", summary.model);
    text += &rule("┏", "┳", "┓", "━");
    text += &row(&head, &widths, "┃");
    text += &rule("┡", "╇", "┩", "━");
    let separator = rule("├", "┼", "┤", "─");
    text += &rows.iter().map(|cells| row(cells, &widths, "│")).collect::<Vec<_>>().join(&separator);
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
    let _ = writeln!(text, " Pixels: 0 to {}", summary.largest_pixel);
    text
}

/// Widths of columns such that the table fits `columns`, the widest made narrower first.
fn fitted(mut widths: Vec<usize>, columns: Option<usize>) -> Vec<usize> {
    const MIN_WIDTH: usize = 7;
    let Some(columns) = columns else { return widths };
    let total = |widths: &[usize]| widths.iter().sum::<usize>() + 3 * widths.len() + 1;
    while total(&widths) > columns
        && let Some(widest) = widths.iter_mut().max().filter(|width| **width > MIN_WIDTH)
    {
        *widest -= 1;
    }
    widths
}

/// The cells of a row, each over as many lines as it needs; the third, of numbers, to the right.
fn row(cells: &[String], widths: &[usize], edge: &str) -> String {
    let cells: Vec<Vec<_>> = cells.iter().zip(widths).map(|(cell, width)| textwrap::wrap(cell, *width)).collect();
    let lines = cells.iter().map(Vec::len).max().unwrap_or(0);
    let line = |n: usize| {
        let cell = |(i, (cell, width)): (usize, (&Vec<Cow<str>>, &usize))| {
            let text = cell.get(n).map_or("", AsRef::as_ref);
            let alignment = if i == 2 { Alignment::Right } else { Alignment::Left };
            format!(" {} {edge}", pad_str(text, *width, alignment, None))
        };
        let cells: String = cells.iter().zip(widths).enumerate().map(cell).collect();
        format!("{edge}{cells}\n")
    };
    (0..lines).map(line).collect()
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

    #[test]
    fn a_summary_fits_a_narrow_terminal_and_loses_no_word() {
        let summary = crate::Preset::Cnn.build([28, 28, 1], 10).summary().expect("a valid model");
        for columns in [50, 60, 200] {
            let text = summary_table(&summary, Some(columns));
            assert!(text.lines().all(|line| line.chars().count() <= columns), "{columns} columns:\n{text}");
            for word in ["max_pooling2d_1", "(MaxPooling2D)", "26,", "204,928"] {
                assert!(text.contains(word), "{word} at {columns} columns:\n{text}");
            }
        }
        assert_eq!(summary_table(&summary, Some(200)), summary_table(&summary, None));
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let mut summary = crate::Preset::Dnn.build([28, 28, 1], 10).summary().expect("a valid model");
        summary.layers[0].name = "畳み込み".repeat(4);
        for columns in [None, Some(60)] {
            let text = summary_table(&summary, columns);
            let widths: Vec<usize> = text.lines().filter(|line| line.contains('│')).map(measure_text_width).collect();
            assert!(widths.iter().all(|width| *width == widths[0] && *width <= columns.unwrap_or(200)), "{text}");
        }
    }
}
