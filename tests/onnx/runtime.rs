//! onnxruntime and ONNX's checker, on what is written.

use super::Example;
use super::models::models;
use crate::support::tool;
use gpu_cnn::Preset;
use gpu_cnn::internals::onnx::{OPSETS, to_onnx};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Writes what the script takes for a file of this name.
fn write(folder: &Path, name: &str, example: &Example, bytes: &[u8]) {
    let at = |end: &str| folder.join(format!("{name}.{end}"));
    let predictions: Vec<u8> = example.predictions.iter().flatten().flat_map(|p| p.to_le_bytes()).collect();
    for (end, content) in [("onnx", bytes), ("pixels", &example.pixels), ("predictions", &predictions)] {
        std::fs::write(at(end), content).unwrap();
    }
}

/// What the script finds for the files of a folder; none without Python.
fn run(folder: &Path) -> Option<Value> {
    let python = tool("GPU_CNN_TEST_PYTHON", "no onnxruntime", "scripts/keras installs it and prints its Python")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/onnx/compare.py");
    let run = Command::new(python).arg(script).arg(folder).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    Some(serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap())
}

/// The largest difference; panics where one is over the bound.
fn largest(found: &Value, bound: f64) -> f64 {
    let differences = found.as_object().unwrap().iter();
    let differences = differences.map(|(name, of)| (name, of["difference"].as_f64().unwrap()));
    let (name, largest) = differences.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    eprintln!("{} files, the largest difference is {largest:.1e}, of {name}", found.as_object().unwrap().len());
    let holds = largest <= bound;
    assert!(holds, "{name}: {largest:e}");
    largest
}

#[test]
fn onnxruntime_predicts_the_same_of_100_images() {
    let folder = tempfile::tempdir().unwrap();
    let class_names = ["Ankle boot", "größe \"x\""].map(String::from);
    for (name, model) in models() {
        let example = Example::new(name, &model, 100);
        let bytes = to_onnx(&example.graph, &example.weights, &class_names, 17).unwrap();
        write(folder.path(), name, &example, &bytes);
    }
    let Some(found) = run(folder.path()) else { return };
    largest(&found, 1e-6);
    for (name, model) in models() {
        let (graph, found) = (model.graph().unwrap(), &found[name]);
        assert_eq!([&found["opset"], &found["ir"], &found["images"]], [17, 8, 100], "{name}");
        let [h, w, c] = graph.input;
        let free =
            if name == "names that are taken" { ["images_1", "probabilities_1"] } else { ["images", "probabilities"] };
        assert_eq!(found["input"], json!([free[0], "tensor(float)", ["N", h, w, c]]), "{name}");
        assert_eq!(found["output"], json!([free[1], "tensor(float)", ["N", graph.outputs()]]), "{name}");
        let names: Vec<String> = serde_json::from_str(found["metadata"]["class_names"].as_str().unwrap()).unwrap();
        assert_eq!(names, class_names, "{name}");
        let nodes = found["nodes"].as_array().unwrap();
        assert!(graph.nodes.iter().all(|node| nodes.contains(&json!(node.name))), "{name}: {nodes:?}");
    }
    // A chain of convolutions is turned once at its start and once at its end.
    let turns = |name: &str| {
        let nodes = found[name]["nodes"].as_array().unwrap().iter();
        nodes.filter(|node| node.as_str().unwrap().contains("/channels_")).count()
    };
    assert_eq!([turns("cnn"), turns("resnet-small"), turns("dnn")], [2, 1, 0]);
}

#[test]
fn onnxruntime_takes_every_version_of_the_operators() {
    let folder = tempfile::tempdir().unwrap();
    let mut models = models();
    models.retain(|(name, _)| Preset::named(name).is_none());
    for (name, model) in models {
        let example = Example::new(name, &model, 3);
        for opset in OPSETS.filter(|opset| *opset != 17) {
            write(folder.path(), &format!("{name}, opset {opset}"), &example, &example.onnx(opset));
        }
    }
    if let Some(found) = run(folder.path()) {
        largest(&found, 1e-6);
        assert_eq!(found["joins, opset 21"]["opset"], 21);
    }
}

#[test]
fn onnxruntime_predicts_the_same_by_random_models() {
    let folder = tempfile::tempdir().unwrap();
    for (i, (name, model)) in crate::random::models(240).into_iter().enumerate() {
        let example = Example::new(&name, &model, 4);
        let opset = [17, 13, 21][i % 3];
        write(folder.path(), &name, &example, &example.onnx(opset));
    }
    if let Some(found) = run(folder.path()) {
        // Random graphs amplify rounding more than networks that can be trained.
        largest(&found, 2e-6);
    }
}
