//! How far a run has come: what the training tells, and the page's server reads.

use super::curve::Curve;
use crate::report::History;
use crate::report::run_page::{RunPage, RunState};
use crate::trainer::{Event, Score};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Between two moments that the pace is measured from, at least.
const PACE: Duration = Duration::from_secs(10);
/// Between two times that the first layer's weights are read, at least; and in times of what that took.
const FILTERS: Duration = Duration::from_secs(5);
const FILTERS_SHARE: u32 = 200;

/// How far a run has come.
#[derive(Default)]
pub(super) struct Progress {
    /// Grows with each change.
    pub(super) version: u64,
    /// Of the epochs.
    history: History,
    /// Losses, accuracies and learning rates of the steps.
    curves: [Curve; 3],
    epochs: u64,
    at: Option<Place>,
    skipped: u64,
    paces: Vec<(Instant, u64)>,
    /// What the run does other than training, or how it ended.
    status: Option<(String, String)>,
    is_over: bool,
    /// The first layer's weights, until they are drawn, and when they are to be read again.
    pub(super) filters: Option<Vec<f32>>,
    filters_due: Option<Instant>,
    /// The page of a run that has ended, which takes the place of the one before.
    pub(super) last_page: Option<Box<RunPage>>,
}

/// The last step whose metrics have arrived.
#[derive(Clone, Copy)]
struct Place {
    epoch: u64,
    step: usize,
    steps: usize,
    so_far: Score,
}

impl Place {
    /// Steps since the run's first.
    fn position(&self) -> u64 {
        (self.epoch - 1) * self.steps as u64 + self.step as u64
    }
}

impl Progress {
    /// Of a run of `epochs` epochs that goes on after `history`.
    pub(super) fn new(mut history: History, epochs: u64) -> Self {
        let mut curves = <[Curve; 3]>::default();
        let steps = history.replace_steps(Default::default());
        curves.iter_mut().zip(steps).for_each(|(curve, points)| curve.extend(points));
        history.bound();
        Self { history, curves, epochs, ..Self::default() }
    }

    /// Takes note of a step.
    pub(super) fn step(&mut self, event: &Event) {
        let Event::Step { epoch, step, steps, batch, so_far, learning_rate, skipped } = *event else { return };
        let place = Place { epoch, step, steps, so_far };
        let at = (epoch - 1) as f64 + step as f64 / steps.max(1) as f64;
        let numbers = [batch.loss, batch.accuracy, learning_rate];
        self.curves.iter_mut().zip(numbers).for_each(|(curve, number)| curve.push([at, number]));
        self.at = Some(place);
        self.skipped += u64::from(skipped);
        let now = Instant::now();
        // The pace is that since the first of three moments, so it is of the last 20 to 30 seconds.
        if self.paces.last().is_none_or(|(last, _)| now.duration_since(*last) >= PACE) {
            self.paces.push((now, place.position()));
            self.paces = self.paces.split_off(self.paces.len().saturating_sub(3));
        }
        self.version += 1;
    }

    /// Takes note of a line of metrics.jsonl, on an epoch or the test.
    pub(super) fn line(&mut self, line: &Value) {
        self.history.add(line, 1.0);
        self.history.bound();
        self.version += 1;
    }

    /// What the run does now, other than training.
    pub(super) fn set_status(&mut self, status: &str, detail: &str, is_over: bool) {
        self.status = Some((status.to_owned(), detail.to_owned()));
        self.is_over = is_over;
        self.version += 1;
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether the first layer's weights are to be read.
    pub(super) fn are_filters_due(&self) -> bool {
        self.filters_due.is_none_or(|due| Instant::now() >= due)
    }

    /// Takes the first layer's weights, which took `cost` to read.
    pub(super) fn set_filters(&mut self, weights: Vec<f32>, cost: Duration) {
        self.filters = Some(weights);
        self.filters_due = Some(Instant::now() + FILTERS.max(cost * FILTERS_SHARE));
        self.version += 1;
    }

    /// The curves so far.
    pub(super) fn history(&self) -> History {
        let mut history = self.history.clone();
        let points = self.curves.each_ref().map(Curve::points);
        history.replace_steps(points);
        history
    }

    /// The state as the page says it.
    pub(super) fn state(&self) -> RunState {
        let of_epoch = |name: &str, value: f64| (name.to_owned(), format!("{value:.4}"));
        let tiles = self.at.filter(|_| !self.is_over).map_or_else(Vec::new, |at| {
            vec![of_epoch("Training accuracy", at.so_far.accuracy), of_epoch("Training loss", at.so_far.loss)]
        });
        let (status, detail) = match (&self.status, self.at) {
            (Some(status), _) => status.clone(),
            (None, None) => ("starting".to_owned(), String::new()),
            (None, Some(at)) => (format!("epoch {}/{}", at.epoch, self.epochs), self.detail(&at)),
        };
        let total = self.at.map_or(0, |at| self.epochs * at.steps as u64);
        let share = self.at.map_or(0.0, |at| at.position() as f64 / total.max(1) as f64);
        RunState { status, detail, share: (!self.is_over).then_some(share.min(1.0)), tiles }
    }

    /// `step 812/1875, 1.81 ms a step, 1m 20s left`.
    fn detail(&self, at: &Place) -> String {
        let mut text = format!("step {}/{}", at.step, at.steps);
        let since = self.paces.first().filter(|(_, position)| at.position() > *position);
        if let Some((then, position)) = since {
            let seconds = then.elapsed().as_secs_f64() / (at.position() - position) as f64;
            let left = (self.epochs * at.steps as u64).saturating_sub(at.position()) as f64 * seconds;
            let decimals = if seconds < 0.01 { 2 } else { 1 };
            let left = Duration::from_secs(left.min(1e9).ceil() as u64);
            text += &format!(", {:.decimals$} ms a step, {} left", seconds * 1e3, humantime::format_duration(left));
        }
        if self.skipped > 0 {
            text += &format!(", {} updates skipped", self.skipped);
        }
        text
    }
}
