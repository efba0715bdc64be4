//! The SIMD variants of the CPU kernels, on every level that this machine supports: each dispatch is compared with the
//! scalar reference implementation, and the gradients of each model with those in double precision.

#![allow(clippy::neg_cmp_op_on_partial_ord, reason = "a NaN must fail the comparison")]

use crate::support::distance;
use gpu_cnn::internals::backend::{Backend, Cpu};
use gpu_cnn::internals::plan::{BufferId, BufferSlice, DispatchId, Element, Plan, Profile, Program, Step};
use gpu_cnn::internals::simd::SimdLevel;
use gpu_cnn::internals::verify::{Case, cases, presets, wide};
use gpu_cnn::{Activation, Conv2D, Dense, Flatten, MaxPooling2D, Padding, Sequential};
use std::collections::BTreeSet;

/// Bound of ||simd - reference|| / ||reference|| for every output of a dispatch.
const TOLERANCE: f64 = 5e-6;
/// The same bound for a model's gradients and loss against double precision, where the rounding of all layers adds up.
const MODEL_TOLERANCE: f64 = 2e-5;

/// The CPU profile for `level`, and the same with convolution and pool unfused.
pub(crate) fn profiles(level: Option<SimdLevel>) -> [Profile; 2] {
    let profile = Profile::cpu(level);
    [profile, Profile { fuse: false, ..profile }]
}

fn all_cases() -> Vec<Case> {
    let cases: Vec<Case> = cases().into_iter().chain(presets()).chain(wide()).collect();
    assert!(cases.len() > 30);
    cases
}

/// Copies the buffers of dispatch `id` from `plain` to `fast`, runs the dispatch on both, and returns the largest error
/// of its outputs: the relative L2 error of floats, the share of elements that differ of integers (argmax).
fn difference(plan: &Plan, fast: &mut Cpu<f32>, plain: &mut Cpu<f32>, id: DispatchId, step: Step) -> f64 {
    let dispatch = plan.dispatch(id);
    for slice in dispatch.inputs.iter().chain(&dispatch.outputs) {
        let state = plain.content(slice.buffer, plan.buffer(slice.buffer).len);
        fast.write(slice.buffer, 0, &state).unwrap();
    }
    fast.run_dispatch(id, step);
    plain.run_dispatch(id, step);
    let error = |slice: &BufferSlice| {
        let len = plan.buffer(slice.buffer).len;
        let [got, expected] = [&*fast, &*plain].map(|cpu| cpu.content(slice.buffer, len));
        match plan.buffer(slice.buffer).element {
            Element::F32 => {
                let floats = |bits: Vec<u32>| bits.into_iter().map(|b| f64::from(f32::from_bits(b)));
                distance(floats(got), floats(expected))
            }
            Element::U32 => got.iter().zip(&expected).filter(|(a, b)| a != b).count() as f64 / len as f64,
        }
    };
    dispatch.outputs.iter().map(error).fold(0.0, f64::max)
}

