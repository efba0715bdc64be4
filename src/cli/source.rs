//! Opens the data set that `--data` selects: a published one (found or downloaded), synthetic images, or a folder or file.

use super::environment;
use crate::data::published::{FASHION_MNIST, Published, read_any};
use crate::data::{self, ColorMode, DataKind, Dataset, ImageSize, ReadEvent, ReadOptions, synthetic};
use crate::error::{Error, Result};
use crate::report::{CountProgress, detail, note};
use crate::trainer::RunConfig;
use std::path::Path;

/// What `--data` takes, for messages.
const KINDS: &str = "fashion-mnist, mnist, kmnist, cifar10, synthetic, or a folder or file (docs/data.md says which)";

/// The data set of `--data`. Without that option: Fashion-MNIST, or the synthetic set, with a warning, if Fashion-MNIST
/// is neither found nor can be downloaded and the user named no folder for it. Of that set the classes that the settings name.
pub(super) fn open(config: &RunConfig) -> Result<Dataset> {
    open_for(config, None)
}

/// As [`open`], with pictures of the shape `input`, [height, width, channels], where the settings name no other.
pub(super) fn open_for(config: &RunConfig, input: Option<[usize; 3]>) -> Result<Dataset> {
    let data = open_whole(config, input)?;
    match &config.only_classes {
        Some(classes) => data.of_classes(classes),
        None => Ok(data),
    }
}

fn open_whole(config: &RunConfig, input: Option<[usize; 3]>) -> Result<Dataset> {
    if let Some(set) = config.data.as_deref().and_then(Published::named) {
        return find_published(set, config)?.map_err(Error::Data);
    }
    match config.data.as_deref() {
        Some("synthetic") => Ok(synthetic_set()),
        Some(path) if data::is_there(Path::new(path)) => read(Path::new(path), &read_options(config, input)),
        Some(other) => Err(Error::Data(format!("no folder `{other}`, nor a file; --data takes {KINDS}"))),
        None => match find_published(&FASHION_MNIST, config)? {
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

pub(super) fn synthetic_set() -> Dataset {
    synthetic::generate(synthetic::DEFAULT_SEED, synthetic::DEFAULT_COUNTS)
}

/// How pictures are read by the settings, and of the shape `input` where they name no other.
fn read_options(config: &RunConfig, input: Option<[usize; 3]>) -> ReadOptions {
    let of_input = input.map(|[height, width, channels]| {
        let color_mode = if channels == 1 { ColorMode::Grayscale } else { ColorMode::Rgb };
        (ImageSize { height, width }, color_mode)
    });
    ReadOptions {
        image_size: config.image_size.or(of_input.map(|(size, _)| size)),
        color_mode: config.color_mode.or(of_input.map(|(_, mode)| mode)),
        test_split: config.test_split,
        split_seed: config.split_seed,
        threads: config.threads.map_or(0, usize::from),
        cache: environment::picture_cache(),
    }
}

/// Reads what `path` leads to, and says what is to be said of it.
fn read(path: &Path, options: &ReadOptions) -> Result<Dataset> {
    let mut progress: Option<CountProgress> = None;
    let mut done = 0;
    let mut say = |event| match event {
        ReadEvent::Warning(text) => note(&format!("warning: {text}")),
        ReadEvent::Note(text) => note(&format!("note: {text}")),
        ReadEvent::Detail(text) => detail(|| text),
        ReadEvent::Decoded(so_far, total) => {
            let shown = || CountProgress::new("pictures decoded", total, environment::may_redraw());
            progress.get_or_insert_with(shown).advance(so_far - done);
            done = so_far;
            if so_far == total {
                progress.take().iter().for_each(CountProgress::finish);
            }
        }
    };
    data::open(path, options, &mut say)
}

/// A warning for each setting of pictures that is given although the data are none.
pub(super) fn without_pictures(config: &RunConfig) -> Vec<String> {
    let usual = RunConfig::default();
    let given = [
        ("--image-size", config.image_size.is_some()),
        ("--color-mode", config.color_mode.is_some()),
        ("--test-split", config.test_split != usual.test_split),
        ("--split-seed", config.split_seed != usual.split_seed),
    ];
    let is_pictures = config.data.as_deref().is_some_and(|data| {
        let is_path = Published::named(data).is_none() && data != "synthetic";
        is_path && data::kind_of(Path::new(data)) == DataKind::Pictures
    });
    let given = given.into_iter().filter(|(_, is_given)| *is_given && !is_pictures);
    given.map(|(option, _)| format!("{option} is for folders of pictures, which the data are not")).collect()
}

/// A published set, or the text of a message with the folders and addresses that were tried. Of the folders it is the one that
/// the user named, if any.
fn find_published(set: &Published, config: &RunConfig) -> Result<Result<Dataset, String>> {
    let folders = match &config.data_dir {
        Some(folder) => vec![folder.clone()],
        None => environment::data_folders(set.name),
    };
    let mut skipped = Vec::new();
    let found = read_any(set, &folders, &mut skipped)?;
    let listed: String = folders.iter().map(|folder| format!("\n  {}", folder.display())).collect();
    if let Some(found) = found {
        skipped.iter().for_each(|why| note(&format!("warning: {why}")));
        return Ok(Ok(found));
    }
    let reasons: String = skipped.iter().map(|why| format!("\n  {why}")).collect();
    let Some(target) = folders.first() else {
        let text = format!("there is no folder to search for {}; name one with --data-dir", set.title);
        return Ok(Err(text));
    };
    let put = match set.files {
        [archive] => format!("put {} into {}", archive.name, target.display()),
        _ => {
            let names = data::FILES.join(", ");
            format!("put the four files, gzipped or unpacked, into {}: {names}", target.display())
        }
    };
    let hint = format!(
        "hint: try again later; or {put}; or name a folder that has them \
         (--data-dir), or another address (GPU_CNN_DATA_URL), or use `--data synthetic`"
    );
    let searched = format!("{} was not found in any of{listed}{reasons}", set.title);
    let downloaded = match download(set, target, environment::download_sources(set)) {
        // Of which what to do instead is said, too.
        Err(error @ Error::Output { .. }) => Err(format!("  {error}")),
        done => done?,
    };
    Ok(downloaded.map_err(|tried| format!("{searched}\nand could not be downloaded:\n{tried}\n{hint}")))
}

/// Downloads what of `set` is not in `target`, and reads it; or the addresses that were tried, each with the reason.
#[cfg(feature = "download")]
pub(super) fn download(set: &Published, target: &Path, sources: Vec<String>) -> Result<Result<Dataset, String>> {
    let megabytes = set.bytes() as f64 / 1e6;
    note(&format!("downloading {} ({megabytes:.0} MB) to {}", set.title, target.display()));
    let mut bar = crate::report::DownloadBar::default();
    let patience = environment::download_patience()?;
    data::download::download(set, target, &sources, patience, &mut |file, so_far, total| {
        bar.update(file, so_far, total);
    })
}

#[cfg(not(feature = "download"))]
pub(super) fn download(_: &Published, _: &Path, _: Vec<String>) -> Result<Result<Dataset, String>> {
    Ok(Err("  this program was built without the feature `download`".into()))
}
