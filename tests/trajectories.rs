//! Small models that together have every layer, activation and optimizer, against Keras: from the same weights and batches, the
//! same losses.
#![allow(clippy::neg_cmp_op_on_partial_ord, reason = "a NaN must fail the comparison")]

use crate::support::{devices, golden_images, keras_file, numbers};
use gpu_cnn::blocking::Trainer;
use gpu_cnn::data::{Dataset, Split};
use gpu_cnn::internals::graph::{ModelFile, load_weights, weights_of};
use gpu_cnn::{AnyLayer, Device, Event, Flow, Model, RunConfig};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Test images that Keras was given.
const TEST_IMAGES: usize = 512;

fn folders() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/golden/layers");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

fn golden(folder: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join("golden.json")).unwrap()).unwrap()
}

/// The losses of the recorded steps, and over the test images after them if that was recorded; and the loss over the steps' images after
/// the training.
fn losses(folder: &Path, golden: &Value, data: &Dataset, device: &Device) -> (Vec<f64>, f64) {
    let model = match golden["model"]["keras"].as_str() {
        Some(name) => ModelFile::read(&keras_file(name)).unwrap().build([28, 28, 1]).unwrap(),
        None => serde_json::from_value::<Model>(golden["model"].clone()).unwrap(),
    };
    let settings: RunConfig = serde_json::from_value(golden["settings"].clone()).unwrap();
    let given = golden["settings"].as_object().unwrap();
    let epochs = given.get("epochs").map_or(1, |epochs| epochs.as_u64().unwrap());
    let steps = golden["loss_f64"].as_array().unwrap().len() / epochs as usize;
    let config = RunConfig { epochs, shuffle: false, steps_per_epoch: Some(steps as u32), ..settings };
    let all = config.only_classes.as_ref().map_or_else(|| data.train.clone(), |classes| data.train.of_classes(classes));
    let (count, image_len) = (steps * config.batch_size as usize, all.image_len());
    let images = Split {
        pixels: all.pixels[..count * image_len].to_vec(),
        labels: all.labels[..count].to_vec(),
        image: all.image,
    };
    let path = folder.join("init.safetensors");
    let arena = weights_of(&load_weights(&path).unwrap(), &model.graph().unwrap(), &path).unwrap();
    let mut trainer = Trainer::new(model, device, config).unwrap();
    trainer.set_weights(&arena).unwrap();
    let mut losses = Vec::new();
    trainer
        .fit_with(&images, &mut |_, event| {
            if let Event::Step { batch, .. } = event {
                losses.push(batch.loss);
            }
            Ok(Flow::Continue)
        })
        .unwrap();
    if !golden["test_loss_f64"].is_null() {
        let Split { image, pixels, labels } = &data.test;
        let len = TEST_IMAGES * image.iter().product::<usize>();
        let test = Split { image: *image, pixels: pixels[..len].to_vec(), labels: labels[..TEST_IMAGES].to_vec() };
        losses.push(trainer.score(&test).unwrap().loss);
    }
    let evaluated = trainer.score(&images).unwrap().loss;
    (losses, evaluated)
}

/// A bound is five times the widest distance from float64 among Keras's float32 runs, and at least 3e-5.
#[test]
fn losses_are_those_of_keras_on_each_backend() {
    let data = golden_images();
    let mut failures = Vec::new();
    for folder in folders() {
        let golden = golden(&folder);
        let (mut expected, mut envelope) = (numbers(&golden["loss_f64"]), numbers(&golden["envelope"]));
        expected.extend(golden["test_loss_f64"].as_f64());
        envelope.extend(golden["test_envelope"].as_f64());
        for device in devices() {
            let (found, evaluated) = losses(&folder, &golden, &data, &device);
            assert_eq!(found.len(), expected.len());
            let errors = found.iter().zip(&expected).map(|(found, expected)| (found - expected).abs());
            if let Some(expected) = golden["evaluated"].as_f64()
                && !((evaluated - expected).abs() <= 1e-3)
            {
                let name = folder.file_name().unwrap().to_string_lossy();
                failures.push(format!("{name}, {}: {evaluated} evaluated, but {expected}", device.info().adapter));
            }
            // Written so that a NaN fails.
            let beyond = errors.zip(&envelope).position(|(error, width)| !(error <= (5.0 * width).max(3e-5)));
            if let Some(step) = beyond {
                let (name, device) = (folder.file_name().unwrap().to_string_lossy(), device.info().adapter);
                failures.push(format!("{name}, {device}, step {}: {} but {}", step + 1, found[step], expected[step]));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_trajectories_have_every_optimizer_and_every_layer_that_keras_has() {
    let goldens: Vec<Value> = folders().iter().map(|folder| golden(folder)).collect();
    let optimizers: BTreeSet<&str> = goldens.iter().map(|g| g["settings"]["optimizer"].as_str().unwrap()).collect();
    let names = BTreeSet::from(gpu_cnn::internals::layers::Optimizer::NAMES);
    assert_eq!(optimizers, names);
    let of = |key: &'static str| {
        let layers = goldens.iter().filter_map(|g| g["model"]["layers"].as_array()).flatten();
        layers.filter_map(move |layer| layer[key].as_str()).collect::<BTreeSet<&str>>()
    };
    let schedules: BTreeSet<&str> = goldens.iter().filter_map(|g| g["settings"]["schedule"].as_str()).collect();
    assert_eq!(schedules, BTreeSet::from(["cosine", "exponential", "plateau", "step"]));
    let given: BTreeSet<&String> = goldens.iter().flat_map(|g| g["settings"].as_object().unwrap().keys()).collect();
    for setting in [
        "accumulate",
        "class_weight",
        "clip_norm",
        "clip_value",
        "ema",
        "from_logits",
        "label_smoothing",
        "loss",
        "warmup",
    ] {
        assert!(given.contains(&setting.to_owned()), "{setting}");
    }
    let missing: Vec<&&str> = AnyLayer::KINDS.iter().filter(|kind| !of("type").contains(**kind)).collect();
    // One that Keras lacks, and those with draws of their own.
    assert_eq!(
        missing,
        [
            &"MinPooling2D",
            &"RandomFlip",
            &"RandomTranslation",
            &"RandomRotation",
            &"RandomZoom",
            &"RandomBrightness",
            &"RandomContrast",
            &"Dropout",
            &"SpatialDropout2D"
        ]
    );
    let missing: Vec<Value> = gpu_cnn::Activation::ALL
        .into_iter()
        .map(|a| json!(a))
        .filter(|a| !of("activation").contains(a.as_str().unwrap()))
        .collect();
    assert_eq!(missing, [json!("linear"), json!("gelu_tanh")], "which have no name of their own in Keras");
}
