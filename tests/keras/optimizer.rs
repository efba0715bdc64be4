//! Training that goes on from Keras's, with its optimizer's state.

use super::files::{COUNT, SIZE, file, pixels};
use crate::cli::{command, json_lines};
use crate::support::{adapter, numbers};
use gpu_cnn::Preset;
use gpu_cnn::data::{FILES, Split, idx};
use gpu_cnn::internals::graph::{to_archive, to_weights_h5};
use serde_json::Value;
use std::path::Path;

/// The images of make.py and their labels as a data set.
fn write_images(folder: &Path) {
    let labels: Vec<u8> = (0..COUNT).map(|n| (n % 4) as u8).collect();
    let images = Split { pixels: pixels(), labels, image: [SIZE, SIZE, 1] };
    for (name, content) in FILES.iter().zip([&images, &images].into_iter().flat_map(idx::encode_split)) {
        std::fs::write(folder.join(name), content).unwrap();
    }
}

/// Losses go on as Keras's own do, from its weights and its optimizer's state.
#[test]
fn training_goes_on_with_the_optimizer_of_keras() {
    let folder = tempfile::tempdir().unwrap();
    write_images(folder.path());
    let all: Value = serde_json::from_str(&std::fs::read_to_string(file("expected.json")).unwrap()).unwrap();
    let adapters = [Some("cpu".to_owned()), adapter().map(|adapter| adapter.info.adapter)];
    for (adapter, name) in
        adapters.into_iter().flatten().flat_map(|a| ["tutorial", "residual", "adamw", "sgd"].map(|n| (a.clone(), n)))
    {
        let out = folder.path().join(format!("{name} on {adapter}"));
        let run = |more: &[&str], out: &Path| {
            let run = command(&["train", "--no-shuffle", "--log-steps", "--epochs", "10", "--batch-size", "6"])
                .args(more)
                .args(["--adapter", &adapter, "--model"])
                .arg(file(&format!("{name}.keras")))
                .arg("--data")
                .arg(folder.path())
                .arg("--out")
                .arg(out)
                .output()
                .unwrap();
            assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
            let lines = json_lines(&out.join("metrics.jsonl"));
            let steps = lines.iter().filter(|line| line["event"] == "step");
            steps.map(|line| line["loss"].as_f64().unwrap()).collect::<Vec<_>>()
        };
        let (losses, expected) = (run(&["--resume-optimizer"], &out), numbers(&all[name]["losses"]));
        assert_eq!(losses.len(), expected.len());
        for (step, (loss, keras)) in losses.iter().zip(&expected).enumerate() {
            let bound = 2e-5 * (1.0 + step as f64);
            assert!((loss - keras).abs() <= bound, "{name} on {adapter}, step {step}: {loss}, Keras has {keras}");
        }
        // Without the state, Adam's first steps are other ones.
        let fresh = run(&[], &folder.path().join(format!("{name} anew on {adapter}")));
        assert_eq!(format!("{:.5}", fresh[0]), format!("{:.5}", losses[0]));
        assert!((fresh[9] - expected[9]).abs() > 1e-3, "{name}: the state makes no difference");
    }
}

#[test]
fn an_optimizer_that_cannot_go_on_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_images(folder.path());
    let run = |more: &[&str]| {
        let run = command(&["train", "--resume-optimizer", "--adapter", "cpu"])
            .args(more)
            .arg("--data")
            .arg(folder.path())
            .arg("--out")
            .arg(folder.path().join("run"))
            .output()
            .unwrap();
        assert_eq!(run.status.code(), Some(2));
        String::from_utf8_lossy(&run.stderr).into_owned()
    };
    assert!(run(&[]).contains("--resume-optimizer takes a .keras file"));
    let exported = folder.path().join("exported.keras");
    let graph = Preset::Dnn.build([SIZE, SIZE, 1], 4).graph().unwrap();
    std::fs::write(&exported, to_archive(&graph, &graph.initial_weights(1)).unwrap()).unwrap();
    let error = run(&["--model", exported.to_str().unwrap()]);
    assert!(error.contains("the file has no optimizer; the model was saved without compile()"), "{error}");
    let weights = folder.path().join("dnn.weights.h5");
    std::fs::write(&weights, to_weights_h5(&graph, &graph.initial_weights(1)).unwrap()).unwrap();
    let error = run(&["--model", "dnn", "--weights", weights.to_str().unwrap()]);
    assert!(error.contains("the state of an optimizer is taken from .keras files"), "{error}");
}
