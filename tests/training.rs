//! Training: reproducibility, convergence, callbacks, and errors.

use crate::support::{devices, devices_and_card, fashion_mnist, small_cnn, wait};
use gpu_cnn::blocking::Trainer;
use gpu_cnn::data::{Split, synthetic};
use gpu_cnn::{
    Activation, Dense, Device, Dropout, Error, Event, Flatten, Flow, Model, Pace, Preset, Progress, RunConfig,
    Sequential,
};
use std::time::Duration;

/// The model after `config.epochs` epochs over `data`.
fn trained(model: impl Into<Model>, device: &Device, config: RunConfig, data: &Split) -> Trainer {
    let mut trainer = Trainer::new(model, device, config).unwrap();
    trainer.fit(data).unwrap();
    trainer
}

fn epochs(epochs: u64) -> RunConfig {
    RunConfig { epochs, ..RunConfig::default() }
}

/// The weights as the bytes of a safetensors file.
fn bytes(mut trainer: Trainer) -> Vec<u8> {
    trainer.to_safetensors().unwrap()
}

#[test]
fn the_same_seed_gives_bitwise_equal_weights() {
    // 650 is not a multiple of the batch size, 32: the last batch is short.
    let data = synthetic::generate(1, [650, 10]);
    for device in devices_and_card() {
        let name = device.profile().name;
        let run = |seed| bytes(trained(small_cnn(), &device, RunConfig { seed, ..epochs(3) }, &data.train));
        let first = run(5);
        assert!(first == run(5), "{name}: two runs of one seed differ");
        assert!(first != run(6), "{name}: the seed changes nothing");
    }
}

#[test]
fn weights_are_bitwise_equal_for_any_number_of_threads() {
    let data = synthetic::generate(1, [330, 10]);
    let run =
        |threads| bytes(trained(Preset::Cnn.build([28, 28, 1], 10), &Device::cpu(threads), epochs(1), &data.train));
    let one = run(1);
    for threads in [2, 3, 8] {
        assert!(run(threads) == one, "{threads} threads");
    }
}

#[test]
fn two_fits_of_one_epoch_equal_one_fit_of_two_epochs() {
    let data = synthetic::generate(2, [320, 10]);
    for device in devices() {
        let mut twice = trained(small_cnn(), &device, epochs(1), &data.train);
        twice.fit(&data.train).unwrap();
        let Progress { epoch, batch, updates, steps, images_seen, .. } = twice.progress();
        assert_eq!([epoch, batch, updates, steps, images_seen], [2, 0, 20, 20, 640]);
        let once = trained(small_cnn(), &device, epochs(2), &data.train);
        assert!(bytes(twice) == bytes(once));
    }
}

#[test]
fn a_fit_that_is_taken_up_again_after_every_report_equals_one_that_is_not() {
    let data = synthetic::generate(2, [320, 10]);
    for device in devices() {
        let mut pieces = wait(gpu_cnn::Trainer::new(small_cnn(), &device, epochs(2))).unwrap();
        pieces.set_pace(Pace { submission: Duration::from_millis(1), report: Duration::from_millis(2) });
        let mut fit = pieces.fit(&data.train).unwrap();
        let mut steps = 0;
        while let Some(event) = wait(fit.next(&mut pieces)).unwrap() {
            steps += u64::from(matches!(event, Event::Step { .. }));
            if steps == pieces.progress().steps {
                fit = pieces.resume_fit(&data.train).unwrap();
            }
        }
        assert_eq!(steps, 20);
        assert!(wait(pieces.to_safetensors()).unwrap() == bytes(trained(small_cnn(), &device, epochs(2), &data.train)));
    }
}

#[test]
fn a_small_cnn_learns_the_synthetic_set_on_every_device() {
    let data = synthetic::generate(3, [3200, 500]);
    for device in devices() {
        let name = device.profile().name;
        let config = RunConfig { learning_rate: 3e-3, ..RunConfig::default() };
        let mut trainer = trained(small_cnn(), &device, config, &data.train);
        let evaluation = trainer.evaluate(&data.test).unwrap();
        assert!(evaluation.score.accuracy > 0.7, "{name}: {:?}", evaluation.score);
        let correct: usize = evaluation.classes.iter().map(|c| c.correct).sum();
        assert_eq!(correct as f64 / 500.0, evaluation.score.accuracy, "{name}");
        assert_eq!(evaluation.classes.iter().map(|c| c.images).sum::<usize>(), 500);
        let rows = trainer.predict(&data.test.pixels[..33 * 784]).unwrap();
        assert_eq!(rows.len(), 33);
        assert!(rows.iter().all(|row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-5), "{name}");
    }
}

