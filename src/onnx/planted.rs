//! Faults that are planted in a file: each is found by what the file then predicts, or when it is read.

use super::message::{Attribute, FLOAT, INT, INTS, Model, Tensor};
use super::{Network, Precision, to_onnx};
use crate::graph::{Functional, Graph, Model as Description};
use crate::layers::Activation::{Elu, HardSigmoid, LeakyRelu, Relu, Selu, Softmax};
use crate::layers::Padding::Same;
use crate::layers::{
    AveragePooling2D, BatchNormalization, Concatenate, Conv2D, Dense, DepthwiseConv2D, Flatten, LayerNormalization,
    MaxPooling2D, PReLU, ReLU, Reshape, ZeroPadding2D,
};
use prost::Message;

/// A graph in which no attribute and no constant is without effect.
fn graph() -> Graph {
    let model = Functional::new([9, 8, 2])
        .add("conv", Conv2D::new(4, [3, 2]).strides([2, 1]).padding(Same).activation(Selu), &["input"])
        .add("max", MaxPooling2D::new([2, 3]).strides([1, 2]).padding(Same), &["conv"])
        .add("norm", BatchNormalization { epsilon: 0.05, ..BatchNormalization::new() }, &["max"])
        .add("depthwise", DepthwiseConv2D::new(2).dilation_rate([2, 1]).activation(Elu), &["norm"])
        .add("grouped", Conv2D::new(4, 2).groups(2).padding(Same).activation(LeakyRelu), &["depthwise"])
        .add("padded", ZeroPadding2D::new([[1, 0], [0, 2]]), &["grouped"])
        .add("mean", AveragePooling2D::new([2, 3]).strides([2, 1]).padding(Same), &["padded"])
        .add("slopes", PReLU::new(), &["mean"])
        .add("layer", LayerNormalization { epsilon: 0.05, ..LayerNormalization::new() }, &["slopes"])
        .add("relu", ReLU { max_value: Some(0.6), negative_slope: 0.3, threshold: 0.2 }, &["layer"])
        .add("hard", Conv2D::new(3, 2).padding(Same).activation(HardSigmoid), &["relu"])
        .add("joined", Concatenate::new(), &["hard", "relu"])
        .add("turned", Reshape::new([7, -1, 2]), &["joined"])
        .add("soft", Conv2D::new(3, 2).activation(Softmax), &["turned"])
        .add("flat", Flatten {}, &["soft"])
        .add("units", Dense::new(8).activation(Relu), &["flat"])
        .add("end", Dense::new(4).activation(Softmax), &["units"]);
    Description::from(model).graph().expect("the layers fit")
}

/// Weights of both signs that are not near zero; variances are positive.
fn weights(graph: &Graph) -> Vec<f32> {
    let mut weights = vec![0.0; graph.weights_len()];
    for (tensor, range) in graph.weights() {
        for i in range {
            let hash = (i as u32 + 1).wrapping_mul(2_654_435_761) >> 8;
            let size = 0.15 + (hash % 1000) as f32 / 1600.0;
            let is_negative = hash / 1000 % 2 == 1 && !tensor.name.ends_with("variance");
            weights[i] = if is_negative { -size } else { size };
        }
    }
    weights
}

/// What the file predicts of some images, if it can be read.
fn predictions(model: &Model, pixels: &[u8]) -> Option<Vec<f64>> {
    let network = Network::parse(&model.encode_to_vec()).ok()?;
    Some(network.predict(pixels, Precision::Double).ok()?.concat())
}

