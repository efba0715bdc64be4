//! Progress through many files.

use super::note;
use super::progress::{PLAIN_EVERY, can_redraw, draw_target};
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Instant;

/// How many of a known number of files are done: a bar on a terminal, otherwise a line now and then.
#[derive(Debug)]
pub(crate) struct CountProgress {
    what: &'static str,
    total: usize,
    done: usize,
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl CountProgress {
    /// Of `total` files that are called `what`, with a bar where `may_redraw` and the terminal can.
    pub(crate) fn new(what: &'static str, total: usize, may_redraw: bool) -> Self {
        let bar = (may_redraw && can_redraw() && total > 1).then(|| {
            let style = ProgressStyle::with_template("{pos}/{len} {prefix} {wide_bar} {eta}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━ ");
            let bar = ProgressBar::with_draw_target(Some(total as u64), draw_target());
            bar.with_style(style).with_prefix(what)
        });
        Self { what, total, done: 0, bar, last_line: Instant::now() }
    }

    /// Counts `files` that are done.
    pub(crate) fn advance(&mut self, files: usize) {
        self.done += files;
        match &self.bar {
            Some(bar) => bar.set_position(self.done as u64),
            None if self.done < self.total && self.last_line.elapsed() >= PLAIN_EVERY => {
                self.last_line = Instant::now();
                note(&format!("{}/{} {}", self.done, self.total, self.what));
            }
            None => {}
        }
    }

    /// Runs `f`, which prints something, while the bar is away.
    pub(crate) fn beside<R>(&self, f: impl FnOnce() -> R) -> R {
        match &self.bar {
            Some(bar) => bar.suspend(f),
            None => f(),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
