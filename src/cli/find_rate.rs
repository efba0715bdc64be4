//! `train --find-learning-rate`: a range test, its curve and what it says.

use super::environment;
use super::fit::check_interrupted;
use super::run_request::RunRequest;
use super::start::Start;
use crate::blocking::wait;
use crate::error::{Error, Result};
use crate::files;
use crate::report::{Chart, Mark, Series, XAxis, note, print, table};
use crate::trainer::{RangePoint, steepest};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// From the lowest learning rate to the highest, in so many steps at most.
const RATES: [f64; 2] = [1e-6, 10.0];
const STEPS: usize = 400;
/// Lines of the table.
const LINES: usize = 15;

pub(super) fn run(request: RunRequest) -> Result<()> {
    let folder = request.config.out.clone().unwrap_or_else(|| PathBuf::from("."));
    let stem = Path::new(&request.config.model).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let names = ["csv", "svg", "png"].map(|end| folder.join(format!("learning-rate-{stem}.{end}")));
    files::create_folder(&folder).map_err(|e| Error::output(&folder, e))?;
    let Start { mut trainer, data, config, .. } = Start::new(request)?;
    let observer = &mut || check_interrupted("in the range test");
    let started = Instant::now();
    let points = wait(trainer.range_test(&data.train, RATES, STEPS, observer))?;
    if config.max_time.is_some_and(|time| started.elapsed() >= time.duration()) {
        note(&format!("note: --max-time ended the range test after {} of {STEPS} steps", points.len()));
    } else if points.len() < 2 {
        return Err(Error::not_finite(
            "the loss is not finite at the lowest learning rate; look at the weights and the data".into(),
        ));
    }
    let drawn = figure(&points)?;
    for (path, bytes) in names.iter().zip([csv(&points).into_bytes(), drawn.to_svg().into_bytes(), drawn.to_png()?]) {
        files::replace(path, &bytes).map_err(|e| Error::output(path, e))?;
    }
    print(&lines(&points))?;
    note(&format!("the curve is in {}, its numbers in {}", names[2].display(), names[0].display()));
    match steepest(&points) {
        Some(rate) => {
            // As an option, which the images of an update then scale.
            let factor = config.scaled_rate() / config.learning_rate;
            let scaled = if factor == 1.0 { String::new() } else { format!(", scaled {rate:.1e}") };
            print(&format!("learning rate: {:.1e}{scaled}, where the loss falls fastest\n", rate / factor))
        }
        None => {
            note("warning: the loss never falls clearly; larger batches make it less noisy");
            Ok(())
        }
    }
}

/// Some of the points, evenly.
fn lines(points: &[RangePoint]) -> String {
    let stride = points.len().div_ceil(LINES);
    let row = |point: &RangePoint| vec![format!("{:.1e}", point.learning_rate), format!("{:.4}", point.smoothed)];
    let rows: Vec<Vec<String>> = points.iter().rev().step_by(stride).rev().map(row).collect();
    table(&["learning rate", "loss, smoothed"], &rows, environment::columns())
}

fn csv(points: &[RangePoint]) -> String {
    let mut text = "learning_rate,loss,smoothed\n".to_owned();
    for RangePoint { learning_rate, loss, smoothed } in points {
        // Writing to memory cannot fail.
        let _ = writeln!(text, "{learning_rate},{loss},{smoothed}");
    }
    text
}

fn figure(points: &[RangePoint]) -> Result<crate::report::Figure> {
    let series = |label: &str, style, mark, value: &dyn Fn(&RangePoint) -> f64| {
        let points = points.iter().map(|point| [point.learning_rate, value(point)]).collect();
        Series { label: label.to_owned(), style, mark, points }
    };
    let series = vec![
        series("each step", 0, Mark::Thin, &|point| point.loss),
        series("smoothed", 1, Mark::Line, &|point| point.smoothed),
    ];
    let (name, title, quantity) = ("learning-rate-test", "Loss by learning rate".to_owned(), "loss");
    let chart = Chart { name, title, quantity, x: XAxis::Logarithmic("learning rate"), series };
    chart.figure().ok_or_else(|| Error::not_finite("no loss is finite".into()))
}
