//! Which pictures a folder has, of which classes, to train on and to test on.

use super::found::Picture;
use super::split;
use crate::data::picture::{EXTENSIONS, has_picture_extension};
use crate::data::read_options::{ReadEvent, ReadEvents, ReadOptions};
use crate::error::{Error, Result};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Names of the folder of training pictures, and of that of test pictures, the first that is there.
const TRAIN: &str = "train";
const TEST: [&str; 4] = ["test", "val", "valid", "validation"];
/// Classes that there may be: labels are bytes.
const MAX_CLASSES: usize = 256;
/// Pictures that there may be.
const MAX_FILES: usize = 20_000_000;

/// The pictures, sorted by class, then by name.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) class_names: Vec<String>,
    pub(super) train: Vec<Picture>,
    pub(super) test: Vec<Picture>,
    /// Names of the files that are no pictures by their extensions.
    others: Vec<PathBuf>,
}

impl Listing {
    /// Looks through the folder `dir`.
    ///
    /// # Errors
    /// [`Error::Data`] if a folder cannot be read, a class has no training picture, the test pictures are of a class without any, or there
    /// are fewer than two classes or more than 256.
    pub(super) fn new(dir: &Path, options: &ReadOptions, say: &mut ReadEvents<'_>) -> Result<Self> {
        let train = dir.join(TRAIN);
        let tests: Vec<PathBuf> = TEST.iter().map(|name| dir.join(name)).filter(|path| path.is_dir()).collect();
        let has_train = train.is_dir() && (!tests.is_empty() || pictures_directly_in(&train) == 0);
        let root = if has_train { &train } else { dir };
        let mut found = Self { class_names: Vec::new(), train: Vec::new(), test: Vec::new(), others: Vec::new() };
        let folders = sub_folders(root)?;
        found.class_names = folders.iter().map(|folder| class_name(folder)).collect::<Result<_>>()?;
        match found.class_names.len() {
            0 | 1 => return Err(too_few(root, &found.class_names)),
            n if n > MAX_CLASSES => {
                return Err(Error::data(root, format!("{n} folders of classes; there may be {MAX_CLASSES}")));
            }
            _ => {}
        }
        for (class, folder) in folders.iter().enumerate() {
            let before = found.train.len();
            walk(folder, dir, class as u8, &mut found.train, &mut found.others)?;
            if found.train.len() == before {
                let what = format!("no picture of class `{}`: pictures end in {}", found.class_names[class], endings());
                return Err(Error::data(folder, what));
            }
        }
        let outside = pictures_directly_in(root);
        if outside > 0 {
            let what = format!("{outside} pictures that are in no folder of a class are not read: {}", root.display());
            say(ReadEvent::Warning(what));
        }
        match tests.split_first() {
            Some((test, unused)) if has_train => {
                found.read_test(test, dir, say)?;
                for folder in unused {
                    let what =
                        format!("the test images are those in {}; not read: {}", test.display(), folder.display());
                    say(ReadEvent::Warning(what));
                }
            }
            _ => {
                let all = std::mem::take(&mut found.train);
                (found.train, found.test) = split::held_out(all, found.class_names.len(), options, dir)?;
                found.describe_split(options, say);
            }
        }
        split::mix(&mut found.train);
        found.describe_others(say);
        Ok(found)
    }

    /// The test pictures in `test`, whose classes have to be those that there are.
    fn read_test(&mut self, test: &Path, dir: &Path, say: &mut ReadEvents<'_>) -> Result<()> {
        for folder in sub_folders(test)? {
            let name = class_name(&folder)?;
            let Some(class) = self.class_names.iter().position(|known| *known == name) else {
                let what = format!(
                    "no training pictures of the class `{}`; the classes are {}",
                    name,
                    shown(self.class_names.iter().map(String::as_str))
                );
                return Err(Error::data(&folder, what));
            };
            walk(&folder, dir, class as u8, &mut self.test, &mut self.others)?;
        }
        if self.test.is_empty() {
            return Err(Error::data(test, format!("no pictures in folders of classes: pictures end in {}", endings())));
        }
        let outside = pictures_directly_in(test);
        if outside > 0 {
            let what = format!("{outside} pictures that are in no folder of a class are not read: {}", test.display());
            say(ReadEvent::Warning(what));
        }
        self.warn_of_classes_without_tests(say);
        Ok(())
    }

    fn describe_split(&self, options: &ReadOptions, say: &mut ReadEvents<'_>) {
        let all = self.train.len() + self.test.len();
        let text = format!(
            "{} of {all} pictures are held out as test images (test_split {}, split_seed {})",
            self.test.len(),
            options.test_split,
            options.split_seed
        );
        say(ReadEvent::Note(text));
        self.warn_of_classes_without_tests(say);
    }

