//! `gpu-cnn completions`: what a shell reads to complete the command line.

use super::Cli;
use crate::error::Result;
use crate::report::print;
use clap::CommandFactory;
use clap_complete::Shell;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "gpu-cnn", &mut script);
    print(&String::from_utf8_lossy(&script))
}
