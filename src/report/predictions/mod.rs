//! Predictions as a table, CSV, JSON or JSON lines, printed as they come: of any number of pictures none is kept.

mod json;
mod layout;
mod prediction;

use super::columns::printable;
use super::evaluation_table::class_names;
use super::output::print_open;
use crate::error::Result;
use console::measure_text_width;
use json::{json_line, json_start};
use layout::{Layout, PROBABILITY};
pub(crate) use prediction::{Guess, Predicted, PredictionHead};
use std::path::Path;

/// How predictions are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PredictionFormat {
    Table,
    Json,
    Csv,
    JsonLines,
}

/// Prints predictions in one of the formats.
#[derive(Debug)]
pub(crate) struct PredictionWriter {
    format: PredictionFormat,
    head: PredictionHead,
    /// A name for each class.
    names: Vec<String>,
    layout: Layout,
    /// Pictures so far.
    count: usize,
    is_begun: bool,
}

impl PredictionWriter {
    /// For pictures with these `paths`, on a terminal of `columns`.
    pub(crate) fn new<'a>(
        format: PredictionFormat,
        head: PredictionHead,
        paths: impl Iterator<Item = &'a Path>,
        columns: Option<usize>,
    ) -> Self {
        let names = class_names(&head.class_names, head.classes);
        let path = paths.map(|path| measure_text_width(&shown(path))).max().unwrap_or(0);
        let class = names.iter().map(|name| measure_text_width(&printable(name))).max().unwrap_or(0);
        Self { format, head, names, layout: Layout::new(path, class, columns), count: 0, is_begun: false }
    }

    /// Prints some pictures; whether anybody still reads them.
    pub(crate) fn write(&mut self, pictures: &[Predicted]) -> Result<bool> {
        let text = self.text(pictures)?;
        print_open(&text)
    }

    /// Prints what comes after the last picture, where `skipped` were no pictures.
    pub(crate) fn finish(&mut self, skipped: usize) -> Result<()> {
        let text = self.end(skipped)?;
        print_open(&text).map(drop)
    }

    /// What has to be printed for some more pictures.
    fn text(&mut self, pictures: &[Predicted]) -> Result<String> {
        let mut text = if self.is_begun { String::new() } else { self.start()? };
        self.is_begun = true;
        for picture in pictures {
            let separator = if self.format == PredictionFormat::Json && self.count > 0 { ",\n" } else { "" };
            text += separator;
            text += &self.picture(picture)?;
            self.count += 1;
        }
        Ok(text)
    }

    fn start(&self) -> Result<String> {
        Ok(match self.format {
            PredictionFormat::JsonLines => String::new(),
            PredictionFormat::Table => self.layout.lines("file", &[["class".into(), PROBABILITY.into()]]),
            PredictionFormat::Csv => {
                let columns = (1..=self.head.top_k).flat_map(|i| [format!("class_{i}"), format!("probability_{i}")]);
                csv(std::iter::once("file".to_owned()).chain(columns))
            }
            PredictionFormat::Json => json_start(&self.head)?,
        })
    }

    fn picture(&self, picture: &Predicted) -> Result<String> {
        let guesses = &picture.guesses[..self.head.top_k.min(picture.guesses.len())];
        let name = |guess: &Guess| self.names.get(guess.class).map_or("", String::as_str);
        let line = || json_line(picture, guesses, &self.head.class_names);
        match self.format {
            PredictionFormat::Json => Ok(format!("    {}", line()?)),
            PredictionFormat::JsonLines => Ok(line()? + "\n"),
            PredictionFormat::Csv => {
                let cells = guesses.iter().flat_map(|guess| [name(guess).to_owned(), guess.probability.to_string()]);
                Ok(csv(std::iter::once(picture.path.to_string_lossy().into_owned()).chain(cells)))
            }
            PredictionFormat::Table => {
                let row = |guess: &Guess| [printable(name(guess)), format!("{:.4}", guess.probability)];
                let rows: Vec<_> = guesses.iter().map(row).collect();
                Ok(self.layout.lines(&shown(picture.path), &rows))
            }
        }
    }

    fn end(&mut self, skipped: usize) -> Result<String> {
        let start = self.text(&[])?;
        Ok(match (self.format, self.count) {
            (PredictionFormat::Json, 0) => format!("{start}  ],\n  \"skipped\": {skipped}\n}}\n"),
            (PredictionFormat::Json, _) => format!("\n  ],\n  \"skipped\": {skipped}\n}}\n"),
            (PredictionFormat::Csv, _) => start,
            (PredictionFormat::Table | PredictionFormat::JsonLines, _) => String::new(),
        })
    }
}

/// A path on one line.
fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