#[test]
fn fifty_epochs_keep_losses_finite_and_memory_constant() {
    let data = synthetic::generate(4, [200, 10]);
    for device in devices() {
        let name = device.profile().name;
        let mut trainer = Trainer::new(small_cnn(), &device, epochs(50)).unwrap();
        let mut before = None;
        let history = trainer
            .fit_with(&data.train, &mut |_, event| {
                if matches!(event, Event::Epoch { epoch: 10, .. }) {
                    before = resident_mib();
                }
                Ok(Flow::Continue)
            })
            .unwrap();
        let losses: Vec<f64> = history.epochs.iter().map(|score| score.loss).collect();
        assert!(losses.iter().all(|loss| loss.is_finite()) && losses[49] < losses[9], "{name}: {losses:?}");
        if let (Some(before), Some(after)) = (before, resident_mib()) {
            assert!(after < before + 8.0, "{name}: {before} MiB to {after} MiB");
        }
    }
}

/// Resident memory of this process in MiB; only known on Linux.
fn resident_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1024.0)
}

#[test]
fn the_step_whose_loss_is_not_finite_is_reported() {
    let data = synthetic::generate(4, [320, 10]);
    for device in devices() {
        let config = RunConfig { learning_rate: 3e38, ..RunConfig::default() };
        let error = Trainer::new(small_cnn(), &device, config).unwrap().fit(&data.train).unwrap_err();
        assert!(matches!(error, Error::NotFinite(_)) && error.to_string().contains("epoch 1, step "), "{error}");
        assert_eq!(error.exit_code(), 6);
    }
}

/// In training on inference would be another loss, and another mask another one again.
#[test]
fn dropout_acts_in_training_only_and_draws_the_same_on_every_device() {
    let data = synthetic::generate(4, [320, 64]);
    let model = || {
        let start = Sequential::new([28, 28, 1]).add(Flatten {}).add(Dropout::new(0.5));
        start
            .add(Dense::new(32).activation(Activation::Relu))
            .add(Dropout::new(0.3))
            .add(Dense::new(10).activation(Activation::Softmax))
    };
    let losses = |device: &Device, seed: u64| {
        let mut trainer =
            Trainer::new(model(), device, RunConfig { seed, epochs: 1, shuffle: false, ..RunConfig::default() })
                .unwrap();
        // Of one network, whatever the seed of the masks.
        let weights: Vec<f32> =
            (0..trainer.graph().parameters_len).map(|i| ((i * 37 % 101) as f32 / 50.0 - 1.0) * 0.1).collect();
        trainer.set_weights(&weights).unwrap();
        let before = [trainer.score(&data.train).unwrap().loss, trainer.evaluate(&data.train).unwrap().score.loss];
        let mut losses = Vec::new();
        let mut keep = |_: &mut Trainer, event: &Event| {
            if let Event::Step { batch, .. } = event {
                losses.push(batch.loss);
            }
            Ok(Flow::Continue)
        };
        trainer.fit_with(&data.train, &mut keep).unwrap();
        (before, losses)
    };
    let (before, reference) = losses(&Device::cpu(2), 1);
    assert!((before[0] - before[1]).abs() < 1e-6, "{before:?}");
    for device in devices() {
        let (again, found) = losses(&device, 1);
        assert!((again[0] - before[0]).abs() < 1e-5);
        assert!(found.iter().zip(&reference).all(|(a, b)| (a - b).abs() < 1e-4), "{found:?}, {reference:?}");
    }
    let (same, other) = losses(&Device::cpu(2), 2);
    assert_eq!(same, before, "inference drops nothing");
    assert!((other[0] - reference[0]).abs() > 1e-4, "another seed, another mask");
}

#[test]
fn weights_that_are_not_finite_are_never_made_a_file() {
    for device in devices() {
        let mut trainer = Trainer::new(small_cnn(), &device, RunConfig::default()).unwrap();
        let mut weights = trainer.weights().unwrap();
        assert!(trainer.to_safetensors().is_ok());
        for value in [f32::NAN, f32::INFINITY] {
            *weights.last_mut().unwrap() = 0.0;
            weights[trainer.graph().parameters[2].offset] = value;
            trainer.set_weights(&weights).unwrap();
            let error = trainer.to_safetensors().unwrap_err();
            assert!(matches!(error, Error::NotFinite(_)) && error.to_string().contains("conv2d_1.kernel"), "{error}");
        }
    }
}

