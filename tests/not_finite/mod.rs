//! A loss or a gradient that is not finite: the update is not made, on any device, whatever the optimizer; training stops there and says
//! where the number came from, or goes on with the next batch.

mod updates;

use crate::support::{devices, devices_and_card};
use gpu_cnn::blocking::Trainer;
use gpu_cnn::data::Split;
use gpu_cnn::{
    Activation, BatchNormalization, CheckpointEvery, Dense, Device, Error, Event, Flatten, Flow, OnNan, Optimizer,
    Origin, RunConfig, Sequential,
};
pub(crate) use updates::check_on;

/// Pixels whose weights are so large that two of them lit make an infinity.
const HUGE: f32 = 3e38;
/// The image that has both lit, of those of [`images`].
const BAD: usize = 21;

/// Images of 2x2 pixels of which the first two are dark, but in [`BAD`].
fn images() -> Split {
    let mut pixels: Vec<u8> = (0..40u8).flat_map(|i| [0, 0, i * 6, 255 - i * 5]).collect();
    pixels[4 * BAD..4 * BAD + 2].fill(255);
    Split { image: [2, 2, 1], pixels, labels: (0..40).map(|i| i % 3).collect() }
}

/// A trainer whose layer `dense` gives an infinity for [`BAD`].
fn trainer(device: &Device, config: &RunConfig) -> Trainer {
    let end = Dense::new(3).activation(Activation::Softmax);
    let hidden = Dense::new(4).activation(Activation::Relu);
    let start = Sequential::new([2, 2, 1]).add(Flatten {}).add(hidden);
    let mut trainer = Trainer::new(start.add(BatchNormalization::new()).add(end), device, config.clone()).unwrap();
    let mut weights = trainer.weights().unwrap();
    weights[..8].fill(HUGE);
    trainer.set_weights(&weights).unwrap();
    trainer
}

fn configs() -> Vec<RunConfig> {
    let usual = RunConfig { epochs: 1, batch_size: 4, ..RunConfig::default() };
    let optimizer = |name| Optimizer::named(name).unwrap();
    vec![
        RunConfig { shuffle: false, ..usual.clone() },
        RunConfig { ema: Some(0.9), ..usual.clone() },
        RunConfig { accumulate: 3, ..usual.clone() },
        RunConfig { optimizer: optimizer("muon"), shuffle: false, accumulate: 2, ..usual.clone() },
        RunConfig { checkpoint_every: CheckpointEvery::Steps(3), optimizer: optimizer("sgd"), ..usual },
    ]
}

/// The bits of parameters and optimizer.
fn state(trainer: &mut Trainer) -> Vec<(String, Vec<u32>)> {
    let kept = |label: &str| !["accumulated gradients", "layer state"].contains(&label);
    let buffers = trainer.persistent().unwrap().into_iter().filter(|(label, _)| kept(label));
    buffers.map(|(label, values)| (label, values.into_iter().map(f32::to_bits).collect())).collect()
}

#[test]
fn training_stops_before_the_update_and_says_where_the_number_comes_from() {
    let data = images();
    for (device, config) in devices_and_card().iter().flat_map(|device| configs().into_iter().map(move |c| (device, c)))
    {
        let mut stopped = trainer(device, &config);
        let mut losses = Vec::new();
        let mut keep = |_: &mut Trainer, event: &Event| {
            if let Event::Step { batch, .. } = event {
                losses.push(batch.loss);
            }
            Ok(Flow::Continue)
        };
        let error = stopped.fit_with(&data, &mut keep).unwrap_err();
        let found = stopped.not_finite().unwrap().clone();
        let text = error.to_string();
        assert_eq!(error.exit_code(), 6, "{text}");
        let place = format!("epoch 1, step {}", found.step);
        assert!(text.contains(&place) && text.contains("layer `dense`") && text.contains("kernel dense::"), "{text}");
        assert!(
            matches!(&found.origin, Some(Origin::Dispatch { label, value, .. })
            if label.starts_with("dense forward") && *value == f32::INFINITY),
            "{found:?}"
        );
        assert!(found.images.contains(&(BAD as u32)) && !found.loss.is_finite(), "{found:?}");
        assert_eq!(
            found.images.len(),
            (4 * config.accumulate as usize)
                .min(40 - (found.step - 1) / config.accumulate as usize * 4 * config.accumulate as usize)
        );
        assert_eq!(losses.len(), found.step - 1);
        assert!(losses.iter().all(|loss| loss.is_finite()), "{losses:?}");
        let done = stopped.progress();
        assert_eq!(
            (done.batch, done.steps, done.images_seen),
            (losses.len() as u64, losses.len() as u64, 4 * losses.len() as u64)
        );
        // What a run comes to that ends with the update before.
        let updates = losses.len() / config.accumulate as usize;
        assert_eq!((done.updates, found.update), (updates as u64, updates as u64 + 1));
        let mut before = trainer(device, &config);
        if updates > 0 {
            let steps = updates as u32 * config.accumulate;
            before = trainer(device, &RunConfig { steps_per_epoch: Some(steps), ..config.clone() });
            before.fit(&data).unwrap();
        }
        assert_eq!(state(&mut stopped), state(&mut before), "{config:?}");
    }
}

