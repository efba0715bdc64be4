//! `gpu-cnn data list`

use super::chosen::{Place, megabytes};
use crate::cli::environment;
use crate::cli::options::Format;
use crate::data::cached_pictures;
use crate::data::published::Published;
use crate::error::Result;
use crate::report::{note, print, print_json, table};
use serde_json::{Value, json};
use std::path::Path;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let sets: Vec<Value> = Published::ALL.into_iter().map(describe).collect();
    let cache = environment::picture_cache();
    let pictures = cache.as_deref().map(cached_pictures).unwrap_or_default();
    match args.format {
        Format::Json => print_json(&json!({
            "sets": sets,
            "pictures": pictures.iter().map(|(folder, of, bytes)| json!({ "folder": folder, "of": of, "bytes": bytes })).collect::<Vec<_>>(),
        })),
        Format::Text => {
            let rows: Vec<Vec<String>> = sets
                .iter()
                .map(|set| {
                    let text = |name: &str| set[name].as_str().unwrap_or_default().to_owned();
                    let count = |name: &str| set[name].as_u64().unwrap_or_default();
                    vec![
                        text("name"),
                        format!("{} of {}", count("files_there"), count("files")),
                        megabytes(count("bytes")),
                    ]
                })
                .collect();
            print(&table(&["set", "files", "MB"], &rows, environment::columns()))?;
            for set in &sets {
                if let (Some(name), Some(folder)) = (set["name"].as_str(), set["folder"].as_str()) {
                    print(&format!("{name}: {folder}\n"))?;
                }
            }
            if !pictures.is_empty() {
                let rows: Vec<Vec<String>> =
                    pictures.iter().map(|(_, of, bytes)| vec![of.clone(), megabytes(*bytes)]).collect();
                print(&format!("\n{}", table(&["decoded pictures of", "MB"], &rows, environment::columns())))?;
                for (folder, ..) in &pictures {
                    print(&format!("in {}\n", folder.display()))?;
                }
            }
            note("note: `gpu-cnn data fetch SET` downloads a set, `data verify` checks those that are there");
            Ok(())
        }
    }
}

/// The set, and the first folder that has files of it.
fn describe(set: &'static Published) -> Value {
    let there = |folder: &Path| set.files.iter().filter(|file| file.is_in(folder)).count();
    let folders = Place { data_dir: None }.folders(set);
    let found = folders.iter().map(|folder| (folder, there(folder))).filter(|(_, there)| *there > 0);
    let found = found.max_by_key(|(_, there)| *there);
    json!({
        "name": set.name,
        "title": set.title,
        "files": set.files.len(),
        "files_there": found.map_or(0, |(_, there)| there),
        "bytes": set.bytes(),
        "folder": found.map(|(folder, _)| folder),
    })
}
