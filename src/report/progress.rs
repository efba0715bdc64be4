//! Progress on stderr: a live bar on a terminal, otherwise lines of text.

use super::{is_quiet, note};
use crate::trainer::{Event, Score};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};

/// Without a terminal, the minimum time between two lines.
pub(super) const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// Skipped updates of an epoch that are named one by one, at most.
const MAX_WARNINGS: usize = 5;

/// Columns from which on a bar has room beside the figures.
const BAR_COLUMNS: usize = 90;
/// Columns that the figures take with their names written out.
const FULL_COLUMNS: usize = 60;

/// Progress of training in the form of Keras: steps, time, ms per step, and accuracy and loss so far.
#[derive(Debug)]
pub(crate) struct EpochProgress {
    epochs: u64,
    /// Number of the epoch that is shown, and its steps that were done before it was.
    epoch: u64,
    resumed_at: usize,
    /// Updates of the epoch that were skipped.
    skipped: usize,
    /// Columns of the terminal; none where stderr is none that can redraw a line.
    columns: Option<usize>,
    bar: Option<ProgressBar>,
    started: Instant,
    last_line: Instant,
}

impl EpochProgress {
    /// For `epochs` epochs, with a bar where `may_redraw` and the terminal can.
    pub(crate) fn new(epochs: u64, may_redraw: bool) -> Self {
        let terminal = console::Term::stderr();
        // A terminal that cannot move its cursor (TERM=dumb, or no TERM) gets lines.
        let columns = (may_redraw && can_redraw()).then(|| usize::from(terminal.size().1));
        let now = Instant::now();
        Self { epochs, epoch: 0, resumed_at: 0, skipped: 0, columns, bar: None, started: now, last_line: now }
    }

    pub(crate) fn show(&mut self, event: &Event) {
        match *event {
            Event::Step { epoch, step, steps, batch, so_far, skipped, .. } => {
                if epoch != self.epoch {
                    self.resumed_at = step - 1;
                    self.start(epoch, steps);
                }
                if skipped {
                    self.warn_of_skipped(step, batch);
                }
                let text = self.describe(self.started.elapsed(), step, so_far);
                if let Some(bar) = &self.bar {
                    bar.set_position(step as u64);
                    bar.set_message(text);
                } else if step < steps && self.last_line.elapsed() >= PLAIN_EVERY {
                    self.last_line = Instant::now();
                    note(&format!("{step}/{steps} {text}"));
                }
            }
            Event::Epoch { steps, score, validation, elapsed, resumed_at, .. } => {
                self.resumed_at = resumed_at;
                let mut text = self.describe(elapsed, steps, score);
                if self.skipped > 0 {
                    text += &format!(" - {} updates skipped", self.skipped);
                }
                let validation = validation
                    .map(|Score { loss, accuracy }| format!("val_accuracy: {accuracy:.4} - val_loss: {loss:.4}"));
                match (self.bar.take(), validation) {
                    // Beside a bar there is no room for it.
                    (Some(bar), validation) => {
                        bar.finish_with_message(text);
                        validation.iter().for_each(|text| note(text));
                    }
                    (None, Some(validation)) => note(&format!("{steps}/{steps} {text} - {validation}")),
                    (None, None) => note(&format!("{steps}/{steps} {text}")),
                }
            }
        }
    }

    fn start(&mut self, epoch: u64, steps: usize) {
        note(&format!("Epoch {epoch}/{}", self.epochs));
        (self.epoch, self.skipped) = (epoch, 0);
        // The first step's metrics have just arrived; its time counts from the epoch's own clock when it ends.
        (self.started, self.last_line) = (Instant::now(), Instant::now());
        self.bar = self.columns.map(|columns| {
            let template = if columns < BAR_COLUMNS { "{pos}/{len} {msg}" } else { "{pos}/{len} {bar:30} {msg}" };
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(steps as u64).with_style(style.progress_chars("━━ "))
        });
    }

    /// Names the first steps of an epoch whose updates were skipped.
    fn warn_of_skipped(&mut self, step: usize, batch: Score) {
        self.skipped += 1;
        if self.skipped > MAX_WARNINGS {
            return;
        }
        let what = match batch.loss.is_finite() {
            true => "a gradient is not finite".to_owned(),
            false => format!("the loss is {}", batch.loss),
        };
        let text = format!("warning: the update of epoch {}, step {step} was skipped: {what}", self.epoch);
        match &self.bar {
            Some(bar) => bar.suspend(|| note(&text)),
            None => note(&text),
        }
    }

    /// `38s 20ms/step - accuracy: 0.8312 - loss: 0.4712`; on a narrow terminal `38s 20ms acc 0.8312 loss 0.4712`.
    fn describe(&self, elapsed: Duration, step: usize, score: Score) -> String {
        let secs = elapsed.as_secs_f64();
        let (ms, decimals) =
            (secs * 1e3 / step.saturating_sub(self.resumed_at).max(1) as f64, usize::from(secs < 10.0));
        let ms_decimals = if ms < 10.0 { 2 } else { 1 };
        let (accuracy, loss) = (score.accuracy, score.loss);
        match self.columns {
            Some(columns) if columns < FULL_COLUMNS => {
                format!("{secs:.decimals$}s {ms:.ms_decimals$}ms acc {accuracy:.4} loss {loss:.4}")
            }
            _ => format!("{secs:.decimals$}s {ms:.ms_decimals$}ms/step - accuracy: {accuracy:.4} - loss: {loss:.4}"),
        }
    }
}

/// Where bars are drawn: stderr, unless little is to be printed.
pub(super) fn draw_target() -> ProgressDrawTarget {
    if is_quiet() { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() }
}

/// Whether a bar is drawn, and can be drawn anew: on a terminal alone.
pub(super) fn can_redraw() -> bool {
    !draw_target().is_hidden()
}

/// Progress of a download: bytes of the current file; without a terminal, a line for each file.
#[derive(Debug, Default)]
pub(crate) struct DownloadBar {
    current: Option<(String, ProgressBar)>,
}

impl DownloadBar {
    pub(crate) fn update(&mut self, file: &str, so_far: u64, total: u64) {
        if self.current.as_ref().is_none_or(|(name, _)| name != file) {
            let style = ProgressStyle::with_template("{prefix} {bar:30} {bytes}/{total_bytes}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::with_draw_target(Some(total), draw_target());
            let bar = bar.with_style(style).with_prefix(file.to_owned());
            self.current = Some((file.to_owned(), bar));
        }
        if let Some((_, bar)) = &self.current {
            bar.set_position(so_far);
            if so_far >= total {
                bar.finish();
                if !can_redraw() {
                    note(&format!("{file}: {total} bytes"));
                }
            }
        }
    }
}
