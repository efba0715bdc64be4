//! `gpu-cnn train`

use super::details::detail_run;
use super::environment::{self, unknown_variables};
use super::fit::{Fitting, check_interrupted, checkpoint_of, test_line};
use super::live::{LiveArgs, LiveRun};
use super::overfit::check_overfit;
use super::repeat;
use super::report::run_page;
use super::run_args::RunArgs;
use super::run_request::{FILE, Resumed, RunRequest};
use super::setting_sources::{config_file, variables};
use super::start::Start;
use super::test_pictures::describe_test;
use super::{find_rate, interrupt, job};
use crate::blocking::Trainer;
use crate::data::Dataset;
use crate::error::{Error, Result, count_of};
use crate::report::{
    History, LivePort, REPORT, RecordedRun, RunFolder, RunPage, Test, detail, is_quiet, note, print, summary_table,
    write_page,
};
use crate::trainer::{Event, Flow, NotFinite, Progress, RunConfig, Schedule, Score};
use serde_json::json;
use std::path::Path;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    live: LiveArgs,
    /// Print the settings as a file for --config, each with where it is from, and do nothing else
    #[arg(long)]
    print_config: bool,
    /// Train N times with seeds that count up from --seed, each in a folder of its own in --out, and tell the mean and the spread
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=10_000), conflicts_with_all = ["live", "resume"])]
    repeat: Option<u32>,
    /// Train under a growing learning rate and show what the loss makes of it; nothing of the training is kept
    #[arg(long, conflicts_with_all = ["live", "resume", "repeat"])]
    find_learning_rate: bool,
}

impl Args {
    /// What is to be done.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self { print_config: true, .. } => "train --print-config",
            Self { find_learning_rate: true, .. } => "train --find-learning-rate",
            Self { repeat: Some(_), .. } => "train --repeat",
            _ => "train",
        }
    }
}

pub(super) fn run(args: Args) -> Result<()> {
    let mut request = *args.run.0?;
    unknown_variables(&variables()).iter().for_each(|warning| note(warning));
    if args.print_config {
        return print(&config_file(&request)?);
    }
    match request.found_file() {
        Some(file) => note(&format!("note: settings are read from {file}, which lies in this folder")),
        None if request.leaves_file() => {
            note(&format!("note: {FILE}, which lies in this folder, is not read beside a recipe"))
        }
        None => {}
    }
    if job::size() > 1 && (args.find_learning_rate || args.repeat.is_some()) {
        return job::refuse_all("--repeat and --find-learning-rate are for one process");
    }
    if args.find_learning_rate {
        return find_rate::run(request);
    }
    if let Some(times) = args.repeat {
        return repeat::run(&request, times, &|request| start(request, None));
    }
    let port = if job::follows() { None } else { args.live.take_port()? };
    match request.resume.take() {
        Some(resumed) => resume(request.config, *resumed, port),
        None => start(request, port),
    }
    .map(drop)
}

/// Trains from the beginning; returns what the test images come to.
fn start(request: RunRequest, port: Option<LivePort>) -> Result<Score> {
    if let Some(out) = request.config.out.as_ref().filter(|_| !job::follows()) {
        RunFolder::check(out, request.config.overwrite)?;
    }
    let Start { mut trainer, data, config, description } = Start::new(request)?;
    if job::follows() {
        return follow(trainer, &data);
    }
    if !is_quiet() {
        print(&summary_table(&trainer.model().summary()?, environment::columns()))?;
    }
    let first = checkpoint_of(&mut trainer, &data)?;
    let stem = Path::new(&config.model).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let folder = RunFolder::create(config.out.as_deref(), &stem, config.overwrite, description, first)?;
    let live = port.and_then(|port| LiveRun::start(port, &folder, &trainer, None));
    train(Fitting { trainer, folder, live }, &data, &config)
}

fn resume(config: RunConfig, resumed: Resumed, port: Option<LivePort>) -> Result<Score> {
    let Resumed { run, names_model } = resumed;
    if !job::follows() {
        RunFolder::check(&run.folder, true)?;
    }
    let Start { trainer, data, config, description } = Start::resume(config, &run, names_model)?;
    if job::follows() {
        return follow(trainer, &data);
    }
    let (mut folder, notes) = RunFolder::resume(&run, &config)?;
    let checkpoint = run.checkpoint;
    notes.iter().for_each(|text| note(text));
    let Progress { epoch, batch, steps, .. } = checkpoint.state.progress;
    let [done, of_epoch] = [steps, batch].map(|steps| count_of(steps, "step"));
    let [epochs, all] = [epoch, config.epochs].map(|epochs| count_of(epochs, "epoch"));
    note(&format!("resumed after {done}: {epochs} and {of_epoch}; {all} in all"));
    note_longer(&config, &checkpoint.state.config);
    folder.describe_resumed(&description, steps)?;
    let live = port.and_then(|port| {
        let earlier = RecordedRun::read(folder.path()).ok();
        LiveRun::start(port, &folder, &trainer, earlier.as_ref())
    });
    train(Fitting { trainer, folder, live }, &data, &config)
}

