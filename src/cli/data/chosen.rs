//! Which data set a command is about, and where it lies.

use crate::cli::run_args::{Names, Shared};
use crate::cli::{environment, source};
use crate::data::Dataset;
use crate::data::published::Published;
use crate::error::{Error, Result};
use crate::hint::did_you_mean;
use crate::report::note;
use crate::trainer::RunConfig;
use std::path::PathBuf;

/// The options of runs that say which images a data set has.
#[derive(Debug)]
struct Options;

impl Names for Options {
    const NAMES: &'static [&'static str] =
        &["data_dir", "only_classes", "image_size", "color_mode", "test_split", "split_seed", "threads"];
}

/// A data set, and how it is read.
#[derive(Debug, clap::Args)]
pub(super) struct Chosen {
    /// A data set, as `train --data` takes it
    data: String,
    #[command(flatten)]
    shared: Shared<Options>,
}

impl Chosen {
    pub(super) fn open(&self) -> Result<Dataset> {
        let config = RunConfig { data: Some(self.data.clone()), ..(*self.shared.0).clone() };
        config.check()?;
        source::without_pictures(&config).iter().for_each(|what| note(&format!("warning: {what}")));
        source::open(&config)
    }
}

/// Where published sets lie.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// The folder of the set, in place of those that are searched
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
}

impl Place {
    /// Folders of `set`, the first one for what is new.
    pub(super) fn folders(&self, set: &Published) -> Vec<PathBuf> {
        self.data_dir.clone().map_or_else(|| environment::data_folders(set.name), |folder| vec![folder])
    }

    /// The sets of these names; a folder can be that of one.
    pub(super) fn sets(&self, names: &[String]) -> Result<Vec<&'static Published>> {
        if self.data_dir.is_some() && names.len() != 1 {
            return Err(Error::Usage("--data-dir is the folder of one set; name it, and no other".into()));
        }
        names.iter().map(|name| Published::named(name).ok_or_else(|| unknown(name))).collect()
    }
}

fn unknown(name: &str) -> Error {
    let known = Published::ALL.map(|set| set.name);
    Error::Usage(format!("no published set `{name}`; there are {}{}", known.join(", "), did_you_mean(name, known)))
}

/// Decimal megabytes.
pub(super) fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}
