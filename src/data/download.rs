//! Downloads Fashion-MNIST.

use super::dataset::Dataset;
use super::fashion_mnist::{FILES, File, read_any};
use super::folder;
use crate::digest::Hasher;
use crate::error::Result;
use crate::files::{self, PendingFile};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

/// The publisher's repository, then the mirror that Keras uses.
pub const SOURCES: [&str; 2] = [
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
];

/// Callback for download progress: (file name, bytes so far, total bytes).
pub type Progress<'a> = dyn FnMut(&str, u64, u64) + 'a;

/// Downloads the missing files into `dir`, each from the first of `sources` that has it, and reads the data set. If a download
/// fails, the inner error lists the addresses tried, each with the reason.
///
/// A file is downloaded under a temporary name, verified, then renamed, so that an interrupted download leaves no
/// partial data file. A folder that was not there is removed after a failure.
///
/// # Errors
/// [`crate::Error::Data`] if the files cannot be read afterwards.
pub fn download(dir: &Path, sources: &[String], progress: &mut Progress<'_>) -> Result<Result<Dataset, String>> {
    let made = match files::create_folder(dir) {
        Ok(made) => made,
        Err(e) => return Ok(Err(format!("  cannot write to {}: {e}", dir.display()))),
    };
    files::sweep(dir);
    for file in FILES {
        if folder::names(dir, file.name.trim_end_matches(".gz")).iter().any(|path| path.exists()) {
            continue;
        }
        let mut tried = Vec::new();
        let downloaded = sources.iter().any(|source| {
            let url = format!("{}/{}", source.trim_end_matches('/'), file.name);
            match fetch(&url, &file, dir, progress) {
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
    let found = read_any(&[dir.to_owned()], &mut why)?;
    Ok(found.ok_or_else(|| format!("  {}", why.join("\n  "))))
}

/// Downloads `file` from `url` into `dir`; the error is the reason as text.
fn fetch(url: &str, file: &File, dir: &Path, progress: &mut Progress<'_>) -> Result<(), String> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_recv_response(Some(Duration::from_secs(30)))
        .timeout_global(Some(Duration::from_secs(900)))
        .build()
        .into();
    let text = |e: &dyn std::fmt::Display| e.to_string();
    let mut response = agent.get(url).call().map_err(|e| text(&e))?;
    let mut body = response.body_mut().as_reader().take(file.bytes + 1);
    let mut target = PendingFile::create(&dir.join(file.name)).map_err(|e| text(&e))?;
    let (mut hash, mut so_far, mut chunk) = (Hasher::default(), 0, vec![0; 1 << 16]);
    loop {
        let n = body.read(&mut chunk).map_err(|e| text(&e))?;
        if n == 0 {
            break;
        }
        hash.update(&chunk[..n]);
        target.write_all(&chunk[..n]).map_err(|e| text(&e))?;
        so_far += n as u64;
        progress(file.name, so_far, file.bytes);
    }
    let found = hash.hex();
    if found != file.sha256 {
        return Err(format!("{so_far} bytes with sha256 {found}, expected {} with {}", file.bytes, file.sha256));
    }
    target.commit().map_err(|e| text(&e))
}
