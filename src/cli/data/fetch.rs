//! `gpu-cnn data fetch`

use super::chosen::Place;
use crate::cli::{environment, source};
use crate::data::published::{Published, read_any};
use crate::error::{Error, Result};
use crate::report::{note, print};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// fashion-mnist, mnist, kmnist, cifar10
    #[arg(required = true, value_name = "SET")]
    sets: Vec<String>,
    /// An address to download from, which the files' names are added to, in place of the known ones
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: &Args) -> Result<()> {
    for set in args.place.sets(&args.sets)? {
        fetch(set, args)?;
    }
    Ok(())
}

/// Prints the folder of `set`, once it is whole.
fn fetch(set: &'static Published, args: &Args) -> Result<()> {
    let folders = args.place.folders(set);
    let Some(target) = folders.first() else {
        return Err(Error::Usage(format!("there is no folder for {}; name one with --data-dir", set.title)));
    };
    let mut skipped = Vec::new();
    // What is damaged is in the way of a download only in its folder.
    if let Ok(Some(data)) = read_any(set, &folders, &mut skipped) {
        skipped.iter().for_each(|why| note(&format!("warning: {why}")));
        note(&format!("{} is there, and as it was published", set.title));
        return print(&format!("{}\n", data.source));
    }
    let sources = args.from.clone().map_or_else(|| environment::download_sources(set), |url| vec![url]);
    match source::download(set, target, sources)? {
        Ok(data) => print(&format!("{}\n", data.source)),
        Err(tried) => Err(Error::Data(format!(
            "{} could not be downloaded:\n{tried}\nhint: try again later, or name another address with --from; what is downloaded already stays",
            set.title
        ))),
    }
}
