//! The files that Keras writes, and those that this project writes for it; `assets/keras_files` has what Keras 3 wrote after training.

use crate::support::devices;
use gpu_cnn::blocking::Trainer;
use gpu_cnn::internals::graph::{
    Graph, Layout, ModelFile, Node, Source, Weights, load_weights, save_weights, to_archive, to_json, to_weights_h5,
    weights_of,
};
use gpu_cnn::{Activation, Dense, Device, Flatten, Model, Preset, RunConfig, Sequential};
use hdf5_pure::{AttrValue, FileBuilder};
use serde_json::Value;
use std::path::{Path, PathBuf};

pub(super) const MODELS: [&str; 5] = ["tutorial", "residual", "nested", "mixed", "normalized"];
/// As in make.py.
pub(crate) const SIZE: usize = 12;
pub(crate) const COUNT: usize = 6;

pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/keras_files").join(name)
}

/// The images of make.py.
pub(crate) fn pixels() -> Vec<u8> {
    let all = (0..COUNT * SIZE * SIZE).map(|i| (i / (SIZE * SIZE), i / SIZE % SIZE, i % SIZE));
    all.map(|(n, y, x)| ((37 * n + 11 * y + 7 * x + 5 * y * x) % 256) as u8).collect()
}

pub(super) fn expected(name: &str) -> Vec<Vec<f64>> {
    let all: Value = serde_json::from_str(&std::fs::read_to_string(file("expected.json")).unwrap()).unwrap();
    predictions(&all[name])
}

pub(crate) fn predictions(of_model: &Value) -> Vec<Vec<f64>> {
    let rows = of_model["predictions"].as_array().unwrap().iter();
    rows.map(|row| row.as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).collect()).collect()
}

/// The largest distance between predictions.
pub(crate) fn distance(found: &[Vec<f64>], expected: &[Vec<f64>]) -> f64 {
    assert_eq!((found.len(), found[0].len()), (expected.len(), expected[0].len()));
    let pairs = found.iter().flatten().zip(expected.iter().flatten());
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, |max, d| if d <= max { max } else { d })
}

/// The model of a file, over images of its own size.
fn model(path: &Path) -> (Model, Layout) {
    let file = ModelFile::read(path).unwrap();
    let (input, layout) = (file.input_or([SIZE, SIZE, 1]), file.layout.clone());
    (file.build(input).unwrap(), layout)
}

/// The weights of a file, as the model of another has them.
fn weights(path: &Path, graph: &Graph, layout: &Layout) -> gpu_cnn::Result<Vec<f32>> {
    let mut weights = load_weights(path)?;
    weights.name_by_layer(layout, graph, path)?;
    weights_of(&weights, graph, path)
}

pub(crate) fn predict(model: &Model, weights: &[f32], device: &Device) -> Vec<Vec<f64>> {
    let mut trainer = Trainer::new(model.clone(), device, RunConfig { batch_size: 4, ..RunConfig::default() }).unwrap();
    trainer.set_weights(weights).unwrap();
    let found = trainer.predict(&pixels()).unwrap();
    found.into_iter().map(|row| row.into_iter().map(f64::from).collect()).collect()
}

#[test]
fn each_kind_of_file_predicts_what_keras_does() {
    for name in MODELS {
        let archive = file(&format!("{name}.keras"));
        let legacy = file(&format!("{name}.h5"));
        let (of_archive, layout) = model(&archive);
        let (of_legacy, legacy_layout) = model(&legacy);
        let graph = of_archive.graph().unwrap();
        assert_eq!(of_legacy.graph().unwrap(), graph, "{name}");
        let found = weights(&archive, &graph, &layout).unwrap();
        assert_eq!(weights(&legacy, &graph, &legacy_layout).unwrap(), found, "{name}.h5");
        assert_eq!(weights(&file(&format!("{name}.weights.h5")), &graph, &layout).unwrap(), found, "{name}.weights.h5");
        for device in devices() {
            let distance = distance(&predict(&of_archive, &found, &device), &expected(name));
            assert!(distance <= 1e-6, "{name} on {device:?}: {distance:e}");
        }
    }
}

