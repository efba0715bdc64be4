//! What goes with updates: gradients of several batches, averages of the parameters, plateaus, and losses of two classes.

use crate::support::{devices, distance};
use gpu_cnn::blocking::Trainer;
use gpu_cnn::data::{Split, synthetic};
use gpu_cnn::{
    Activation, ClassWeights, Dense, Device, Dropout, Event, Flatten, Flow, Loss, Optimizer, RunConfig, Schedule,
    Sequential,
};

fn model() -> Sequential {
    Sequential::new([28, 28, 1])
        .add(Flatten {})
        .add(Dense::new(12).activation(Activation::Relu))
        .add(Dense::new(10).activation(Activation::Softmax))
}

/// The trainer after its epochs, with the losses and learning rates of its steps.
fn trained(model: Sequential, device: &Device, config: RunConfig, data: &Split) -> (Trainer, Vec<f64>, Vec<f64>) {
    let mut trainer = Trainer::new(model, device, config).unwrap();
    let (mut losses, mut rates) = (Vec::new(), Vec::new());
    trainer
        .fit_with(data, &mut |_, event| {
            if let Event::Step { batch, learning_rate, .. } = event {
                losses.push(batch.loss);
                rates.push(*learning_rate);
            }
            Ok(Flow::Continue)
        })
        .unwrap();
    (trainer, losses, rates)
}

fn floats(values: Vec<f32>) -> impl Iterator<Item = f64> {
    values.into_iter().map(f64::from)
}

/// 230 images: batches of 10 in groups of four make an epoch of five whole groups and one of three batches; batches of 8 in groups of
/// five end in a group of four, the last batch short.
#[test]
fn batches_that_share_an_update_are_as_one_large_batch() {
    let data = synthetic::generate(5, [230, 10]).train;
    for device in devices() {
        for (batch_size, accumulate, updates) in [(10, 4, 6), (8, 5, 6), (230, 2, 1), (1, 100, 3)] {
            let config = RunConfig {
                epochs: 2,
                optimizer: Optimizer::Sgd {},
                momentum: 0.9,
                learning_rate: 0.05,
                schedule: Schedule::Cosine,
                warmup: 2,
                clip_norm: Some(1.0),
                ..RunConfig::default()
            };
            let whole = RunConfig { batch_size: batch_size * accumulate, ..config.clone() };
            let parts = RunConfig { batch_size, accumulate, ..config };
            let (mut expected, large, large_rates) = trained(model(), &device, whole, &data);
            let (mut found, losses, rates) = trained(model(), &device, parts, &data);
            let case = format!("{}, {accumulate} of {batch_size}", device.profile().name);
            assert_eq!(found.progress().updates, 2 * updates, "{case}");
            assert_eq!(expected.progress().updates, 2 * updates, "{case}");
            assert_eq!(found.progress().images_seen, 460, "{case}");
            let error = distance(floats(found.weights().unwrap()), floats(expected.weights().unwrap()));
            assert!(error < 2e-6, "{case}: {error}");
            // The losses of a group have the mean that the large batch has; each counts by its images.
            let per_epoch = losses.len() / 2;
            let images = |i: usize| batch_size.min(230 - i as u32 * batch_size) as f64;
            let (mut sum, mut count) = (0.0, 0.0);
            (0..(accumulate as usize).min(per_epoch)).for_each(|i| {
                sum += losses[i] * images(i);
                count += images(i);
            });
            assert!((sum / count - large[0]).abs() < 1e-5, "{case}: {} {}", sum / count, large[0]);
            let of_groups: Vec<f64> =
                rates.chunks(per_epoch).flat_map(|epoch| epoch.iter().copied().step_by(accumulate as usize)).collect();
            assert_eq!(of_groups, large_rates, "{case}");
        }
    }
}

#[test]
fn each_batch_of_a_group_draws_its_own_dropout() {
    let data = synthetic::generate(5, [64, 10]).train;
    // One image over and over: without draws of its own each batch would have the same loss.
    let one = Split { pixels: data.pixels_of(0).repeat(64), labels: vec![data.labels[0]; 64], image: data.image };
    let model = Sequential::new([28, 28, 1])
        .add(Flatten {})
        .add(Dropout::new(0.5))
        .add(Dense::new(10).activation(Activation::Softmax));
    let config = RunConfig { epochs: 1, batch_size: 8, accumulate: 8, shuffle: false, ..RunConfig::default() };
    let (trainer, losses, _) = trained(model, &Device::cpu(1), config, &one);
    assert_eq!(trainer.progress().updates, 1);
    assert!(losses.iter().enumerate().all(|(i, loss)| !losses[..i].contains(loss)), "{losses:?}");
}

