//! The SIMD variants of the CPU kernels, on every level that this machine supports: each dispatch is compared with the
//! scalar reference implementation, and the gradients of each model with those in double precision.

#![allow(clippy::neg_cmp_op_on_partial_ord, reason = "a NaN must fail the comparison")]

use crate::cases::{Case, cases, presets};
use crate::support::{filled, filled_for, step};
use gpu_cnn::backend::{Backend, Cpu};
use gpu_cnn::plan::{BufferId, Phase, Plan, Profile};
use gpu_cnn::simd::SimdLevel;

/// Bound of ||simd - reference|| / ||reference|| for every output of a dispatch.
const TOLERANCE: f64 = 5e-6;
/// The same bound for a model's gradients and loss against double precision, where the rounding of all layers adds up.
const MODEL_TOLERANCE: f64 = 2e-5;

/// The CPU profile, and the same with convolution and pool unfused.
fn profiles() -> [Profile; 2] {
    [Profile::CPU, Profile { fuse: false, ..Profile::CPU }]
}

fn all_cases() -> Vec<Case> {
    let cases: Vec<Case> = cases().into_iter().chain(presets()).chain(wide()).collect();
    assert!(cases.len() > 30);
    cases
}

/// Models with enough channels to fill SIMD vectors, or to fill the last one partly; the other cases have fewer.
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
        model("wide, 3x3 with Winograd", 5, [3, 3], [32, 48], [2, 2]),
        model("wide, 3x3, 24 to 40 channels", 3, [3, 3], [24, 40], [2, 2]),
        model("wide, 3x3, 19 to 70 channels, pool of 3x2", 3, [3, 3], [19, 70], [3, 2]),
        model("wide, 2x5, 33 to 17 channels", 2, [2, 5], [33, 17], [2, 2]),
        model("wide, 7x7, 16 to 16 channels", 2, [7, 7], [16, 16], [1, 4]),
        model("wide, 4x2, 16 to 130 channels", 2, [4, 2], [16, 130], [4, 1]),
        Case {
            model: Sequential::new([14, 16, 1])
                .add(Conv2D::new(2500, [13, 15]).activation(Relu))
                .add(MaxPooling2D::new(2))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
            ..model("first layer, partial sums over more than four images", 33, [1, 1], [1, 1], [1, 1])
        },
        model("wide, more images than one list of non-zero gradients holds", 67, [3, 4], [16, 16], [2, 2]),
    ]
}

/// Relative L2 error ||a - b|| / ||b||, or ||a|| where b is zero; infinite if the difference is not finite.
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

/// Copies the buffers of dispatch `id` from `plain` to `fast`, runs the dispatch on both, and returns the largest error
/// of its outputs: the relative L2 error of floats, the share of elements that differ of integers (argmax).
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
                let floats = |bits: Vec<u32>| bits.into_iter().map(|b| f64::from(f32::from_bits(b)));
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
fn simd_kernels_agree_with_the_reference_implementation_on_every_level() {
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
    // Where pooling windows have ties, exact or up to rounding, the argmax and so the gradient is not unique.
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
fn the_argmax_is_omitted_only_where_no_backward_pass_reads_it() {
    let case = &presets()[1];
    for (level, profile) in SimdLevel::available().into_iter().flat_map(|v| profiles().map(|p| (v, p))) {
        let (plan, mut cpu) = filled_for::<f32>(case, profile, Some(level));
        let label = if profile.fuse { "conv2d_1+max_pooling2d_1 forward" } else { "max_pooling2d_1 forward" };
        let forward = plan.dispatches.iter().find(|d| d.label == label).unwrap();
        let argmax = forward.outputs[1];
        let read = |cpu: &mut Cpu<f32>| cpu.read(argmax.buffer, argmax.len).unwrap();
        cpu.run(Phase::Evaluate, &[step(case.images)]).unwrap();
        assert!(read(&mut cpu).iter().all(|offset| *offset == 0), "{}, {label}", level.name());
        cpu.run(Phase::Train, &[step(case.images)]).unwrap();
        assert!(read(&mut cpu).contains(&3), "{}, {label}", level.name());
    }
}

#[test]
fn a_pre_activation_of_zero_is_inactive_and_nan_propagates_on_every_level() {
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
                    let argmaxes = plan.buffers.iter().enumerate().filter(|(_, b)| b.label.ends_with("argmax"));
                    let argmaxes = argmaxes.map(|(i, b)| cpu.read(BufferId(i), b.len).unwrap()).collect::<Vec<_>>();
                    (argmaxes, cpu.values(plan.ports.metrics)[0])
                })
            });
            let [[zero, nan], [fast_zero, fast_nan]] = &found;
            // 256 is the argmax of a window whose ReLU is inactive (`INACTIVE` in kernels/gate.rs).
            assert!(zero.0.len() == 2 && zero.0.iter().flatten().any(|offset| *offset == 256), "{}", case.name);
            assert!(fast_zero.0 == zero.0, "{}, {}: the argmax differs", level.name(), case.name);
            assert!(nan.1.is_nan() && fast_nan.1.is_nan(), "{}, {}: {}", level.name(), case.name, fast_nan.1);
        }
    }
}

#[test]
fn weights_are_bitwise_equal_for_any_number_of_threads_on_every_level() {
    for level in SimdLevel::available() {
        for case in [&presets()[1], wide().last().unwrap()] {
            let found = [1, 2, 3, 7].map(|threads| {
                let (plan, mut filled) = filled_for::<f32>(case, Profile::CPU, Some(level));
                let mut cpu = Cpu::<f32>::load_for(plan.clone(), threads, Some(level)).unwrap();
                for port in [plan.ports.pixels, plan.ports.labels, plan.ports.params] {
                    let contents = filled.read(port, plan.buffer(port).len).unwrap();
                    cpu.write(port, 0, &contents).unwrap();
                }
                cpu.run(Phase::Train, &[step(case.images); 2]).unwrap();
                cpu.read(plan.ports.params, plan.buffer(plan.ports.params).len).unwrap()
            });
            assert!(found.iter().all(|bits| *bits == found[0]), "{}, {}", level.name(), case.name);
        }
    }
}
