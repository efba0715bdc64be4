//! Whole models against Keras: from the same weights and batches, the same probabilities, gradients and losses.
//!
//! Comparisons have the form `!(error <= bound)`, so that a NaN fails them.
#![allow(clippy::neg_cmp_op_on_partial_ord, reason = "a NaN must fail the comparison")]

use crate::support::{devices, devices_and_card, fashion_mnist, golden_images, numbers, shared};
use gpu_cnn::blocking::Trainer;
use gpu_cnn::data::Dataset;
use gpu_cnn::internals::graph::{load_weights, weights_of};
use gpu_cnn::{AnyLayer, Device, Event, Flow, Model, RunConfig, Sequential};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The layer that golden.json describes as `["Conv2D", {...}]`, with Keras's arguments.
fn layer(value: &Value) -> AnyLayer {
    let mut arguments = value[1].clone();
    arguments["type"] = value[0].clone();
    serde_json::from_value(arguments).unwrap()
}

/// Trains as the recorded Keras run did; returns a message for every value that differs by more than its tolerance.
fn differences(folder: &Path, data: &Dataset, device: &Device) -> Vec<String> {
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("golden.json")).unwrap()).unwrap();
    assert_eq!(golden["batch"], json!(32));
    let layers = golden["layers"].as_array().unwrap().iter().map(layer).collect();
    let model = Model::from(Sequential { input: [28, 28, 1], layers });
    let summary = model.summary().unwrap();
    assert_eq!(json!(summary.total_params), golden["params"]);
    let shapes: Vec<_> = summary.layers.iter().map(|l| json!(l.output_shape)).collect();
    assert_eq!(json!(shapes), golden["output_shapes"]);

    let path = folder.join("init.safetensors");
    let arena = weights_of(&load_weights(&path).unwrap(), &model.graph().unwrap(), &path).unwrap();
    let (single, double) = (numbers(&golden["loss"]), numbers(&golden["loss_f64"]));
    let steps_per_epoch = Some(single.len() as u32);
    let config = RunConfig { epochs: 1, shuffle: false, steps_per_epoch, ..RunConfig::default() };
    let mut trainer = Trainer::new(model, device, config).unwrap();
    trainer.set_weights(&arena).unwrap();
    let mut wrong = Vec::new();

    let rows = golden["probabilities_before"].as_array().unwrap();
    let probabilities = trainer.predict(&data.test.pixels[..rows.len() * 784]).unwrap();
    for (n, (row, expected)) in probabilities.iter().zip(rows).enumerate() {
        for (p, e) in row.iter().zip(numbers(expected)) {
            if !((f64::from(*p) - e).abs() <= 1e-5) {
                wrong.push(format!("probability before training, image {n}: {p} but {e}"));
            }
        }
    }

    let gradients = trainer.gradients(&data.train).unwrap();
    for tensor in &trainer.graph().parameters {
        let values = &gradients[tensor.offset..][..tensor.size()];
        let norm = values.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        let expected = golden["grad_norm_step_1"][&tensor.name].as_f64().unwrap();
        if !((norm - expected).abs() <= 1e-4 * expected) {
            wrong.push(format!("gradient norm of {}: {norm} but {expected}", tensor.name));
        }
    }

    let mut losses = Vec::new();
    trainer
        .fit_with(&data.train, &mut |_, event| {
            if let Event::Step { batch, .. } = event {
                losses.push(batch.loss);
            }
            Ok(Flow::Continue)
        })
        .unwrap();
    assert_eq!(losses.len(), 100);
    // Training amplifies rounding errors. The difference so far between Keras's own runs in single and double precision
    // bounds by how much.
    let mut spread = 0.0f64;
    for (i, ((loss, single), double)) in losses.iter().zip(&single).zip(&double).enumerate() {
        spread = spread.max((single - double).abs());
        let bound = (10.0 * spread).max(1e-4 * single);
        if !((loss - single).abs() <= bound) {
            wrong.push(format!(
                "loss of step {}: {loss} but {single}, {:.1e} over {bound:.1e}",
                i + 1,
                (loss - single).abs()
            ));
        }
    }
    let mean = |v: &[f64]| v[50..].iter().sum::<f64>() / 50.0;
    if !((mean(&losses) / mean(&single) - 1.0).abs() <= 0.03) {
        wrong.push(format!("mean of the last 50 losses: {} but {}", mean(&losses), mean(&single)));
    }
    wrong
}

/// Trains the networks of `folders` on each device; fails with what differs from Keras.
pub(crate) fn check(folders: &[PathBuf], data: &Dataset, devices: &[Device]) {
    let mut wrong = Vec::new();
    for folder in folders {
        for device in devices {
            let found = differences(folder, data, device);
            wrong.extend(
                found.into_iter().map(|text| format!("{}, {:?}: {text}", folder.display(), device.profile().name)),
            );
        }
    }
    assert!(wrong.is_empty(), "{} differences from Keras:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn losses_follow_keras_on_the_synthetic_images() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/golden");
    check(&["cnn_small", "dnn_small", "odd"].map(|name| golden.join(name)), &golden_images(), &devices_and_card());
}

#[test]
fn losses_follow_keras_on_fashion_mnist() {
    let (Some(golden), Some(data)) = (shared("golden"), fashion_mnist()) else { return };
    check(&["cnn", "dnn"].map(|name| golden.join(name)), &data, &devices());
}
