//! `gpu-cnn synthetic`: writes the synthetic data set as IDX files.

use crate::data::{FILES, idx, synthetic};
use crate::error::{Error, Result};
use crate::files;
use crate::report::note;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder to write the four IDX files to
    dir: PathBuf,
    /// Number of training images
    #[arg(long, default_value_t = synthetic::DEFAULT_COUNTS[0] as u32, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    train: u32,
    /// Number of test images
    #[arg(long, default_value_t = synthetic::DEFAULT_COUNTS[1] as u32, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    test: u32,
    /// Seed of the image generator
    #[arg(long, default_value_t = synthetic::DEFAULT_SEED, value_name = "N")]
    seed: u64,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let made = files::create_folder(&args.dir).map_err(|e| Error::output(&args.dir, e))?;
    let paths = FILES.map(|name| args.dir.join(name));
    let exists = |path| Error::output(path, "it exists already; choose another folder, or delete it");
    if let Some(path) = paths.iter().find(|path| path.exists()) {
        return Err(exists(path));
    }
    files::sweep(&args.dir);
    let data = synthetic::generate(args.seed, [args.train as usize, args.test as usize]);
    let contents = [idx::encode_split(&data.train), idx::encode_split(&data.test)];
    for (i, (path, content)) in paths.iter().zip(contents.iter().flatten()).enumerate() {
        if let Err(e) = files::write_new(path, content) {
            // All four or none.
            let _ = paths[..i].iter().try_for_each(std::fs::remove_file);
            let _ = made.iter().try_for_each(std::fs::remove_dir);
            return Err(if e.kind() == std::io::ErrorKind::AlreadyExists {
                exists(path)
            } else {
                Error::output(path, e)
            });
        }
    }
    note(&format!("wrote {} training and {} test images to {}", args.train, args.test, args.dir.display()));
    Ok(())
}
