//! Downloads published data sets.

use super::dataset::Dataset;
use super::published::{File, Published, read_any};
use crate::digest::Hasher;
use crate::error::{Error, Result, count_of};
use crate::files::{self, PendingFile};
use std::cmp::Ordering;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::time::Duration;
use ureq::Timeout;

/// Callback for download progress: (file name, bytes so far, total bytes).
pub type Progress<'a> = dyn FnMut(&str, u64, u64) + 'a;

/// How long to wait for the next bytes of a server.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Most time that a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// Most time that a file may take: what it takes over a modem.
const LONGEST: Duration = Duration::from_secs(2 * 60 * 60);

/// Downloads the missing files of `set` into `dir`, each from the first of `sources` that has it, and reads the data set. A source that
/// sends nothing for as long as `patience` is given up. If a download fails, the inner error lists the addresses tried, each with
/// the reason.
///
/// A file is downloaded under a temporary name, verified, then renamed, so that an interrupted download leaves no
/// partial data file. A folder that was not there is removed after a failure.
///
/// # Errors
/// [`crate::Error::Data`] if the files cannot be read afterwards.
pub fn download(
    set: &Published,
    dir: &Path,
    sources: &[String],
    patience: Duration,
    progress: &mut Progress<'_>,
) -> Result<Result<Dataset, String>> {
    let made = files::create_folder(dir).map_err(|e| Error::output(dir, e))?;
    if let Some(missing) = set.files.iter().find(|file| !file.is_in(dir)) {
        let path = dir.join(missing.name);
        pending(&path, dir).map(drop).map_err(|e| Error::output(&path, e))?;
    }
    files::sweep(dir);
    for file in set.files {
        if file.is_in(dir) {
            continue;
        }
        let mut tried = Vec::new();
        let downloaded = sources.iter().any(|source| {
            let url = format!("{}/{}", source.trim_end_matches('/'), file.name);
            match fetch(&url, (set, file), dir, patience, progress) {
                Ok(()) => true,
                Err(reason) => {
                    tried.push(format!("  {url}: {reason}"));
                    false
                }
            }
        });
        if !downloaded {
            // One that holds files stays.
            made.iter().all(|folder| std::fs::remove_dir(folder).is_ok());
            return Ok(Err(tried.join("\n")));
        }
    }
    let mut why = Vec::new();
    let found = read_any(set, &[dir.to_owned()], &mut why)?;
    Ok(found.ok_or_else(|| format!("  {}", why.join("\n  "))))
}

/// A set and one of its files.
type Of<'a> = (&'a Published, &'a File);

/// Downloads the file from `url` into `dir`; the error is the reason as text.
fn fetch(
    url: &str,
    (set, file): Of<'_>,
    dir: &Path,
    patience: Duration,
    progress: &mut Progress<'_>,
) -> Result<(), String> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(patience))
        .timeout_per_read(Some(patience))
        .timeout_global(Some(LONGEST))
        .build()
        .into();
    let mut response = agent.get(url).call().map_err(|e| no_answer(e, patience))?;
    if !response.status().is_success() {
        return Err(format!("the server answered {}", response.status()));
    }
    let is_page = response.body().mime_type() == Some("text/html");
    let declared = response.body().content_length();
    let total = declared.unwrap_or(file.bytes);
    let mut body = response.body_mut().as_reader().take(file.bytes + 1);
    let path = dir.join(file.name);
    let cannot_write = |e: io::Error| format!("cannot write {}: {e}", path.display());
    let mut target = pending(&path, dir).map_err(cannot_write)?;
    let (mut hash, mut so_far, mut chunk) = (Hasher::default(), 0, vec![0; 1 << 16]);
    loop {
        let n = body.read(&mut chunk).map_err(|e| broken_off(e, [so_far, total], patience))?;
        if so_far == 0 {
            refuse_at_once(&chunk[..n], is_page, declared, (set, file))?;
        }
        if n == 0 {
            break;
        }
        hash.update(&chunk[..n]);
        target.write_all(&chunk[..n]).map_err(cannot_write)?;
        so_far += n as u64;
        progress(file.name, so_far, file.bytes);
    }
    match so_far.cmp(&file.bytes) {
        Ordering::Less => return Err(ended([so_far, total])),
        Ordering::Greater => return Err(format!("a file of more than the {} bytes of {}'s", file.bytes, set.title)),
        Ordering::Equal => {}
    }
    let found = hash.hex();
    if found != file.sha256 {
        return Err(format!(
            "the file is damaged, or another: {so_far} bytes with sha256 {found}, expected {}",
            file.sha256
        ));
    }
    target.commit().map_err(cannot_write)
}

