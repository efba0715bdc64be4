//! Keras itself, on what the command writes.

use super::files::{MODELS, SIZE, distance, expected, file, predict, predictions};
use crate::cli::command;
use crate::support::tool;
use gpu_cnn::internals::graph::to_archive;
use gpu_cnn::{Activation, Add, BatchNormalization, Conv2D, Dense, Device, Flatten, Functional, Model, Padding};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

/// A Python with Keras.
fn python() -> Option<String> {
    tool("GPU_CNN_TEST_PYTHON", "no Keras", "scripts/keras installs it and prints its Python")
}

/// Branches of which Keras counts the layers in another order than the model has, with a layer that has weights of both kinds.
fn branches() -> Model {
    let conv = || Conv2D::new(3, 3).padding(Padding::Same);
    let model = Functional::new([SIZE, SIZE, 1])
        .add("first", conv(), &["input"])
        .add("short", conv(), &["first"])
        .add("long", conv(), &["first"])
        .add("norm", BatchNormalization::new(), &["long"])
        .add("longer", conv(), &["norm"])
        .add("sum", Add {}, &["short", "longer"])
        .add("flat", Flatten {}, &["sum"])
        .add("end", Dense::new(4).activation(Activation::Softmax), &["flat"]);
    model.into()
}

#[test]
fn keras_loads_what_the_command_exports_and_predicts_the_same() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut exported = Vec::new();
    for name in MODELS {
        for from in ["keras", "h5"] {
            let output = folder.path().join(format!("{name}.{from}.keras"));
            let run = command(&["export"])
                .arg(file(&format!("{name}.{from}")))
                .arg("--output")
                .arg(&output)
                .output()
                .unwrap();
            assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
            exported.push((name, output));
        }
    }
    let branches = folder.path().join("branches.keras");
    let model = self::branches();
    let graph = model.graph().unwrap();
    let weights = graph.initial_weights(1);
    std::fs::write(&branches, to_archive(&graph, &weights).unwrap()).unwrap();
    exported.push(("branches", branches));
    let run = Command::new(python).arg(file("check.py")).args(exported.iter().map(|(_, path)| path)).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let text = String::from_utf8_lossy(&run.stdout);
    let found: Value = serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap();
    for (name, path) in exported {
        let expected = match name {
            "branches" => predict(&model, &weights, &Device::cpu(1)),
            _ => expected(name),
        };
        let distance = distance(&predictions(&found[path.to_str().unwrap()]), &expected);
        assert!(distance <= 1e-6, "{name}: {distance:e}");
    }
}

/// `model.set_weights([arrays[name] for name in arrays.files])`.
#[test]
fn keras_takes_the_arrays_of_an_npz_file_in_their_order() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut files: Vec<PathBuf> = MODELS.iter().map(|name| file(&format!("{name}.keras"))).collect();
    let model = branches();
    let graph = model.graph().unwrap();
    let weights: Vec<f32> = (0..graph.weights_len()).map(|i| i as f32).collect();
    files.push(folder.path().join("branches_made.keras"));
    std::fs::write(files.last().unwrap(), to_archive(&graph, &weights).unwrap()).unwrap();
    let mut exported = Vec::new();
    for from in &files {
        let name = from.file_stem().unwrap().to_string_lossy();
        for end in ["keras", "npz"] {
            let output = folder.path().join(format!("{name}.of.{end}"));
            let run = command(&["export"]).arg(from).arg("--output").arg(&output).output().unwrap();
            assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        }
        exported.push(folder.path().join(format!("{name}.of.keras")));
    }
    let run = Command::new(python).arg(file("npz.py")).args(&exported).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(String::from_utf8_lossy(&run.stdout).lines().count(), files.len());
}

/// From Keras to here and back, as one script: it trains on, and both find the same loss for the result.
#[test]
fn a_keras_users_afternoon() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let run = Command::new(python)
        .arg(file("afternoon.py"))
        .arg(env!("CARGO_BIN_EXE_gpu-cnn"))
        .arg(folder.path())
        .arg("cpu")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{text}{}", String::from_utf8_lossy(&run.stderr));
    let found: Value = serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap();
    let [[own_loss, own_accuracy], [loss, accuracy]] =
        ["gpu_cnn", "keras"].map(|by| [0, 1].map(|i| found[by][i].as_f64().unwrap()));
    assert!((own_loss - loss).abs() < 1e-5 && (own_accuracy - accuracy).abs() < 1e-6, "{text}");
    // After the epoch in Keras it was 1.2.
    assert!(loss < 1.0, "{text}");
}
