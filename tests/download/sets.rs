//! `gpu-cnn data fetch` and `verify`, for any published set.

use super::server::{good, serve};
use super::{cache, copied, holds_the_data_set, names};
use gpu_cnn::data::published::{CIFAR10, KMNIST, MNIST};
use std::path::Path;
use std::process::{Command, Output};

/// `gpu-cnn data` with `home` as home folder; without a network, but for the address `url`.
fn data(home: &Path, url: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gpu-cnn"));
    command.arg("data").args(arguments).env("GPU_CNN_DATA_URL", url).env("HOME", home).env("NO_PROXY", "*");
    for name in ["GPU_CNN_DATA_TIMEOUT", "XDG_CACHE_HOME", "GPU_CNN_DATA_DIR", "KERAS_HOME"] {
        command.env_remove(name);
    }
    command.output().unwrap()
}

const NOWHERE: &str = "http://127.0.0.1:9";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_set_is_fetched_once_and_verified_and_damage_is_said() {
    let Some(url) = good() else { return };
    let home = tempfile::tempdir().unwrap();
    let fetched = data(home.path(), NOWHERE, &["fetch", "fashion-mnist", "--from", &url]);
    assert!(fetched.status.success(), "{}", text(&fetched.stderr));
    assert_eq!(text(&fetched.stdout), format!("{}\n", cache(home.path()).display()));
    holds_the_data_set(&cache(home.path()));
    let again = data(home.path(), NOWHERE, &["fetch", "fashion-mnist"]);
    assert!(again.status.success() && text(&again.stderr).contains("is there, and as it was published"));
    assert_eq!(again.stdout, fetched.stdout);
    let verified = data(home.path(), NOWHERE, &["verify"]);
    assert!(
        verified.status.success() && text(&verified.stdout).matches("ok: ").count() == 4,
        "{}",
        text(&verified.stdout)
    );
    let list = text(&data(home.path(), NOWHERE, &["list"]).stdout);
    assert!(list.contains("4 of 4") && list.contains("0 of 1"), "{list}");
    let list: serde_json::Value =
        serde_json::from_slice(&data(home.path(), NOWHERE, &["list", "--format", "json"]).stdout).unwrap();
    assert_eq!(list["sets"][0]["folder"], cache(home.path()).to_str().unwrap());

    let path = cache(home.path()).join("t10k-labels-idx1-ubyte.gz");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[2000] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    std::fs::remove_file(cache(home.path()).join("t10k-images-idx3-ubyte.gz")).unwrap();
    let verified = data(home.path(), NOWHERE, &["verify", "fashion-mnist"]);
    let (out, err) = (text(&verified.stdout), text(&verified.stderr));
    assert_eq!(verified.status.code(), Some(4), "{err}");
    assert!(
        out.matches("ok: ").count() == 2
            && out.contains("WRONG: missing: ")
            && out.contains("WRONG: not the published file: sha256 "),
        "{out}"
    );
    assert!(err.contains("2 of 4 files are missing or not as they were published"), "{err}");
    let json = data(home.path(), NOWHERE, &["verify", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json.as_array().unwrap().iter().filter(|file| file["ok"] == true).count(), 2);
    // A damaged file is not replaced unasked.
    let fetched = data(home.path(), NOWHERE, &["fetch", "fashion-mnist", "--from", &url]);
    assert_eq!(fetched.status.code(), Some(4));
    assert!(text(&fetched.stderr).contains("delete it to download it again"), "{}", text(&fetched.stderr));
    std::fs::remove_file(&path).unwrap();
    assert!(data(home.path(), NOWHERE, &["fetch", "fashion-mnist", "--from", &url]).status.success());
    holds_the_data_set(&cache(home.path()));
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_said_without_a_download() {
    let home = tempfile::tempdir().unwrap();
    let taken = home.path().join("file");
    std::fs::write(&taken, "").unwrap();
    let folder = taken.join("data");
    let folder = folder.to_str().unwrap();
    let output = data(home.path(), NOWHERE, &["fetch", "mnist", "--data-dir", folder]);
    let err = text(&output.stderr);
    assert_eq!(output.status.code(), Some(7), "{err}");
    assert!(err.contains(&format!("cannot write {folder}: ")) && !err.contains("try again later"), "{err}");
}

#[test]
fn other_sets_are_asked_for_by_their_own_names_and_digests() {
    let home = tempfile::tempdir().unwrap();
    for (set, file) in [("mnist", MNIST.files[0]), ("kmnist", KMNIST.files[0]), ("cifar10", CIFAR10.files[0])] {
        let url = serve(move |request| {
            let is_asked_for = request.name == file.name;
            if is_asked_for { request.file(&vec![0; 1000]) } else { request.status("404 Not Found") }
        });
        let output = data(home.path(), &url, &["fetch", set]);
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{err}");
        assert!(err.contains("a file of 1000 bytes, ") && err.contains(&format!("'s has {}", file.bytes)), "{err}");
        assert!(err.contains(&format!("{url}/{}", file.name)) && err.contains("--from"), "{err}");
        assert_eq!(names(home.path()), [""; 0], "{set}");
    }
    // Of the right length, but with another digest.
    let url = serve(|request| request.file(&vec![0; MNIST.files[0].bytes as usize]));
    let err = text(&data(home.path(), &url, &["fetch", "mnist"]).stderr);
    assert!(
        err.contains("the file is damaged, or another: 9912422 bytes with sha256")
            && err.contains(MNIST.files[0].sha256),
        "{err}"
    );
}

#[test]
fn files_of_another_set_are_called_by_its_name() {
    let home = tempfile::tempdir().unwrap();
    if !copied(&home.path().join(".cache/gpu-cnn/mnist"), str::to_owned, |bytes| bytes) {
        return;
    }
    let output = data(home.path(), NOWHERE, &["verify", "mnist"]);
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(text(&output.stdout).matches("(it is Fashion-MNIST's)").count(), 4, "{}", text(&output.stdout));
}
