//! `gpu-cnn data info`

use super::chosen::Chosen;
use crate::cli::environment;
use crate::cli::options::Format;
use crate::data::{Dataset, Split};
use crate::error::Result;
use crate::report::{class_names, print, print_json, table};
use serde_json::{Value, json};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    chosen: Chosen,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let data = args.chosen.open()?;
    match args.format {
        Format::Json => print_json(&as_json(&data)),
        Format::Text => print(&as_text(&data, environment::columns())),
    }
}

/// Images of each class.
fn counts(split: &Split, classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    split.labels.iter().for_each(|label| counts[usize::from(*label)] += 1);
    counts
}

fn as_json(data: &Dataset) -> Value {
    let (train, test) = (counts(&data.train, data.classes), counts(&data.test, data.classes));
    let class = |i: usize| json!({ "class": i, "name": data.class_names.get(i), "train": train[i], "test": test[i] });
    json!({
        "name": data.name,
        "source": data.source,
        "image": data.train.image,
        "train_images": data.train.len(),
        "test_images": data.test.len(),
        "bright_border": data.train.has_bright_border(),
        "classes": (0..data.classes).map(class).collect::<Vec<_>>(),
        "sha256": data.sha256,
    })
}

fn as_text(data: &Dataset, columns: Option<usize>) -> String {
    let [height, width, channels] = data.train.image;
    let border = match data.train.has_bright_border() {
        Some(true) => "bright",
        Some(false) => "dark",
        None => "neither bright nor dark",
    };
    let source = if data.source == data.name { String::new() } else { format!("source: {}\n", data.source) };
    let (train, test) = (counts(&data.train, data.classes), counts(&data.test, data.classes));
    let names = class_names(&data.class_names, data.classes);
    let row = |i: usize| vec![names[i].clone(), train[i].to_string(), test[i].to_string()];
    let mut rows: Vec<Vec<String>> = (0..data.classes).map(row).collect();
    rows.push(vec!["all".into(), data.train.len().to_string(), data.test.len().to_string()]);
    let digests: String = data.sha256.iter().map(|(name, digest)| format!("{name}\n  {digest}\n")).collect();
    format!(
        "data: {}\n{source}images: {height}x{width}x{channels}, {border} border\n\n{}\nSHA-256\n{digests}",
        data.name,
        table(&["class", "train", "test"], &rows, columns)
    )
}
