//! Downloads of Fashion-MNIST from a local test server: valid files are kept, an invalid one is refused and deleted.

mod refused;
mod server;
mod sets;
#[cfg(unix)]
mod together;

use crate::support::shared;
use server::{good, serve};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// `gpu-cnn train` for two steps with `home` as home folder and `url` as the address to download from, into the folder `out` there.
fn command(home: &Path, url: &str, out: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gpu-cnn"));
    command
        .args(["train", "--adapter", "cpu", "--model", "dnn", "--epochs", "1", "--steps-per-epoch", "2"])
        .args(["--out", home.join(out).to_str().unwrap()])
        .args(arguments)
        .env("GPU_CNN_DATA_URL", url)
        .env("HOME", home)
        .env("NO_PROXY", "*")
        .env_remove("GPU_CNN_DATA_TIMEOUT")
        .env_remove("XDG_CACHE_HOME")
        .env_remove("GPU_CNN_DATA_DIR")
        .env_remove("KERAS_HOME");
    command
}

fn train(home: &Path, url: &str, arguments: &[&str]) -> Output {
    command(home, url, "run", arguments).output().unwrap()
}

/// Where a download goes.
fn cache(home: &Path) -> PathBuf {
    home.join(".cache/gpu-cnn/fashion-mnist")
}

/// Asserts that the cache has the four files, whole, and nothing else.
fn holds_the_data_set(cache: &Path) {
    assert_eq!(names(cache).len(), 4, "{:?}", names(cache));
    for file in gpu_cnn::data::fashion_mnist::FILES {
        holds(cache, &file);
    }
}

/// Asserts that the folder has `file`, whole.
fn holds(folder: &Path, file: &gpu_cnn::data::fashion_mnist::File) {
    let bytes = std::fs::read(folder.join(file.name)).unwrap();
    assert_eq!(gpu_cnn::internals::sha256_hex(&bytes), file.sha256, "{}", file.name);
}

/// The sorted names of the files in `folder`.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn valid_files_are_downloaded_checked_and_cached() {
    let Some(url) = good() else { return };
    let home = tempfile::tempdir().unwrap();
    let output = train(home.path(), &url, &["--data", "fashion-mnist"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("data: fashion-mnist, 60000 training"), "{stderr}");
    holds_the_data_set(&cache(home.path()));
    // The second run finds the files in the cache: nothing listens at its address.
    let again = train(home.path(), "http://127.0.0.1:9", &["--data", "fashion-mnist", "--overwrite"]);
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
}

#[test]
fn a_failed_download_falls_back_to_synthetic_data_only_without_the_data_option() {
    let home = tempfile::tempdir().unwrap();
    let url = serve(|request| request.status("404 Not Found"));
    let output = train(home.path(), &url, &[]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("SYNTHETIC") && stderr.contains(".keras/datasets/fashion-mnist"), "{stderr}");
    let named = train(home.path(), &url, &["--data", "fashion-mnist", "--overwrite"]);
    assert_eq!(named.status.code(), Some(4));
}

