//! `gpu-cnn data verify`

use super::chosen::Place;
use crate::cli::options::Format;
use crate::data::published::{Published, is_verified};
use crate::error::{Error, Result};
use crate::report::{note, print, print_json};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// fashion-mnist, mnist, kmnist, cifar10 [default: all that are on this machine]
    #[arg(value_name = "SET")]
    sets: Vec<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    place: Place,
}

/// What was found of a file.
struct Finding {
    set: &'static str,
    path: PathBuf,
    /// What is wrong with it, if anything.
    wrong: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let all: Vec<String> = Published::ALL.map(|set| set.name.to_owned()).to_vec();
    let is_asked = !args.sets.is_empty();
    let sets = args.place.sets(if is_asked { &args.sets } else { &all })?;
    let mut findings = Vec::new();
    for set in sets {
        let before = findings.len();
        for folder in args.place.folders(set) {
            if set.files.iter().any(|file| file.is_in(&folder)) {
                verify(set, folder, &mut findings);
            }
        }
        if is_asked && findings.len() == before {
            let searched: String =
                args.place.folders(set).iter().map(|folder| format!("\n  {}", folder.display())).collect();
            return Err(Error::Data(format!("no file of {} is in any of{searched}", set.title)));
        }
    }
    let wrong = findings.iter().filter(|finding| finding.wrong.is_some()).count();
    match args.format {
        Format::Json => {
            let file = |Finding { set, path, wrong }: &Finding| json!({ "set": set, "file": path, "ok": wrong.is_none(), "wrong": wrong });
            print_json(&findings.iter().map(file).collect::<Vec<_>>())?;
        }
        Format::Text => {
            for Finding { path, wrong, .. } in &findings {
                match wrong {
                    None => print(&format!("ok: {}\n", path.display()))?,
                    Some(what) => print(&format!("WRONG: {what}\n"))?,
                }
            }
            if findings.is_empty() {
                note("no published set is on this machine; `gpu-cnn data fetch SET` downloads one");
            }
        }
    }
    match wrong {
        0 => Ok(()),
        _ => Err(Error::Data(format!("{wrong} of {} files are missing or not as they were published", findings.len()))),
    }
}

fn verify(set: &'static Published, folder: PathBuf, findings: &mut Vec<Finding>) {
    for file in set.files {
        let (path, wrong) = match is_verified(set, file, &folder) {
            Ok(Some(path)) => (path, None),
            Ok(None) => {
                let path = folder.join(file.name);
                let what = format!("missing: {}", path.display());
                (path, Some(what))
            }
            Err(error) => (folder.join(file.name), Some(error.to_string())),
        };
        findings.push(Finding { set: set.name, path, wrong });
    }
}
