//! A model as Keras's files hold it: `config.json`, the HDF5 file with the variables, and the archive of both.

use super::layout::{Layout, keras_order};
use super::npz::stored;
use crate::error::{Error, Result, usage};
use crate::graph::{Graph, Node, Source};
use crate::layers::{Activation, AnyLayer};
use hdf5_pure::{AttrValue, FileBuilder};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use std::io::{Cursor, Write};
use zip::ZipWriter;

/// What wrote a file, in place of Keras's version: the oldest that reads such files.
const KERAS_VERSION: &str = "3.0.0";

/// The model as `model.to_json()` writes it: Sequential where each layer takes the one before, else Functional.
///
/// # Errors
/// If a layer, or an argument, has no counterpart in Keras.
pub fn to_json(graph: &Graph) -> Result<String> {
    let names = names(graph);
    let input = json!([null, graph.input[0], graph.input[1], graph.input[2]]);
    let image = free_name("input_layer", &names);
    let input_layer = json!({
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": { "batch_shape": input, "dtype": "float32", "sparse": false, "ragged": false, "name": image },
        "registered_name": null,
    });
    let mut layers = vec![input_layer];
    let order = keras_order(graph);
    for i in &order {
        let node = &graph.nodes[*i];
        layers.push(layer(node, &names[*i]).map_err(|e| usage!("layer `{}`: {e}", node.name))?);
    }
    let is_chain = graph.nodes.iter().enumerate().all(|(i, node)| match node.inputs[..] {
        [Source::Input] => i == 0,
        [Source::Node(before)] => before + 1 == i,
        _ => false,
    });
    let (class, config) = match is_chain {
        true => ("Sequential", json!({ "name": "sequential", "trainable": true, "layers": layers })),
        false => {
            let name_of = |source: &Source| match source {
                Source::Input => image.as_str(),
                Source::Node(i) => names[*i].as_str(),
            };
            layers[0]["name"] = json!(image);
            layers[0]["inbound_nodes"] = json!([]);
            for (i, layer) in order.iter().zip(&mut layers[1..]) {
                let (node, name) = (&graph.nodes[*i], &names[*i]);
                let tensor = |source: &Source| {
                    let shape: Vec<Value> =
                        [Value::Null].into_iter().chain(graph.shape(*source).iter().map(|n| json!(n))).collect();
                    json!({
                        "class_name": "__keras_tensor__",
                        "config": { "shape": shape, "dtype": "float32", "keras_history": [name_of(source), 0, 0] },
                    })
                };
                let tensors: Vec<Value> = node.inputs.iter().map(tensor).collect();
                let args = match <[Value; 1]>::try_from(tensors) {
                    Ok(one) => json!(one),
                    Err(several) => json!([several]),
                };
                layer["name"] = json!(name);
                layer["inbound_nodes"] = json!([{ "args": args, "kwargs": {} }]);
            }
            let output = [json!(names[graph.output]), json!(0), json!(0)];
            let config = json!({
                "name": "functional",
                "trainable": true,
                "layers": layers,
                "input_layers": [[image, 0, 0]],
                "output_layers": [output],
            });
            ("Functional", config)
        }
    };
    let module = if is_chain { "keras" } else { "keras.src.models.functional" };
    let model = json!({
        "module": module,
        "class_name": class,
        "config": config,
        "registered_name": if is_chain { Value::Null } else { json!("Functional") },
        "build_config": { "input_shape": input },
    });
    serde_json::to_string(&model).map_err(|e| usage!("cannot write the model as JSON: {e}"))
}

/// A layer by Keras's names. The names of arguments here are Keras's.
fn layer(node: &Node, name: &str) -> Result<Value> {
    let unknown = |what: &str| usage!("Keras has no {what}; the model cannot be exported to it");
    if !is_known(&node.layer) {
        return Err(unknown(node.layer.as_layer().kind()));
    }
    let value = serde_json::to_value(&node.layer).map_err(|e| usage!("{e}"))?;
    let Value::Object(arguments) = value else { return Err(usage!("it has no arguments")) };
    if arguments.get("activation").is_some_and(|activation| *activation == json!(Activation::GeluTanh)) {
        return Err(unknown("name for the activation gelu_tanh, which is gelu with approximate=True"));
    }
    let own = [("name", json!(name)), ("trainable", json!(true)), ("dtype", json!("float32"))];
    let mut config: Map<String, Value> = own.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let class = arguments.get("type").cloned().unwrap_or_default();
    if class == "SpatialDropout2D" {
        // The one layer of Keras's that does not take it.
        config.shift_remove("trainable");
    }
    config.extend(arguments.into_iter().filter(|(key, _)| key != "type"));
    Ok(json!({ "module": "keras.layers", "class_name": class, "config": config, "registered_name": null }))
}

