//! Progress on stderr: a live bar on a terminal, otherwise lines of text.

use super::note;
use gpu_cnn::{Event, Score};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Without a terminal, the minimum time between two lines.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// Progress of one epoch in the form of Keras: steps, time, ms per step, and accuracy and loss so far.
#[derive(Debug)]
pub(crate) struct EpochProgress {
    bar: Option<ProgressBar>,
    started: Instant,
    last_line: Instant,
}

impl EpochProgress {
    pub(crate) fn start(epoch: u64, epochs: u64) -> Self {
        note(&format!("Epoch {epoch}/{epochs}"));
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{pos}/{len} {bar:30} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(0).with_style(style.progress_chars("━━ "))
        });
        Self { bar, started: Instant::now(), last_line: Instant::now() }
    }

    pub(crate) fn show(&mut self, event: &Event) {
        match *event {
            Event::Step { step, steps, so_far, .. } => {
                let text = describe(self.started.elapsed(), step, so_far);
                if let Some(bar) = &self.bar {
                    bar.set_length(steps as u64);
                    bar.set_position(step as u64);
                    bar.set_message(text);
                } else if step < steps && self.last_line.elapsed() >= PLAIN_EVERY {
                    self.last_line = Instant::now();
                    note(&format!("{step}/{steps} {text}"));
                }
            }
            Event::Epoch { steps, score, elapsed, .. } => {
                let text = describe(elapsed, steps, score);
                match &self.bar {
                    Some(bar) => bar.finish_with_message(text),
                    None => note(&format!("{steps}/{steps} {text}")),
                }
            }
        }
    }
}

/// `38s 20ms/step - accuracy: 0.8312 - loss: 0.4712`
fn describe(elapsed: Duration, step: usize, score: Score) -> String {
    let secs = elapsed.as_secs_f64();
    let (ms, decimals) = (secs * 1e3 / step as f64, usize::from(secs < 10.0));
    let ms_decimals = if ms < 10.0 { 2 } else { 1 };
    format!("{secs:.decimals$}s {ms:.ms_decimals$}ms/step - accuracy: {:.4} - loss: {:.4}", score.accuracy, score.loss)
}

/// Progress of a download: bytes of the current file. Shows nothing without a terminal.
#[derive(Debug, Default)]
pub(crate) struct DownloadBar {
    current: Option<(String, ProgressBar)>,
}

impl DownloadBar {
    pub(crate) fn update(&mut self, file: &str, so_far: u64, total: u64) {
        if self.current.as_ref().is_none_or(|(name, _)| name != file) {
            let style = ProgressStyle::with_template("{prefix} {bar:30} {bytes}/{total_bytes}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(total).with_style(style).with_prefix(file.to_owned());
            self.current = Some((file.to_owned(), bar));
        }
        if let Some((_, bar)) = &self.current {
            bar.set_position(so_far);
            if so_far >= total {
                bar.finish();
            }
        }
    }
}