/// A temporary file for `path`, which is in `dir`.
fn pending(path: &Path, dir: &Path) -> io::Result<PendingFile> {
    match PendingFile::create(path) {
        // Another process that made the folder has removed it, since its own download failed.
        Err(e) if e.kind() == ErrorKind::NotFound => {
            files::create_folder(dir)?;
            PendingFile::create(path)
        }
        done => done,
    }
}

/// Refuses what is seen not to be the file before it is downloaded: from its `start`, the type that the server says, and the
/// length that it declares.
fn refuse_at_once(start: &[u8], is_page: bool, declared: Option<u64>, (set, file): Of<'_>) -> Result<(), String> {
    let text = start.trim_ascii_start();
    let begins = |word: &str| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()));
    if is_page || begins("<!doctype html") || begins("<html") {
        return Err("an HTML page in place of the file, as a proxy or a network's login page sends".into());
    }
    match declared {
        Some(bytes) if bytes != file.bytes => {
            let kin = set.likeness(file, bytes).map(|kin| format!(": {kin}")).unwrap_or_default();
            Err(format!("a file of {bytes} bytes, {}'s has {}{kin}", set.title, file.bytes))
        }
        _ => Ok(()),
    }
}

/// Why there was no response.
fn no_answer(error: ureq::Error, patience: Duration) -> String {
    match error {
        ureq::Error::Timeout(Timeout::Resolve) => format!("no answer of a name server for {}", seconds(CONNECT)),
        ureq::Error::Timeout(Timeout::Connect) => format!("no connection within {}", seconds(CONNECT)),
        ureq::Error::Timeout(_) => format!("no answer for {}", seconds(patience)),
        ureq::Error::TooManyRedirects => "too many redirects: the server's addresses lead in a circle, perhaps".into(),
        ureq::Error::HostNotFound => "the host is not found: is there a network?".into(),
        ureq::Error::Io(e) if is_end(&e) => "the connection ended without an answer".into(),
        ureq::Error::Io(e) => format!("cannot connect: {e}"),
        ureq::Error::Protocol(e) => format!("a wrong HTTP answer: {e}"),
        other => other.to_string(),
    }
}

/// Why no more was read, of `[so_far, total]` bytes.
fn broken_off(error: io::Error, [so_far, total]: [u64; 2], patience: Duration) -> String {
    match ureq::Error::from(error) {
        ureq::Error::Timeout(Timeout::PerRead) => {
            format!("no data for {}, after {so_far} of {total} bytes", seconds(patience))
        }
        ureq::Error::Timeout(_) => {
            format!("not complete after {} minutes: {so_far} of {total} bytes", LONGEST.as_secs() / 60)
        }
        ureq::Error::Io(e) if is_end(&e) => ended([so_far, total]),
        other => format!("{other}, after {so_far} of {total} bytes"),
    }
}

fn seconds(duration: Duration) -> String {
    count_of(duration.as_secs(), "second")
}

fn ended([so_far, total]: [u64; 2]) -> String {
    format!("the connection ended after {so_far} of {total} bytes")
}

/// Whether the other side has ended the connection.
fn is_end(error: &io::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}
