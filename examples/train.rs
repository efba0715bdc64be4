//! Trains a small CNN over generated images, on the best GPU or else the CPU: `cargo run --release --example train`.
#![allow(clippy::print_stdout, missing_docs, reason = "a program for people")]

use gpu_cnn::Activation::{Relu, Softmax};
use gpu_cnn::blocking::{Trainer, find_device};
use gpu_cnn::data::synthetic;
use gpu_cnn::{Conv2D, Dense, DeviceRequest, Event, Flatten, Flow, MaxPooling2D, RunConfig, Sequential};

pub(crate) fn main() -> gpu_cnn::Result<()> {
    let data = synthetic::generate(0, [3200, 500]);
    let model = Sequential::new([28, 28, 1])
        .add(Conv2D::new(8, 3).activation(Relu))
        .add(MaxPooling2D::new(2))
        .add(Flatten {})
        .add(Dense::new(10).activation(Softmax));

    let device = find_device(&DeviceRequest::default())?.device;
    let config = RunConfig { epochs: 3, learning_rate: 0.003, ..RunConfig::default() };
    let mut trainer = Trainer::new(model, &device, config)?;
    trainer.fit_with(&data.train, &mut |_, event| {
        if let Event::Epoch { epoch, score, .. } = event {
            println!("epoch {epoch}: loss {:.4}, accuracy {:.4}", score.loss, score.accuracy);
        }
        Ok(Flow::Continue)
    })?;
    let test = trainer.evaluate(&data.test)?;
    println!("test: loss {:.4}, accuracy {:.4} on {}", test.score.loss, test.score.accuracy, trainer.device().adapter);
    Ok(())
}