#[test]
fn a_damaged_file_is_reported_with_its_name_and_checksums() {
    let folder = tempfile::tempdir().unwrap();
    for file in gpu_cnn::data::fashion_mnist::FILES {
        std::fs::write(folder.path().join(file.name), b"damaged").unwrap();
    }
    let output = train(folder.path(), "http://127.0.0.1:9", &["--data-dir", folder.path().to_str().unwrap()]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{stderr}");
    let first = gpu_cnn::data::fashion_mnist::FILES[0];
    assert!(stderr.contains(first.sha256) && stderr.contains(first.name), "{stderr}");
    // As long as MNIST's files, gzipped and unpacked.
    let kinds = [
        (gpu_cnn::data::published::MNIST.files[0].bytes, "the length of MNIST's file of this name"),
        (first.content_bytes, "or MNIST's"),
    ];
    for (bytes, word) in kinds {
        std::fs::write(folder.path().join(first.name), vec![0; bytes as usize]).unwrap();
        let output = train(folder.path(), "http://127.0.0.1:9", &["--data-dir", folder.path().to_str().unwrap()]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{stderr}");
        assert!(stderr.contains(word), "{stderr}");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_the_user_names_is_never_replaced_by_synthetic_data() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(path("empty")).unwrap();
    std::fs::create_dir(path("part")).unwrap();
    std::fs::write(path("part/train-images-idx3-ubyte"), b"?").unwrap();
    std::fs::write(path("file"), b"?").unwrap();
    // What cannot be read, for every user.
    std::fs::create_dir(path("unreadable")).unwrap();
    cannot_be_read(Path::new(&path("unreadable/train-images-idx3-ubyte.gz")));
    for (name, reason) in [
        ("empty", "could not be downloaded"),
        ("part", "there is no train-labels-idx1-ubyte.gz"),
        ("file", "cannot read"),
        ("unreadable", "cannot read"),
        ("missing/below", "could not be downloaded"),
    ] {
        let output = train(home.path(), "http://127.0.0.1:9", &["--data-dir", &path(name)]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{name}: {stderr}");
        assert!(stderr.contains(reason) && stderr.contains(&path(name)), "{name}: {stderr}");
    }
    // The user's own folder stays, one that was made for the download goes, with its parent.
    assert!(Path::new(&path("empty")).is_dir() && !Path::new(&path("missing")).exists());
    assert!(!home.path().join("run").exists());
}

/// Makes a link that leads to itself, at `path`.
#[cfg(unix)]
fn cannot_be_read(path: &Path) {
    std::os::unix::fs::symlink(path, path).unwrap();
}

/// Fashion-MNIST as another program may leave it: `rename` gives the name of a file, `content` its bytes.
fn copied(to: &Path, rename: fn(&str) -> String, content: fn(Vec<u8>) -> Vec<u8>) -> bool {
    let Some(source) = shared("data/fashion-mnist") else { return false };
    std::fs::create_dir_all(to).unwrap();
    for file in gpu_cnn::data::fashion_mnist::FILES {
        std::fs::write(to.join(rename(file.name)), content(std::fs::read(source.join(file.name)).unwrap())).unwrap();
    }
    true
}

fn unpacked(bytes: Vec<u8>) -> Vec<u8> {
    let mut content = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut content).unwrap();
    content
}

/// In two members, hardly compressed.
fn repacked(bytes: Vec<u8>) -> Vec<u8> {
    let content = unpacked(bytes);
    let (first, second) = content.split_at(content.len() / 3);
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    [gzip(first), gzip(second)].concat()
}

/// A name, and the arguments of [`copied`].
type Copied = (&'static str, fn(&str) -> String, fn(Vec<u8>) -> Vec<u8>);

#[test]
fn fashion_mnist_is_known_by_its_content_however_it_is_packed_and_named() {
    let home = tempfile::tempdir().unwrap();
    let plain = |name: &str| name.trim_end_matches(".gz").to_owned();
    let by_7_zip = |name: &str| name.trim_end_matches(".gz").replace("-idx", ".idx");
    let kinds: [Copied; 3] =
        [("unpacked", plain, unpacked), ("by 7-Zip", by_7_zip, unpacked), ("repacked", str::to_owned, repacked)];
    for (i, (name, rename, content)) in kinds.into_iter().enumerate() {
        let folder = home.path().join(name);
        if !copied(&folder, rename, content) {
            return;
        }
        let data_dir = ["--data-dir", folder.to_str().unwrap(), "--overwrite"];
        let output = train(home.path(), "http://127.0.0.1:9", &data_dir[..if i == 0 { 2 } else { 3 }]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && stderr.contains("data: fashion-mnist, 60000"), "{name}: {stderr}");
    }
    // A single wrong byte is damage, however it is packed.
    let images = home.path().join("unpacked/t10k-images-idx3-ubyte");
    let mut bytes = std::fs::read(&images).unwrap();
    bytes[5000] ^= 1;
    std::fs::write(&images, bytes).unwrap();
    let damaged = home.path().join("unpacked");
    let output = train(home.path(), "http://127.0.0.1:9", &["--data-dir", damaged.to_str().unwrap(), "--overwrite"]);
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
}

#[cfg(unix)]
#[test]
fn a_folder_whose_files_cannot_be_read_does_not_end_the_search() {
    let home = tempfile::tempdir().unwrap();
    let cache = cache(home.path());
    std::fs::create_dir_all(&cache).unwrap();
    cannot_be_read(&cache.join("train-images-idx3-ubyte.gz"));
    if !copied(&home.path().join(".keras/datasets/fashion-mnist"), str::to_owned, |bytes| bytes) {
        return;
    }
    let output = train(home.path(), "http://127.0.0.1:9", &[]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.contains("data: fashion-mnist"), "{stderr}");
    assert!(stderr.contains("warning: cannot read"), "{stderr}");
    // Nor does a damaged one, nor a folder in a file's place.
    std::fs::remove_file(cache.join("train-images-idx3-ubyte.gz")).unwrap();
    std::fs::create_dir(home.path().join(".keras/datasets/fashion-mnist/t10k-labels-idx1-ubyte")).unwrap();
    for file in gpu_cnn::data::fashion_mnist::FILES {
        std::fs::write(cache.join(file.name), "damaged").unwrap();
    }
    let output = train(home.path(), "http://127.0.0.1:9", &["--overwrite"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.contains("data: fashion-mnist"), "{stderr}");
    assert!(stderr.contains("warning: not the published file"), "{stderr}");
}

#[cfg(unix)]
#[test]
fn downloaded_files_have_the_mode_that_the_umask_leaves_and_left_ones_are_swept() {
    use std::os::unix::fs::PermissionsExt;
    let Some(url) = good() else { return };
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("data");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join(".writing-a1B2c3"), "half").unwrap();
    let line = "umask 002; exec \"$0\" train --adapter cpu --model dnn --epochs 1 --steps-per-epoch 2 \"$@\"";
    let output = Command::new("sh")
        .args(["-c", line, env!("CARGO_BIN_EXE_gpu-cnn"), "--data-dir", folder.to_str().unwrap()])
        .args(["--out", home.path().join("run").to_str().unwrap()])
        .env("GPU_CNN_DATA_URL", url)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Without a terminal there is a line for each file.
    assert!(String::from_utf8_lossy(&output.stderr).contains("t10k-labels-idx1-ubyte.gz: 5148 bytes"));
    assert_eq!(names(&folder).len(), 4, "{:?}", names(&folder));
    for name in names(&folder) {
        let mode = folder.join(&name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o664, "{name}");
    }
}