#[test]
fn an_error_from_the_callback_ends_the_training() {
    let data = synthetic::generate(4, [320, 10]);
    let mut trainer = Trainer::new(small_cnn(), &Device::cpu(1), RunConfig::default()).unwrap();
    let mut steps = 0;
    let result = trainer.fit_with(&data.train, &mut |_, event| match event {
        Event::Step { step: 4, .. } => Err(Error::Interrupted("enough".into())),
        _ => {
            steps += 1;
            Ok(Flow::Continue)
        }
    });
    assert_eq!((result.unwrap_err().to_string(), steps), ("enough".to_owned(), 3));
}

#[test]
fn a_callback_saves_what_the_progress_says_and_stops() {
    let data = synthetic::generate(4, [640, 10]);
    for device in devices() {
        let mut trainer = Trainer::new(small_cnn(), &device, RunConfig::default()).unwrap();
        let mut saved = None;
        let history = trainer
            .fit_with(&data.train, &mut |trainer, event| {
                if matches!(event, Event::Step { epoch: 2, step: 3, .. }) {
                    saved = Some((trainer.progress(), trainer.to_safetensors()?));
                    return Ok(Flow::Stop);
                }
                Ok(Flow::Continue)
            })
            .unwrap();
        assert_eq!(history.epochs.len(), 1);
        let (progress, weights) = saved.unwrap();
        assert_eq!(progress, trainer.progress());
        assert!(progress.epoch == 1 && progress.batch >= 3 && progress.updates == 20 + progress.batch, "{progress:?}");
        assert!(trainer.to_safetensors().unwrap() == weights, "the weights have moved on");
        // As many updates in a run that ends there give the same weights.
        let mut again = Trainer::new(small_cnn(), &device, epochs(1)).unwrap();
        again.fit(&data.train).unwrap();
        assert!(again.to_safetensors().unwrap() != weights);
        let mut checkpoint = again.checkpoint().unwrap();
        let config = RunConfig { limit_batches: Some(progress.batch as u32), ..epochs(2) };
        checkpoint.state.config = config.clone();
        let mut again = Trainer::resume(&checkpoint, &device, config).unwrap();
        again.resume_fit_with(&data.train, &mut |_, _| Ok(Flow::Continue)).unwrap();
        assert_eq!(again.progress().updates, progress.updates);
        assert!(again.to_safetensors().unwrap() == weights, "other weights after as many updates");
    }
}

#[test]
fn the_persistent_buffers_are_parameters_and_the_optimizers_state() {
    let data = synthetic::generate(4, [64, 10]);
    let mut trainer = trained(small_cnn(), &Device::cpu(1), epochs(1), &data.train);
    let buffers = trainer.persistent().unwrap();
    let labels: Vec<&str> = buffers.iter().map(|(label, _)| label.as_str()).collect();
    assert_eq!(labels, ["parameters", "adam m", "adam v"]);
    assert!(buffers.iter().all(|(_, values)| values.iter().any(|v| *v != 0.0)));
}

#[test]
fn images_of_another_shape_and_labels_out_of_range_are_refused() {
    let data = synthetic::generate(4, [10, 10]);
    let mut trainer = Trainer::new(small_cnn(), &Device::cpu(1), RunConfig::default()).unwrap();
    let other = Split { image: [14, 56, 1], ..data.train.clone() };
    assert!(trainer.evaluate(&other).unwrap_err().to_string().contains("[14, 56, 1]"));
    let mut labels = data.train.clone();
    labels.labels[3] = 10;
    let error = trainer.fit_with(&labels, &mut |_, _| Ok(Flow::Continue)).unwrap_err();
    assert!(error.to_string().contains("label 10 of image 3"), "{error}");
    assert!(trainer.predict(&[0; 785]).unwrap_err().to_string().contains("785 bytes"));
}

#[test]
fn the_dense_network_reaches_the_tutorials_accuracy_on_fashion_mnist() {
    let Some(data) = fashion_mnist() else { return };
    let model = Preset::Dnn.build([28, 28, 1], 10);
    let score = trained(model, &Device::cpu(0), RunConfig::default(), &data.train).evaluate(&data.test).unwrap().score;
    // Ten seeds gave 0.862 to 0.882.
    assert!(score.accuracy >= 0.86, "{score:?}");
}

#[test]
fn the_convolutional_network_learns_fashion_mnist_in_one_epoch() {
    let Some(data) = fashion_mnist() else { return };
    let model = Preset::Cnn.build([28, 28, 1], 10);
    let score = trained(model, &Device::cpu(0), epochs(1), &data.train).evaluate(&data.test).unwrap().score;
    // Ten seeds gave 0.866 to 0.880.
    assert!(score.accuracy >= 0.86, "{score:?}");
}