/// What can be wrong with an attribute.
fn wrong(attribute: &Attribute) -> Vec<Attribute> {
    let mut all = Vec::new();
    match attribute.r#type {
        Some(FLOAT) => all.push(Attribute { f: attribute.f.map(|f| f * 1.5 + 0.01), ..attribute.clone() }),
        Some(INT) => all.extend([-1, 1].map(|by| Attribute { i: attribute.i.map(|i| i + by), ..attribute.clone() })),
        Some(INTS) => {
            for i in 0..attribute.ints.len() {
                let mut ints = attribute.ints.clone();
                // As far as the longest stride: one pixel more of padding may make no window more.
                ints[i] += if attribute.name.as_deref() == Some("pads") { 2 } else { 1 };
                all.push(Attribute { ints, ..attribute.clone() });
            }
        }
        _ => {}
    }
    all.push(Attribute { r#type: None, ..attribute.clone() });
    all.push(Attribute { name: Some("other".into()), ..attribute.clone() });
    all
}

#[test]
fn every_fault_of_a_file_is_found() {
    let graph = graph();
    let weights = weights(&graph);
    let bytes = to_onnx(&graph, &weights, &[], 17).expect("a file");
    let model = Model::decode(&bytes[..]).expect("its messages");
    assert_eq!(model.encode_to_vec(), bytes);
    let pixels: Vec<u8> = (0..4 * 9 * 8 * 2usize).map(|i| (i * i * 31 % 251) as u8).collect();
    let expected = predictions(&model, &pixels).expect("it is read");
    let (mut tried, mut hidden) = (0, Vec::new());
    let mut try_fault = |what: String, plant: &dyn Fn(&mut super::message::Graph)| {
        let mut model = model.clone();
        let graph = model.graph.as_mut().expect("a graph");
        plant(graph);
        tried += 1;
        let found = predictions(&model, &pixels);
        // A NaN differs.
        let is_same = |found: &Vec<f64>| found.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 1e-5);
        if found.as_ref().is_some_and(is_same) {
            hidden.push(what);
        }
    };
    let file = model.graph.as_ref().expect("a graph");
    for (i, node) in file.node.iter().enumerate() {
        let name = node.name.as_deref().unwrap_or_default();
        for (j, attribute) in node.attribute.iter().enumerate() {
            for (k, other) in wrong(attribute).into_iter().enumerate() {
                let what = format!("{name}: {:?} {k}", attribute.name);
                try_fault(what, &|graph| graph.node[i].attribute[j] = other.clone());
            }
            try_fault(format!("{name} without {:?}", attribute.name), &|graph| {
                graph.node[i].attribute.remove(j);
            });
        }
        for j in 0..node.input.len() {
            try_fault(format!("{name}: input {j} of another name"), &|graph| graph.node[i].input[j] = "none".into());
            try_fault(format!("{name} without input {j}"), &|graph| {
                graph.node[i].input.remove(j);
            });
        }
        try_fault(format!("no {name}"), &|graph| {
            graph.node.remove(i);
        });
        try_fault(format!("{name} twice"), &|graph| graph.node.push(graph.node[i].clone()));
        for op in ["Identity", "Neg", "Relu", "Sigmoid", "Add", "Max"] {
            if node.op_type.as_deref() != Some(op) {
                try_fault(format!("{name} as {op}"), &|graph| {
                    graph.node[i].op_type = Some(op.into());
                    graph.node[i].attribute.clear();
                });
            }
        }
    }
    for (i, constant) in file.initializer.iter().enumerate() {
        let name = constant.name.as_deref().unwrap_or_default();
        let edit = |edit: &dyn Fn(&mut Vec<u8>)| {
            let mut raw = constant.raw_data.clone().unwrap_or_default();
            edit(&mut raw);
            Tensor { raw_data: Some(raw), ..constant.clone() }
        };
        let width = if constant.data_type == Some(super::message::F32) { 4 } else { 8 };
        let len = constant.raw_data.as_ref().map_or(0, Vec::len);
        let cut = edit(&|raw| raw.truncate(len - 1));
        try_fault(format!("{name} is cut"), &|graph| graph.initializer[i] = cut.clone());
        // The first half after the second, as a tensor in another order.
        if len > width {
            let turned = edit(&|raw| raw.rotate_left((len / width / 2).max(1) * width));
            try_fault(format!("{name} in another order"), &|graph| graph.initializer[i] = turned.clone());
        }
        let negative = edit(&|raw| {
            (0..len / width).for_each(|n| raw[n * width + width - 1] ^= 0x80);
        });
        try_fault(format!("{name} times -1"), &|graph| graph.initializer[i] = negative.clone());
        let dims = [&[1], &constant.dims[..]].concat();
        if width == 8 {
            try_fault(format!("{name} of more axes"), &|graph| graph.initializer[i].dims.clone_from(&dims));
        }
    }
    assert!(tried > 500, "{tried} faults");
    assert!(hidden.is_empty(), "of {tried} faults {} are not found: {hidden:#?}", hidden.len());
}
