//! `gpu-cnn report`: a run as one HTML page, with its figures as files.

use super::options::{Trained, TrainedArgs, describe_data, find_device, has_extension, read_trained};
use super::run_args::{Names, Shared};
use super::start::limited;
use super::test_pictures::describe_test;
use super::trained_on::{changed_files, settings_of, trained_on, with_loss_of};
use crate::blocking::Trainer;
use crate::error::{Error, Result};
use crate::files;
use crate::graph::Model;
use crate::report::{History, REPORT, RecordedRun, RunFolder, RunPage, Test, note, write_report};
use crate::trainer::RunConfig;
use serde_json::Value;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run's folder
    run: PathBuf,
    /// Draw the curves of these runs over those of the first
    #[arg(long, value_name = "RUN", num_args = 1..)]
    compare: Vec<PathBuf>,
    #[command(flatten)]
    shared: Shared<Options>,
    /// Where to write the page [default: report.html in the run's folder, comparison.html with --compare]; the figures lie beside it
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug)]
struct Options;

impl Names for Options {
    const NAMES: &'static [&'static str] = &["adapter", "threads", "data", "data_dir", "batch_size"];
}

/// The page of several runs, in the folder of the first.
const COMPARISON: &str = "comparison.html";

/// Runs whose curves can be told apart.
const MAX_RUNS: usize = 6;

pub(super) fn run(args: &Args) -> Result<()> {
    if args.compare.len() >= MAX_RUNS {
        let text =
            format!("--compare with {} runs; {} at the most can be told apart", args.compare.len(), MAX_RUNS - 1);
        return Err(Error::Usage(text));
    }
    let recorded = read(&args.run)?;
    // A comparison does not take the place of the run's own page.
    let usual = if args.compare.is_empty() { REPORT } else { COMPARISON };
    let output = args.output.clone().unwrap_or_else(|| args.run.join(usual));
    // Not over the run's own files.
    if !has_extension(&output, &["html", "htm"]) {
        return Err(Error::Usage(format!("the name of --output ends in .html: {}", output.display())));
    }
    files::check(&output).map_err(|e| Error::output(&output, e))?;
    let mut names = names_of(&args.run, &args.compare);
    let others = args.compare.iter().zip(names.split_off(1)).map(|(folder, name)| {
        let run = read(folder)?;
        Ok((name, run.description.clone(), History::new(&run)))
    });
    let others = others.collect::<Result<Vec<_>>>()?;
    let test = test(args, &recorded)?;
    if let Err(why) = &test {
        if args.output.is_none() && args.compare.is_empty() && output.exists() && recorded.is_over() {
            let hint = "hint: --data says where data are that cannot be read; --output NAME.html writes a page without the model's tests";
            return Err(Error::Data(format!("{why}\nThe page that is there stays: {}\n{hint}", output.display())));
        }
        note(&format!("warning: without what the model makes of test images: {why}"));
    }
    let test = test.map_err(|why| format!("The model was not tried on them: {why}."));
    let (name, history) = (names.remove(0), History::new(&recorded));
    let page = RunPage { name, history, others, ..run_page(&args.run, recorded.description, test) };
    let figures = write_report(&page, &output)?;
    note(&format!("report: {}, its figures in {}", output.display(), figures.display()));
    Ok(())
}

/// The run in `folder`; one that says it is going on, and is not, was killed.
fn read(folder: &Path) -> Result<RecordedRun> {
    let mut run = RecordedRun::read(folder)?;
    if run.description["status"] == "running" && !RunFolder::is_written(folder) {
        run.description["status"] = "killed".into();
    }
    Ok(run)
}

/// Names of runs that are compared: the last of each folder's path, or where two are the same the paths.
fn names_of(first: &Path, others: &[PathBuf]) -> Vec<String> {
    let folders = || [first].into_iter().chain(others.iter().map(PathBuf::as_path));
    let names: Vec<String> = folders().map(name_of).collect();
    let is_new = |i: usize| !names[..i].contains(&names[i]);
    match (0..names.len()).all(is_new) {
        true => names,
        false => folders().map(|folder| whole(folder).display().to_string()).collect(),
    }
}

/// The page of the run in `folder`, with the content of its run.json and without its curves.
pub(super) fn run_page(folder: &Path, description: Value, test: std::result::Result<Test, String>) -> RunPage {
    let model: Option<Model> = serde_json::from_value(description["model"].clone()).ok();
    let summary = model.and_then(|model| model.summary().ok());
    RunPage { name: name_of(folder), description, history: History::default(), summary, test, others: Vec::new() }
}

/// The whole path of a folder.
fn whole(folder: &Path) -> PathBuf {
    std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}

/// The last name of a folder.
fn name_of(folder: &Path) -> String {
    let whole = whole(folder);
    whole.file_name().unwrap_or(whole.as_os_str()).to_string_lossy().into_owned()
}

/// What the run's model makes of the test images, or why that is not known: there are no weights yet, or no data.
fn test(args: &Args, recorded: &RecordedRun) -> Result<std::result::Result<Test, String>> {
    if recorded.weights.is_none() {
        return Ok(Err("there are no weights in its folder, which are written at the end of each epoch".to_owned()));
    }
    let description = &recorded.description;
    let asked: &RunConfig = &args.shared.0;
    let config = if asked.data.is_some() { asked.clone() } else { trained_on(description, asked) };
    let config = with_loss_of(description, config, &args.shared.1)?;
    // What was asked for is an error; what the run lacks is not.
    let device = find_device(&config)?;
    let read = || -> Result<Test> {
        let Trained { model, graph, weights, .. } = read_trained(&TrainedArgs::of(&args.run))?;
        let data = super::source::open_for(&config, asked.data.is_some().then_some(graph.input))?;
        note(&format!("data: {}", describe_data(&data)));
        // Of its own images those that the run was tested on.
        let trial = settings_of(description).filter(|_| asked.data.is_none());
        let data = match &trial {
            Some(settings) => limited(data, settings),
            None => data,
        };
        changed_files(description, &data).iter().for_each(|warning| note(warning));
        let mut trainer = Trainer::new(model, &device, config.clone())?;
        trainer.set_weights(&weights)?;
        let evaluation = trainer.evaluate(&data.test)?;
        describe_test(&graph, &weights, &data, evaluation)
    };
    match read() {
        Ok(test) => Ok(Ok(test)),
        Err(Error::Data(text) | Error::Usage(text)) => Ok(Err(text)),
        Err(error) => Err(error),
    }
}
