//! Files that appear whole or not at all: written under a temporary name in the same folder, then renamed.

use std::fs::{File, Permissions};
use std::io::{ErrorKind, Result, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// What temporary names start with; a name of [`RANDOM`] characters follows.
const PREFIX: &str = ".writing-";
/// Random characters of a temporary name.
const RANDOM: usize = 6;

/// A file that replaces `path` when it is complete. Until then it has a temporary name and is locked, so that [`sweep`] can
/// tell it from what a killed process left.
#[derive(Debug)]
pub(crate) struct PendingFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl PendingFile {
    /// An empty file, with the permissions that the umask leaves.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let folder = folder_of(path);
        loop {
            let mut builder = tempfile::Builder::new();
            builder.prefix(PREFIX).rand_bytes(RANDOM);
            let permissions = permissions();
            if let Some(permissions) = &permissions {
                builder.permissions(permissions.clone());
            }
            let file = builder.tempfile_in(folder).map_err(without_path)?;
            // Where files cannot be locked, nothing is swept either.
            let _ = file.as_file().lock();
            // Another process may have swept it before it was locked.
            if file.path().exists() {
                return Ok(Self { file, path: path.to_owned() });
            }
        }
    }

    /// Renames the file to its path, once its content has reached the disk; then the new name has, too.
    pub(crate) fn commit(self) -> Result<()> {
        self.file.as_file().sync_all()?;
        // Not by `persist`, which makes the system call itself, past what a test puts in its place.
        std::fs::rename(self.file.path(), &self.path)?;
        // Nothing is left to delete.
        let _ = self.file.keep();
        sync_folder(folder_of(&self.path))
    }
}

/// The system's own error, without the temporary name, which says nothing to anybody.
fn without_path(error: std::io::Error) -> std::io::Error {
    let text = error.to_string();
    match text.split_once(" at path ") {
        Some((own, _)) => std::io::Error::new(error.kind(), own.to_owned()),
        None => error,
    }
}

/// The folder that `path` lies in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Waits until the names in `folder` have reached the disk, where the system can.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    // A folder cannot be opened on Windows, nor everywhere be synced.
    let Ok(open) = File::open(folder) else { return Ok(()) };
    match open.sync_all() {
        Err(e) if !matches!(e.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Err(e),
        _ => Ok(()),
    }
}

/// Whether something lies at `path` that is no file: reading or writing it might never end.
#[cfg(feature = "cli")]
pub(crate) fn check_is_file(path: &Path) -> std::result::Result<(), &'static str> {
    match path.exists() && !path.is_file() {
        true => Err("is no file, but a folder, a device or a pipe"),
        false => Ok(()),
    }
}

/// Writes a complete file in place of the one there, if any.
#[cfg(feature = "cli")]
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = PendingFile::create(path)?;
    file.write_all(bytes)?;
    file.commit()
}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        // Past errors that name the file.
        self.file.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        self.file.as_file_mut().flush()
    }
}

#[cfg(unix)]
fn permissions() -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    // Of these the system takes the umask.
    Some(Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn permissions() -> Option<Permissions> {
    None
}

/// Writes a complete file where there is none yet.
///
/// # Errors
/// [`std::io::ErrorKind::AlreadyExists`] if there is one, whoever wrote it.
#[cfg(feature = "cli")]
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = PendingFile::create(path)?;
    file.write_all(bytes)?;
    file.file.as_file().sync_all()?;
    file.file.persist_noclobber(&file.path).map(drop).map_err(|e| e.error)
}

/// Writes a complete file. What is no plain file, such as a pipe, is written as it is; a link stays one.
#[cfg(feature = "cli")]
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let path = &target(path);
    if is_special(path) {
        return std::fs::write(path, bytes);
    }
    let pending = match PendingFile::create(path) {
        // The file may be open to writing where its folder is not. On a full disk it stays as it is.
        Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied && path.is_file() => {
            return std::fs::write(path, bytes);
        }
        pending => pending,
    };
    let mut file = pending?;
    file.write_all(bytes)?;
    file.commit()
}

/// Whether [`write`] can write there, without writing.
#[cfg(feature = "cli")]
pub(crate) fn check(path: &Path) -> Result<()> {
    let path = &target(path);
    let exists = path.exists();
    if is_special(path) || (exists && File::options().append(true).open(path).is_ok()) {
        return Ok(());
    }
    PendingFile::create(path).map(drop)
}

/// The file that a link leads to, or `path` itself.
#[cfg(feature = "cli")]
fn target(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Whether there is something that is neither a file nor a folder.
#[cfg(feature = "cli")]
fn is_special(path: &Path) -> bool {
    path.metadata().is_ok_and(|known| !known.is_file() && !known.is_dir())
}

/// Deletes what killed processes left in `folder`: temporary files that nobody holds a lock on.
pub(crate) fn sweep(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let random = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let is_temporary = random.is_some_and(|r| r.len() == RANDOM && r.chars().all(char::is_alphanumeric));
        // Opening a pipe would wait for its writer.
        if is_temporary
            && entry.file_type().is_ok_and(|kind| kind.is_file())
            && let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
        {
            // One that cannot be deleted does no harm.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Whether no part of the path is a link to a folder that is not there.
pub(crate) fn check_links(folder: &Path) -> Result<()> {
    match folder.ancestors().find(|path| path.is_symlink() && !path.exists()) {
        Some(link) if link == folder => Err(std::io::Error::other("it is a link to a folder that is not there")),
        Some(link) => Err(std::io::Error::other(format!("{} is a link to a folder that is not there", link.display()))),
        None => Ok(()),
    }
}

/// Creates `folder` and its parents; returns those that were not there, the innermost first.
pub(crate) fn create_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    check_links(folder)?;
    let missing: Vec<PathBuf> = folder.ancestors().take_while(|path| !path.exists()).map(Path::to_owned).collect();
    std::fs::create_dir_all(folder)?;
    Ok(missing.into_iter().filter(|path| !path.as_os_str().is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("a folder").flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_that_is_there_is_not_replaced_by_a_new_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("once");
        write_new(&path, b"first").expect("written");
        let again = write_new(&path, b"second").expect_err("it is there");
        assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
        assert_eq!((names(folder.path()).len(), std::fs::read(&path).expect("read")), (1, b"first".into()));
    }

    #[test]
    fn a_file_appears_when_it_is_complete_and_leftovers_are_swept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("whole");
        std::fs::write(folder.path().join(".writing-a1B2c3"), "half").expect("written");
        let mut pending = PendingFile::create(&path).expect("created");
        pending.write_all(b"content").expect("written");
        // Not one of ours.
        std::fs::write(folder.path().join(".writing-notes"), "mine").expect("written");
        sweep(folder.path());
        assert!(!path.exists() && names(folder.path()).len() == 2, "{:?}", names(folder.path()));
        pending.commit().expect("renamed");
        assert_eq!(names(folder.path()), [".writing-notes", "whole"]);
        assert_eq!(std::fs::read(&path).expect("read"), b"content");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().expect("a folder");
        let (link, real) = (folder.path().join("link"), folder.path().join("real"));
        std::fs::write(&real, "old").expect("written");
        std::os::unix::fs::symlink(&real, &link).expect("linked");
        check(&link).expect("can be written");
        write(&link, b"new").expect("written");
        assert!(link.is_symlink() && std::fs::read(&real).expect("read") == b"new");
    }
}