    fn warn_of_classes_without_tests(&self, say: &mut ReadEvents<'_>) {
        let has_test = |class: usize| self.test.iter().any(|picture| usize::from(picture.class) == class);
        let without = (0..self.class_names.len()).filter(|class| !has_test(*class));
        let without: Vec<&str> = without.map(|class| self.class_names[class].as_str()).collect();
        if !without.is_empty() {
            say(ReadEvent::Warning(format!("no test images of the classes {}", shown(without.into_iter()))));
        }
    }

    fn describe_others(&self, say: &mut ReadEvents<'_>) {
        if let Some(first) = self.others.first() {
            let count = self.others.len();
            say(ReadEvent::Detail(format!(
                "{count} files that are no pictures are not read, such as {}",
                first.display()
            )));
        }
    }
}

/// Some names, and how many more there are.
fn shown<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 10;
    let more = names.len().saturating_sub(SHOWN);
    let names: Vec<String> = names.take(SHOWN).map(|name| format!("`{name}`")).collect();
    if more == 0 { names.join(", ") } else { format!("{} and {more} more", names.join(", ")) }
}

fn endings() -> String {
    EXTENSIONS.map(|extension| format!(".{extension}")).join(", ")
}

fn too_few(root: &Path, names: &[String]) -> Error {
    let found = match names {
        [] => "no folder".to_owned(),
        [name, ..] => format!("only the folder `{name}`"),
    };
    let what = format!(
        "{found} of a class; a folder of pictures has one folder for each of two classes or more, or {TRAIN}/ with those, and {}/",
        TEST[0]
    );
    Error::data(root, what)
}

/// What is in a folder, but for hidden files, sorted by the bytes of the names.
fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let failed = |e: std::io::Error| Error::data(dir, format!("cannot read the folder: {e}"));
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        // What a Mac adds to an archive is hidden on a Mac.
        if !name.starts_with(b".") && name != b"__MACOSX" {
            paths.push(path);
        }
    }
    paths.sort_by(|a, b| {
        let name = |path: &Path| path.file_name().unwrap_or_default().as_encoded_bytes().to_vec();
        name(a).cmp(&name(b))
    });
    Ok(paths)
}

fn sub_folders(dir: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(dir)?.into_iter().filter(|path| path.is_dir()).collect())
}

fn pictures_directly_in(dir: &Path) -> usize {
    entries(dir).map_or(0, |paths| paths.iter().filter(|path| path.is_file() && has_picture_extension(path)).count())
}

/// The name of a class, which files of weights and tables have to hold.
fn class_name(folder: &Path) -> Result<String> {
    let name = folder.file_name().unwrap_or_default();
    match name.to_str().filter(|name| !name.chars().any(char::is_control)) {
        Some(name) => Ok(name.to_owned()),
        None => Err(Error::data(
            folder,
            format!("the class {name:?} has a name that is not UTF-8 text in one line; rename it"),
        )),
    }
}

/// Adds the pictures in `folder` and the folders in it, in the order of their names.
fn walk(folder: &Path, root: &Path, class: u8, found: &mut Vec<Picture>, others: &mut Vec<PathBuf>) -> Result<()> {
    let before = found.len();
    let (mut open, mut met) = (vec![folder.to_owned()], HashSet::new());
    while let Some(dir) = open.pop() {
        let real =
            std::fs::canonicalize(&dir).map_err(|e| Error::data(&dir, format!("cannot read the folder: {e}")))?;
        if !met.insert(real) {
            return Err(Error::data(&dir, "this folder is met twice: a link leads back to it"));
        }
        for path in entries(&dir)? {
            let metadata = match path.metadata() {
                Ok(metadata) => metadata,
                Err(e) if has_picture_extension(&path) => return Err(Error::data(&path, format!("cannot read: {e}"))),
                Err(_) => {
                    others.push(path);
                    continue;
                }
            };
            match (metadata.is_dir(), metadata.is_file() && has_picture_extension(&path)) {
                (true, _) => open.push(path),
                (_, true) if found.len() == MAX_FILES => {
                    return Err(Error::data(root, format!("more than {MAX_FILES} pictures")));
                }
                (_, true) => found.push(Picture { name: name_in(&path, root), path, class, metadata }),
                _ => others.push(path),
            }
        }
    }
    found[before..].sort_by(|a, b| a.name.cmp(&b.name));
    Ok(())
}

/// The path below `root`, the same on every system.
fn name_in(path: &Path, root: &Path) -> Vec<u8> {
    let names = path.strip_prefix(root).unwrap_or(path).iter().map(|name| name.as_encoded_bytes());
    names.collect::<Vec<_>>().join(&b'/')
}
