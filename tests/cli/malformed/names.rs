//! No name inside a file is ever a path: nothing is read from there, and nothing written.

use super::archives::zipped;
use super::{Made, command, corpus, json_file, keras_file, stderr};
use std::path::Path;
use zip::CompressionMethod;

/// All files under `folder`.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path.to_str().unwrap().to_owned()),
        }
    }
    found.sort();
    found
}

/// Runs the command in the folder `cwd`, and returns its exit code and what it wrote to stderr.
fn run_in(made: &Made, cwd: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let output = command(arguments).current_dir(made.folder.path().join(cwd)).output().unwrap();
    (output.status.code(), stderr(&output))
}

/// A folder `deep/inside` to run in, with what names such as `../config.json` lead to beside it and above it.
fn sandbox() -> Made {
    let made = Made::new();
    let decoys: [(&str, Vec<u8>); 3] = [
        ("config.json", std::fs::read(keras_file("tutorial_dnn.json")).unwrap()),
        ("model.weights.h5", corpus("hdf5/small.weights.h5")),
        ("model.safetensors", corpus("safetensors/model")),
    ];
    std::fs::create_dir_all(made.folder.path().join("deep/inside")).unwrap();
    for (name, bytes) in decoys {
        std::fs::write(made.folder.path().join("deep").join(name), &bytes).unwrap();
        std::fs::write(made.folder.path().join("deep/inside").join(name), bytes).unwrap();
    }
    made
}

#[test]
fn entries_of_archives_are_never_paths() {
    let made = sandbox();
    let config = std::fs::read(keras_file("tutorial_dnn.json")).unwrap();
    let weights = corpus("hdf5/small.weights.h5");
    let above = made.name("deep/config.json");
    let archives = [
        // Without an entry `config.json`, or with one, and others that would be written elsewhere if they were unpacked.
        (
            "up.keras",
            zipped(&[("../config.json", b"{}"), ("../model.weights.h5", &weights)], CompressionMethod::Stored),
        ),
        ("absolute.keras", zipped(&[(&above, &config), ("model.weights.h5", &weights)], CompressionMethod::Stored)),
        ("good.keras", {
            let mut zip =
                zip::ZipWriter::new_append(std::io::Cursor::new(corpus("keras_archive/small.keras"))).unwrap();
            for name in ["../above", "inside", &made.name("deep/absolute")] {
                zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
                std::io::Write::write_all(&mut zip, b"escaped").unwrap();
            }
            zip.finish().unwrap().into_inner()
        }),
    ];
    for (name, bytes) in archives {
        std::fs::write(made.folder.path().join("deep/inside").join(name), bytes).unwrap();
    }
    let before = files(made.folder.path());
    for name in ["up.keras", "absolute.keras"] {
        let (code, text) = run_in(&made, "deep/inside", &["export", name, "-o", "out.json"]);
        assert!(code == Some(4) && text.contains("config.json"), "{name}: {code:?} {text}");
    }
    assert_eq!(files(made.folder.path()), before);
    let (code, text) = run_in(&made, "deep/inside", &["export", "good.keras", "-o", "out.json"]);
    assert_eq!(code, Some(0), "{text}");
    let mut expected = [&before[..], &[made.name("deep/inside/out.json")]].concat();
    expected.sort();
    assert_eq!(files(made.folder.path()), expected);
}

#[test]
fn names_of_layers_and_tensors_are_never_paths() {
    let made = sandbox();
    let text = String::from_utf8(corpus("model_toml/small.toml")).unwrap();
    let named = text.replace("[[layers]]", "[[layers]]\nname = \"NAME\"");
    let names = ["../above", "../../far", "model.safetensors", "/tmp/absolute", "../model.safetensors"];
    let named = names.iter().fold(named, |text, name| text.replacen("NAME", name, 1));
    std::fs::write(made.name("deep/inside/named.toml"), named).unwrap();
    let before = files(made.folder.path());
    let train =
        ["train", "--adapter", "cpu", "--data", "../../data", "--model", "named.toml", "--epochs", "1", "--out", "run"];
    let (code, text) = run_in(&made, "deep/inside", &train);
    assert_eq!(code, Some(0), "{text}");
    // Tensors that have the names of files are looked for in the weights alone.
    for format in ["a.keras", "a.weights.h5", "a.json", "a.safetensors"] {
        let (code, text) = run_in(&made, "deep/inside", &["export", "run", "-o", format]);
        assert_eq!(code, Some(0), "{text}");
    }
    let of_run = super::super::FILES_OF_A_RUN.iter().map(|file| format!("run/{file}"));
    let exported = ["a.keras", "a.weights.h5", "a.json", "a.safetensors"].map(String::from);
    let new = of_run.chain(exported).map(|file| made.name(&format!("deep/inside/{file}")));
    let mut expected: Vec<String> = before.into_iter().chain(new).collect();
    expected.sort();
    assert_eq!(files(made.folder.path()), expected);
}

/// A configuration says where data are and what model is meant; the folder that an earlier run was in is not where another writes.
#[test]
fn a_run_writes_where_it_is_told_and_not_where_its_file_says() {
    let made = sandbox();
    let elsewhere = made.name("elsewhere");
    let model = made.name("good.toml");
    let train =
        ["train", "--adapter", "cpu", "--data", "../../data", "--model", &model, "--out", &elsewhere, "--epochs"];
    let (code, text) = run_in(&made, "deep/inside", &[&train[..], &["1"]].concat());
    assert_eq!(code, Some(0), "{text}");
    // The checkpoint and run.json say `elsewhere`.
    std::fs::rename(&elsewhere, made.name("moved")).unwrap();
    assert_eq!(json_file(Path::new(&made.name("moved/run.json")))["settings"]["out"], elsewhere.as_str());
    let resume = ["train", "--resume", "../../moved", "--adapter", "cpu", "--data", "../../data", "--epochs", "2"];
    let (code, text) = run_in(&made, "deep/inside", &resume);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = run_in(&made, "deep/inside", &["train", "--config", "../../moved/run.json", "--out", "new"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(!Path::new(&elsewhere).exists() && Path::new(&made.name("deep/inside/new/run.json")).exists());
}
