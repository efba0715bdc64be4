//! The command line: one file a subcommand. Data goes to stdout, all else to stderr.

mod adapters;
mod bench;
mod evaluate;
mod interrupt;
mod options;
mod probe;
mod source;
mod summary;
mod synthetic;
mod train;

use crate::report::note;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Train Keras-style convolutional networks on any GPU, or on the CPU.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 ran, and the answer is no; 2 usage or configuration; 3 no adapter; 4 data; 5 device lost or out of
memory; 6 loss or weights not finite; 7 cannot write output; 130 interrupted.
Environment: WGPU_BACKEND and WGPU_ADAPTER_NAME narrow the choice of adapter; GPU_CNN_PROFILE
(software, discrete, integrated) forces a tuning profile; GPU_CNN_SIMD (avx512, avx2, neon, plain) forces the vector
instructions of the CPU backend; GPU_CNN_DATA_DIR is a folder to look for Fashion-MNIST in; GPU_CNN_DATA_URL is an
address to download it from.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a network and evaluate it on the test images
    Train(train::Args),
    /// Loss, accuracy, and accuracy of each class of a trained model
    Evaluate(evaluate::Args),
    /// Time training on every adapter and on the CPU, side by side
    Bench(bench::Args),
    /// Layers, output shapes and parameters of a model
    Summary(summary::Args),
    /// The adapters of this machine, and which of them `auto` takes
    Adapters(adapters::Args),
    /// Write the built-in data set as IDX files
    Synthetic(synthetic::Args),
}

/// Parses, runs, and turns an error into its message and exit code.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let result = interrupt::install().and_then(|()| match cli.command {
        Command::Train(args) => train::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Summary(args) => summary::run(&args),
        Command::Adapters(args) => adapters::run(&args),
        Command::Synthetic(args) => synthetic::run(&args),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(&format!("error: {error}"));
            ExitCode::from(error.exit_code())
        }
    }
}
