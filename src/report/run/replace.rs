//! How a run takes the place of an earlier one in its folder, so that a kill at any moment leaves one of the two.
//!
//! The new run writes to the subfolder [`NEXT`]. Once it has weights, its files are listed, the subfolder is renamed to [`READY`], the
//! files are moved up one by one, and the earlier run's that have no successor are deleted. What finds a `READY` finishes that; what finds
//! a `NEXT` deletes it.

use super::names::{is_of_a_run, names, remove_empty_folders};
use crate::error::{Error, Result};
use crate::files;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where a run writes while the folder is still that of an earlier one.
const NEXT: &str = ".next";
/// What has begun to take the earlier run's place.
const READY: &str = ".ready";
/// The names of the new run's files, a line each.
const LIST: &str = "files";

/// The subfolder [`NEXT`], empty.
pub(super) fn begin(folder: &Path) -> Result<PathBuf> {
    let next = folder.join(NEXT);
    abandon(folder);
    std::fs::create_dir(&next).map_err(|e| Error::output(&next, e))?;
    Ok(next)
}

/// Deletes what a run left that did not come to its weights.
pub(super) fn abandon(folder: &Path) {
    // What cannot be deleted does no harm; making the folder anew says why.
    let _ = std::fs::remove_dir_all(folder.join(NEXT));
}

/// Where the file `name` of the run in `folder` is: not moved yet, where a replacement was killed.
pub(crate) fn find(folder: &Path, name: &str) -> PathBuf {
    let ready = folder.join(READY);
    let not_moved = ready.join(name);
    if ready.join(LIST).exists() && not_moved.exists() { not_moved } else { folder.join(name) }
}

/// As [`find`], of the run that `file` is of: the new one's file is in [`READY`], or was there.
pub(crate) fn beside(file: &Path, name: &str) -> PathBuf {
    let folder = file.parent().unwrap_or(Path::new(""));
    if folder.file_name().is_some_and(|folder| folder == READY) {
        return find(folder.parent().unwrap_or(folder), name);
    }
    let ready = folder.join(READY);
    let list = std::fs::read_to_string(ready.join(LIST)).unwrap_or_default();
    let was_there =
        file.file_name().is_some_and(|file| list.lines().any(|name| file == name) && !ready.join(file).exists());
    if was_there { find(folder, name) } else { folder.join(name) }
}

/// The run in [`NEXT`] takes the place of the earlier one.
pub(super) fn replace(folder: &Path) -> Result<()> {
    let (next, ready) = (folder.join(NEXT), folder.join(READY));
    let list = next.join(LIST);
    files::replace(&list, names(&next).join("\n").as_bytes()).map_err(|e| Error::output(&list, e))?;
    std::fs::rename(&next, &ready).map_err(|e| Error::output(&ready, e))?;
    sync(folder)?;
    finish(folder)
}

/// Finishes what a killed [`replace`] began, if one did.
pub(super) fn finish(folder: &Path) -> Result<()> {
    let ready = folder.join(READY);
    if let Ok(list) = std::fs::read_to_string(ready.join(LIST)) {
        let listed: Vec<&str> = list.lines().filter(|name| is_of_a_run(name)).collect();
        for name in &listed {
            if let Some((part, _)) = name.rsplit_once('/') {
                files::create_folder(&folder.join(part)).map_err(|e| Error::output(folder.join(part), e))?;
            }
            match std::fs::rename(ready.join(name), folder.join(name)) {
                // It was moved before the kill.
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                moved => moved.map_err(|e| Error::output(folder.join(name), e))?,
            }
        }
        for name in names(folder).iter().filter(|name| !listed.contains(&name.as_str())) {
            let path = folder.join(name);
            std::fs::remove_file(&path).map_err(|e| Error::output(&path, e))?;
        }
        remove_empty_folders(folder);
        sync(folder)?;
    }
    match std::fs::remove_dir_all(&ready) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::output(&ready, e)),
        _ => Ok(()),
    }
}

fn sync(folder: &Path) -> Result<()> {
    files::sync_folder(folder).map_err(|e| Error::output(folder, e))
}

