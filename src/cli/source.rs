//! Opens the data set that `--data` selects: Fashion-MNIST (found or downloaded), synthetic images, or a folder.

use super::environment;
use crate::data::{self, Dataset, fashion_mnist, synthetic};
use crate::error::{Error, Result};
use crate::report::note;
use crate::trainer::RunConfig;
use std::path::Path;

/// The data set of `--data`. Without that option: Fashion-MNIST, or the synthetic set, with a warning, if Fashion-MNIST
/// is neither found nor can be downloaded and the user named no folder for it. Of that set the classes that the settings name.
pub(super) fn open(config: &RunConfig) -> Result<Dataset> {
    let data = open_whole(config)?;
    match &config.only_classes {
        Some(classes) => data.of_classes(classes),
        None => Ok(data),
    }
}

fn open_whole(config: &RunConfig) -> Result<Dataset> {
    match config.data.as_deref() {
        Some("synthetic") => Ok(synthetic_set()),
        Some("fashion-mnist") => find_fashion_mnist(config)?.map_err(Error::Data),
        Some(folder) if Path::new(folder).is_dir() => data::read_folder(Path::new(folder)),
        Some(other) => {
            let text =
                format!("no folder `{other}`; --data takes fashion-mnist, synthetic, or a folder with four IDX files");
            Err(Error::Data(text))
        }
        None => match find_fashion_mnist(config)? {
            Ok(data) => Ok(data),
            Err(why) if config.data_dir.is_some() || environment::names_a_data_folder() => Err(Error::Data(why)),
            Err(why) => {
                note(&format!("warning: {why}"));
                note("warning: using the SYNTHETIC data set: accuracies are not comparable with Fashion-MNIST's");
                Ok(synthetic_set())
            }
        },
    }
}

fn synthetic_set() -> Dataset {
    synthetic::generate(synthetic::DEFAULT_SEED, synthetic::DEFAULT_COUNTS)
}

/// Fashion-MNIST, or the text of a message with the folders and addresses that were tried. Of the folders it is the one that
/// the user named, if any.
fn find_fashion_mnist(config: &RunConfig) -> Result<Result<Dataset, String>> {
    let folders = match &config.data_dir {
        Some(folder) => vec![folder.clone()],
        None => environment::data_folders(),
    };
    let mut skipped = Vec::new();
    let found = fashion_mnist::read_any(&folders, &mut skipped)?;
    let listed: String = folders.iter().map(|folder| format!("\n  {}", folder.display())).collect();
    if let Some(found) = found {
        skipped.iter().for_each(|why| note(&format!("warning: {why}")));
        return Ok(Ok(found));
    }
    let reasons: String = skipped.iter().map(|why| format!("\n  {why}")).collect();
    let Some(target) = folders.first() else {
        return Ok(Err("there is no folder to search for Fashion-MNIST; name one with --data-dir".into()));
    };
    let names = data::FILES.join(", ");
    let hint = format!(
        "hint: try again later; or put the four files, gzipped or unpacked, into {}: {names}; or name a folder that has them \
         (--data-dir), or another address (GPU_CNN_DATA_URL), or use `--data synthetic`",
        target.display()
    );
    let searched = format!("Fashion-MNIST was not found in any of{listed}{reasons}");
    let downloaded = download(target)?;
    Ok(downloaded.map_err(|tried| format!("{searched}\nand could not be downloaded:\n{tried}\n{hint}")))
}

#[cfg(feature = "download")]
fn download(target: &Path) -> Result<Result<Dataset, String>> {
    note(&format!("downloading Fashion-MNIST (30 MB) to {}", target.display()));
    let mut bar = crate::report::DownloadBar::default();
    let (sources, patience) = (environment::download_sources(), environment::download_patience()?);
    data::download::download(target, &sources, patience, &mut |file, so_far, total| bar.update(file, so_far, total))
}

#[cfg(not(feature = "download"))]
fn download(_: &Path) -> Result<Result<Dataset, String>> {
    Ok(Err("  this program was built without the feature `download`".into()))
}