#[test]
fn evaluation_and_files_take_the_average_and_training_goes_on_with_the_parameters() {
    let data = synthetic::generate(6, [320, 100]);
    for device in devices() {
        let config = |ema, epochs| RunConfig { ema, epochs, ..RunConfig::default() };
        let (mut plain, ..) = trained(model(), &device, config(None, 2), &data.train);
        let (mut averaged, ..) = trained(model(), &device, config(Some(0.9), 2), &data.train);
        // The average changes nothing in training.
        assert_eq!(plain.weights().unwrap(), averaged.weights().unwrap());
        let average = averaged.inference_weights().unwrap();
        assert_ne!(average, averaged.weights().unwrap());
        assert_eq!(plain.inference_weights().unwrap(), plain.weights().unwrap());
        // Gradients leave both as they are.
        averaged.gradients(&data.train).unwrap();
        assert_eq!(averaged.inference_weights().unwrap(), average);
        // A trainer that has the average as its parameters evaluates and predicts the same.
        let mut other = Trainer::new(model(), &device, config(None, 1)).unwrap();
        other.set_weights(&average).unwrap();
        assert_eq!(averaged.evaluate(&data.test).unwrap(), other.evaluate(&data.test).unwrap());
        assert_eq!(averaged.score(&data.test).unwrap(), other.score(&data.test).unwrap());
        assert_ne!(averaged.score(&data.test).unwrap(), plain.score(&data.test).unwrap());
        let image = data.test.pixels_of(3);
        assert_eq!(averaged.predict(image).unwrap(), other.predict(image).unwrap());
        assert_eq!(averaged.to_safetensors().unwrap(), other.to_safetensors().unwrap());
        let labels: Vec<String> = averaged.persistent().unwrap().into_iter().map(|(label, _)| label).collect();
        assert_eq!(labels, ["parameters", "adam m", "adam v", "average of parameters"]);
        // Before any update both are the weights that were set; a decay of 0 keeps the last.
        let mut fresh = Trainer::new(model(), &device, config(Some(0.9), 1)).unwrap();
        assert_eq!(fresh.inference_weights().unwrap(), fresh.weights().unwrap());
        let (mut last, ..) = trained(model(), &device, config(Some(0.0), 1), &data.train);
        assert_eq!(last.inference_weights().unwrap(), last.weights().unwrap());
    }
}

/// Keras's schedules count on; one whose end is the end of the run would leave a rate of 0.
#[test]
fn schedules_that_end_with_the_run_begin_anew_with_the_next() {
    let data = synthetic::generate(2, [160, 10]).train;
    for schedule in [Schedule::Cosine, Schedule::Triangular, Schedule::Exponential, Schedule::Constant] {
        let config = RunConfig { epochs: 2, schedule, warmup: 3, ..RunConfig::default() };
        let (mut trainer, _, first) = trained(model(), &Device::cpu(1), config, &data);
        let mut second = Vec::new();
        let each = &mut |_: &mut Trainer, event: &Event| {
            if let Event::Step { learning_rate, .. } = event {
                second.push(*learning_rate);
            }
            Ok(Flow::Continue)
        };
        trainer.fit_with(&data, each).unwrap();
        assert_eq!((first.len(), trainer.progress().updates), (10, 20));
        match schedule {
            Schedule::Cosine | Schedule::Triangular => assert_eq!(first, second, "{}", schedule.name()),
            Schedule::Exponential => assert!(second[0] < first[9] && second[9] < second[0], "{first:?} {second:?}"),
            _ => assert_eq!(second, [1e-3; 10]),
        }
    }
}

#[test]
fn a_plateau_reduces_the_rate_for_the_epochs_that_follow() {
    let data = synthetic::generate(7, [64, 10]).train;
    // No loss falls by as much as 100.
    let config = RunConfig {
        epochs: 5,
        schedule: Schedule::Plateau,
        learning_rate: 0.1,
        warmup: 2,
        plateau_factor: Some(0.5),
        plateau_patience: Some(2),
        plateau_min_delta: Some(100.0),
        ..RunConfig::default()
    };
    let mut trainer = Trainer::new(model(), &Device::cpu(1), config).unwrap();
    let (mut steps, mut epochs) = (Vec::new(), Vec::new());
    trainer
        .fit_with(&data, &mut |_, event| {
            match event {
                Event::Step { learning_rate, .. } => steps.push(*learning_rate),
                Event::Epoch { learning_rate, .. } => epochs.push(*learning_rate),
            }
            Ok(Flow::Continue)
        })
        .unwrap();
    assert_eq!(steps, [0.0, 0.05, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05]);
    assert_eq!(epochs, [0.05, 0.1, 0.1, 0.05, 0.05]);
    assert_eq!(trainer.progress().plateau.rate, Some(0.025));
}