/// A line of CSV (RFC 4180, but that it ends as lines do here): what has a comma, a quote or the end of a line is quoted.
fn csv(cells: impl Iterator<Item = String>) -> String {
    let quoted = |cell: String| match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    };
    cells.map(quoted).collect::<Vec<_>>().join(",") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn writer(format: PredictionFormat, columns: Option<usize>) -> PredictionWriter {
        let head = PredictionHead {
            weights: "model.safetensors".into(),
            device: json!("cpu"),
            image: [28, 28, 1],
            class_names: vec!["Bag, \"large\"".into(), "Ankle\nboot".into()],
            classes: 3,
            top_k: 2,
        };
        let paths = ["photos/bag.jpg", "b"].map(Path::new);
        PredictionWriter::new(format, head, paths.into_iter(), columns)
    }

    fn guesses(order: [usize; 3]) -> Vec<Guess> {
        order.into_iter().zip([0.9, 0.09375, 1e-9]).map(|(class, probability)| Guess { class, probability }).collect()
    }

    /// Two pictures, one at a time.
    fn text(format: PredictionFormat, columns: Option<usize>) -> String {
        let mut writer = writer(format, columns);
        let first = Predicted { path: Path::new("photos/bag.jpg"), is_inverted: true, guesses: guesses([0, 2, 1]) };
        let second = Predicted { path: Path::new("b"), is_inverted: false, guesses: guesses([1, 0, 2]) };
        let parts = [writer.text(&[first]), writer.text(&[]), writer.text(&[second]), writer.end(4)];
        parts.map(|part| part.expect("a text")).concat()
    }

    #[test]
    fn a_table_has_a_line_for_each_class_and_fits() {
        let expected = "\
file            class         probability
photos/bag.jpg  Bag, \"large\"       0.9000
                class 2            0.0938
b               Ankle\\nboot        0.9000
                Bag, \"large\"       0.0938
";
        assert_eq!(text(PredictionFormat::Table, None), expected);
        assert_eq!(text(PredictionFormat::Table, Some(41)), expected);
        let narrow = "\
file
  class         probability
photos/bag.jpg
  Bag, \"large\"       0.9000
  class 2            0.0938
b
  Ankle\\nboot        0.9000
  Bag, \"large\"       0.0938
";
        assert_eq!(text(PredictionFormat::Table, Some(40)), narrow);
        let cut = text(PredictionFormat::Table, Some(22));
        assert!(
            cut.contains("  Bag, \"…       0.9000\n") && cut.lines().all(|line| measure_text_width(line) <= 22),
            "{cut}"
        );
    }

    #[test]
    fn what_needs_quotes_in_csv_has_them() {
        let expected = "\
file,class_1,probability_1,class_2,probability_2
photos/bag.jpg,\"Bag, \"\"large\"\"\",0.9,class 2,0.09375
b,\"Ankle
boot\",0.9,\"Bag, \"\"large\"\"\",0.09375
";
        assert_eq!(text(PredictionFormat::Csv, None), expected);
        assert_eq!(writer(PredictionFormat::Csv, None).end(1).expect("a text").lines().count(), 1);
    }

    #[test]
    fn json_is_one_document_or_one_a_line() {
        let lines = text(PredictionFormat::JsonLines, None);
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("json")).collect();
        assert_eq!(lines[0]["predictions"][1], json!({ "class": 2, "name": null, "probability": 0.09375 }));
        assert_eq!((lines.len(), &lines[1]["file"], &lines[0]["inverted"]), (2, &json!("b"), &json!(true)));
        let document: Value = serde_json::from_str(&text(PredictionFormat::Json, None)).expect("json");
        assert_eq!(document["pictures"], json!(lines));
        assert_eq!((&document["skipped"], &document["image"]), (&json!(4), &json!([28, 28, 1])));
        let empty = writer(PredictionFormat::Json, None).end(1).expect("a text");
        assert_eq!(serde_json::from_str::<Value>(&empty).expect("json")["pictures"], json!([]));
        assert_eq!(writer(PredictionFormat::JsonLines, None).end(1).expect("a text"), "");
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_no_text_is_there_in_base64() {
        use std::os::unix::ffi::OsStrExt;
        let path = Path::new(std::ffi::OsStr::from_bytes(b"a\xff.png"));
        let picture = Predicted { path, is_inverted: false, guesses: guesses([0, 1, 2]) };
        let line = writer(PredictionFormat::JsonLines, None).text(&[picture]).expect("a text");
        let line: Value = serde_json::from_str(&line).expect("json");
        assert_eq!((&line["file"], &line["file_base64"]), (&json!("a\u{fffd}.png"), &json!("Yf8ucG5n")));
    }
}
