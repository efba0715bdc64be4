//! The folder of a run against others: one that none has taken, and the lock on it.

use crate::error::{Error, Result};
use crate::files;
use crate::threads;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How often a lock that is held is tried again, and how long it is waited for each time.
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// Creates `path`, or the first of `path-2`, `path-3`, ... that no other run has taken.
pub(super) fn create_new(path: &Path) -> Result<PathBuf> {
    let failed = |path: &Path, e: std::io::Error| Error::output(path, e);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|e| failed(parent, e))?;
        // What killed runs left in their folders.
        let runs = std::fs::read_dir(parent).into_iter().flatten().flatten();
        runs.for_each(|run| files::sweep(&run.path()));
    }
    let mut number = 1;
    loop {
        let name = if number == 1 { path.to_owned() } else { PathBuf::from(format!("{}-{number}", path.display())) };
        match std::fs::create_dir(&name) {
            Ok(()) => return Ok(name),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(e) => return Err(failed(&name, e)),
        }
    }
}

/// Holds a folder against other runs; none where a folder cannot be locked.
#[derive(Debug, Clone)]
pub(crate) struct Lock {
    _folder: Option<Arc<File>>,
}

impl Lock {
    /// Of a folder that another process holds for this one.
    pub(super) fn none() -> Self {
        Self { _folder: None }
    }
}

/// Locks the folder for as long as the lock lives.
pub(crate) fn lock(path: &Path) -> Result<Lock> {
    let Ok(folder) = File::open(path) else { return Ok(Lock::none()) };
    let mut tries = 0..TRIES;
    let locked = loop {
        match folder.try_lock() {
            // It may be one that only looks whether there is a lock.
            Err(TryLockError::WouldBlock) if tries.next().is_some() => threads::sleep(BETWEEN_TRIES),
            locked => break locked,
        }
    };
    match locked {
        Ok(()) => Ok(Lock { _folder: Some(Arc::new(folder)) }),
        Err(TryLockError::WouldBlock) => Err(Error::output(
            path,
            "another run is writing there; wait until it has ended, or choose another --out folder",
        )),
        Err(TryLockError::Error(_)) => Ok(Lock::none()),
    }
}

/// Whether a run holds the folder; where that cannot be known, it may.
pub(super) fn is_locked(path: &Path) -> bool {
    File::open(path).is_ok_and(|folder| folder.try_lock_shared().is_err())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn runs_of_one_second_never_share_a_folder() {
        const RUNS: usize = 8;
        let folder = tempfile::tempdir().expect("a folder");
        for round in 0..50 {
            let (path, start) = (folder.path().join(format!("{round}/run")), Barrier::new(RUNS));
            let create = || {
                start.wait();
                create_new(&path).expect("created")
            };
            let mut taken: Vec<PathBuf> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..RUNS).map(|_| scope.spawn(create)).collect();
                threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
            });
            taken.sort();
            taken.dedup();
            assert_eq!(taken.len(), RUNS, "round {round}");
        }
    }
}