#[test]
fn two_classes_train_by_one_sigmoid() {
    let data = synthetic::generate(8, [1600, 400]).of_classes(&[1, 8]).unwrap();
    assert_eq!(data.class_names, ["Trouser", "Bag"]);
    for device in devices() {
        let model = Sequential::new([28, 28, 1])
            .add(Flatten {})
            .add(Dense::new(16).activation(Activation::Relu))
            .add(Dense::new(1).activation(Activation::Sigmoid));
        let config = RunConfig { loss: Loss::BinaryCrossentropy, epochs: 3, ..RunConfig::default() };
        let (mut trainer, ..) = trained(model, &device, config, &data.train);
        let evaluation = trainer.evaluate(&data.test).unwrap();
        assert!(evaluation.score.accuracy > 0.9, "{}: {:?}", device.profile().name, evaluation.score);
        assert_eq!(evaluation.score.accuracy, trainer.score(&data.test).unwrap().accuracy);
        assert_eq!(evaluation.classes.len(), 2);
        let probabilities = trainer.predict(&data.test.pixels).unwrap();
        let correct = probabilities
            .iter()
            .zip(&data.test.labels)
            .filter(|(p, label)| usize::from(p[0] > 0.5) == usize::from(**label));
        assert_eq!(correct.count() as f64 / data.test.len() as f64, evaluation.score.accuracy);
        let mean_loss = probabilities.iter().zip(&data.test.labels).map(|(p, label)| {
            let p = f64::from(p[0]);
            -(if *label == 1 { p } else { 1.0 - p }).ln()
        });
        assert!((mean_loss.sum::<f64>() / data.test.len() as f64 - evaluation.score.loss).abs() < 1e-5);
    }
}

#[test]
fn weights_of_classes_count_in_training_alone() {
    let data = synthetic::generate(9, [96, 10]).train;
    let class_weight = Some(ClassWeights::new((0..10).map(|class| (class, 3.0))));
    let config = RunConfig { optimizer: Optimizer::Sgd {}, epochs: 1, shuffle: false, ..RunConfig::default() };
    let start = |config: RunConfig| Trainer::new(model(), &Device::cpu(1), config).unwrap();
    let weighted = RunConfig { class_weight, ..config.clone() };
    assert_eq!(start(config.clone()).score(&data).unwrap(), start(weighted.clone()).score(&data).unwrap());
    let (mut a, losses, _) = trained(model(), &Device::cpu(1), RunConfig { learning_rate: 3e-3, ..config }, &data);
    let (mut b, threefold, _) = trained(model(), &Device::cpu(1), weighted, &data);
    assert!(
        losses.iter().zip(&threefold).all(|(loss, three)| (3.0 * loss - three).abs() < 1e-4),
        "{losses:?} {threefold:?}"
    );
    assert!(distance(floats(a.weights().unwrap()), floats(b.weights().unwrap())) < 1e-6);
}

/// One update of all images: a class without weight is as if its images were not there, but for the number that the sum is divided by.
#[test]
fn each_class_counts_by_its_own_weight() {
    let data = synthetic::generate(9, [96, 10]).train;
    let mut others = Split { pixels: Vec::new(), labels: Vec::new(), ..data.clone() };
    for i in (0..data.len()).filter(|i| data.labels[*i] != 3) {
        others.pixels.extend_from_slice(data.pixels_of(i));
        others.labels.push(data.labels[i]);
    }
    let share = others.len() as f64 / data.len() as f64;
    assert!((0.5..0.99).contains(&share));
    for device in devices() {
        let weights = |weights: &[(u8, f64)]| Some(ClassWeights::new(weights.iter().copied()));
        let config = |batch_size: usize, learning_rate, class_weight| RunConfig {
            optimizer: Optimizer::Sgd {},
            epochs: 1,
            shuffle: false,
            batch_size: batch_size as u32,
            learning_rate,
            class_weight,
            ..RunConfig::default()
        };
        let (mut without, loss, _) = trained(model(), &device, config(others.len(), 0.1 * share, None), &others);
        let zero = config(data.len(), 0.1, weights(&[(3, 0.0)]));
        let (mut zero, of_zero, _) = trained(model(), &device, zero, &data);
        let name = device.info().adapter;
        assert!((loss[0] * share - of_zero[0]).abs() < 1e-5, "{name}: {loss:?} {of_zero:?}");
        let between =
            |a: &mut Trainer, b: &mut Trainer| distance(floats(a.weights().unwrap()), floats(b.weights().unwrap()));
        assert!(between(&mut without, &mut zero) < 1e-6, "{name}");
        let other = config(data.len(), 0.1, weights(&[(4, 0.0)]));
        let (mut other, ..) = trained(model(), &device, other, &data);
        assert!(between(&mut without, &mut other) > 1e-4, "{name}: the weight of another class");
    }
}
