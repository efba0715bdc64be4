//! No kernel of an update does anything where the loss or a gradient is not finite.

use super::HUGE;
use crate::support::{adapter_with, wait};
use gpu_cnn::internals::backend::gpu::{Adapter, Engine};
use gpu_cnn::internals::backend::{Backend, Cpu};
use gpu_cnn::internals::layers::{LossSettings, UpdateSettings};
use gpu_cnn::internals::plan::{Plan, Profile, Program, Step};
use gpu_cnn::internals::simd::SimdLevel;
use gpu_cnn::internals::verify::Case;
use gpu_cnn::{Activation, Dense, Flatten, OnNan, Optimizer, Sequential};
use std::sync::Arc;

/// Optimizers with their settings: every number of arenas, every kernel of an update.
fn optimizers() -> Vec<(&'static str, UpdateSettings)> {
    let plain = UpdateSettings::default();
    vec![
        ("sgd", plain),
        ("sgd", UpdateSettings { momentum: 0.9, accumulates: true, ..plain }),
        ("adam", UpdateSettings { ema: Some(0.9), ..plain }),
        ("adam", UpdateSettings { clip_norm: Some(1.0), accumulates: true, ..plain }),
        ("adam", UpdateSettings { clip_value: Some(1.0), ..plain }),
        ("muon", UpdateSettings { ema: Some(0.9), ..plain }),
        ("lion", UpdateSettings { weight_decay: Some(0.1), ..plain }),
    ]
}

/// Units of the last layer, so many that an invocation takes several of their gradients.
const CLASSES: usize = 200;

/// One hidden unit over four pixels, and a loss of images of any class times `weight`.
fn case(optimizer: &str, update: UpdateSettings, weight: &str) -> Case {
    let end = Dense::new(CLASSES).activation(Activation::Softmax);
    let model = Sequential::new([2, 2, 1]).add(Flatten {}).add(Dense::new(1)).add(end);
    let weights: Vec<String> = (0..CLASSES).map(|class| format!("{class}={weight}")).collect();
    let class_weight = Some(weights.join(",").parse().unwrap());
    let loss_settings = LossSettings { class_weight, ..LossSettings::default() };
    let optimizer = Optimizer::named(optimizer).unwrap();
    Case { optimizer, update, loss_settings, ..Case::new("huge", 4, model) }
}

/// Bits of every persistent buffer but the sum of gradients.
fn persistent(plan: &Plan, backend: &mut dyn Backend) -> Vec<Vec<u32>> {
    let kept = plan.persistent_buffers().filter(|(_, buffer)| buffer.label != "accumulated gradients");
    kept.map(|(id, buffer)| wait(backend.read(id, buffer.len)).unwrap()).collect()
}

/// Weights of the hidden unit, of which the first two are given, its bias, then those of the last layer.
fn write_weights(case: &Case, plan: &Plan, backend: &mut dyn Backend, [first, second]: [f32; 2]) {
    let last: Vec<f32> = (0..CLASSES).map(|class| (class % 5) as f32 * 1e-38 - 2e-38).collect();
    let values = [&[first, second, 0.5, 0.5][..], &[0.25], &last, &[0.0; CLASSES]];
    for (tensor, values) in case.graph().unwrap().parameters.iter().zip(values) {
        backend.write_f32(plan.host.parameters, tensor.offset, values).unwrap();
    }
}

/// Runs a step whose loss alone is infinite, on the second batch of an upload.
fn check_loss(on: &str, case: &Case, plan: &Plan, backend: &mut dyn Backend) {
    write_weights(case, plan, backend, [0.0, 0.0]);
    let before = persistent(plan, backend);
    let step = Step { batch_index: 1, ..case.step() };
    backend.run(&Program::TRAIN, &[step]).unwrap();
    let metrics = wait(backend.read_f32(plan.host.metrics, 4)).unwrap();
    let gradients = wait(backend.read_f32(plan.host.gradients, plan.buffer(plan.host.parameters).len)).unwrap();
    assert!(metrics[2].is_infinite() && gradients.iter().all(|g| g.is_finite()), "{on}: {metrics:?}");
    assert_eq!(wait(backend.read_f32(plan.host.skips.unwrap().steps, 2)).unwrap(), [0.0, 1.0], "{on}");
    assert!(before == persistent(plan, backend), "{on}: something changed");
}

