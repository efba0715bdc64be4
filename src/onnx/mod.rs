//! A trained model as an ONNX file, and such a file read again.
//!
//! The file has one input, images as floats from 0 to 255, [N, height, width, channels], and one output, probabilities, [N, outputs]. For each
//! layer one node has its name. Convolutions and pools of ONNX take the channels first: a node turns the axes where a layer needs the other
//! order, and what comes after stays in that order as long as it can.

mod check;
mod functions;
mod joins;
mod message;
mod nodes;
mod norms;
#[cfg(test)]
mod planted;
mod windows;
mod writer;

pub use check::{Network, Precision};

use crate::error::{Result, usage};
use crate::graph::{Graph, Source};
use crate::layers::{Activation, Loss};
use prost::Message;
use std::ops::RangeInclusive;
use writer::{Layout, Name, Value, Writer};

/// The version of ONNX's operators that is written if no other is asked for.
pub const OPSET: i64 = 17;
/// The versions that can be written.
pub const OPSETS: RangeInclusive<i64> = 13..=21;
/// The version of the format, which the readers of [`OPSETS`] know.
const IR_VERSION: i64 = 8;
/// Bytes that a message may have.
const MAX_BYTES: usize = i32::MAX as usize;

/// The model as an ONNX file with the operators of version `opset`; `weights` as [`Graph::weights`] lays them out. The names of the
/// classes, if there are any, are in the metadata, as JSON under `class_names`. The same model always gives the same bytes.
///
/// # Errors
/// If `opset` is none of [`OPSETS`], or the file would have 2 GiB or more.
pub fn to_onnx(graph: &Graph, weights: &[f32], class_names: &[String], opset: i64) -> Result<Vec<u8>> {
    if !OPSETS.contains(&opset) {
        return Err(usage!("an opset of {opset}; it must be from {} to {}", OPSETS.start(), OPSETS.end()));
    }
    let mut writer = Writer::new(graph, weights, opset);
    let images = writer.free_name("images");
    writer.begin(&images);
    let mut pixels = images.clone();
    if graph.largest_pixel() == 1.0 {
        let divisor = writer.scalar("largest", 255.0);
        pixels = writer.node(Name::Part("scaled"), "Div", &[&images, &divisor], vec![]);
    }
    writer.finish(Value::new(&graph.input, Layout::ChannelsLast, pixels));
    for node in &graph.nodes {
        let value = writer.append(node).map_err(|e| usage!("layer `{}`: {e}", node.name))?;
        writer.finish(value);
    }
    // As predictions: a model that ends in logits gives probabilities, too.
    let mut last = writer.tensor(Source::Node(graph.output), Layout::ChannelsLast);
    if let (loss, true) = graph.loss_of_end() {
        let activation = match loss {
            Loss::SparseCategoricalCrossentropy => Activation::Softmax,
            Loss::BinaryCrossentropy => Activation::Sigmoid,
        };
        last = writer.activation(last, activation, Layout::ChannelsLast.channels(), Name::Part("probabilities"));
    }
    let output = writer.free_name("probabilities");
    for written in writer.nodes.iter_mut().flat_map(|node| &mut node.output).filter(|name| **name == last) {
        written.clone_from(&output);
    }
    let pixels = "pixels as floats from 0 to 255, [N, height, width, channels]";
    let probabilities = match graph.outputs() {
        1 => "the probability of class 1, [N, 1]",
        _ => "the probability of each class, [N, classes]",
    };
    let graph = message::Graph {
        node: writer.nodes,
        name: Some("gpu-cnn".to_owned()),
        initializer: writer.constants,
        input: vec![message::ValueInfo::batch(&images, &graph.input, pixels)],
        output: vec![message::ValueInfo::batch(&output, &[graph.outputs()], probabilities)],
    };
    let model = message::Model {
        ir_version: Some(IR_VERSION),
        producer_name: Some("gpu-cnn".to_owned()),
        producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        graph: Some(graph),
        opset_import: vec![message::OperatorSet { domain: Some(String::new()), version: Some(opset) }],
        metadata_props: metadata(class_names)?,
    };
    match model.encoded_len() {
        len if len > MAX_BYTES => Err(usage!("an ONNX file of {len} bytes; it can have at most {MAX_BYTES}")),
        _ => Ok(model.encode_to_vec()),
    }
}

/// The names of the classes, if they are known.
fn metadata(class_names: &[String]) -> Result<Vec<message::Entry>> {
    if class_names.is_empty() {
        return Ok(Vec::new());
    }
    let names = serde_json::to_string(class_names).map_err(|e| usage!("cannot write the names of the classes: {e}"))?;
    Ok(vec![message::Entry { key: Some("class_names".to_owned()), value: Some(names) }])
}
