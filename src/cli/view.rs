//! `gpu-cnn view`: the page in which networks train, served on this machine.

use super::options::{Trained, TrainedArgs, describe_data, read_trained};
use super::run_args::{Names, Shared};
use super::source::open_for;
use super::trained_on::{run_of, settings_of, trained_on, with_loss_of};
use crate::blocking::wait;
use crate::error::{Error, Result};
use crate::page::{Page, Run};
use crate::report::{PageServer, RecordedRun, note, say};
use crate::trainer::RunConfig;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long to wait for a request at a time.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run folder, a weights file, or a checkpoint to look into; without one the page begins with a network of its own
    run_or_file: Option<PathBuf>,
    /// Serve on this port of 127.0.0.1 [default: a free one]
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    port: u16,
    #[command(flatten)]
    shared: Shared<Options>,
}

#[derive(Debug)]
struct Options;

impl Names for Options {
    const NAMES: &'static [&'static str] = &["adapter", "threads", "data", "data_dir"];
}

pub(super) fn run(args: &Args) -> Result<()> {
    let mut server = PageServer::start(args.port)?;
    let asked: &RunConfig = &args.shared.0;
    let run = args.run_or_file.as_deref().map(|path| read(path, asked)).transpose()?;
    let mut page = Page::new(&asked.adapter, asked.threads, run);
    // The user has asked for it.
    say(&format!("view: {}", server.address()));
    note("Ctrl-C ends it");
    loop {
        server.turn(PATIENCE, &mut |head, bytes| wait(page.call(head, bytes)));
    }
}

/// A run, or a model of a file, with the images that it was trained on.
fn read(path: &Path, asked: &RunConfig) -> Result<Run> {
    let Trained { model, weights, path: file, checkpoint, .. } = read_trained(&TrainedArgs::of(path))?;
    let description = run_of(&file, checkpoint)?;
    let config = if asked.data.is_some() { asked.clone() } else { trained_on(&description, asked) };
    let config = with_loss_of(&description, config, &[])?;
    let data = open_for(&config, asked.data.is_some().then(|| model.input())).map_err(|error| match error {
        Error::Data(text) if asked.data.is_none() => Error::Data(format!(
            "the data of {} cannot be read: {text}\nhint: --data says where they are",
            path.display()
        )),
        error => error,
    })?;
    note(&format!("data: {}", describe_data(&data)));
    let (scores, tests) = RecordedRun::read(path).map_or_else(|_| Default::default(), |run| history(&run));
    let settings = settings_of(&description).unwrap_or(config);
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok(Run { name, model, weights, settings, data, scores, tests })
}

/// Loss and accuracy of each step, and of the tests with the number of steps before, as far as the logs say them.
pub(super) fn history(run: &RecordedRun) -> (Vec<[Option<f64>; 2]>, Vec<Value>) {
    let mut scores: Vec<[Option<f64>; 2]> = run.losses.iter().map(|loss| [Some(*loss), None]).collect();
    let mut tests = Vec::new();
    let (mut steps, mut before) = (0, 0);
    for line in run.metrics.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let number = |name: &str| line[name].as_u64().unwrap_or(0) as usize;
        match line["event"].as_str() {
            Some("step") => {
                if let Some(score) = (before + number("step")).checked_sub(1).and_then(|i| scores.get_mut(i)) {
                    score[1] = line["accuracy"].as_f64();
                }
            }
            Some("epoch") => {
                steps = before + number("steps");
                if let Some(score) = steps.checked_sub(1).and_then(|i| scores.get_mut(i)) {
                    score[1] = score[1].or(line["accuracy"].as_f64());
                }
                before = steps;
                if let (Some(loss), Some(accuracy)) =
                    (line["validation_loss"].as_f64(), line["validation_accuracy"].as_f64())
                {
                    tests.push(
                        serde_json::json!({ "steps": steps, "loss": loss, "accuracy": accuracy, "kind": "validation" }),
                    );
                }
            }
            Some("test") => {
                tests.push(serde_json::json!({ "steps": steps, "loss": line["loss"], "accuracy": line["accuracy"], "kind": "test" }));
            }
            _ => {}
        }
    }
    (scores, tests)
}
