//! Files of a run that grow: what a checkpoint says of them, so that a resumed run goes on with exactly the lines before it.

use crate::digest::Hasher;
use crate::error::{Error, Result};
use crate::files;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// How far a log had come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    /// Its length.
    pub(super) bytes: u64,
    /// The digest of these bytes.
    pub(super) sha256: String,
}

/// A file that only grows.
#[derive(Debug)]
pub(super) struct RunLog {
    /// For messages.
    path: PathBuf,
    file: File,
    /// What is not written yet.
    pending: Vec<u8>,
    written: u64,
    hasher: Hasher,
}

impl RunLog {
    /// An empty file.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(|e| Error::output(path, e))?;
        Ok(Self { path: path.to_owned(), file, pending: Vec::new(), written: 0, hasher: Hasher::default() })
    }

    /// A file with `bytes`, in place of the one there.
    pub(super) fn rewrite(path: &Path, bytes: &[u8]) -> Result<Self> {
        let failed = |e: std::io::Error| Error::output(path, e);
        files::check_is_file(path).map_err(|why| Error::output(path, format!("it {why}")))?;
        files::replace(path, bytes).map_err(failed)?;
        let file = File::options().append(true).open(path).map_err(failed)?;
        let mut hasher = Hasher::default();
        hasher.update(bytes);
        Ok(Self { path: path.to_owned(), file, pending: Vec::new(), written: bytes.len() as u64, hasher })
    }

    /// Whether nothing was appended yet.
    pub(super) fn is_empty(&self) -> bool {
        self.written == 0 && self.pending.is_empty()
    }

    /// The file as it was at `mark`: later lines are cut off. None if the file is another, or shorter.
    pub(super) fn resume(path: &Path, mark: &Mark) -> Result<Option<Self>> {
        let failed = |e: std::io::Error| Error::output(path, e);
        files::check_is_file(path).map_err(|why| Error::output(path, format!("it {why}")))?;
        let mut file = match File::options().read(true).append(true).open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed(e)),
        };
        let (mut hasher, mut read, mut chunk) = (Hasher::default(), 0, vec![0; 1 << 16]);
        while read < mark.bytes {
            let wanted = (mark.bytes - read).min(chunk.len() as u64) as usize;
            match file.read(&mut chunk[..wanted]).map_err(failed)? {
                0 => return Ok(None),
                n => {
                    hasher.update(&chunk[..n]);
                    read += n as u64;
                }
            }
        }
        if hasher.hex() != mark.sha256 {
            return Ok(None);
        }
        file.set_len(mark.bytes).map_err(failed)?;
        Ok(Some(Self { path: path.to_owned(), file, pending: Vec::new(), written: mark.bytes, hasher }))
    }

    /// Appends `bytes`, which [`Self::flush`] writes.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// Writes what was appended.
    pub(super) fn flush(&mut self) -> Result<()> {
        // What a failed write leaves is cut off when the run is resumed.
        let pending = std::mem::take(&mut self.pending);
        let failed = |e| Error::output(&self.path, format!("{e} ({} bytes after {})", pending.len(), self.written));
        self.file.write_all(&pending).map_err(failed)?;
        self.hasher.update(&pending);
        self.written += pending.len() as u64;
        Ok(())
    }

    /// How far the file has come, once all of it has reached the disk.
    pub(super) fn sync(&mut self) -> Result<Mark> {
        self.flush()?;
        self.file.sync_data().map_err(|e| Error::output(&self.path, e))?;
        Ok(Mark { bytes: self.written, sha256: self.hasher.hex() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_goes_on_from_its_mark_and_from_no_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let mut log = RunLog::create(&path).expect("created");
        log.append(b"first\n");
        let mark = log.sync().expect("synced");
        log.append(b"second\nhal");
        log.flush().expect("written");
        let mut again = RunLog::resume(&path, &mark).expect("readable").expect("the same");
        again.append(b"other\n");
        let later = again.sync().expect("synced");
        assert_eq!(std::fs::read(&path).expect("read"), b"first\nother\n");
        assert_eq!(later.bytes, 12);
        let changed = Mark { sha256: "0".repeat(64), ..later.clone() };
        assert!(RunLog::resume(&path, &changed).expect("readable").is_none());
        std::fs::write(&path, "first\n").expect("written");
        assert!(RunLog::resume(&path, &later).expect("readable").is_none(), "it is shorter");
        assert!(RunLog::resume(&folder.path().join("none"), &later).expect("none").is_none());
    }
}