/// A model and its weights come back from each format as they were; the nested one as layers of one model.
#[test]
fn a_model_goes_through_every_format_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let presets = Preset::ALL.map(|preset| (preset.name(), preset.build([28, 28, 1], 10)));
    let files = MODELS.map(|name| (name, model(&file(&format!("{name}.keras"))).0));
    for (name, model) in presets.into_iter().chain(files) {
        let graph = model.graph().unwrap();
        let values: Vec<f32> = match MODELS.contains(&name) {
            true => weights(&file(&format!("{name}.keras")), &graph, &Layout::default()).unwrap(),
            false => graph.initial_weights(3),
        };
        let archive = to_archive(&graph, &values).unwrap();
        assert_eq!(to_archive(&graph, &values).unwrap(), archive, "{name}: other bytes the second time");
        std::fs::write(at("model.keras"), archive).unwrap();
        std::fs::write(at("model.json"), to_json(&graph).unwrap()).unwrap();
        std::fs::write(at("model.weights.h5"), to_weights_h5(&graph, &values).unwrap()).unwrap();
        std::fs::write(at("model.safetensors"), save_weights(&model, &graph, &values, &Default::default()).unwrap())
            .unwrap();
        for described in ["model.keras", "model.json"] {
            let again = self::model(&at(described)).0.graph().unwrap();
            assert_eq!(again.nodes.len(), graph.nodes.len());
            // By names, as Keras has layers of branches in another order.
            let inputs = |graph: &Graph, node: &Node| -> Vec<String> {
                let name = |source: &Source| match source {
                    Source::Input => "@".to_owned(),
                    Source::Node(i) => graph.nodes[*i].name.replace('/', "_"),
                };
                node.inputs.iter().map(name).collect()
            };
            for node in &graph.nodes {
                let same = again.nodes.iter().find(|again| again.name == node.name.replace('/', "_")).unwrap();
                assert_eq!(same.layer, node.layer, "{name} from {described}");
                assert_eq!(same.output, node.output, "{name} from {described}");
                assert_eq!(inputs(&again, same), inputs(&graph, node), "{name} from {described}");
            }
        }
        for stored in ["model.keras", "model.weights.h5", "model.safetensors"] {
            let again = weights(&at(stored), &graph, &Layout::default()).unwrap();
            let bits = |values: &[f32]| {
                graph
                    .weights()
                    .flat_map(|(_, range)| values[range].iter().map(|v| v.to_bits()).collect::<Vec<_>>())
                    .collect::<Vec<_>>()
            };
            assert_eq!(bits(&again), bits(&values), "{name} from {stored}");
        }
    }
}

#[test]
fn files_of_another_model_are_refused_with_names_and_shapes() {
    let (tutorial, layout) = model(&file("tutorial.keras"));
    let graph = tutorial.graph().unwrap();
    let refused = |name: &str| weights(&file(name), &graph, &layout).expect_err(name).to_string();
    let error = refused("residual.weights.h5");
    assert!(
        error.contains("tensor `stem.kernel` is [3, 3, 1, 4]") || error.contains("`stem.bias` [4] is missing"),
        "{error}"
    );
    let error = refused("residual.h5");
    assert!(error.contains("the file has 9 layers with weights (conv2d, batch_normalization"), "{error}");
    assert!(error.contains("the model 3 (stem, conv2d, head)"), "{error}");
    // One layer less, and one more.
    let dnn = Preset::Dnn.build([4, 4, 1], 3).graph().unwrap();
    let values = dnn.initial_weights(1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dnn.weights.h5");
    std::fs::write(&path, to_weights_h5(&dnn, &values).unwrap()).unwrap();
    let error = weights(&path, &graph, &layout).expect_err("another model").to_string();
    assert!(error.contains("tensor `stem.kernel` [3, 3, 1, 4] is missing"), "{error}");
    let fewer = Sequential::new([4, 4, 1]).add(Flatten {}).add(Dense::new(128).activation(Activation::Softmax));
    let error = weights(&path, &fewer.graph().unwrap(), &Layout::default()).expect_err("too many").to_string();
    assert!(error.contains("the model has no tensor `layers/dense_1/vars/0`, which is [128, 3]"), "{error}");
}

/// Keras 2 wrote `conv2d/kernel:0`.
#[test]
fn legacy_files_are_read_by_their_lists() {
    let model = Preset::Dnn.build([4, 4, 1], 3);
    let graph = model.graph().unwrap();
    let values = graph.initial_weights(5);
    let names = |names: &[&str]| AttrValue::VarLenStringArray(names.iter().map(|name| (*name).to_owned()).collect());
    let mut file = FileBuilder::new();
    file.set_attr("model_config", AttrValue::VarLenString(to_json(&graph).unwrap()));
    let mut all = file.create_group("model_weights");
    all.set_attr("layer_names0", names(&["flatten", "dense"]));
    all.set_attr("layer_names1", names(&["dense_1"]));
    let mut nothing = all.create_group("flatten");
    nothing.set_attr("weight_names", AttrValue::F64Array(Vec::new()));
    all.add_group(nothing.finish());
    for layer in ["dense", "dense_1"] {
        let mut group = all.create_group(layer);
        let paths = ["kernel:0", "bias:0"].map(|weight| format!("{layer}/{weight}"));
        group.set_attr("weight_names", names(&[&paths[0], &paths[1]]));
        let mut inner = group.create_group(layer);
        for weight in ["kernel", "bias"] {
            let (tensor, range) = graph.weights().find(|(t, _)| t.name == format!("{layer}.{weight}")).unwrap();
            let shape: Vec<u64> = tensor.shape.iter().map(|n| *n as u64).collect();
            inner.create_dataset(&format!("{weight}:0")).with_f32_data(&values[range]).with_shape(&shape);
        }
        group.add_group(inner.finish());
        all.add_group(group.finish());
    }
    file.add_group(all.finish());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.h5");
    std::fs::write(&path, file.finish().unwrap()).unwrap();
    let read = ModelFile::read(&path).unwrap();
    let mut weights: Box<Weights> = read.weights.clone().unwrap();
    let graph = read.build([4, 4, 1]).unwrap().graph().unwrap();
    weights.name_by_layer(&Layout::default(), &graph, &path).unwrap();
    assert_eq!(weights_of(&weights, &graph, &path).unwrap(), values);
}