/// Runs a good step, one whose loss is NaN, one with a gradient that is not finite, and a good one.
fn check_updates(on: &str, case: &Case, plan: &Plan, backend: &mut dyn Backend) {
    let on = format!("{on}, {:?} {:?}", case.optimizer, case.update);
    let [dark, lit] = [0u32, 0x0000_ffff];
    let skips = plan.host.skips.unwrap();
    let step = |backend: &mut dyn Backend, pixels: u32, second_weight: f32| {
        backend.write(plan.host.input, 0, &[pixels, dark, dark, dark]).unwrap();
        write_weights(case, plan, backend, [HUGE, second_weight]);
        let before = persistent(plan, backend);
        // As the first batch of a group.
        let first = Step { scalars: [0.0; 2], ..case.step() };
        backend.run(&[Program::Gradients, Program::Accumulate], &[first]).unwrap();
        backend.run(&[Program::Update], &[case.step()]).unwrap();
        let [loss, _] = wait(backend.read_f32(plan.host.metrics, 2)).unwrap()[..] else { panic!("two metrics") };
        let skipped = wait(backend.read_f32(skips.steps, 1)).unwrap()[0];
        let changed = before.iter().zip(&persistent(plan, backend)).any(|(before, after)| before != after);
        assert_eq!(skipped != 0.0, !changed, "{on}: skipped is {skipped}, something changed: {changed}");
        (loss, changed)
    };
    let (loss, changed) = step(backend, dark, HUGE);
    assert!(loss.is_finite() && changed, "{on}: {loss}");
    let (loss, changed) = step(backend, lit, HUGE);
    assert!(!loss.is_finite() && !changed, "{on}: {loss}");
    let stops = case.update.on_nan == OnNan::Stop;
    let (loss, changed) = step(backend, dark, HUGE);
    assert!(loss.is_finite() && changed != stops, "{on}: {loss}");
    backend.write_f32(skips.flag.buffer, skips.flag.offset, &[0.0]).unwrap();
    let (loss, changed) = step(backend, lit, 0.0);
    assert!(loss.is_finite() && !changed, "{on}: a gradient: {loss}");
    backend.write_f32(skips.flag.buffer, skips.flag.offset, &[0.0]).unwrap();
    let (loss, changed) = step(backend, dark, HUGE);
    assert!(loss.is_finite() && changed, "{on}: {loss}");
}

/// Both checks on an adapter, with what `change` makes of the plans.
pub(crate) fn check_on(adapter: &Adapter, change: &dyn Fn(&Plan) -> Plan) {
    let load = |case: &Case| {
        let (plan, cpu): (_, Cpu<f32>) = case.filled(adapter.profile()).unwrap();
        let mut gpu = wait(Engine::load(adapter, Arc::new(change(&plan)), 0)).unwrap();
        for id in plan.host.uploaded() {
            gpu.write(id, 0, &cpu.content(id, plan.buffer(id).len)).unwrap();
        }
        (plan, gpu)
    };
    let case = infinite_loss();
    let (plan, mut gpu) = load(&case);
    check_loss(adapter.profile().name, &case, &plan, &mut gpu);
    for case in cases() {
        let (plan, mut gpu) = load(&case);
        check_updates(adapter.profile().name, &case, &plan, &mut gpu);
    }
}

fn infinite_loss() -> Case {
    case("adam", UpdateSettings::default(), "3e38")
}

fn cases() -> Vec<Case> {
    // A gradient overflows where the loss does not.
    let case = |name, update| case(name, update, "1e6");
    let of =
        |on_nan| optimizers().into_iter().map(move |(name, update)| case(name, UpdateSettings { on_nan, ..update }));
    of(OnNan::Stop).chain(of(OnNan::Skip)).collect()
}

#[test]
fn no_update_is_made_on_the_cpu_where_a_number_is_not_finite() {
    let levels = SimdLevel::available().into_iter().map(Some).chain([None]);
    for profile in levels.map(Profile::cpu) {
        let case = infinite_loss();
        let (plan, mut cpu) = case.filled::<f32>(profile).unwrap();
        check_loss(profile.name, &case, &plan, &mut cpu);
        for case in cases() {
            let (plan, mut cpu) = case.filled::<f32>(profile).unwrap();
            check_updates(profile.name, &case, &plan, &mut cpu);
        }
    }
}

#[test]
fn no_update_is_made_on_an_adapter_where_a_number_is_not_finite() {
    for profile in Profile::ADAPTERS {
        let Some(adapter) = adapter_with(profile) else { continue };
        check_on(&adapter, &Plan::clone);
    }
}
