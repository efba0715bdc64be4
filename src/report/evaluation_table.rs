//! What an evaluation came to, as text for the terminal.

use super::columns::wrapped;
use crate::trainer::{ClassScore, Evaluation, Ratios};
use console::{Alignment, measure_text_width, pad_str};
use std::fmt::Write;

/// Classes up to which a confusion matrix fits a terminal.
const MAX_MATRIX: usize = 20;

/// The names of `count` classes; `class 3` for one without.
pub(crate) fn class_names(names: &[String], count: usize) -> Vec<String> {
    (0..count).map(|i| names.get(i).map_or_else(|| format!("class {i}"), Clone::clone)).collect()
}

/// Loss, accuracy and top-k accuracy; a row for each class with precision, recall, F1 and support, and their means; the confusion
/// matrix. `names` are the classes' names. For a terminal of so many columns names are cut, and where the matrix is too wide, it loses the
/// names or has shares in place of counts.
pub(crate) fn evaluation_table(
    evaluation: &Evaluation,
    names: &[String],
    top_k: Option<usize>,
    columns: Option<usize>,
) -> String {
    let mut text = format!("loss: {:.4}\naccuracy: {:.4}\n", evaluation.score.loss, evaluation.score.accuracy);
    if let Some(k) = top_k {
        let _ = writeln!(text, "top-{k} accuracy: {:.4}", evaluation.top_k(k));
    }
    let count = evaluation.classes.len();
    let mut heads = class_names(names, count);
    heads.push("macro average".to_owned());
    let available = columns.map_or(usize::MAX, |columns| columns.saturating_sub(RATIOS_WIDTH).max("class 3".len()));
    let width = heads.iter().map(|head| measure_text_width(head)).max().unwrap_or(0).min(available);
    let left = |head: &str| pad_str(head, width, Alignment::Left, Some("…")).into_owned();
    let _ = writeln!(text, "\n  {}  precision  recall      f1  support", left(""));
    let images = evaluation.classes.iter().map(|class| class.images);
    let ratios = evaluation.classes.iter().map(ClassScore::ratios).chain([evaluation.macro_average()]);
    for ((head, Ratios { precision, recall, f1 }), images) in
        heads.iter().zip(ratios).zip(images.clone().chain([images.sum()]))
    {
        let _ = writeln!(text, "  {}     {precision:.4}  {recall:.4}  {f1:.4}  {images:7}", left(head));
    }
    if count > MAX_MATRIX {
        let _ = writeln!(text, "\nthe confusion matrix of {count} classes is in the output as json");
        return text;
    }
    text + &confusion_matrix(&evaluation.confusion, &heads, width, columns)
}

/// Columns of the table of classes beside their names.
const RATIOS_WIDTH: usize = "    precision  recall      f1  support".len();

/// The matrix, with the classes' names, `heads`, in `width` columns where there is room for them.
fn confusion_matrix(confusion: &[Vec<usize>], heads: &[String], width: usize, columns: Option<usize>) -> String {
    const SHARE_WIDTH: usize = 3;
    let count = confusion.len();
    let widest = confusion.iter().flatten().max().map_or(1, |max| max.to_string().len()).max(count.to_string().len());
    let fits = |cell: usize, names: usize| columns.is_none_or(|columns| names + 4 + count * (cell + 1) <= columns);
    let (cell, has_names) = if fits(widest, width + 1) {
        (widest, true)
    } else if fits(widest, 0) {
        (widest, false)
    } else {
        (SHARE_WIDTH, fits(SHARE_WIDTH, width + 1))
    };
    let is_share = cell != widest;
    let head = |name: &str| match has_names {
        true => format!("{} ", pad_str(name, width, Alignment::Left, Some("…"))),
        false => String::new(),
    };
    let numbers: String = (0..count).map(|i| format!(" {i:cell$}")).collect();
    let what = if is_share { ", percent of each row" } else { "" };
    let title = wrapped(&format!("confusion matrix, rows: labels, columns: predictions{what}"), columns);
    let mut text = format!("\n{title}\n  {}  {numbers}\n", head(""));
    for (i, (row, name)) in confusion.iter().zip(heads).enumerate() {
        let images = row.iter().sum::<usize>().max(1) as f64;
        let shown = |n: &usize| if is_share { (100.0 * *n as f64 / images).round() as usize } else { *n };
        let cells: String = row.iter().map(|n| format!(" {:cell$}", shown(n))).collect();
        text += &format!("  {}{i:2}{cells}\n", head(name));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trainer::Score;

    #[test]
    fn an_evaluation_is_a_table_and_a_matrix() {
        let class = |images, correct, predicted| ClassScore { images, correct, predicted };
        let evaluation = Evaluation {
            score: Score { loss: 0.5, accuracy: 0.75 },
            classes: vec![class(100, 75, 75), class(0, 0, 25)],
            confusion: vec![vec![75, 25], vec![0, 0]],
            ranks: vec![75, 25],
            mistakes: Vec::new(),
        };
        let text = evaluation_table(&evaluation, &["Bag".into()], Some(1), None);
        let expected = "\
loss: 0.5000
accuracy: 0.7500
top-1 accuracy: 0.7500

                 precision  recall      f1  support
  Bag               1.0000  0.7500  0.8571      100
  class 1           0.0000  0.0000  0.0000        0
  macro average     0.5000  0.3750  0.4286      100

confusion matrix, rows: labels, columns: predictions
                    0  1
  Bag            0 75 25
  class 1        1  0  0
";
        assert_eq!(text, expected);
        let many = Evaluation { classes: vec![class(1, 1, 1); 30], confusion: vec![vec![0; 30]; 30], ..evaluation };
        assert!(evaluation_table(&many, &[], None, None).contains("30 classes"));
    }
}
