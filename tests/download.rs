//! Downloads of Fashion-MNIST from a local test server: valid files are kept, an invalid one is refused and deleted.

use crate::support::shared;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

/// Starts an HTTP server that answers each request with `respond(file name)`, or 404, and returns its address. Its
/// thread runs until the test process ends.
fn serve(respond: impl Fn(&str) -> Option<Vec<u8>> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/data", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut line = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            reader.read_line(&mut line).unwrap();
            let mut header = String::new();
            while reader.read_line(&mut header).unwrap() > 2 {
                header.clear();
            }
            let name = line.split_whitespace().nth(1).unwrap().strip_prefix("/data/").unwrap();
            let (status, body) = respond(name).map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
            write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len()).unwrap();
            // The client may close the connection before it has read the whole body.
            let _ = stream.write_all(&body);
        }
    });
    address
}

/// Runs `gpu-cnn train` for two steps with `home` as home folder and `url` as the address to download from.
fn train(home: &Path, url: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gpu-cnn"))
        .args(["train", "--adapter", "cpu", "--model", "dnn", "--epochs", "1", "--steps-per-epoch", "2"])
        .args(["--out", home.join("run").to_str().unwrap()])
        .args(arguments)
        .env("GPU_CNN_DATA_URL", url)
        .env("HOME", home)
        .env_remove("XDG_CACHE_HOME")
        .env_remove("GPU_CNN_DATA_DIR")
        .env_remove("KERAS_HOME")
        .output()
        .unwrap()
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
    let Some(source) = shared("data/fashion-mnist") else { return };
    let home = tempfile::tempdir().unwrap();
    let url = serve(move |name| std::fs::read(source.join(name)).ok());
    let output = train(home.path(), &url, &["--data", "fashion-mnist"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("data: fashion-mnist, 60000 training"), "{stderr}");
    let cache = home.path().join(".cache/gpu-cnn/fashion-mnist");
    assert_eq!(names(&cache).len(), 4, "{:?}", names(&cache));
    // The second run finds the files in the cache: nothing listens at its address.
    let again = train(home.path(), "http://127.0.0.1:9", &["--data", "fashion-mnist", "--overwrite"]);
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
}

#[test]
fn a_file_with_a_wrong_checksum_is_refused_and_not_kept() {
    let home = tempfile::tempdir().unwrap();
    let url = serve(|_| Some(b"not the file".to_vec()));
    let output = train(home.path(), &url, &["--data", "fashion-mnist"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{stderr}");
    assert!(stderr.contains("12 bytes with sha256") && stderr.contains(&url), "{stderr}");
    assert!(names(&home.path().join(".cache/gpu-cnn/fashion-mnist")).is_empty());
}

#[test]
fn a_failed_download_falls_back_to_synthetic_data_only_without_the_data_option() {
    let home = tempfile::tempdir().unwrap();
    let url = serve(|_| None);
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
}
