//! Single images as PNG files, in folders of their classes.

use crate::data::Split;
use crate::error::{Error, Result};
use crate::files;
use crate::report::png;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Whether pictures can be written to `folder`: it is empty, or not there.
///
/// # Errors
/// If it is not.
pub(super) fn check(folder: &Path) -> Result<()> {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(Error::output(folder, "the folder is not empty; choose another")),
        },
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Error::output(folder, e)),
    }
}

/// Writes the images `chosen` of each class to `folder`; returns how many.
///
/// # Errors
/// If a file cannot be written.
pub(super) fn write(folder: &Path, split: &Split, names: &[String], chosen: &[Vec<usize>]) -> Result<usize> {
    let digits = split.len().to_string().len();
    for (class, images) in folders(folder, names).iter().zip(chosen) {
        files::create_folder(class).map_err(|e| Error::output(class, e))?;
        for i in images {
            let path = class.join(format!("{i:0digits$}.png"));
            let bytes = png(split.image, split.pixels_of(*i));
            std::fs::write(&path, bytes).map_err(|e| Error::output(&path, e))?;
        }
    }
    Ok(chosen.iter().map(Vec::len).sum())
}

/// A folder for each class: its name without what no system's file names may have.
fn folders(folder: &Path, names: &[String]) -> Vec<PathBuf> {
    let mut taken = HashSet::new();
    let of_class = |name: &String| {
        let is_allowed = |c: &char| !c.is_control() && !r#"/\:*?"<>|"#.contains(*c);
        let safe: String = name.chars().map(|c| if is_allowed(&c) { c } else { '_' }).collect();
        // Hidden files are not read again, nor does every system keep dots and blanks at the end.
        let safe = safe.trim_matches(['.', ' ']).to_owned();
        let safe = if safe.is_empty() { "_".to_owned() } else { safe };
        let numbered = (2..).map(|i| format!("{safe}_{i}"));
        let free = [safe.clone()].into_iter().chain(numbered).find(|name| taken.insert(name.to_lowercase()));
        folder.join(free.unwrap_or(safe))
    };
    names.iter().map(of_class).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_folder_of_its_own() {
        let names = ["T-shirt/top", "T-shirt_top", "a", "A", "..", "", "é ü"].map(String::from);
        let found = folders(Path::new("out"), &names);
        let expected =
            ["T-shirt_top", "T-shirt_top_2", "a", "A_2", "_", "__2", "é ü"].map(|name| Path::new("out").join(name));
        assert_eq!(found, expected);
    }
}