#[cfg(test)]
mod tests {
    use super::super::names::{BEST, CHECKPOINT, EVENTS, METRICS, RUN, event_file};
    use super::*;

    fn contents(folder: &Path) -> Vec<(String, String)> {
        let names = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        names
            .into_iter()
            .map(|name| (name.clone(), std::fs::read_to_string(folder.join(&name)).unwrap_or_default()))
            .collect()
    }

    /// Killed after each of the moves.
    #[test]
    fn a_replacement_that_was_killed_is_finished() {
        let expected: Vec<(String, String)> = [(CHECKPOINT, "new"), (METRICS, "new"), ("notes", "mine"), (RUN, "new")]
            .map(|(n, t)| (n.into(), t.into()))
            .to_vec();
        for moved in 0..=3 {
            let parent = tempfile::tempdir().expect("a folder");
            let folder = parent.path();
            for (name, text) in [(RUN, "old"), (BEST, "old"), (METRICS, "old"), ("notes", "mine")] {
                std::fs::write(folder.join(name), text).expect("written");
            }
            let next = begin(folder).expect("begun");
            assert_eq!(find(folder, RUN), folder.join(RUN));
            [RUN, METRICS, CHECKPOINT].iter().for_each(|name| std::fs::write(next.join(name), "new").expect("written"));
            std::fs::write(next.join(LIST), [RUN, METRICS, CHECKPOINT].join("\n")).expect("written");
            std::fs::rename(&next, folder.join(READY)).expect("renamed");
            for name in [RUN, METRICS, CHECKPOINT].iter().take(moved) {
                std::fs::rename(folder.join(READY).join(name), folder.join(name)).expect("moved");
            }
            for name in [RUN, METRICS, CHECKPOINT] {
                let found = find(folder, name);
                assert_eq!(std::fs::read_to_string(&found).expect("there"), "new", "{moved} moved, {name}");
                assert_eq!(beside(&find(folder, METRICS), name), found, "{moved} moved");
                // The earlier run's: with its own, as long as that is there.
                assert_eq!(beside(&folder.join(BEST), name), folder.join(name), "{moved} moved");
            }
            finish(folder).expect("finished");
            assert_eq!(contents(folder), expected, "{moved} moved");
        }
    }

    #[test]
    fn a_run_replaces_an_earlier_one_or_leaves_it() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path();
        std::fs::write(folder.join(RUN), "old").expect("written");
        let next = begin(folder).expect("begun");
        std::fs::write(next.join(RUN), "half").expect("written");
        abandon(folder);
        finish(folder).expect("nothing to do");
        assert_eq!(contents(folder), [(RUN.into(), "old".into())]);
        let next = begin(folder).expect("begun");
        std::fs::write(next.join(RUN), "new").expect("written");
        replace(folder).expect("replaced");
        assert_eq!(contents(folder), [(RUN.into(), "new".into())]);
    }

    #[test]
    fn event_files_are_replaced_with_their_run() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path();
        let [old, new] = [1, 2].map(|seconds| event_file(seconds, 0));
        let train = folder.join(EVENTS[0]);
        for (part, name) in [(EVENTS[0], &*old), (EVENTS[1], &*old), (EVENTS[0], "notes")] {
            files::create_folder(&folder.join(part)).expect("created");
            std::fs::write(folder.join(part).join(name), "old").expect("written");
        }
        std::fs::write(folder.join(RUN), "old").expect("written");
        let next = begin(folder).expect("begun");
        files::create_folder(&next.join(EVENTS[0])).expect("created");
        std::fs::write(next.join(EVENTS[0]).join(&new), "new").expect("written");
        std::fs::write(next.join(RUN), "new").expect("written");
        replace(folder).expect("replaced");
        assert_eq!(contents(folder), [(RUN.into(), "new".into()), ("tensorboard".into(), String::new())]);
        assert_eq!(contents(&train), [(new, "new".into()), ("notes".into(), "old".into())]);
        assert!(!folder.join(EVENTS[1]).exists(), "an empty folder is left");
    }
}
