//! The command line: one file a subcommand. Data goes to stdout, all else to stderr.

mod adapters;
mod bench;
mod environment;
mod evaluate;
mod interrupt;
mod options;
mod probe;
mod run_args;
mod source;
mod summary;
mod synthetic;
mod train;

use crate::error::Error;
use crate::report::note;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Train Keras-style convolutional networks on any GPU, or on the CPU.
#[derive(Debug, Parser)]
#[command(version, after_help = format!("{EXIT_CODES}\n{}", environment::HELP))]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 ran, and the answer is no; 2 usage or configuration; 3 no adapter; 4 data; 5 device lost or out of
memory; 6 loss or weights not finite; 7 cannot write output; 130 interrupted.";

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
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let result = interrupt::install().and_then(|()| match cli.command {
        Command::Train(args) => train::run(args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Summary(args) => summary::run(&args),
        Command::Adapters(args) => adapters::run(&args),
        Command::Synthetic(args) => synthetic::run(&args),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(&format!("error: {error}{}", hint(&error)));
            ExitCode::from(error.exit_code())
        }
    }
}

/// What the option that the error is about is called; the library does not know options.
fn hint(error: &Error) -> String {
    let text = error.to_string();
    if matches!(error, Error::NoAdapter(_)) {
        return "\nhint: `--adapter cpu` needs no adapter; `gpu-cnn adapters` lists the adapters found".into();
    }
    if let Some((_, size)) = text.split_once("try a batch size of ") {
        let size: String = size.chars().take_while(char::is_ascii_digit).collect();
        return format!("\nhint: try --batch-size {size}");
    }
    let options = [
        ("try a smaller batch size", "a smaller --batch-size"),
        ("try a smaller learning rate", "a smaller --learning-rate"),
        ("the CPU backend", "--adapter cpu"),
    ];
    let named: Vec<&str> =
        options.iter().filter(|(words, _)| text.contains(words)).map(|(_, option)| *option).collect();
    if named.is_empty() { String::new() } else { format!("\nhint: try {}", named.join(" or ")) }
}
