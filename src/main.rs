//! The `gpu-cnn` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    gpu_cnn::cli::run()
}
