//! The command line: one file a subcommand. Data goes to stdout, all else to stderr.

mod adapters;
mod bench;
mod class_weights;
mod completions;
mod config_file;
mod data;
mod details;
mod doctor;
mod environment;
mod evaluate;
mod export;
mod export_check;
mod find_rate;
mod fit;
mod interrupt;
mod job;
mod live;
mod live_view;
mod manual;
mod options;
mod output_args;
mod overfit;
mod panics;
mod precedence;
mod predict;
mod probe;
mod ran_on;
mod repeat;
mod report;
mod reproduce;
mod run_args;
mod run_request;
mod setting_sources;
mod source;
mod start;
mod summary;
mod synthetic;
mod test_pictures;
mod train;
mod trained_on;
mod verify;
mod verify_targets;
mod version;
mod view;
mod weights;

use crate::error::{Advice, Error};
use crate::report::note;
use clap::{CommandFactory, Parser, Subcommand};
pub use config_file::parse_configuration;
use output_args::OutputArgs;
use std::process::ExitCode;

/// Train Keras-style convolutional networks on any GPU, or on the CPU.
#[derive(Debug, Parser)]
#[command(version, after_help = format!("{EXIT_CODES}\n{}", environment::HELP))]
struct Cli {
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 ran, and the answer is no; 2 usage or configuration; 3 no adapter; 4 data; 5 device lost or out of
memory; 6 loss or weights not finite; 7 cannot write output; 130 interrupted by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a network and evaluate it on the test images
    Train(train::Args),
    /// Loss, accuracy, figures of each class and confusion matrix of a trained model
    Evaluate(evaluate::Args),
    /// The classes of one's own pictures, by a trained model
    Predict(predict::Args),
    /// Write a trained model for Keras or for ONNX runtimes, or its weights for other programs
    Export(export::Args),
    /// Write a run's report.html, with its figures as SVG and PNG
    Report(report::Args),
    /// Look into a trained model, and train on, in a page on this machine
    View(view::Args),
    /// Train by a run's run.json again, and compare losses and weights bit by bit
    Reproduce(reproduce::Args),
    /// Time training on every adapter and on the CPU, side by side
    Bench(bench::Args),
    /// Check every kernel on an adapter, and that trainings repeat to the bit
    Verify(verify::Args),
    /// Layers, output shapes and parameters of a model
    Summary(summary::Args),
    /// The adapters of this machine, and which of them `auto` takes
    Adapters(adapters::Args),
    /// Data sets: list, fetch, verify, describe and show them
    Data(data::Args),
    /// Write the built-in data set as IDX files
    Synthetic(synthetic::Args),
    /// Print a script that completes command lines, for a shell to read
    Completions(completions::Args),
    /// Write the manual's pages, one for each subcommand
    Man(manual::Args),
}

/// Parses, runs, and turns an error into its message and exit code.
pub fn run() -> ExitCode {
    // Before the command line is read, and with it the run to go on with.
    let joined = job::join();
    let cli: Cli = output_args::parse();
    cli.output.set();
    let name = cli.command.name();
    let run = || match cli.command {
        _ if job::size() > 1 && !cli.command.is_shared() => {
            job::refuse_all("train, evaluate and predict run on several ranks")
        }
        Command::Train(args) => train::run(args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Report(args) => report::run(&args),
        Command::View(args) => view::run(&args),
        Command::Reproduce(args) => reproduce::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Summary(args) => summary::run(&args),
        Command::Adapters(args) => adapters::run(&args),
        Command::Data(args) => data::run(&args),
        Command::Synthetic(args) => synthetic::run(&args),
        Command::Completions(args) => completions::run(&args, Cli::command()),
        Command::Man(args) => manual::run(&args, Cli::command(), EXIT_CODES),
    };
    let result = joined
        .and_then(|()| interrupt::install(!job::follows()))
        .and_then(|()| job::agree_on_command(name))
        .and_then(|()| panics::guarded(run));
    let code = match &result {
        Ok(()) => 0,
        Err(error) => {
            if !job::follows() || !job::fails_together() {
                note(&format!("error: {}", job::of_rank(&message(error))));
            }
            interrupt::requested().filter(|_| matches!(error, Error::Interrupted(_))).unwrap_or(error.exit_code())
        }
    };
    job::leave(&result, code);
    ExitCode::from(code)
}

impl Command {
    /// What ranks have to do the same of.
    fn name(&self) -> &'static str {
        match self {
            Self::Train(args) => args.kind(),
            Self::Evaluate(_) => "evaluate",
            Self::Predict(_) => "predict",
            _ => "another",
        }
    }

    /// Whether ranks do it together.
    fn is_shared(&self) -> bool {
        matches!(self, Self::Train(_) | Self::Evaluate(_) | Self::Predict(_))
    }
}

/// A message that quotes what a file says, however long that is: its start, and its end with the file's name.
fn shortened(text: String) -> String {
    const START: usize = 2000;
    const END: usize = 1000;
    let count = text.chars().count();
    if count <= START + END {
        return text;
    }
    let (start, end) = (text.chars().take(START), text.chars().skip(count - END));
    start.chain(" [...] ".chars()).chain(end).collect()
}

/// The message of an error; its advice as the options that it is about.
fn message(error: &Error) -> String {
    let text = shortened(match error {
        Error::Device(message) | Error::NotFinite(message) => message.text.clone(),
        other => other.to_string(),
    });
    let option = |advice: &Advice| match advice {
        Advice::BatchSize(images) => format!("--batch-size {images}"),
        Advice::SmallerBatchSize => "a smaller --batch-size".into(),
        Advice::SmallerLearningRate => "a smaller --learning-rate".into(),
        Advice::CpuBackend => "--adapter cpu".into(),
        Advice::SmallerModel => "a smaller model (--model)".into(),
    };
    let options: Vec<String> = error.advice().iter().map(option).collect();
    match error {
        Error::NoAdapter(_) => {
            format!(
                "{text}\nhint: `--adapter cpu` needs no adapter; `gpu-cnn adapters --doctor` says what was tried to find one"
            )
        }
        _ if options.is_empty() => text,
        _ => format!("{text}\nhint: try {}", options.join(" or ")),
    }
}
