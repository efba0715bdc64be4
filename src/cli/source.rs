//! Which images to train on: found, downloaded, drawn, or read from a folder.

use super::options::DataArgs;
use crate::report::{DownloadBar, note};
use gpu_cnn::data::{self, Dataset, fashion_mnist, synthetic};
use gpu_cnn::{Error, Result};
use std::path::Path;

/// The data set that the user means, or Fashion-MNIST, or where that cannot be had the synthetic set, said loudly.
pub(super) fn open(args: &DataArgs) -> Result<Dataset> {
    match args.data.as_deref() {
        Some("synthetic") => Ok(draw()),
        Some("fashion-mnist") => fashion_mnist_or_why(args)?.map_err(Error::Data),
        Some(folder) if Path::new(folder).is_dir() => data::read_folder(Path::new(folder)),
        Some(other) => {
            let text =
                format!("no folder `{other}`; --data takes fashion-mnist, synthetic, or a folder with four IDX files");
            Err(Error::Data(text))
        }
        None => match fashion_mnist_or_why(args)? {
            Ok(data) => Ok(data),
            Err(why) => {
                note(&format!("warning: {why}"));
                note("warning: going on with the SYNTHETIC data set: figures are not comparable with Fashion-MNIST's");
                Ok(draw())
            }
        },
    }
}

fn draw() -> Dataset {
    synthetic::generate(synthetic::DEFAULT_SEED, synthetic::DEFAULT_COUNTS)
}

/// Fashion-MNIST, or the folders and addresses that were tried in vain.
fn fashion_mnist_or_why(args: &DataArgs) -> Result<Result<Dataset, String>> {
    let folders = fashion_mnist::folders(args.data_dir.as_deref());
    if let Some(found) = fashion_mnist::read_any(&folders)? {
        return Ok(Ok(found));
    }
    let listed: Vec<String> = folders.iter().map(|f| format!("\n  {}", f.display())).collect();
    let searched = format!("Fashion-MNIST was not found in any of{}", listed.concat());
    let Some(target) = folders.first() else {
        return Ok(Err("there is no folder to look for Fashion-MNIST in; name one with --data-dir".into()));
    };
    note(&format!("downloading Fashion-MNIST (30 MB) to {}", target.display()));
    let mut bar = DownloadBar::default();
    let hint = "hint: put the four .gz files into one of these folders, or use `--data synthetic`";
    Ok(fashion_mnist::download(target, &mut |file, so_far, all| bar.update(file, so_far, all))?
        .map_err(|tried| format!("{searched}\nand could not be downloaded:\n{}\n{hint}", tried)))
}