/// Trains along with rank 0, which writes what there is to write.
fn follow(mut trainer: Trainer, data: &Dataset) -> Result<Score> {
    interrupt::defer();
    let callback = &mut |trainer: &mut Trainer, event: &Event| {
        let (Event::Step { epoch, .. } | Event::Epoch { epoch, .. }) = *event;
        job::check_interrupted(trainer, &format!("in epoch {epoch}")).map(|()| Flow::Continue)
    };
    trainer.resume_fit_with(&data.train, callback).inspect_err(job::fail_together)?;
    trainer.restore_best()?;
    trainer.evaluate(&data.test).map(|evaluation| evaluation.score).inspect_err(job::fail_together)
}

/// Writes the page of the run in `folder`, which is over, and returns it; `test` is what its model makes of the test images, or why that is
/// not known.
fn write_report(folder: &Path, test: std::result::Result<Test, String>) -> Result<RunPage> {
    let recorded = RecordedRun::read(folder)?;
    let page = RunPage { history: History::new(&recorded), ..run_page(folder, recorded.description, test) };
    write_page(&page, &folder.join(REPORT)).map(|()| page)
}

/// Warns where the epochs that are done would have been others with the new number of epochs.
fn note_longer(config: &RunConfig, before: &RunConfig) {
    let ends_with_the_run = matches!(config.schedule, Schedule::Cosine | Schedule::Triangular);
    if ends_with_the_run && config.epochs != before.epochs {
        note(&format!(
            "warning: the schedule {} now ends with epoch {}; the epochs before were trained as part of {}, so that a run of \
             {} epochs from the start would differ",
            config.schedule.name(),
            config.epochs,
            before.epochs,
            config.epochs
        ));
    }
}

/// Trains, tests, and writes how the run ended.
fn train(mut fitting: Fitting, data: &Dataset, config: &RunConfig) -> Result<Score> {
    detail_run(&fitting.trainer, data);
    let outcome = fitting.fit(data, config).and_then(|()| {
        fitting.live.iter().for_each(LiveRun::start_test);
        // Ranks test together, to the end.
        let observer = &mut || if job::size() > 1 { Ok(()) } else { check_interrupted("while testing") };
        let evaluation = fitting.trainer.evaluate_with(&data.test, observer).inspect_err(job::fail_together)?;
        let test = evaluation.score;
        let Fitting { folder, live, .. } = &mut fitting;
        let figures = json!({ "loss": test.loss, "accuracy": test.accuracy });
        folder.note_final("test", figures);
        folder.log(&test_line(test));
        live.iter().for_each(|live| live.test(&test_line(test)));
        folder.flush().map(|()| evaluation)
    });
    let Fitting { mut trainer, mut folder, live } = fitting;
    match outcome {
        Ok(evaluation) => {
            let (test, path) = (evaluation.score, folder.path().to_owned());
            note(&format!("run folder: {}", path.display()));
            // Before what may fail without harm.
            folder.close("done")?;
            let weights = trainer.inference_weights();
            let tried = weights.and_then(|weights| describe_test(trainer.graph(), &weights, data, evaluation));
            let written = tried.and_then(|tried| write_report(&path, Ok(tried)));
            match (live, written) {
                (Some(live), Ok(page)) => live.finish(page, &path.join(REPORT)),
                (Some(live), Err(error)) => {
                    live.fail(&error, &path);
                    return Err(error);
                }
                (None, written) => drop(written?),
            }
            let tta = config.views().map(|tta| format!(" - over the views of {tta}")).unwrap_or_default();
            print(&format!("test accuracy: {:.4} - loss: {:.4}{tta}\n", test.accuracy, test.loss))?;
            check_overfit(config, test, trainer.graph().classes(), trainer.progress()).map(|()| test)
        }
        Err(error) => {
            let status = if matches!(error, Error::Interrupted(_)) { "interrupted" } else { "failed" };
            let stopped_at = trainer.not_finite().filter(|_| !folder.is_earlier_run());
            let write = |found: &NotFinite| folder.write_batch(&found.to_safetensors(&data.train)?);
            let written = stopped_at.map(write).transpose();
            let path = folder.path().display();
            match &written {
                Ok(Some(batch)) => note(&format!("note: the images of that update are in {}", batch.display())),
                Ok(None) => {}
                Err(error) => note(&format!("warning: the images of that update are not kept: {error}")),
            }
            let skip = if stopped_at.is_some() { " --on-nan skip" } else { "" };
            match folder.last_steps() {
                _ if folder.is_earlier_run() => note(&format!("note: {path} is still that of the earlier run")),
                0 => {}
                steps => note(&format!(
                    "note: the checkpoint after {} is kept; `gpu-cnn train --resume {path}{skip}` goes on from there",
                    count_of(steps, "step")
                )),
            }
            // The first error is the one to report.
            folder.note_final("error", json!(error.to_string()));
            let (at, is_earlier_run) = (folder.path().to_owned(), folder.is_earlier_run());
            let closed = folder.close(status);
            let untested = Err("The run ended before the test images.".to_owned());
            // How the run ended is what there is to report.
            if closed.is_ok()
                && !is_earlier_run
                && let Err(error) = write_report(&at, untested)
            {
                detail(|| format!("the page of the run is not written: {error}"));
            }
            live.into_iter().for_each(|live| live.fail(&error, &at));
            Err(error)
        }
    }
}
