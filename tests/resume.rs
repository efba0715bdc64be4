//! A training that is stopped and resumed from its checkpoint ends as one that was never stopped, to the bit.

use crate::support::devices_and_card;
use gpu_cnn::Activation::{Relu, Softmax};
use gpu_cnn::blocking::Trainer;
use gpu_cnn::data::{Split, synthetic};
use gpu_cnn::{
    BatchNormalization, Checkpoint, CheckpointEvery, Conv2D, Dense, Device, Dropout, Event, Flatten, Flow,
    MaxPooling2D, Optimizer, RandomFlip, RandomTranslation, RunConfig, Schedule, Sequential,
};

/// What has state or draws at random: batch normalisation, dropout, augmentations.
fn model() -> Sequential {
    Sequential::new([28, 28, 1])
        .add(RandomFlip::new(gpu_cnn::FlipMode::Horizontal))
        .add(RandomTranslation::new(0.1, 0.1))
        .add(Conv2D::new(4, 3).activation(Relu))
        .add(BatchNormalization::default())
        .add(MaxPooling2D::new(2))
        .add(Dropout::new(0.3))
        .add(Flatten {})
        .add(Dense::new(10).activation(Softmax))
}

/// 250 images in batches of 10: 25 steps an epoch, whose last group of accumulated batches is short.
fn config() -> RunConfig {
    RunConfig {
        batch_size: 10,
        epochs: 3,
        accumulate: 3,
        ema: Some(0.9),
        checkpoint_every: CheckpointEvery::Steps(4),
        ..RunConfig::default()
    }
}

/// An event without its times.
fn line(event: &Event) -> String {
    match *event {
        Event::Step { epoch, step, steps, batch, so_far, learning_rate, .. } => {
            format!("{epoch} {step}/{steps} {batch:?} {so_far:?} {learning_rate:e}")
        }
        Event::Epoch { epoch, steps, score, validation, learning_rate, .. } => {
            format!("{epoch} {steps} {score:?} {validation:?} {learning_rate:e}")
        }
    }
}

type State = Vec<(String, Vec<u32>)>;

/// All that training depends on, as bits.
fn state(trainer: &mut Trainer) -> State {
    let buffers = trainer.persistent().unwrap().into_iter();
    buffers.map(|(label, values)| (label, values.into_iter().map(f32::to_bits).collect())).collect()
}

/// Trains until `stop` steps are done or to the end; adds to `lines`; whether it was stopped.
fn until(trainer: &mut Trainer, data: &Split, stop: u64, is_resumed: bool, lines: &mut Vec<String>) -> bool {
    let mut stopped = false;
    let callback = &mut |trainer: &mut Trainer, event: &Event| {
        lines.push(line(event));
        let done = trainer.progress();
        let is_settled = !matches!(event, Event::Step { step, .. } if *step as u64 != done.batch);
        stopped = is_settled && done.steps == stop;
        Ok(if stopped { Flow::Stop } else { Flow::Continue })
    };
    let history = match is_resumed {
        true => trainer.resume_fit_with(data, callback),
        false => trainer.fit_with(data, callback),
    };
    history.unwrap();
    stopped
}

/// Stops at each of `stops`, which are multiples of the checkpoints' distance or ends of epochs, and compares with a run that does not.
fn compare(device: &Device, config: &RunConfig, stops: &[u64]) {
    let data = synthetic::generate(5, [250, 10]).train;
    let (mut whole, mut whole_lines) = (Trainer::new(model(), device, config.clone()).unwrap(), Vec::new());
    until(&mut whole, &data, u64::MAX, false, &mut whole_lines);
    let (mut trainer, mut lines) = (Trainer::new(model(), device, config.clone()).unwrap(), Vec::new());
    for (i, stop) in stops.iter().enumerate() {
        assert!(until(&mut trainer, &data, *stop, i > 0, &mut lines), "no pause at step {stop}");
        let bytes = trainer.checkpoint().unwrap().to_bytes().unwrap();
        let checkpoint = Checkpoint::from_bytes(&bytes).unwrap();
        assert_eq!(checkpoint.state.progress, trainer.progress());
        trainer = Trainer::resume(&checkpoint, device, config.clone()).unwrap();
        let again = trainer.checkpoint().unwrap().to_bytes().unwrap();
        assert!(again == bytes, "a checkpoint of what was just resumed differs at step {stop}");
    }
    until(&mut trainer, &data, u64::MAX, !stops.is_empty(), &mut lines);
    let name = device.info().adapter;
    assert_eq!(lines, whole_lines, "{name} {:?} {stops:?}", config.schedule);
    assert_eq!(trainer.progress(), whole.progress());
    assert!(state(&mut trainer) == state(&mut whole), "{name} {:?} {stops:?}", config.schedule);
}

#[test]
fn stopped_and_resumed_training_ends_with_the_same_bits() {
    for device in devices_and_card() {
        // In a group of accumulated batches and between two, at the end of an epoch, in the last one; three times.
        compare(&device, &config(), &[4, 12, 48]);
        compare(&device, &config(), &[25, 28, 72]);
        compare(&device, &config(), &[75]);
        // 23 steps an epoch.
        compare(&device, &RunConfig { validation_split: Some(0.1), ..config() }, &[4, 23, 24, 69]);
    }
}

