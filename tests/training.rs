//! Training: reproducibility, convergence, and errors.

use crate::support::{devices, devices_and_card, fashion_mnist, settings, small_cnn};
use gpu_cnn::data::{Split, synthetic};
use gpu_cnn::model::save_weights;
use gpu_cnn::{Device, Error, Event, FitOptions, Model, Preset, Settings};

fn trained(settings: &Settings, data: &Split, options: &FitOptions) -> Model {
    let mut model = small_cnn().compile(settings).unwrap();
    model.fit(data, options).unwrap();
    model
}

/// The weights as the bytes of a safetensors file.
fn bytes(mut model: Model) -> Vec<u8> {
    let weights = model.weights().unwrap();
    save_weights(model.sequential(), model.layout(), &weights).unwrap()
}

#[test]
fn the_same_seed_gives_bitwise_equal_weights() {
    // 650 is not a multiple of the batch size, 32: the last batch is short.
    let data = synthetic::generate(1, [650, 10]);
    let options = FitOptions { epochs: 3, ..FitOptions::default() };
    for device in devices_and_card() {
        let name = device.profile().name;
        let run = |seed| bytes(trained(&Settings { seed, ..settings(device.clone()) }, &data.train, &options));
        let first = run(5);
        assert!(first == run(5), "{name}: two runs of one seed differ");
        assert!(first != run(6), "{name}: the seed changes nothing");
    }
}

#[test]
fn weights_are_bitwise_equal_for_any_number_of_threads() {
    let data = synthetic::generate(1, [330, 10]);
    let run = |threads| {
        let mut model = Preset::Cnn.build([28, 28, 1], 10).compile(&settings(Device::Cpu { threads })).unwrap();
        model.fit(&data.train, &FitOptions { epochs: 1, ..FitOptions::default() }).unwrap();
        bytes(model)
    };
    let one = run(1);
    for threads in [2, 3, 8] {
        assert!(run(threads) == one, "{threads} threads");
    }
}

#[test]
fn two_fits_of_one_epoch_equal_one_fit_of_two_epochs() {
    let data = synthetic::generate(2, [320, 10]);
    let one = FitOptions { epochs: 1, ..FitOptions::default() };
    for device in devices() {
        let mut twice = trained(&settings(device.clone()), &data.train, &one);
        twice.fit(&data.train, &one).unwrap();
        let once = trained(&settings(device), &data.train, &FitOptions { epochs: 2, ..one.clone() });
        assert!(bytes(twice) == bytes(once));
    }
}

#[test]
fn a_small_cnn_learns_the_synthetic_set_on_every_device() {
    let data = synthetic::generate(3, [3200, 500]);
    for device in devices() {
        let name = device.profile().name;
        let mut model =
            trained(&Settings { learning_rate: 3e-3, ..settings(device) }, &data.train, &FitOptions::default());
        let evaluation = model.evaluate(&data.test).unwrap();
        assert!(evaluation.score.accuracy > 0.7, "{name}: {:?}", evaluation.score);
        let correct: usize = evaluation.classes.iter().map(|c| c.correct).sum();
        assert_eq!(correct as f64 / 500.0, evaluation.score.accuracy, "{name}");
        assert_eq!(evaluation.classes.iter().map(|c| c.images).sum::<usize>(), 500);
        let rows = model.predict(&data.test.pixels[..33 * 784]).unwrap();
        assert_eq!(rows.len(), 33);
        assert!(rows.iter().all(|row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-5), "{name}");
    }
}

#[test]
fn fifty_epochs_keep_losses_finite_and_memory_constant() {
    let data = synthetic::generate(4, [200, 10]);
    for device in devices() {
        let name = device.profile().name;
        let mut model = small_cnn().compile(&settings(device)).unwrap();
        let mut train = |epochs| {
            let history = model.fit(&data.train, &FitOptions { epochs, ..FitOptions::default() }).unwrap();
            assert!(history.epochs.iter().all(|score| score.loss.is_finite()), "{name}");
            history.epochs.last().unwrap().loss
        };
        let early = train(10);
        let before = resident_mib();
        let late = train(40);
        assert!(late < early, "{name}: {early} to {late}");
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
        let mut model = small_cnn().compile(&Settings { learning_rate: 3e38, ..settings(device) }).unwrap();
        let error = model.fit(&data.train, &FitOptions::default()).unwrap_err();
        assert!(matches!(error, Error::NotFinite(_)) && error.to_string().contains("epoch 1, step "), "{error}");
        assert_eq!(error.exit_code(), 6);
    }
}

#[test]
fn an_error_from_the_callback_ends_the_training() {
    let data = synthetic::generate(4, [320, 10]);
    let mut model = small_cnn().compile(&settings(Device::Cpu { threads: 1 })).unwrap();
    let mut steps = 0;
    let result = model.fit_with(&data.train, &FitOptions::default(), &mut |event| match event {
        Event::Step { step: 4, .. } => Err(Error::Interrupted("enough".into())),
        _ => {
            steps += 1;
            Ok(())
        }
    });
    assert_eq!((result.unwrap_err().to_string(), steps), ("enough".to_owned(), 3));
}

#[test]
fn images_of_another_shape_and_labels_out_of_range_are_refused() {
    let data = synthetic::generate(4, [10, 10]);
    let mut model = small_cnn().compile(&settings(Device::Cpu { threads: 1 })).unwrap();
    let other = Split { image: [14, 56, 1], ..data.train.clone() };
    assert!(model.score(&other).unwrap_err().to_string().contains("[14, 56, 1]"));
    let mut labels = data.train.clone();
    labels.labels[3] = 10;
    let error = model.fit(&labels, &FitOptions::default()).unwrap_err();
    assert!(error.to_string().contains("label 10 of image 3"), "{error}");
    assert!(model.predict(&[0; 785]).unwrap_err().to_string().contains("785 bytes"));
}

#[test]
fn the_dense_network_reaches_the_tutorials_accuracy_on_fashion_mnist() {
    let Some(data) = fashion_mnist() else { return };
    let mut model = Preset::Dnn.build([28, 28, 1], 10).compile(&settings(Device::Cpu { threads: 0 })).unwrap();
    model.fit(&data.train, &FitOptions::default()).unwrap();
    let score = model.score(&data.test).unwrap();
    assert!(score.accuracy >= 0.865, "{score:?}");
}

#[test]
fn the_convolutional_network_learns_fashion_mnist_in_one_epoch() {
    let Some(data) = fashion_mnist() else { return };
    let mut model = Preset::Cnn.build([28, 28, 1], 10).compile(&settings(Device::Cpu { threads: 0 })).unwrap();
    model.fit(&data.train, &FitOptions { epochs: 1, ..FitOptions::default() }).unwrap();
    let score = model.score(&data.test).unwrap();
    assert!(score.accuracy >= 0.86, "{score:?}");
}
