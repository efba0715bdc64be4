//! Models as Keras's `to_json()` writes them: shapes, parameters and losses are Keras's, and what is not supported is refused by name.
#![allow(clippy::neg_cmp_op_on_partial_ord, reason = "a NaN must fail the comparison")]

pub(crate) mod files;
mod mutated;
mod optimizer;
mod python;
mod refused;

use crate::cli::{command, json_lines};
use crate::support::{adapter, keras_file, numbers};
use gpu_cnn::data::{FILES, idx, synthetic};
use gpu_cnn::internals::graph::{Graph, ModelFile, Weights, initialize, weights_of};
use gpu_cnn::{Model, Result};
use serde_json::{Value, json};

fn text(name: &str) -> String {
    std::fs::read_to_string(keras_file(name)).unwrap()
}

fn graph(text: &str) -> Result<Graph> {
    let file = ModelFile::parse(text)?;
    let input = file.input_or([28, 28, 1]);
    file.build(input)?.graph()
}

#[test]
fn layers_shapes_and_parameters_are_those_of_keras() {
    let expected: Value = serde_json::from_str(&text("expected.json")).unwrap();
    for (name, expected) in expected.as_object().unwrap() {
        let file = ModelFile::read(&keras_file(&format!("{name}.json"))).unwrap();
        let model = file.build([28, 28, 1]).unwrap();
        let summary = model.summary().unwrap();
        assert_eq!(summary.total_params, expected["params"].as_u64().unwrap() as usize, "{name}");
        // What this project adds: the pixels under another shape, activations that are layers of their own.
        let leaf = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
        for layer in expected["layers"].as_array().unwrap() {
            // An axis that the model leaves open is null.
            let shape = |found: &[usize]| match layer[2].as_array().unwrap().contains(&Value::Null) {
                true => layer[2].clone(),
                false => json!(found),
            };
            let rows = summary.layers.iter();
            let rows: Vec<Value> =
                rows.map(|row| json!([row.kind, leaf(&row.name), shape(&row.output_shape), row.params])).collect();
            assert!(rows.contains(layer), "{name}: no {layer} in {rows:?}");
        }
        let added = if name == "layers_as_activations" { 4 } else { 1 };
        assert!(summary.layers.len() <= expected["layers"].as_array().unwrap().len() + added, "{name}");
    }
    assert_eq!(expected.as_object().unwrap().len(), std::fs::read_dir(keras_file("")).unwrap().count() - 2);
}

#[test]
fn inner_layers_have_the_path_of_their_model_only_where_names_clash() {
    let names = |file: &str| graph(&text(file)).unwrap().parameters.into_iter().map(|t| t.name).collect::<Vec<_>>();
    assert_eq!(names("nested_sequential.json")[..2], ["one.kernel", "one.bias"]);
    assert_eq!(
        names("nested_clashing.json")[..4],
        ["first/same.kernel", "first/same.bias", "second/same.kernel", "second/same.bias"]
    );
}

/// `input` means the images and `pixels` is the layer that gives them the model's shape, unless a layer has the name.
#[test]
fn a_layer_may_have_any_name() {
    for (file, layers) in
        [("flat_input.json", &["dense"][..]), ("residual.json", &["conv2d", "conv2d_1", "add", "dense"])]
    {
        let own = graph(&text(file)).unwrap();
        for (layer, name) in layers.iter().flat_map(|layer| ["input", "pixels"].map(|name| (layer, name))) {
            let renamed = text(file).replace(&format!("\"{layer}\""), &format!("\"{name}\""));
            let model = ModelFile::parse(&renamed).unwrap().build([28, 28, 1]).unwrap();
            let found = model.graph().unwrap_or_else(|e| panic!("{layer} of {file} as {name}: {e}"));
            let nodes = |graph: &Graph| graph.nodes.iter().map(|node| node.inputs.clone()).collect::<Vec<_>>();
            assert_eq!(nodes(&found), nodes(&own), "{layer} of {file} as {name}");
            let tensors = |graph: &Graph| graph.parameters.iter().map(|tensor| tensor.name.clone()).collect::<Vec<_>>();
            let of_layer = |tensor: String| match tensor.split_once('.').filter(|(of, _)| of == layer) {
                Some((_, weight)) => format!("{name}.{weight}"),
                None => tensor,
            };
            assert_eq!(tensors(&found), tensors(&own).into_iter().map(of_layer).collect::<Vec<_>>());
            // As it stands in weights files and in run.json.
            let written = serde_json::to_string(&model).unwrap();
            assert_eq!(serde_json::from_str::<Model>(&written).unwrap().graph().unwrap(), found);
            let rows = model.summary().unwrap().layers;
            assert_eq!(rows[0].inputs, [if name == "input" { "@input" } else { "input" }]);
        }
    }
}

