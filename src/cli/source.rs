//! Opens the data set that `--data` selects: Fashion-MNIST (found or downloaded), synthetic images, or a folder.

use super::options::DataArgs;
use crate::report::{DownloadBar, note};
use gpu_cnn::data::{self, Dataset, fashion_mnist, synthetic};
use gpu_cnn::{Error, Result};
use std::path::Path;

/// The data set of `--data`. Without that option: Fashion-MNIST, or the synthetic set, with a warning, if Fashion-MNIST
/// is neither found nor can be downloaded.
pub(super) fn open(args: &DataArgs) -> Result<Dataset> {
    match args.data.as_deref() {
        Some("synthetic") => Ok(synthetic_set()),
        Some("fashion-mnist") => find_fashion_mnist(args)?.map_err(Error::Data),
        Some(folder) if Path::new(folder).is_dir() => data::read_folder(Path::new(folder)),
        Some(other) => {
            let text =
                format!("no folder `{other}`; --data takes fashion-mnist, synthetic, or a folder with four IDX files");
            Err(Error::Data(text))
        }
        None => match find_fashion_mnist(args)? {
            Ok(data) => Ok(data),
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

/// Fashion-MNIST, or the text of a message with the folders and addresses that were tried.
fn find_fashion_mnist(args: &DataArgs) -> Result<Result<Dataset, String>> {
    let folders = fashion_mnist::folders(args.data_dir.as_deref());
    if let Some(found) = fashion_mnist::read_any(&folders)? {
        return Ok(Ok(found));
    }
    let listed: Vec<String> = folders.iter().map(|f| format!("\n  {}", f.display())).collect();
    let searched = format!("Fashion-MNIST was not found in any of{}", listed.concat());
    let Some(target) = folders.first() else {
        return Ok(Err("there is no folder to search for Fashion-MNIST; name one with --data-dir".into()));
    };
    note(&format!("downloading Fashion-MNIST (30 MB) to {}", target.display()));
    let mut bar = DownloadBar::default();
    let hint = "hint: put the four .gz files into one of these folders, or use `--data synthetic`";
    Ok(fashion_mnist::download(target, &mut |file, so_far, total| bar.update(file, so_far, total))?
        .map_err(|tried| format!("{searched}\nand could not be downloaded:\n{}\n{hint}", tried)))
}
