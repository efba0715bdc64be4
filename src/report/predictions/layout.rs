//! The columns of the table of predictions, which are known before the first.

use console::{Alignment, pad_str};

/// Columns of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Of the pictures' paths; none if a path has a line of its own.
    path: Option<usize>,
    /// Of the classes' names.
    class: usize,
}

const GAP: usize = 2;
/// Head of the last column, which is as wide.
pub(super) const PROBABILITY: &str = "probability";

impl Layout {
    /// For paths and names of so many columns, on a terminal of `columns`.
    pub(super) fn new(path: usize, class: usize, columns: Option<usize>) -> Self {
        let (path, class) = (path.max("file".len()), class.max("class".len()));
        let fits = |width: usize| columns.is_none_or(|columns| width <= columns);
        if fits(path + GAP + class + GAP + PROBABILITY.len()) {
            return Self { path: Some(path), class };
        }
        let available = columns.map_or(usize::MAX, |columns| columns.saturating_sub(2 * GAP + PROBABILITY.len()));
        Self { path: None, class: class.min(available.max("class".len())) }
    }

    /// The lines of a picture: the first has its path. The second column is text, the third a number.
    pub(super) fn lines(self, path: &str, rows: &[[String; 2]]) -> String {
        let row = |[class, probability]: &[String; 2]| {
            let class = pad_str(class, self.class, Alignment::Left, Some("…"));
            format!("{:GAP$}{class}{:GAP$}{probability:>width$}\n", "", "", width = PROBABILITY.len())
        };
        match self.path {
            None => format!("{path}\n{}", rows.iter().map(row).collect::<String>()),
            Some(width) => {
                let paths = std::iter::once(path).chain(std::iter::repeat(""));
                let line =
                    |(path, cells): (&str, _)| pad_str(path, width, Alignment::Left, None).into_owned() + &row(cells);
                paths.zip(rows).map(line).collect()
            }
        }
    }
}
