//! A residual network: layers that name their inputs. `cargo run --release --example residual`.
#![allow(clippy::print_stdout, missing_docs, reason = "a program for people")]

use gpu_cnn::Activation::{Relu, Softmax};
use gpu_cnn::blocking::Trainer;
use gpu_cnn::data::synthetic;
use gpu_cnn::{ActivationLayer, Add, Conv2D, Dense, Device, Flatten, Functional, MaxPooling2D, Padding, RunConfig};

pub(crate) fn main() -> gpu_cnn::Result<()> {
    let data = synthetic::generate(0, [1600, 500]);
    let conv = || Conv2D::new(8, 3).padding(Padding::Same);
    let model = Functional::new([28, 28, 1])
        .add("stem", conv().activation(Relu), &["input"])
        .add("pool", MaxPooling2D::new(2), &["stem"])
        .add("a", conv().activation(Relu), &["pool"])
        .add("b", conv(), &["a"])
        .add("sum", Add {}, &["b", "pool"])
        .add("block", ActivationLayer::new(Relu), &["sum"])
        .add("flat", Flatten {}, &["block"])
        .add("classes", Dense::new(10).activation(Softmax), &["flat"]);

    let config = RunConfig { epochs: 2, learning_rate: 0.003, ..RunConfig::default() };
    let mut trainer = Trainer::new(model, &Device::cpu(0), config)?;
    for (epoch, score) in trainer.fit(&data.train)?.epochs.iter().enumerate() {
        println!("epoch {}: loss {:.4}, accuracy {:.4}", epoch + 1, score.loss, score.accuracy);
    }
    println!("test accuracy: {:.4}", trainer.evaluate(&data.test)?.score.accuracy);
    Ok(())
}
