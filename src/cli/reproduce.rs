//! `gpu-cnn reproduce`: trains by a run's description again and compares the results bit by bit.

use super::config_file::read;
use super::environment;
use super::fit::{is_logged, metrics_line, test_line};
use super::options::Format;
use super::ran_on::RanOn;
use super::run_args::{Names, Shared};
use super::start::{Start, check_data};
use super::trained_on::with_data_of;
use crate::digest::sha256_hex;
use crate::error::{Error, Result, count_of, usage};
use crate::report::{EpochProgress, RecordedRun, note, print, print_json};
use crate::trainer::{Event, Flow, RunConfig};
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run's folder
    run: PathBuf,
    #[command(flatten)]
    shared: Shared<Options>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug)]
struct Options;

impl Names for Options {
    const NAMES: &'static [&'static str] = &["adapter", "threads", "data", "data_dir"];
}

pub(super) fn run(args: &Args) -> Result<()> {
    let mut recorded = RecordedRun::read(&args.run)?;
    if recorded.is_over() && recorded.has_cut_losses {
        return Err(Error::data(&args.run, "damaged: the file of losses ends within a number"));
    }
    let mut request = read(&recorded.description_path)?;
    let (asked, given) = (&args.shared.0, &args.shared.1);
    let config = &mut request.config;
    for name in given {
        match *name {
            "adapter" => config.adapter.clone_from(&asked.adapter),
            "threads" => config.threads = asked.threads,
            "data" => config.data.clone_from(&asked.data),
            _ => config.data_dir.clone_from(&asked.data_dir),
        }
    }
    config.check()?;
    if !given.iter().any(|name| ["data", "data_dir"].contains(name)) {
        let RunConfig { data, data_dir, .. } = with_data_of(&recorded.description, config);
        (config.data, config.data_dir) = (data, data_dir);
    }
    let timed = request.config.max_time.take().is_some();
    let Start { mut trainer, data, config, description } = Start::new(request)?;
    let before: std::collections::BTreeMap<String, String> =
        serde_json::from_value(recorded.description["data"]["sha256"].clone()).unwrap_or_default();
    check_data(&before, &data)?;
    for (what, name) in [("weights that it started from", "start_sha256"), ("model", "model")] {
        if recorded.description[name] != description[name] {
            return Err(usage!("the {what} are no longer those of the run: {}", recorded.description_path.display()));
        }
    }
    warnings(&recorded.description, &description).iter().for_each(|warning| note(warning));
    if !recorded.is_over() {
        note("note: the run is not over: its losses are compared as far as they go, not its weights");
    }

    // A run that was resumed may have logged steps in one part alone.
    let log_steps = config.log_steps && !recorded.was_resumed();
    if !log_steps {
        recorded.forget_logged_steps();
    }
    let mut comparison = Comparison { recorded: &recorded, log_steps, steps: 0, lines: 0, difference: None };
    let mut progress = EpochProgress::new(config.epochs, environment::may_redraw());
    trainer.fit_with(&data.train, &mut |_, event| {
        progress.show(event);
        comparison.compare(event);
        // Where that was a matter of time, training ended with the last loss, or with the epoch that this was the end of.
        let has_last_step = (!recorded.is_over() || timed) && !comparison.is_at_epoch_end();
        let ends = comparison.difference.is_some() || (has_last_step && comparison.steps >= recorded.losses.len());
        Ok(if ends { Flow::Stop } else { Flow::Continue })
    })?;
    let mut weights = None;
    if recorded.is_over() && comparison.difference.is_none() {
        comparison.compare_line(&test_line(trainer.evaluate(&data.test)?.score), "the test");
        let sha256 = sha256_hex(&trainer.to_safetensors()?);
        comparison.compare_end(&sha256);
        weights = Some(sha256);
    }
    report(args, &comparison, weights)
}

/// Why the bits may be others than those that were recorded: what the run was trained on, then or in one of its parts.
fn warnings(recorded: &Value, now: &Value) -> Vec<String> {
    let of_now = json!({ "device": now["device"], "profile": now["profile"], "versions": { "gpu-cnn": env!("CARGO_PKG_VERSION") } });
    let Some(before) = RanOn::of_description(recorded) else { return Vec::new() };
    let differences = RanOn::of_description(&of_now).map_or_else(Vec::new, |now| now.differences(&before));
    let mut found: Vec<String> = differences
        .into_iter()
        .map(|text| format!("warning: {text}: the results may differ in their last bits"))
        .collect();
    for part in recorded["resumed"].as_array().into_iter().flatten() {
        let after = &part["after_steps"];
        for text in RanOn::of_description(part).map_or_else(Vec::new, |part| part.differences(&before)) {
            found.push(format!("warning: {text}, from step {after} on, where the run was resumed: it is not one that can be repeated to the bit"));
        }
        let (epochs, schedule) = (&recorded["settings"]["epochs"], &recorded["settings"]["schedule"]);
        let ends_with_the_run = ["cosine", "triangular"].iter().any(|name| schedule == name);
        if part["epochs_before"].as_u64().is_some_and(|before| *epochs != before) && ends_with_the_run {
            found.push(format!(
                "warning: the run was resumed after {after} steps with {epochs} epochs in place of {}, on which its schedule depends: it is not one that can be repeated",
                part["epochs_before"]
            ));
        }
    }
    found
}

