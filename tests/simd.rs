//! The CPU kernels for vector instructions, on every level that this machine has: against their plain twins dispatch by
//! dispatch, and against the reference in double precision model by model.

#![allow(clippy::neg_cmp_op_on_partial_ord, reason = "a NaN has to fail")]

use crate::cases::{Case, cases, presets};
use crate::support::{filled, filled_for, step};
use gpu_cnn::backend::{Backend, Cpu};
use gpu_cnn::plan::{BufferId, Phase, Plan, Profile};
use gpu_cnn::simd::SimdLevel;

/// ||fast - plain|| / ||plain|| of any output.
const TOLERANCE: f64 = 5e-6;
/// The same of a model's gradients and loss against double precision, rounding of all layers together.
const MODEL_TOLERANCE: f64 = 2e-5;

/// The CPU's plan, and the same with convolution and pool apart.
fn profiles() -> [Profile; 2] {
    [Profile::CPU, Profile { fuse: false, ..Profile::CPU }]
}

fn all_cases() -> Vec<Case> {
    let cases: Vec<Case> = cases().into_iter().chain(presets()).chain(wide()).collect();
    assert!(cases.len() > 30);
    cases
}

/// Channels that fill vectors, or leave their last one half empty, where the other cases have fewer.
fn wide() -> Vec<Case> {
    use gpu_cnn::Activation::{Relu, Softmax};
    use gpu_cnn::{Conv2D, Dense, Flatten, MaxPooling2D, Padding::Same, Sequential};
    let model = |name, batch, kernel: [usize; 2], channels: [usize; 2], pool: [usize; 2]| {
        let model = Sequential::new([13, 15, 3])
            .add(Conv2D::new(channels[0], 3).activation(Relu))
            .add(MaxPooling2D::new([1, 1]))
            .add(Conv2D::new(channels[1], kernel).padding(Same).activation(Relu))
            .add(MaxPooling2D::new(pool))
            .add(Flatten {})
            .add(Dense::new(10).activation(Softmax));
        Case { name, model, batch, images: batch, levels: 256 }
    };
    vec![
        model("wide, 3x3 by Winograd", 5, [3, 3], [32, 48], [2, 2]),
        model("wide, 3x3 of 24 to 40", 3, [3, 3], [24, 40], [2, 2]),
        model("wide, 3x3 of 19 to 70, pool of 3x2", 3, [3, 3], [19, 70], [3, 2]),
        model("wide, 2x5 of 33 to 17", 2, [2, 5], [33, 17], [2, 2]),
        model("wide, 7x7 of 16 to 16", 2, [7, 7], [16, 16], [1, 4]),
        model("wide, 4x2 of 16 to 130", 2, [4, 2], [16, 130], [4, 1]),
        Case {
            model: Sequential::new([14, 16, 1])
                .add(Conv2D::new(2500, [13, 15]).activation(Relu))
                .add(MaxPooling2D::new(2))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
            ..model("first layer, more sums than four images' parts may have", 33, [1, 1], [1, 1], [1, 1])
        },
        model("wide, more images than are listed at once", 67, [3, 4], [16, 16], [2, 2]),
    ]
}

/// ||a - b|| / ||b||; infinite for numbers that are not finite.
fn distance(a: impl Iterator<Item = f64>, b: impl Iterator<Item = f64>) -> f64 {
    let (mut distance, mut norm) = (0.0, 0.0);
    for (a, b) in a.zip(b) {
        distance += (a - b) * (a - b);
        norm += b * b;
    }
    match (f64::is_finite(distance), norm > 0.0) {
        (false, _) => f64::INFINITY,
        (true, true) => (distance / norm).sqrt(),
        (true, false) => distance.sqrt(),
    }
}

/// The largest error of any output of dispatch `place`, from the state of `plain`, which goes on; of an index, the share of
/// positions that differ.
fn difference(plan: &Plan, fast: &mut Cpu<f32>, plain: &mut Cpu<f32>, id: usize, images: usize) -> f64 {
    let dispatch = &plan.dispatches[id];
    for slot in dispatch.inputs.iter().chain(&dispatch.outputs) {
        let state = plain.read(slot.buffer, plan.buffer(slot.buffer).len).unwrap();
        fast.write(slot.buffer, 0, &state).unwrap();
    }
    fast.run_dispatch(id, step(images));
    plain.run_dispatch(id, step(images));
    let error = |slot: &gpu_cnn::plan::BufferSlice| {
        let len = plan.buffer(slot.buffer).len;
        let [got, expected] = [&mut *fast, &mut *plain].map(|cpu| cpu.read(slot.buffer, len).unwrap());
        match plan.buffer(slot.buffer).element {
            gpu_cnn::plan::Element::F32 => {
                let floats = |words: Vec<u32>| words.into_iter().map(|w| f64::from(f32::from_bits(w)));
                distance(floats(got), floats(expected))
            }
            gpu_cnn::plan::Element::U32 => {
                got.iter().zip(&expected).filter(|(a, b)| a != b).count() as f64 / len as f64
            }
        }
    };
    dispatch.outputs.iter().map(error).fold(0.0, f64::max)
}

