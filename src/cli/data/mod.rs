//! `gpu-cnn data`: what data there are, and what is in them.

mod chosen;
mod export;
mod fetch;
mod info;
mod list;
mod show;
mod verify;

use crate::error::Result;
use clap::Subcommand;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The published sets and those that are on this machine
    List(list::Args),
    /// Download published sets, or what of them is missing, and check them
    Fetch(fetch::Args),
    /// Check the digests of the published sets that are on this machine
    Verify(verify::Args),
    /// Shape, classes, counts and digests of a data set
    Info(info::Args),
    /// Samples of each class as one picture, or images as single PNG files
    Show(show::Args),
}

pub(super) fn run(args: &Args) -> Result<()> {
    match &args.command {
        Command::List(args) => list::run(args),
        Command::Fetch(args) => fetch::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Info(args) => info::run(args),
        Command::Show(args) => show::run(args),
    }
}
