//! Fashion-MNIST (H. Xiao, K. Rasul, R. Vollgraf, arXiv:1708.07747): finds the files, verifies their digests and
//! downloads missing ones.

use super::{CLASS_NAMES, Dataset, idx};
use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A file of the data set.
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// File name.
    pub name: &'static str,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 digest in hexadecimal.
    pub sha256: &'static str,
}

/// The published files: training images, training labels, test images, test labels.
pub const FILES: [File; 4] = [
    File {
        name: "train-images-idx3-ubyte.gz",
        bytes: 26_421_880,
        sha256: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    },
    File {
        name: "train-labels-idx1-ubyte.gz",
        bytes: 29_515,
        sha256: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    },
    File {
        name: "t10k-images-idx3-ubyte.gz",
        bytes: 4_422_102,
        sha256: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    },
    File {
        name: "t10k-labels-idx1-ubyte.gz",
        bytes: 5_148,
        sha256: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
];

/// The publisher's repository, then the mirror that Keras uses.
const SOURCES: [&str; 2] = [
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
];

/// Callback for download progress: (file name, bytes so far, total bytes).
pub type Progress<'a> = dyn FnMut(&str, u64, u64) + 'a;

/// Folders to search, in order; downloads are written to the first. `data_dir` is the value of `--data-dir`.
pub fn folders(data_dir: Option<&Path>) -> Vec<PathBuf> {
    let env = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let keras = env("KERAS_HOME").or_else(|| dirs::home_dir().map(|home| home.join(".keras")));
    let all = [
        data_dir.map(Path::to_path_buf),
        env("GPU_CNN_DATA_DIR"),
        dirs::cache_dir().map(|cache| cache.join("gpu-cnn").join("fashion-mnist")),
        keras.map(|keras| keras.join("datasets").join("fashion-mnist")),
    ];
    all.into_iter().flatten().collect()
}

/// Reads the data set from the first of `folders` that has all four files; `None` if no folder has them.
///
/// # Errors
/// [`Error::Data`] if a file there is damaged or differs from the published one.
pub fn read_any(folders: &[PathBuf]) -> Result<Option<Dataset>> {
    let has_all = |dir: &&PathBuf| FILES.iter().all(|f| dir.join(f.name).is_file());
    folders.iter().find(has_all).map(|dir| read(dir)).transpose()
}

/// Reads the four files in `dir` and verifies their digests.
fn read(dir: &Path) -> Result<Dataset> {
    let mut contents = Vec::new();
    for file in FILES {
        let path = dir.join(file.name);
        let bytes = std::fs::read(&path).map_err(|e| Error::data(&path, format!("cannot read: {e}")))?;
        let found = idx::sha256_hex(&bytes);
        if found != file.sha256 {
            let what = format!(
                "not the published file: sha256 {found}, expected {}; delete it to download it again",
                file.sha256
            );
            return Err(Error::data(&path, what));
        }
        contents.push((path, bytes));
    }
    let train = idx::read_split(&contents[0], &contents[1])?;
    let test = idx::read_split(&contents[2], &contents[3])?;
    Ok(Dataset {
        name: "fashion-mnist".into(),
        source: dir.display().to_string(),
        train,
        test,
        classes: CLASS_NAMES.len(),
        class_names: CLASS_NAMES.map(String::from).to_vec(),
        sha256: FILES.iter().map(|f| (f.name.to_owned(), f.sha256.to_owned())).collect(),
    })
}

/// Downloads the missing files into `dir`, from the publisher or else the mirror, and reads the data set. If a download
/// fails, the inner error lists the addresses tried, each with the reason.
///
/// A file is downloaded under a temporary name, verified, then renamed, so that an interrupted download leaves no
/// partial data file. `GPU_CNN_DATA_URL` replaces the addresses.
///
/// # Errors
/// [`Error::Data`] if the files cannot be read afterwards.
pub fn download(dir: &Path, progress: &mut Progress<'_>) -> Result<Result<Dataset, String>> {
    let sources = match std::env::var("GPU_CNN_DATA_URL") {
        Ok(url) if !url.is_empty() => vec![url],
        _ => SOURCES.map(String::from).to_vec(),
    };
    if let Err(e) = std::fs::create_dir_all(dir) {
        return Ok(Err(format!("  cannot write to {}: {e}", dir.display())));
    }
    for file in FILES {
        if dir.join(file.name).is_file() {
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
            // Removes the folder only if it is empty.
            let _ = std::fs::remove_dir(dir);
            return Ok(Err(tried.join("\n")));
        }
    }
    read(dir).map(Ok)
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
    let mut target = tempfile::Builder::new().prefix(".download-").tempfile_in(dir).map_err(|e| text(&e))?;
    let (mut hash, mut so_far, mut chunk) = (Sha256::new(), 0, vec![0; 1 << 16]);
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
    let found = idx::hex(&hash.finalize());
    if found != file.sha256 {
        return Err(format!("{so_far} bytes with sha256 {found}, expected {} with {}", file.bytes, file.sha256));
    }
    target.as_file().sync_all().map_err(|e| text(&e))?;
    target.persist(dir.join(file.name)).map_err(|e| text(&e))?;
    Ok(())
}
