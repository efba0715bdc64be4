//! `gpu-cnn completions`: what a shell reads to complete the command line.

use crate::error::Result;
use crate::report::print;
use clap::Command;
use clap_complete::Shell;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

/// Prints the script that completes `command`.
pub(super) fn run(args: &Args, mut command: Command) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "gpu-cnn", &mut script);
    let script = String::from_utf8_lossy(&script);
    // clap_complete 4.6 names the states of its bash script in two ways where the command has a hyphen, so that none is found.
    print(&script.replace("gpu__subcmd__cnn", "gpu__cnn"))
}