/// What the training comes to beside what was recorded.
struct Comparison<'a> {
    recorded: &'a RecordedRun,
    log_steps: bool,
    /// Steps and lines that were compared.
    steps: usize,
    lines: usize,
    /// The first difference, as a sentence.
    difference: Option<String>,
}

impl Comparison<'_> {
    fn compare(&mut self, event: &Event) {
        match *event {
            Event::Step { epoch, step, batch, .. } => {
                let place = format!("epoch {epoch}, step {step}");
                match self.recorded.losses.get(self.steps) {
                    // Where the file of losses is gone, the lines are left.
                    None if self.recorded.losses.is_empty() => {}
                    None => self.differ(format!("{place}: the run has only {} steps", self.steps)),
                    Some(loss) if loss.to_bits() != batch.loss.to_bits() => {
                        self.differ(format!("{place}: the loss is {}, it was {loss}", batch.loss));
                    }
                    Some(_) => {}
                }
                self.steps += 1;
                if is_logged(event, self.log_steps) {
                    self.compare_line(&metrics_line(event), &place);
                }
            }
            Event::Epoch { epoch, .. } => self.compare_line(&metrics_line(event), &format!("the end of epoch {epoch}")),
        }
    }

    /// Compares the next line of metrics.
    fn compare_line(&mut self, line: &Value, place: &str) {
        let (now, before) = (line.to_string(), self.recorded.metrics.get(self.lines));
        match before {
            None if !self.recorded.is_over() => return,
            Some(before) if *before == now => {}
            before => {
                let before = before.map_or("not there", String::as_str);
                self.differ(format!("{place}: the line of metrics is\n  {now}\nit was\n  {before}"));
            }
        }
        self.lines += 1;
    }

    /// Whether what was recorded next is the end of an epoch.
    fn is_at_epoch_end(&self) -> bool {
        let next = self.recorded.metrics.get(self.lines).and_then(|line| serde_json::from_str::<Value>(line).ok());
        next.is_some_and(|line| line["event"] == "epoch")
    }

    fn compare_end(&mut self, weights: &str) {
        let RecordedRun { losses, metrics, weights: before, .. } = self.recorded;
        if losses.len() > self.steps {
            self.differ(format!("after step {}: the run has {} steps", self.steps, losses.len()));
        }
        if metrics.len() > self.lines {
            self.differ(format!("after the test: the run has another line of metrics: {}", metrics[self.lines]));
        }
        if before.as_deref() != Some(weights) {
            let before = before.as_deref().unwrap_or("not there");
            self.differ(format!("the weights at the end: their sha256 is {weights}, it was {before}"));
        }
    }

    fn differ(&mut self, difference: String) {
        self.difference.get_or_insert(difference);
    }
}

/// Prints the answer.
fn report(args: &Args, comparison: &Comparison<'_>, weights: Option<String>) -> Result<()> {
    let Comparison { recorded, steps, lines, difference, .. } = comparison;
    let (compared_steps, compared) = match recorded.losses.is_empty() && *steps > 0 {
        false => (*steps, format!("the losses of {}", count_of(*steps, "step"))),
        true => {
            note(&format!("warning: there are no losses of {}: their file is gone or empty", count_of(*steps, "step")));
            (0, format!("{} of metrics", count_of(*lines, "line")))
        }
    };
    if difference.is_none() && compared_steps + lines == 0 && weights.is_none() {
        return Err(Error::data(&args.run, "the run has neither losses nor metrics to compare with"));
    }
    let of_weights = weights.as_ref().map(|sha256| format!(", and the weights, sha256 {sha256}")).unwrap_or_default();
    match args.format {
        Format::Json => print_json(&json!({
            "same": difference.is_none(), "steps": compared_steps, "lines_of_metrics": lines, "weights_sha256": weights,
            "first_difference": difference,
        }))?,
        Format::Text if difference.is_none() => {
            print(&format!("the same: {compared}{of_weights}\n"))?;
        }
        Format::Text => {}
    }
    match difference {
        None => Ok(()),
        Some(text) => Err(Error::Disagreement(format!(
            "the run in {} is not reproduced; the first difference is at {text}",
            args.run.display()
        ))),
    }
}
