//! `gpu-cnn data show`

use super::chosen::Chosen;
use super::export;
use crate::cli::options::has_extension;
use crate::cli::run_args::{Names, Shared};
use crate::data::{Dataset, Split};
use crate::error::{Error, Result, usage};
use crate::files;
use crate::report::{Picture, class_names, contact_sheet, note};
use crate::trainer::{RunConfig, augmented};
use clap::ValueEnum;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    chosen: Chosen,
    /// A PNG file to write, with a row of samples for each class
    #[arg(long, short, value_name = "FILE", required_unless_present = "export")]
    output: Option<PathBuf>,
    /// A folder to write single images to, as CLASS/NUMBER.png
    #[arg(long, value_name = "DIR")]
    export: Option<PathBuf>,
    #[command(flatten)]
    shared: Shared<Options>,
    /// Images of each class, the first ones
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
    /// Of which images
    #[arg(long, value_enum, default_value_t, conflicts_with = "augment")]
    split: Part,
}

/// With `--augment` the first image of each class is shown as it is, then as each epoch sees it.
#[derive(Debug)]
struct Options;

impl Names for Options {
    const NAMES: &'static [&'static str] = &["augment", "seed"];
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Training images
    Train,
    /// Test images
    #[default]
    Test,
}

/// Images in a row of the picture, at most.
const MAX_COLUMNS: usize = 40;

pub(super) fn run(args: &Args) -> Result<()> {
    if let Some(path) = &args.output {
        if !has_extension(path, &["png"]) {
            return Err(usage!("the name of --output ends in .png: {}", path.display()));
        }
        files::check(path).map_err(|e| Error::output(path, e))?;
        if args.count as usize > MAX_COLUMNS {
            return Err(usage!("--count is {}; a picture has rows of {MAX_COLUMNS} images at most", args.count));
        }
    }
    let RunConfig { augment, seed, .. } = *args.shared.0;
    if let Some(folder) = &args.export {
        if augment.is_some() {
            return Err(usage!("--augment is for the picture (--output); --export writes the images as they are"));
        }
        export::check(folder)?;
    }
    args.shared.0.check()?;
    let data = args.chosen.open()?;
    let part = if augment.is_some() { Part::Train } else { args.split };
    let split = if part == Part::Train { &data.train } else { &data.test };
    let names = class_names(&data.class_names, data.classes);
    let chosen = first_of_each(split, data.classes, args.count as usize);
    if let Some(path) = &args.output {
        let picture = |i: usize| Picture::of_image(split.image, split.pixels_of(i));
        let seen = |i: usize, augment, epoch: u32| {
            Picture::of_image(split.image, &augmented(split, i, augment, seed, epoch.into()))
        };
        let row = |images: &Vec<usize>| -> Vec<Picture> {
            match (augment, images.first()) {
                (Some(augment), Some(&i)) => {
                    [picture(i)].into_iter().chain((1..args.count).map(|epoch| seen(i, augment, epoch))).collect()
                }
                _ => images.iter().map(|i| picture(*i)).collect(),
            }
        };
        let rows = names.iter().zip(&chosen).map(|(name, images)| (name.clone(), row(images)));
        let bytes = contact_sheet(&title(&data, part, augment.map(|augment| augment.to_string())), rows.collect())?;
        files::write(path, &bytes).map_err(|e| Error::output(path, e))?;
        note(&format!("wrote {} bytes: {}", bytes.len(), path.display()));
    }
    if let Some(folder) = &args.export {
        let names = if data.class_names.is_empty() { numbers(data.classes) } else { names };
        let images = export::write(folder, split, &names, &chosen)?;
        note(&format!("wrote {images} pictures to {}", folder.display()));
    }
    Ok(())
}

/// Names for folders of `classes` classes without names: their numbers, which sorted as text stay in order.
fn numbers(classes: usize) -> Vec<String> {
    let digits = classes.saturating_sub(1).to_string().len();
    (0..classes).map(|class| format!("{class:0digits$}")).collect()
}

fn title(data: &Dataset, part: Part, augment: Option<String>) -> String {
    if let Some(augment) = augment {
        return augment;
    }
    let part = if part == Part::Train { "Training" } else { "Test" };
    let name = data.name.rsplit(['/', '\\']).next().unwrap_or_default();
    format!("{part} images of {name}")
}

/// The first `count` images of each class.
fn first_of_each(split: &Split, classes: usize, count: usize) -> Vec<Vec<usize>> {
    let mut chosen = vec![Vec::new(); classes];
    for (i, label) in split.labels.iter().enumerate() {
        let of_class = &mut chosen[usize::from(*label)];
        if of_class.len() < count {
            of_class.push(i);
        }
    }
    chosen
}