/// Keras's `[(layer.name, w.name) for layer in model.layers for w in layer.weights]` has the names of inner models, not of their layers.
#[test]
fn weights_of_inner_models_may_have_the_models_names() {
    let file = ModelFile::parse(&text("nested_functional.json")).unwrap();
    let graph = graph(&text("nested_functional.json")).unwrap();
    let load = |inner: &[(String, String)], renamed: &[(&str, &str)]| {
        let tensors = graph.weights().map(|(tensor, range)| {
            let (layer, weight) = tensor.name.rsplit_once('.').unwrap();
            let listed = renamed.iter().find(|(name, _)| *name == layer).map_or(layer, |(_, listed)| listed);
            (format!("{listed}.{weight}"), (tensor.shape.clone(), range.map(|i| i as f32).collect()))
        });
        let mut weights = Weights::of_tensors(tensors.collect());
        weights.name_inner(inner, &graph);
        weights_of(&weights, &graph, "the file".as_ref())
    };
    let expected = load(&[], &[]).unwrap();
    for renamed in [&[][..], &[("dense", "head")], &[("dense", "head"), ("conv2d", "block")]] {
        assert_eq!(load(&file.layout.inner(), renamed).unwrap(), expected, "{renamed:?}");
    }
    let inner = file.layout.inner();
    let refused = |inner, renamed| load(inner, renamed).expect_err("another model").to_string();
    assert!(refused(&inner, &[("conv2d", "head")]).contains("is missing"));
    // Two layers of one inner model have a kernel: it is not known whose `block.kernel` is.
    let both = ["conv2d", "conv2d_1"].map(|layer| (layer.to_owned(), "block".to_owned()));
    assert!(refused(&both, &[("conv2d", "block")]).contains("tensor `conv2d."));
}

#[test]
fn the_command_trains_a_model_of_keras_to_its_losses() {
    let folder = tempfile::tempdir().unwrap();
    let data = synthetic::generate(7, [3200, 2000]);
    let contents = [idx::encode_split(&data.train), idx::encode_split(&data.test)];
    for (name, content) in FILES.iter().zip(contents.iter().flatten()) {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/golden/layers/keras_json");
    let expected: Value = serde_json::from_str(&std::fs::read_to_string(golden.join("golden.json")).unwrap()).unwrap();
    let adapters = [Some("cpu".to_owned()), adapter().map(|adapter| adapter.info.adapter)];
    for adapter in adapters.into_iter().flatten() {
        let out = folder.path().join(&adapter);
        let output = command(&["train", "--no-shuffle", "--log-steps", "--epochs", "1", "--steps-per-epoch", "60"])
            .args(["--adapter", &adapter, "--optimizer", "adam", "--learning-rate", "0.003", "--model"])
            .arg(keras_file(expected["model"]["keras"].as_str().unwrap()))
            .arg("--weights")
            .arg(golden.join("init.safetensors"))
            .arg("--data")
            .arg(folder.path())
            .arg("--out")
            .arg(&out)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = json_lines(&out.join("metrics.jsonl"));
        let losses: Vec<f64> =
            lines.iter().filter(|line| line["event"] == "step").map(|line| line["loss"].as_f64().unwrap()).collect();
        assert_eq!(losses.len(), 60);
        let bounds = numbers(&expected["envelope"]).into_iter().map(|width| (5.0 * width).max(1e-4));
        for (step, ((loss, keras), bound)) in losses.iter().zip(numbers(&expected["loss_f64"])).zip(bounds).enumerate()
        {
            assert!((loss - keras).abs() <= bound, "{adapter}, step {}: {loss}, Keras has {keras}", step + 1);
        }
    }
}

#[test]
fn tensors_start_as_the_file_says() {
    let file = ModelFile::read(&keras_file("initializers.json")).unwrap();
    let names: Vec<&str> = file.initializers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["conv2d.kernel", "conv2d.bias", "dense.kernel", "dense.bias"]);
    let graph = graph(&text("initializers.json")).unwrap();
    let start = initialize(&graph, &file.initializers, 3, &[]).unwrap();
    let of = |name: &str| {
        let tensor = graph.parameters.iter().find(|tensor| tensor.name == name).unwrap();
        &start[tensor.offset..][..tensor.size()]
    };
    assert!(of("conv2d.bias").iter().all(|value| *value == 0.1));
    assert!(of("dense.bias").iter().all(|value| *value != 0.0));
    let limit = (3.0f32 * 2.0 / ((676.0 + 10.0) / 2.0)).sqrt();
    let largest = of("dense.kernel").iter().fold(0.0f32, |max, value| max.max(value.abs()));
    assert!(largest <= limit && largest > 0.99 * limit, "{largest}, not {limit}");
    assert_ne!(start, initialize(&graph, &file.initializers, 4, &[]).unwrap());
}