#[test]
fn schedules_go_on_where_they_were() {
    let device = Device::cpu(1);
    let plateau = RunConfig { plateau_patience: Some(1), plateau_min_delta: Some(9.0), ..config() };
    compare(&device, &RunConfig { schedule: Schedule::Plateau, ..plateau }, &[28, 56]);
    for schedule in [Schedule::Cosine, Schedule::Triangular, Schedule::Exponential, Schedule::Step] {
        compare(&device, &RunConfig { schedule, warmup: 4, ..config() }, &[8, 40]);
    }
}

#[test]
fn every_optimizer_has_its_state_in_the_checkpoint() {
    for name in Optimizer::NAMES {
        let optimizer = Optimizer::named(name).unwrap();
        let momentum = if name == "sgd" { 0.9 } else { 0.0 };
        compare(&Device::cpu(1), &RunConfig { optimizer, momentum, ema: None, accumulate: 1, ..config() }, &[8, 40]);
    }
}

/// A second call of `fit` has its own epochs and, for a cosine, its own start.
#[test]
fn a_second_fit_is_resumed_within_its_own_epochs() {
    let data = synthetic::generate(5, [250, 10]).train;
    let config = RunConfig { schedule: Schedule::Cosine, epochs: 2, ..config() };
    let start = || {
        let mut trainer = Trainer::new(model(), &Device::cpu(1), config.clone()).unwrap();
        trainer.fit(&data).unwrap();
        trainer
    };
    let (mut whole, mut whole_lines) = (start(), Vec::new());
    until(&mut whole, &data, u64::MAX, false, &mut whole_lines);
    let (mut trainer, mut lines) = (start(), Vec::new());
    assert!(until(&mut trainer, &data, 60, false, &mut lines));
    let checkpoint = trainer.checkpoint().unwrap();
    let mut resumed = Trainer::resume(&checkpoint, &Device::cpu(1), config).unwrap();
    until(&mut resumed, &data, u64::MAX, true, &mut lines);
    assert_eq!(lines, whole_lines);
    assert!(state(&mut resumed) == state(&mut whole));
}

/// A run that goes on with an optimizer's state has updates before its first step, and so has its first checkpoint.
#[test]
fn a_run_that_took_an_optimizers_state_is_resumed_from_before_its_first_step() {
    let data = synthetic::generate(5, [250, 10]).train;
    let config = RunConfig { schedule: Schedule::Cosine, ..config() };
    let mut whole = Trainer::new(model(), &Device::cpu(1), config.clone()).unwrap();
    let state_of = vec![vec![0.01; whole.graph().parameters_len]; 2];
    whole.set_optimizer_state(&state_of, 40).unwrap();
    let first = whole.checkpoint().unwrap();
    let (mut whole_lines, mut lines) = (Vec::new(), Vec::new());
    until(&mut whole, &data, u64::MAX, false, &mut whole_lines);
    let mut resumed = Trainer::resume(&first, &Device::cpu(1), config).unwrap();
    until(&mut resumed, &data, u64::MAX, true, &mut lines);
    assert_eq!(lines, whole_lines);
    assert!(state(&mut resumed) == state(&mut whole));
}

#[test]
fn a_checkpoint_with_any_bit_changed_or_cut_short_is_refused() {
    let data = synthetic::generate(5, [250, 10]).train;
    let small =
        Sequential::new([28, 28, 1]).add(MaxPooling2D::new(7)).add(Flatten {}).add(Dense::new(10).activation(Softmax));
    let mut trainer = Trainer::new(small, &Device::cpu(1), config()).unwrap();
    until(&mut trainer, &data, 4, false, &mut Vec::new());
    let bytes = trainer.checkpoint().unwrap().to_bytes().unwrap();
    Checkpoint::from_bytes(&bytes).unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        // A blank more or less in the header changes nothing.
        if let Ok(read) = Checkpoint::from_bytes(&changed) {
            assert!(read == Checkpoint::from_bytes(&bytes).unwrap(), "byte {at}");
        }
        if at % 7 == 0 {
            assert!(Checkpoint::from_bytes(&bytes[..at]).is_err(), "{at} bytes");
        }
    }
}

#[test]
fn what_is_no_state_of_the_training_is_refused() {
    let device = Device::cpu(1);
    let mut trainer = Trainer::new(model(), &device, config()).unwrap();
    let checkpoint = trainer.checkpoint().unwrap();
    let refused = |change: &dyn Fn(&mut Checkpoint)| {
        let mut changed = checkpoint.clone();
        change(&mut changed);
        Trainer::resume(&changed, &device, config()).unwrap_err().to_string()
    };
    assert!(refused(&|c| drop(c.buffers.remove(0))).contains("the checkpoint has no `"));
    assert!(refused(&|c| c.buffers[0].1.truncate(3)).contains("the checkpoint has no `"));
    assert!(refused(&|c| c.buffers.push(("more".into(), vec![0.0]))).contains("`more`, which is no state"));
    assert!(refused(&|c| c.state.config.batch_size = 20).contains("batch_size is 20 in the run, 10"));
    let data = synthetic::generate(5, [250, 10]).train;
    let mut far = checkpoint.clone();
    far.state.progress.batch = 26;
    let error =
        Trainer::resume(&far, &device, config()).unwrap().resume_fit_with(&data, &mut |_, _| Ok(Flow::Continue));
    assert!(error.unwrap_err().to_string().contains("26 batches of the epoch are done, it has 25"));
}