#[test]
fn simd_kernels_agree_with_the_reference_implementation_on_every_level() {
    let mut failures = Vec::new();
    let mut compared = 0;
    for level in SimdLevel::available() {
        let both = profiles(Some(level)).into_iter().zip(profiles(None)).collect::<Vec<_>>();
        for (case, (profile, reference)) in all_cases().iter().flat_map(|c| both.iter().map(move |both| (c, both))) {
            let (plan, mut plain) = case.filled::<f32>(*reference).unwrap();
            let (fast_plan, mut fast) = case.filled::<f32>(*profile).unwrap();
            let labels = |plan: &Plan| plan.dispatches.iter().map(|d| d.label.clone()).collect::<Vec<_>>();
            assert_eq!(labels(&plan), labels(&fast_plan), "{}", case.name);
            // Of the first batch alone: not even one argmax may differ here, and in the second batch of the cnn two values are equal but
            // for rounding. `gpu-cnn verify` compares both batches with double precision.
            for (id, _) in case.runs(&plan) {
                let error = difference(&plan, &mut fast, &mut plain, id, case.step());
                compared += 1;
                if !(error <= TOLERANCE) {
                    let label = &plan.dispatch(id).label;
                    failures.push(format!("{}, {}: `{label}`: {error:.1e}", level.name(), case.name));
                }
            }
        }
    }
    assert!(SimdLevel::available().is_empty() || compared > 1000, "only {compared} dispatches were compared");
    assert!(failures.is_empty(), "{} of {compared} over {TOLERANCE:.0e}:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_algorithm_of_the_table_is_chosen_by_a_case() {
    let mut chosen = BTreeSet::new();
    let cpu = SimdLevel::available().into_iter().map(|level| Profile::cpu(Some(level)));
    let profiles: Vec<Profile> = cpu.chain([Profile::REFERENCE]).chain(Profile::ADAPTERS).collect();
    for (case, profile) in all_cases().iter().flat_map(|case| profiles.iter().map(move |profile| (case, profile))) {
        for dispatch in case.plan(*profile).unwrap().dispatches {
            if let Some(algorithm) = dispatch.algorithm {
                let pass = ["forward", "backward weights", "backward input"].into_iter();
                let pass = pass.into_iter().find(|pass| dispatch.label.contains(pass)).unwrap();
                chosen.insert(format!("{pass}: {algorithm}"));
            }
        }
    }
    let mut expected = vec![
        "forward: winograd",
        "forward: patch",
        "forward: tiles",
        "forward: depthwise",
        "forward: direct",
        "forward: im2col",
        "backward weights: select",
        "backward weights: tiles",
        "backward weights: depthwise",
        "backward weights: few channels",
        "backward weights: sparse",
        "backward weights: im2col",
        "backward weights: winograd",
        "backward input: winograd",
        "backward input: tiles",
        "backward input: sparse",
        "backward input: depthwise",
        "backward input: im2col",
    ];
    if SimdLevel::available().iter().any(|level| level.name() == "avx512") {
        expected.push("backward weights: permute");
    }
    if SimdLevel::available().is_empty() {
        expected.retain(|name| !["direct", "few channels", "sparse"].iter().any(|simd| name.contains(simd)));
    }
    assert_eq!(chosen, expected.into_iter().map(String::from).collect());
}

#[test]
fn gradients_agree_with_double_precision_on_every_level() {
    let mut failures = Vec::new();
    // Where pooling windows have ties, exact or up to rounding, the argmax and so the gradient is not unique.
    for case in all_cases().iter().filter(|case| case.levels == 256) {
        for (i, profile) in profiles(None).into_iter().enumerate() {
            let (plan, mut reference) = case.filled::<f64>(profile).unwrap();
            reference.run(&[Program::Gradients], &[case.step()]).unwrap();
            for level in SimdLevel::available().into_iter().map(Some).chain([None]) {
                let (_, mut cpu) = case.filled::<f32>(profiles(level)[i]).unwrap();
                cpu.run(&[Program::Gradients], &[case.step()]).unwrap();
                for buffer in [plan.host.gradients, plan.host.metrics] {
                    let found = cpu.values(buffer).to_vec();
                    let error = distance(found.into_iter().map(f64::from), reference.values(buffer).iter().copied());
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
    for (level, profile) in SimdLevel::available().into_iter().flat_map(|v| profiles(Some(v)).map(|p| (v, p))) {
        let (plan, mut cpu) = case.filled::<f32>(profile).unwrap();
        let label = if profile.fuse { "conv2d_1+max_pooling2d_1 forward" } else { "max_pooling2d_1 forward" };
        let forward = plan.dispatches.iter().find(|d| d.label == label).unwrap();
        let argmax = forward.outputs[1];
        cpu.run(&[Program::Evaluate], &[case.step()]).unwrap();
        let content = cpu.content(argmax.buffer, argmax.len);
        assert!(content.iter().all(|offset| *offset == 0), "{}, {label}", level.name());
        cpu.run(&Program::TRAIN, &[case.step()]).unwrap();
        assert!(cpu.content(argmax.buffer, argmax.len).contains(&3), "{}, {label}", level.name());
    }
}

#[test]
fn a_pre_activation_of_zero_is_inactive_and_nan_propagates_on_every_level() {
    for level in SimdLevel::available() {
        for case in [&presets()[1], &wide()[0], &wide()[1]] {
            let found = [None, Some(level)].map(|level| {
                [0.0, f32::NAN].map(|weight| {
                    let (plan, mut cpu) = case.filled::<f32>(Profile::cpu(level)).unwrap();
                    for tensor in case.graph().unwrap().parameters.iter().filter(|t| t.name.starts_with("conv2d")) {
                        cpu.values(plan.host.parameters)[tensor.offset..][..tensor.size()].fill(weight);
                    }
                    cpu.run(&[Program::Gradients], &[case.step()]).unwrap();
                    let argmaxes = plan.buffers.iter().enumerate().filter(|(_, b)| b.label.ends_with("argmax"));
                    let argmaxes = argmaxes.map(|(i, b)| cpu.content(BufferId(i), b.len)).collect::<Vec<_>>();
                    (argmaxes, cpu.values(plan.host.metrics)[0])
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

/// Most sums over an image with an empty background are exactly zero, and a ReLU's gate is closed there, as long as the bias is zero.
#[test]
fn sums_over_zeros_are_exactly_zero_before_a_relu_on_every_level() {
    let conv = Conv2D { activation: Activation::Relu, padding: Padding::Same, ..Conv2D::new(16, 3) };
    let softmax = Dense { activation: Activation::Softmax, ..Dense::new(10) };
    let plain = Sequential { input: [14, 14, 16], layers: vec![conv.into(), Flatten {}.into(), softmax.into()] };
    let mut pooled = plain.clone();
    pooled.layers.insert(1, MaxPooling2D::new(2).into());
    for (level, model) in SimdLevel::available().into_iter().flat_map(|level| [(level, &plain), (level, &pooled)]) {
        let case = Case::new("a bright pixel", 4, model.clone());
        let zeros = [None, Some(level)].map(|level| {
            let (plan, mut cpu) = case.filled::<f32>(Profile::cpu(level)).unwrap();
            let forward =
                plan.dispatches.iter().find(|d| d.label.starts_with("conv2d") && d.label.ends_with(" forward"));
            assert!(level.is_none() || forward.unwrap().algorithm == Some("winograd"));
            let graph = case.graph().unwrap();
            let bias = graph.parameters.iter().find(|tensor| tensor.name == "conv2d.bias").unwrap();
            cpu.values(plan.host.parameters)[bias.offset..][..bias.size()].fill(0.0);
            // Four of the channels of one pixel of each image.
            let image = 14 * 14 * 16 / 4;
            let pixels = (0..4 * image).map(|word| if word % image == 5 * 14 * 4 + 6 * 4 { 0x4f30_7ff1 } else { 0 });
            cpu.write(plan.host.input, 0, &pixels.collect::<Vec<u32>>()).unwrap();
            cpu.run(&[Program::Gradients], &[case.step()]).unwrap();
            let output =
                plan.buffers.iter().position(|b| b.label.starts_with("conv2d") && b.label.ends_with(" output"));
            let output = BufferId(output.unwrap());
            cpu.values(output).iter().map(|value| *value == 0.0).collect::<Vec<bool>>()
        });
        assert!(zeros[0].iter().filter(|is_zero| !**is_zero).count() > 4 * 16, "{}", level.name());
        assert!(zeros[0] == zeros[1], "{}, {model:?}", level.name());
    }
}

#[test]
fn weights_are_bitwise_equal_for_any_number_of_threads_on_every_level() {
    for level in SimdLevel::available() {
        for case in [&presets()[1], wide().last().unwrap()] {
            let found = [1, 2, 3, 7].map(|threads| {
                let (plan, filled) = case.filled::<f32>(Profile::cpu(Some(level))).unwrap();
                let mut cpu = Cpu::<f32>::load(plan.clone(), threads).unwrap();
                for id in plan.host.uploaded().chain([plan.host.parameters]) {
                    cpu.write(id, 0, &filled.content(id, plan.buffer(id).len)).unwrap();
                }
                cpu.run(&Program::TRAIN, &[case.step(); 2]).unwrap();
                cpu.content(plan.host.parameters, plan.buffer(plan.host.parameters).len)
            });
            assert!(found.iter().all(|bits| *bits == found[0]), "{}, {}", level.name(), case.name);
        }
    }
}
