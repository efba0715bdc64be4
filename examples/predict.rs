//! Saves weights, loads them into another trainer and predicts. `cargo run --release --example predict`.
#![allow(clippy::print_stdout, missing_docs, reason = "a program for people")]

use gpu_cnn::blocking::Trainer;
use gpu_cnn::data::{CLASS_NAMES, synthetic};
use gpu_cnn::{Device, Error, Preset, RunConfig};

pub(crate) fn main() -> gpu_cnn::Result<()> {
    let data = synthetic::generate(0, [1600, 10]);
    let (model, device) = (Preset::Dnn.build([28, 28, 1], 10), Device::cpu(0));
    let mut trainer = Trainer::new(model.clone(), &device, RunConfig { epochs: 3, ..RunConfig::default() })?;
    trainer.fit(&data.train)?;
    let path = std::env::temp_dir().join(format!("gpu-cnn-example-{}.safetensors", std::process::id()));
    std::fs::write(&path, trainer.to_safetensors()?).map_err(|e| Error::output(&path, e))?;

    let mut other = Trainer::new(model, &device, RunConfig::default())?;
    other.load(&path)?;
    for (probabilities, label) in other.predict(&data.test.pixels)?.iter().zip(&data.test.labels) {
        let best = (0..10).max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b])).unwrap_or(0);
        let (guess, truth) = (CLASS_NAMES[best], CLASS_NAMES[usize::from(*label)]);
        println!("{guess:12} {:5.1} %   (it is: {truth})", 100.0 * probabilities[best]);
    }
    std::fs::remove_file(&path).map_err(|e| Error::output(&path, e))
}
