//! Which checkpoints of a run are kept beside the last.

use super::names::{CHECKPOINT, numbered};
use crate::error::{Error, Result};
use crate::files;
use std::io::ErrorKind;
use std::path::Path;

/// The numbered checkpoints that a run has written. Others in its folder are never touched.
#[derive(Debug)]
pub(super) struct Kept {
    /// How many are kept, the last included.
    count: usize,
    /// Steps of the last; 0 before the first step.
    last: u64,
    /// Steps of those with a number, oldest first; of some the file may be gone.
    numbers: Vec<u64>,
}

impl Kept {
    /// Of a run whose last checkpoint, after `last` steps, says that it wrote `numbers` before; `count` are to be kept.
    pub(super) fn new(count: u32, last: u64, numbers: Vec<u64>) -> Self {
        let numbers = numbers.into_iter().filter(|steps| *steps < last).collect();
        Self { count: count as usize, last, numbers }
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn numbers(&self) -> &[u64] {
        &self.numbers
    }

    /// Gives the last checkpoint in `folder` a name with its number, before the next takes its own.
    pub(super) fn number_last(&mut self, folder: &Path) -> Result<()> {
        if self.count > 1 && self.last > 0 && self.numbers.last() != Some(&self.last) {
            keep_aside(folder, CHECKPOINT, self.last)?;
            self.numbers.push(self.last);
        }
        Ok(())
    }

    /// Takes note of a new last checkpoint, and deletes the oldest that are too many.
    pub(super) fn advance(&mut self, folder: &Path, steps: u64) -> Result<()> {
        self.last = steps;
        let surplus = self.numbers.len().saturating_sub(self.count.saturating_sub(1));
        for old in self.numbers.drain(..surplus) {
            let path = folder.join(numbered(old));
            match std::fs::remove_file(&path) {
                Err(e) if e.kind() != ErrorKind::NotFound => return Err(Error::output(&path, e)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Gives the checkpoint `name` in `folder`, after `steps` steps, a second name. What has that name and is another is kept as `.old`.
pub(super) fn keep_aside(folder: &Path, name: &str, steps: u64) -> Result<()> {
    let (named, kept) = (folder.join(name), folder.join(numbered(steps)));
    let failed = |e| Error::output(&kept, e);
    if kept.exists() {
        let read = |path: &Path| std::fs::read(path).map_err(|e| Error::output(path, e));
        if read(&kept)? == read(&named)? {
            return Ok(());
        }
        std::fs::rename(&kept, folder.join(format!("{}.old", numbered(steps)))).map_err(failed)?;
    }
    match std::fs::hard_link(&named, &kept) {
        Ok(()) => Ok(()),
        // Not everywhere has a file two names.
        Err(_) => std::fs::read(&named).and_then(|bytes| files::replace(&kept, &bytes)).map_err(failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_checkpoints_that_the_run_wrote_are_deleted() {
        let folder = tempfile::tempdir().expect("a folder");
        let write =
            |name: &str, text: &str| files::replace(&folder.path().join(name), text.as_bytes()).expect("written");
        let names = || {
            let entries = std::fs::read_dir(folder.path()).expect("a folder");
            let mut names: Vec<_> = entries.map(|e| e.expect("an entry").file_name().into_string()).collect();
            names.sort();
            names.into_iter().map(|name| name.expect("UTF-8")).collect::<Vec<_>>()
        };
        write(&numbered(5), "another run's");
        write(&numbered(20), "another run's");
        let mut kept = Kept::new(2, 0, Vec::new());
        for steps in [10, 20, 30, 40] {
            kept.number_last(folder.path()).expect("kept");
            write(CHECKPOINT, &format!("after {steps}"));
            kept.advance(folder.path(), steps).expect("deleted");
        }
        let old = format!("{}.old", numbered(20));
        assert_eq!(
            names(),
            [numbered(5), old.clone(), numbered(30), CHECKPOINT.to_owned()].map(|name| name.to_owned())
        );
        let content = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("read");
        assert_eq!((content(&old), content(&numbered(30))), ("another run's".into(), "after 30".into()));
        assert_eq!((kept.last(), kept.numbers()), (40, &[30][..]));
        // Resumed from before a checkpoint, that is no longer one of the run's.
        assert_eq!(Kept::new(2, 25, vec![10, 20, 30]).numbers(), [10, 20]);
    }
}