#[test]
fn a_skipped_update_leaves_nothing_and_training_goes_on() {
    let data = images();
    for (device, config) in devices().iter().flat_map(|device| configs().into_iter().map(move |c| (device, c))) {
        let config = RunConfig { on_nan: OnNan::Skip, epochs: 2, log_steps: true, ..config };
        let mut losses = Vec::new();
        let mut skipped = Vec::new();
        let mut trainer = trainer(device, &config);
        let mut keep = |_: &mut Trainer, event: &Event| {
            if let Event::Step { epoch, batch, so_far, skipped: is_skipped, .. } = event {
                losses.push(batch.loss);
                assert!(so_far.loss.is_finite(), "{so_far:?}");
                skipped.extend(is_skipped.then_some(*epoch));
            }
            Ok(Flow::Continue)
        };
        let history = trainer.fit_with(&data, &mut keep).unwrap();
        assert_eq!(skipped, [1, 2], "{config:?}");
        assert_eq!(losses.iter().filter(|loss| !loss.is_finite()).count(), 2);
        assert!(history.epochs.iter().all(|score| score.loss.is_finite()), "{history:?}");
        assert_eq!(trainer.progress().updates, 2 * 10u64.div_ceil(config.accumulate.into()));
        assert!(
            trainer
                .persistent()
                .unwrap()
                .iter()
                .filter(|(label, _)| label != "accumulated gradients")
                .all(|(_, values)| values.iter().all(|v| v.is_finite()))
        );
        assert!(trainer.not_finite().is_none());
    }
}

#[test]
fn an_epoch_without_an_update_ends_the_training() {
    let mut data = images();
    data.pixels.chunks_exact_mut(4).for_each(|pixels| pixels[..2].fill(255));
    let config = RunConfig { on_nan: OnNan::Skip, batch_size: 4, ..RunConfig::default() };
    let error = trainer(&Device::cpu(1), &config).fit(&data).unwrap_err();
    assert!(matches!(error, Error::NotFinite(_)), "{error}");
    assert!(error.to_string().contains("all 10 updates of epoch 1 were skipped"), "{error}");
}

#[test]
fn weights_that_are_not_finite_are_named() {
    let mut trainer = trainer(&Device::cpu(1), &RunConfig { batch_size: 4, ..RunConfig::default() });
    let mut weights = trainer.weights().unwrap();
    weights[9] = f32::NAN;
    trainer.set_weights(&weights).unwrap();
    let error = trainer.fit(&images()).unwrap_err().to_string();
    assert!(error.contains("epoch 1, step 1") && error.contains("before the step, `dense.kernel` has NaN"), "{error}");
}

/// Also where all that the rest of an epoch makes is skipped, and where all before was.
#[test]
fn a_run_with_skipped_updates_is_resumed_from_any_step() {
    let mut data = images();
    // In the last batch, too.
    data.pixels[4 * 38..][..2].fill(255);
    let device = Device::cpu(1);
    for config in [1, 3].map(|accumulate| RunConfig { accumulate, epochs: 2, batch_size: 4, ..RunConfig::default() }) {
        for shuffle in [true, false] {
            let config = RunConfig { on_nan: OnNan::Skip, shuffle, ..config.clone() };
            let mut whole = trainer(&device, &config);
            let mut checkpoints = Vec::new();
            let config = RunConfig { checkpoint_every: CheckpointEvery::Steps(1), ..config };
            let mut stepwise = trainer(&device, &config);
            let mut keep = |trainer: &mut Trainer, _: &Event| {
                checkpoints.push(trainer.checkpoint()?);
                Ok(Flow::Continue)
            };
            stepwise.fit_with(&data, &mut keep).unwrap();
            whole.fit(&data).unwrap();
            for checkpoint in checkpoints {
                let mut resumed = Trainer::resume(&checkpoint, &device, config.clone()).unwrap();
                resumed.resume_fit_with(&data, &mut |_, _| Ok(Flow::Continue)).unwrap();
                assert_eq!(state(&mut resumed), state(&mut whole), "{:?}", checkpoint.state.progress);
            }
        }
    }
}