/// Whether Keras has such a layer, of the same name, with the same arguments.
fn is_known(layer: &AnyLayer) -> bool {
    // No wildcard: a new layer asks for an answer.
    match layer {
        AnyLayer::MinPooling2D(_) => false,
        AnyLayer::Conv2D(_)
        | AnyLayer::DepthwiseConv2D(_)
        | AnyLayer::SeparableConv2D(_)
        | AnyLayer::MaxPooling2D(_)
        | AnyLayer::AveragePooling2D(_)
        | AnyLayer::GlobalMaxPooling2D(_)
        | AnyLayer::GlobalAveragePooling2D(_)
        | AnyLayer::Flatten(_)
        | AnyLayer::Reshape(_)
        | AnyLayer::ZeroPadding2D(_)
        | AnyLayer::Dense(_)
        | AnyLayer::Activation(_)
        | AnyLayer::ReLU(_)
        | AnyLayer::LeakyReLU(_)
        | AnyLayer::PReLU(_)
        | AnyLayer::ELU(_)
        | AnyLayer::Softmax(_)
        | AnyLayer::BatchNormalization(_)
        | AnyLayer::LayerNormalization(_)
        | AnyLayer::Normalization(_)
        | AnyLayer::Rescaling(_)
        | AnyLayer::RandomFlip(_)
        | AnyLayer::RandomTranslation(_)
        | AnyLayer::RandomRotation(_)
        | AnyLayer::RandomZoom(_)
        | AnyLayer::RandomBrightness(_)
        | AnyLayer::RandomContrast(_)
        | AnyLayer::Dropout(_)
        | AnyLayer::SpatialDropout2D(_)
        | AnyLayer::Add(_)
        | AnyLayer::Subtract(_)
        | AnyLayer::Multiply(_)
        | AnyLayer::Average(_)
        | AnyLayer::Maximum(_)
        | AnyLayer::Concatenate(_) => true,
    }
}

/// Keras's names may not have a slash.
fn names(graph: &Graph) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(graph.nodes.len());
    let plain: HashSet<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
    for node in &graph.nodes {
        let mut name = node.name.replace('/', "_");
        while name != node.name && (plain.contains(name.as_str()) || names.contains(&name)) {
            name.push('_');
        }
        names.push(name);
    }
    names
}

fn free_name(name: &str, taken: &[String]) -> String {
    let mut name = name.to_owned();
    while taken.contains(&name) {
        name.push('_');
    }
    name
}

/// The variables as `model.save_weights("FILE.weights.h5")` writes them; `weights` as [`Graph::weights`] lays them out.
///
/// # Errors
/// If the file cannot be laid out.
pub fn to_weights_h5(graph: &Graph, weights: &[f32]) -> Result<Vec<u8>> {
    let layout = Layout::of_graph(graph);
    let values: HashMap<&str, &[f32]> =
        graph.weights().map(|(tensor, range)| (tensor.name.as_str(), &weights[range])).collect();
    let mut file = FileBuilder::new();
    let mut layers = file.create_group("layers");
    for (place, node) in layout.nodes(graph) {
        let name = place.group.rsplit('/').next().unwrap_or_default();
        let mut layer = layers.create_group(name);
        let mut variables = layer.create_group("vars");
        variables.set_attr("name", AttrValue::VarLenString(node.name.clone()));
        for (i, tensor) in graph.tensors(node).enumerate() {
            let values = values[tensor.name.as_str()];
            let shape: Vec<u64> = tensor.shape.iter().map(|n| *n as u64).collect();
            variables.create_dataset(&i.to_string()).with_f32_data(values).with_shape(&shape);
        }
        layer.add_group(variables.finish());
        layers.add_group(layer.finish());
    }
    file.add_group(layers.finish());
    file.finish().map_err(|e| Error::device(format!("cannot lay out the HDF5 file: {e}")))
}

/// The whole model as a `.keras` archive.
///
/// # Errors
/// As [`to_json`] and [`to_weights_h5`].
pub fn to_archive(graph: &Graph, weights: &[f32]) -> Result<Vec<u8>> {
    let metadata = json!({ "keras_version": KERAS_VERSION, "date_saved": "1980-01-01@00:00:00" }).to_string();
    let entries = [
        ("metadata.json", metadata.into_bytes()),
        ("config.json", to_json(graph)?.into_bytes()),
        ("model.weights.h5", to_weights_h5(graph, weights)?),
    ];
    let failed = |e: &dyn std::fmt::Display| Error::device(format!("cannot lay out the archive: {e}"));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(name, stored(content.len())).map_err(|e| failed(&e))?;
        zip.write_all(&content).map_err(|e| failed(&e))?;
    }
    Ok(zip.finish().map_err(|e| failed(&e))?.into_inner())
}
