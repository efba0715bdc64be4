//! Images held out of training, by which each epoch is validated.

use crate::support::{devices, small_cnn};
use gpu_cnn::blocking::Trainer;
use gpu_cnn::data::{Split, synthetic};
use gpu_cnn::{Device, Event, Flow, RunConfig, Schedule};

/// 150 images: 4 batches of 32 and one of 7 to train on, 15 to validate.
fn images() -> Split {
    synthetic::generate(4, [150, 10]).train
}

fn part(split: &Split, range: std::ops::Range<usize>) -> Split {
    let bytes = split.image_len();
    Split {
        image: split.image,
        pixels: split.pixels[range.start * bytes..range.end * bytes].to_vec(),
        labels: split.labels[range].to_vec(),
    }
}

fn trainer(device: &Device, config: RunConfig) -> Trainer {
    Trainer::new(small_cnn(), device, RunConfig { epochs: 3, ..config }).unwrap()
}

#[test]
fn the_last_images_are_not_trained_on_and_validate_each_epoch() {
    let whole = images();
    let (first, last) = (part(&whole, 0..135), part(&whole, 135..150));
    for device in devices() {
        let name = device.info().adapter;
        let mut apart = trainer(&device, RunConfig::default());
        let mut scores = Vec::new();
        let history = apart.fit_with(&first, &mut |trainer, event| {
            if matches!(event, Event::Epoch { .. }) {
                scores.push(trainer.score(&last)?);
            }
            Ok(Flow::Continue)
        });
        let history = history.unwrap();
        assert!(history.validation.is_empty(), "{name}: nothing is held out by default");
        let share = RunConfig { validation_split: Some(0.1), ..RunConfig::default() };
        let number = RunConfig { validation: Some(15), ..RunConfig::default() };
        for config in [share, number] {
            let mut held_out = trainer(&device, config);
            let found = held_out.fit(&whole).unwrap();
            assert_eq!(found.epochs, history.epochs, "{name}: the training is that over the other images alone");
            assert_eq!(found.validation, scores, "{name}");
            assert_eq!(held_out.progress().images_seen, 3 * 135);
            assert!(
                held_out.to_safetensors().unwrap() == apart.to_safetensors().unwrap(),
                "{name}: the weights differ"
            );
        }
    }
}

#[test]
fn the_best_epoch_and_a_plateau_are_the_validations() {
    let data = images();
    let config = RunConfig {
        validation_split: Some(0.5),
        schedule: Schedule::Plateau,
        plateau_patience: Some(1),
        plateau_min_delta: Some(0.5),
        // So high that the loss of what is trained on and that of the rest part ways.
        learning_rate: 0.01,
        ..RunConfig::default()
    };
    let mut trainer = Trainer::new(small_cnn(), &Device::cpu(1), RunConfig { epochs: 12, ..config }).unwrap();
    let mut rates = Vec::new();
    let history = trainer.fit_with(&data, &mut |_, event| {
        if let Event::Epoch { learning_rate, .. } = event {
            rates.push(*learning_rate);
        }
        Ok(Flow::Continue)
    });
    let history = history.unwrap();
    let lowest = |losses: &[gpu_cnn::Score]| {
        let best = losses.iter().enumerate().min_by(|a, b| a.1.loss.total_cmp(&b.1.loss)).unwrap();
        (best.0 as u64 + 1, best.1.loss)
    };
    let (by_validation, by_training) = (lowest(&history.validation), lowest(&history.epochs));
    assert_ne!(by_validation.0, by_training.0, "both losses have their minimum in one epoch: the test tells nothing");
    let best = trainer.progress().best.unwrap();
    assert_eq!((best.epoch, best.loss), by_validation);
    // An epoch without an improvement by 0.5 lowers the rate of the next.
    let mut reference = f64::INFINITY;
    let mut rate: f64 = 0.01;
    for (score, found) in history.validation.iter().zip(&rates) {
        assert!((rate - found).abs() <= 1e-12 * rate, "{rate} {found} {rates:?} {:?}", history.validation);
        if score.loss < reference - 0.5 {
            reference = score.loss;
        } else {
            rate *= 0.1;
        }
    }
    assert!(rate < 0.01, "the rate never fell");
}

#[test]
fn a_split_that_leaves_nothing_is_refused_before_the_first_step() {
    let data = images();
    let config = RunConfig { validation: Some(150), ..RunConfig::default() };
    let error = trainer(&Device::cpu(1), config).fit(&data).unwrap_err().to_string();
    assert!(error.contains("validation is 150; of 150 training images none is left"), "{error}");
}
