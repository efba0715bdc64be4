//! Models as ONNX files: what the program's own reader finds in them, and what onnxruntime predicts by them.

mod models;
mod runtime;

use gpu_cnn::blocking::Trainer;
use gpu_cnn::internals::graph::Graph;
use gpu_cnn::internals::layers::Init;
use gpu_cnn::internals::onnx::{Network, OPSETS, Precision, to_onnx};
use gpu_cnn::internals::rng::{Purpose, Rng};
use gpu_cnn::{Activation, AnyLayer, Device, Loss, Model, RunConfig};
use models::models;

/// A model with weights, images and what it predicts of them.
struct Example {
    name: String,
    graph: Graph,
    weights: Vec<f32>,
    pixels: Vec<u8>,
    predictions: Vec<Vec<f32>>,
}

impl Example {
    /// The model with random weights, over `count` images.
    fn new(name: &str, model: &Model, count: usize) -> Self {
        let graph = model.graph().unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut rng = Rng::new(3, Purpose::TestImage, graph.weights_len() as u64);
        let mut weights = graph.initial_weights(1);
        for (tensor, range) in graph.weights() {
            // What Keras starts with zero or one tells little apart.
            let [min, max] = match tensor.init {
                _ if tensor.name.ends_with(".mean") => [100.0, 150.0],
                _ if tensor.name.ends_with(".variance") => [3000.0, 6000.0],
                Init::GlorotUniform { .. } => continue,
                Init::Zeros => [-0.3, 0.3],
                Init::Ones => [0.5, 1.5],
            };
            weights[range].fill_with(|| rng.range(min, max));
        }
        // Bright and dark images.
        let pixels = (0..count).flat_map(|_| {
            let (dark, bright) = (rng.below(128), rng.below(128) + 128);
            (0..graph.input.iter().product()).map(|_| (dark + rng.below(bright - dark)) as u8).collect::<Vec<_>>()
        });
        let pixels: Vec<u8> = pixels.collect();
        let (loss, from_logits) = end(&graph);
        let config = RunConfig { loss, from_logits, batch_size: 20, ..RunConfig::default() };
        let mut trainer =
            Trainer::new(model.clone(), &Device::cpu(2), config).unwrap_or_else(|e| panic!("{name}: {e}"));
        trainer.set_weights(&weights).unwrap();
        let predictions = trainer.predict(&pixels).unwrap();
        Self { name: name.to_owned(), graph, weights, pixels, predictions }
    }

    fn onnx(&self, opset: i64) -> Vec<u8> {
        to_onnx(&self.graph, &self.weights, &[], opset).unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }

    /// The largest difference between what the file predicts and what the model does.
    fn difference(&self, bytes: &[u8], precision: Precision) -> f64 {
        let network = Network::parse(bytes).unwrap_or_else(|e| panic!("{}: {e}", self.name));
        let found = network.predict(&self.pixels, precision).unwrap_or_else(|e| panic!("{}: {e}", self.name));
        assert_eq!(found.len(), self.predictions.len());
        let pairs = found.iter().flatten().zip(self.predictions.iter().flatten());
        pairs.map(|(a, b)| (a - f64::from(*b)).abs()).fold(0.0, |max, d| if d <= max { max } else { d })
    }
}

/// The loss that the last layer takes, and whether it gives logits.
fn end(graph: &Graph) -> (Loss, bool) {
    let activation = match &graph.nodes[graph.output].layer {
        AnyLayer::Dense(dense) => dense.activation,
        AnyLayer::Activation(layer) => layer.activation,
        AnyLayer::Softmax(_) => Activation::Softmax,
        _ => Activation::Linear,
    };
    let loss = if graph.outputs() == 1 { Loss::BinaryCrossentropy } else { Loss::SparseCategoricalCrossentropy };
    (loss, !matches!(activation, Activation::Softmax | Activation::Sigmoid))
}

#[test]
fn a_file_predicts_what_the_model_does_with_every_version_of_the_operators() {
    for (name, model) in models() {
        let example = Example::new(name, &model, 5);
        for opset in OPSETS {
            let bytes = example.onnx(opset);
            assert_eq!(bytes, example.onnx(opset), "{name}: other bytes the second time");
            let difference = example.difference(&bytes, Precision::Double);
            assert!(difference < 2e-6, "{name}, opset {opset}: {difference:e}");
        }
        let single = example.difference(&example.onnx(17), Precision::Single);
        assert!(single < 2e-6, "{name}: {single:e}");
    }
}

#[test]
fn random_models_predict_the_same_from_their_files() {
    for (name, model) in crate::random::models(120) {
        let example = Example::new(&name, &model, 4);
        let difference = example.difference(&example.onnx(17), Precision::Double);
        assert!(difference < 5e-6, "{name}: {difference:e}\n{}", serde_json::to_string(&model).unwrap());
    }
}

#[test]
fn every_layer_and_activation_is_in_a_model() {
    let layers: Vec<AnyLayer> =
        models().into_iter().flat_map(|(_, model)| model.graph().unwrap().nodes).map(|node| node.layer).collect();
    let written: Vec<serde_json::Value> = layers.iter().map(|layer| serde_json::to_value(layer).unwrap()).collect();
    for kind in AnyLayer::KINDS {
        assert!(written.iter().any(|layer| layer["type"] == *kind), "no {kind}");
    }
    for activation in Activation::ALL {
        let name = serde_json::to_value(activation).unwrap();
        let of = |kind: &str| written.iter().any(|layer| layer["type"] == kind && layer["activation"] == name);
        assert!(of("Activation") && (of("Conv2D") || of("Dense")), "no {name}");
    }
}

#[test]
fn one_node_of_each_layer_has_its_name() {
    for (name, model) in models() {
        let example = Example::new(name, &model, 1);
        for opset in [13, 17] {
            let network = Network::parse(&example.onnx(opset)).unwrap();
            for node in &example.graph.nodes {
                let count = network.nodes().filter(|found| *found == node.name).count();
                assert_eq!(count, 1, "{name}: {} in {:?}", node.name, network.nodes().collect::<Vec<_>>());
            }
        }
    }
}

#[test]
fn what_cannot_be_written_or_read_is_said() {
    let (name, model) = models().swap_remove(0);
    let example = Example::new(name, &model, 2);
    for opset in [12, 22, -1, i64::MAX] {
        let error = to_onnx(&example.graph, &example.weights, &[], opset).expect_err("no such opset").to_string();
        assert_eq!(error, format!("an opset of {opset}; it must be from 13 to 21"));
    }
    let names = ["T-shirt/top \"new\"", "größe", ""].map(String::from);
    let bytes = to_onnx(&example.graph, &example.weights, &names, 17).unwrap();
    let network = Network::parse(&bytes).unwrap();
    assert_eq!((network.class_names.as_slice(), network.opset), (&names[..], 17));
    assert!(network.predict(&example.pixels[1..], Precision::Single).is_err());
    // A damaged file is refused, or it is read as something else; it never panics.
    let mut read = 0;
    for at in (0..bytes.len()).step_by(bytes.len() / 400) {
        // What ends between two of the last fields is a whole file.
        let found = Network::parse(&bytes[..at]).map(|network| network.class_names);
        let is_part = found.is_ok_and(|found| !found.is_empty() && found != names);
        assert!(!is_part, "the first {at} bytes");
        for bit in [1, 16, 128] {
            let mut damaged = bytes.clone();
            damaged[at] ^= bit;
            if let Ok(network) = Network::parse(&damaged) {
                read += usize::from(network.predict(&example.pixels, Precision::Single).is_ok());
            }
        }
    }
    assert!(read > 100, "{read}");
}
