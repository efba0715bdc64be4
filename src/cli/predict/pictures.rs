//! Which pictures the command line names, in what order.

use crate::data::{EXTENSIONS, decode_picture, has_picture_extension, picture_bytes, read_picture};
use crate::error::{Error, Result, usage};
use crate::report::{note, printable, standard_input};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Where a picture comes from.
#[derive(Debug)]
pub(super) enum Source {
    File(PathBuf),
    /// Standard input, which is read when its turn comes.
    Input,
}

impl Source {
    /// The path, `-` for standard input.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Input => Path::new(INPUT),
        }
    }

    /// The pixels of the picture as an image of that shape.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn pixels(&self, image: [usize; 3]) -> Result<Vec<u8>> {
        match self {
            Self::File(path) => read_picture(path, image),
            Self::Input => {
                let name = Path::new(NAME_OF_INPUT);
                decode_picture(&picture_bytes(standard_input()?, name)?, name, image)
            }
        }
    }
}

/// What stands for standard input.
const INPUT: &str = "-";
/// Its name in messages.
const NAME_OF_INPUT: &str = "standard input";

/// The pictures, and what is no picture.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// In the order of the command line, those of a folder by their paths' bytes.
    pub(super) sources: Vec<Source>,
    /// Files of folders that are no pictures.
    pub(super) ignored: usize,
    /// Folders that could not be read, or have no pictures; there was a warning for each.
    pub(super) failed: usize,
}

impl Found {
    fn fail(&mut self, what: &str, path: &Path) {
        self.failed += 1;
        note(&format!("warning: skipped: {what}: {}", printable(&path.to_string_lossy())));
    }
}

/// The pictures that `arguments` name: files, folders, and standard input.
///
/// # Errors
/// [`Error::Usage`] if standard input is named twice, [`Error::Data`] if there is not one picture.
pub(super) fn find(arguments: &[PathBuf]) -> Result<Found> {
    if arguments.iter().filter(|path| path.as_os_str() == INPUT).count() > 1 {
        return Err(usage!("- is one picture on standard input, and was named twice"));
    }
    let mut found = Found::default();
    for path in arguments {
        if path.as_os_str() == INPUT {
            found.sources.push(Source::Input);
        } else if path.is_dir() {
            of_folder(path, &mut found);
        } else {
            found.sources.push(Source::File(path.clone()));
        }
    }
    match found.sources.is_empty() {
        true => Err(Error::Data("no picture was found".into())),
        false => Ok(found),
    }
}

/// Adds the pictures below `folder`, sorted by their paths' bytes.
fn of_folder(folder: &Path, found: &mut Found) {
    let mut files = Vec::new();
    let (ignored, failed) = (found.ignored, found.failed);
    let mut seen = HashSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // A folder that a link leads to may contain that link.
        if folder.canonicalize().is_ok_and(|whole| !seen.insert(whole)) {
            continue;
        }
        match entries(&folder) {
            Ok(entries) => sort_out(entries, &mut files, &mut folders, found),
            Err(e) => found.fail(&format!("cannot read the folder: {e}"), &folder),
        }
    }
    if files.is_empty() && failed == found.failed {
        let ignored = match found.ignored - ignored {
            0 => "it is empty".to_owned(),
            others => format!("{others} other files"),
        };
        let endings = EXTENSIONS.map(|extension| format!(".{extension}")).join(", ");
        found.fail(&format!("no pictures, whose names end in {endings}; {ignored}"), folder);
    }
    files.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    found.sources.extend(files.into_iter().map(Source::File));
}

/// The entries of a folder, sorted, so that of two links to one folder it is always the same that counts.
fn entries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut entries = entries.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort_by(|a, b| b.cmp(a));
    Ok(entries)
}

/// Adds each entry of a folder to what it is. Names that begin with a dot are not looked at: of macOS's, `._photo.jpg` is no photo.
fn sort_out(entries: Vec<PathBuf>, files: &mut Vec<PathBuf>, folders: &mut Vec<PathBuf>, found: &mut Found) {
    for path in entries {
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        match path.metadata() {
            _ if is_hidden => found.ignored += 1,
            Ok(known) if known.is_dir() => folders.push(path),
            // A pipe might never end.
            Ok(known) if known.is_file() && has_picture_extension(&path) => files.push(path),
            // A link that leads nowhere is reported when it is read.
            Err(_) if has_picture_extension(&path) => files.push(path),
            _ => found.ignored += 1,
        }
    }
}