#[test]
fn kernels_agree_with_their_plain_twins_on_every_level() {
    let mut failures = Vec::new();
    let mut compared = 0;
    for level in SimdLevel::available() {
        for (case, profile) in all_cases().iter().flat_map(|case| profiles().map(|profile| (case, profile))) {
            let (plan, mut plain) = filled::<f32>(case, profile);
            let (_, mut fast) = filled_for::<f32>(case, profile, Some(level));
            for phase in [Phase::Train, Phase::Train, Phase::Predict] {
                for id in plan.phase(phase) {
                    let error = difference(&plan, &mut fast, &mut plain, *id, case.images);
                    compared += 1;
                    if !(error <= TOLERANCE) {
                        let label = &plan.dispatches[*id].label;
                        failures.push(format!("{}, {}: `{label}`: {error:.1e}", level.name(), case.name));
                    }
                }
            }
        }
    }
    assert!(SimdLevel::available().is_empty() || compared > 1000, "only {compared} dispatches were compared");
    assert!(failures.is_empty(), "{} of {compared} over {TOLERANCE:.0e}:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn gradients_agree_with_double_precision_on_every_level() {
    let mut failures = Vec::new();
    // Windows that tie to the last bit, or nearly, have no one gradient.
    for case in all_cases().iter().filter(|case| case.levels == 256) {
        for profile in profiles() {
            let (plan, mut reference) = filled::<f64>(case, profile);
            reference.run(Phase::Gradients, &[step(case.images)]).unwrap();
            let levels = SimdLevel::available().into_iter().map(Some).chain([None]);
            for level in levels {
                let (_, mut cpu) = filled_for::<f32>(case, profile, level);
                cpu.run(Phase::Gradients, &[step(case.images)]).unwrap();
                for port in [plan.ports.grads, plan.ports.metrics] {
                    let found = cpu.values(port).to_vec();
                    let error = distance(found.into_iter().map(f64::from), reference.values(port).iter().copied());
                    if !(error <= MODEL_TOLERANCE) {
                        let level = level.map_or("plain", SimdLevel::name);
                        failures.push(format!("{level}, {}, fused {}: {error:.1e}", case.name, profile.fuse));
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} over {MODEL_TOLERANCE:.0e}:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn the_index_is_left_out_only_where_nothing_reads_it() {
    let case = &presets()[1];
    for (level, profile) in SimdLevel::available().into_iter().flat_map(|v| profiles().map(|p| (v, p))) {
        let (plan, mut cpu) = filled_for::<f32>(case, profile, Some(level));
        let label = if profile.fuse { "conv2d_1+max_pooling2d_1 forward" } else { "max_pooling2d_1 forward" };
        let forward = plan.dispatches.iter().find(|d| d.label == label).unwrap();
        let index = forward.outputs[1];
        let read = |cpu: &mut Cpu<f32>| cpu.read(index.buffer, index.len).unwrap();
        cpu.run(Phase::Evaluate, &[step(case.images)]).unwrap();
        assert!(read(&mut cpu).iter().all(|word| *word == 0), "{}, {label}", level.name());
        cpu.run(Phase::Train, &[step(case.images)]).unwrap();
        assert!(read(&mut cpu).contains(&3), "{}, {label}", level.name());
    }
}

#[test]
fn sums_of_exactly_zero_are_shut_and_what_is_no_number_shows_on_every_level() {
    for level in SimdLevel::available() {
        for case in [&presets()[1], &wide()[0], &wide()[1]] {
            let found = [None, Some(level)].map(|level| {
                [0.0, f32::NAN].map(|weight| {
                    let (plan, mut cpu) = filled_for::<f32>(case, Profile::CPU, level);
                    let layout = case.model.layout().unwrap();
                    for tensor in layout.tensors.iter().filter(|t| t.name.starts_with("conv2d")) {
                        cpu.values(plan.ports.params)[tensor.offset..][..tensor.size()].fill(weight);
                    }
                    cpu.run(Phase::Gradients, &[step(case.images)]).unwrap();
                    let indices = plan.buffers.iter().enumerate().filter(|(_, b)| b.label.ends_with("argmax"));
                    let indices = indices.map(|(i, b)| cpu.read(BufferId(i), b.len).unwrap()).collect::<Vec<_>>();
                    (indices, cpu.values(plan.ports.metrics)[0])
                })
            });
            let [[zero, nan], [fast_zero, fast_nan]] = &found;
            assert!(zero.0.len() == 2 && zero.0.iter().flatten().any(|word| *word == 256), "{}", case.name);
            assert!(fast_zero.0 == zero.0, "{}, {}: another index", level.name(), case.name);
            assert!(nan.1.is_nan() && fast_nan.1.is_nan(), "{}, {}: {}", level.name(), case.name, fast_nan.1);
        }
    }
}

#[test]
fn the_same_bits_for_any_number_of_threads_on_every_level() {
    for level in SimdLevel::available() {
        for case in [&presets()[1], wide().last().unwrap()] {
            let found = [1, 2, 3, 7].map(|threads| {
                let (plan, mut filled) = filled_for::<f32>(case, Profile::CPU, Some(level));
                let mut cpu = Cpu::<f32>::load_for(plan.clone(), threads, Some(level)).unwrap();
                for port in [plan.ports.pixels, plan.ports.labels, plan.ports.params] {
                    let words = filled.read(port, plan.buffer(port).len).unwrap();
                    cpu.write(port, 0, &words).unwrap();
                }
                cpu.run(Phase::Train, &[step(case.images); 2]).unwrap();
                cpu.read(plan.ports.params, plan.buffer(plan.ports.params).len).unwrap()
            });
            assert!(found.iter().all(|bits| *bits == found[0]), "{}, {}", level.name(), case.name);
        }
    }
}
