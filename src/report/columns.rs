//! Tables that fit the terminal, and messages that do.

use console::{Alignment, measure_text_width, pad_str};

/// A text table: the first column to the left, the others, numbers, to the right. Where that is wider than `columns`, the first cell of each
/// row has a line of its own, and where that is too wide, too, so has each other cell.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>], columns: Option<usize>) -> String {
    const GAP: usize = 2;
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let width = |i: usize| rows.iter().chain([&head]).map(|row| measure_text_width(&row[i])).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let fits = |width: usize| columns.is_none_or(|columns| width <= columns);
    let numbers = |cells: &[String]| -> String {
        let cells = cells.iter().zip(&widths).skip(1);
        cells.map(|(cell, width)| format!("{:GAP$}{}", "", pad_str(cell, *width, Alignment::Right, None))).collect()
    };
    let of_numbers: usize = widths.iter().skip(1).map(|width| width + GAP).sum();
    let line =
        |cells: &[String]| format!("{}{}\n", pad_str(&cells[0], widths[0], Alignment::Left, None), numbers(cells));
    let two_lines = |cells: &[String]| format!("{}\n{}\n", cells[0], numbers(cells));
    let lines = |cells: &[String]| {
        let names = head.iter().skip(1).map(|name| measure_text_width(name)).max().unwrap_or(0);
        let others = head.iter().zip(cells).skip(1);
        let others: String = others
            .map(|(name, cell)| format!("{:GAP$}{}  {cell}\n", "", pad_str(name, names, Alignment::Left, None)))
            .collect();
        format!("{}\n{others}", cells[0])
    };
    let with_head = [&head].into_iter().chain(rows);
    let text: String = if fits(widths[0] + of_numbers) {
        with_head.map(|cells| line(cells)).collect()
    } else if fits(of_numbers) {
        with_head.map(|cells| two_lines(cells)).collect()
    } else {
        rows.iter().map(|cells| lines(cells)).collect()
    };
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The lines of `text` broken between words, so that none is wider than `columns`; what follows is indented. A word that is wider, such as
/// a path, stays whole, so that it can be copied.
pub(crate) fn wrapped(text: &str, columns: Option<usize>) -> String {
    let Some(columns) = columns else { return text.to_owned() };
    let line = |line: &str| {
        let indent = " ".repeat(line.len() - line.trim_start().len() + 2);
        let options = textwrap::Options::new(columns)
            .break_words(false)
            .subsequent_indent(&indent)
            .word_separator(textwrap::WordSeparator::AsciiSpace)
            .word_splitter(textwrap::WordSplitter::NoHyphenation)
            .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit);
        textwrap::fill(line, options)
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// `text` on one line and without what would move the cursor: control characters are written as `\n`, `\u{1b}`.
pub(crate) fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() { c.escape_default().collect() } else { String::from(c) };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_takes_more_lines_where_it_is_too_wide() {
        let rows = [vec!["llvmpipe".to_owned(), "1.5".to_owned(), "20".to_owned()]];
        let of = |columns| table(&["adapter", "ms", "images/s"], &rows, columns);
        assert_eq!(of(None), "adapter    ms  images/s\nllvmpipe  1.5        20\n");
        assert_eq!(of(Some(23)), of(None));
        assert_eq!(of(Some(22)), "adapter\n   ms  images/s\nllvmpipe\n  1.5        20\n");
        assert_eq!(of(Some(14)), "llvmpipe\n  ms        1.5\n  images/s  20\n");
    }

    #[test]
    fn a_message_breaks_between_words_alone() {
        let text = "data: synthetic, in /a/path-with-hyphens/that/is/long";
        assert_eq!(wrapped(text, Some(20)), "data: synthetic, in\n  /a/path-with-hyphens/that/is/long");
        assert_eq!(wrapped(text, Some(200)), text);
        assert_eq!(wrapped("a\n  b c d\n", Some(5)), "a\n  b c\n    d\n");
    }

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(printable("a\nb\u{1b}[31m ü"), "a\\nb\\u{1b}[31m ü");
    }
}
