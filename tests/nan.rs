//! One rule for NaN in every text: ReLU keeps it, the maximum of a window with NaN is NaN, and its argmax the first NaN.

use crate::support::{adapter_with, wait};
use gpu_cnn::Activation::{Relu, Softmax};
use gpu_cnn::internals::backend::gpu::Engine;
use gpu_cnn::internals::backend::{Backend, Cpu};
use gpu_cnn::internals::plan::{BufferId, Plan, Profile, Program};
use gpu_cnn::internals::simd::SimdLevel;
use gpu_cnn::internals::verify::Case;
use gpu_cnn::{ActivationLayer, Conv2D, Dense, Flatten, MaxPooling2D, Padding, Sequential};

/// Models whose first convolution gets infinite weights: a pixel of 0 then gives NaN, others give an infinity, so that windows hold
/// some NaN and some not.
fn models() -> Vec<Case> {
    let end = |model: Sequential| model.add(Flatten {}).add(Dense::new(3).activation(Softmax));
    let images = || Sequential::new([12, 12, 1]);
    let two_levels = |name, model| Case { levels: 2, ..Case::new(name, 3, end(model)) };
    vec![
        two_levels("fused", images().add(Conv2D::new(8, 1).activation(Relu)).add(MaxPooling2D::new(2))),
        two_levels("fused, 3x3 windows", images().add(Conv2D::new(5, 1)).add(MaxPooling2D::new(3))),
        two_levels(
            "unfused, with padding",
            images()
                .add(Conv2D::new(8, 1).activation(Relu))
                .add(MaxPooling2D::new(3).strides(2).padding(Padding::Same)),
        ),
        two_levels("unfused, single channels", images().add(Conv2D::new(5, 1)).add(MaxPooling2D::new(3).strides(2))),
        two_levels("an activation alone", images().add(Conv2D::new(6, 1)).add(ActivationLayer::new(Relu))),
        two_levels("dense, split", images().add(Conv2D::new(8, 1)).add(Flatten {}).add(Dense::new(8).activation(Relu))),
    ]
}

/// The case on the CPU with infinite weights, negative and NaN ones among the filters.
fn filled(case: &Case, profile: Profile) -> (std::sync::Arc<Plan>, Cpu<f32>) {
    let (plan, mut cpu) = case.filled::<f32>(profile).unwrap();
    let filters = case.graph().unwrap().parameters[0].size();
    let weights = [f32::INFINITY, f32::NEG_INFINITY, 1.0, f32::NAN, -1.0];
    let kernel = &mut cpu.values(plan.host.parameters)[..filters];
    kernel.iter_mut().zip(weights.iter().cycle()).for_each(|(w, value)| *w = *value);
    (plan, cpu)
}

/// What the forward pass leaves: the bits of every argmax, and which elements of every output are NaN.
fn traces(plan: &Plan, mut read: impl FnMut(BufferId, usize) -> Vec<u32>) -> Vec<(String, Vec<u32>)> {
    let is_nan = |bits: &u32| u32::from(f32::from_bits(*bits).is_nan());
    let mut found = Vec::new();
    for (i, buffer) in plan.buffers.iter().enumerate() {
        if buffer.label.ends_with("argmax") {
            found.push((buffer.label.clone(), read(BufferId(i), buffer.len)));
        } else if buffer.label.ends_with(" output") {
            found.push((buffer.label.clone(), read(BufferId(i), buffer.len).iter().map(is_nan).collect()));
        }
    }
    found
}

/// The traces of the reference implementation, which have to show that NaN was met and kept.
fn expected(case: &Case, profile: Profile) -> Vec<(String, Vec<u32>)> {
    let (plan, mut cpu) = filled(case, profile);
    cpu.run(&[Program::Gradients], &[case.step()]).unwrap();
    let traces = traces(&plan, |id, len| cpu.content(id, len));
    let outputs = traces.iter().filter(|(label, _)| label.ends_with(" output"));
    for (label, nan) in outputs.filter(|(label, _)| label.starts_with("conv2d") || label.starts_with("max")) {
        assert!(nan.contains(&1) && nan.contains(&0), "{}: `{label}` does not hold both", case.name);
    }
    traces
}

#[test]
fn nan_is_kept_on_every_profile() {
    for profile in Profile::ADAPTERS {
        let Some(adapter) = adapter_with(profile) else { continue };
        for case in models() {
            let expected = expected(&case, profile);
            let (plan, cpu) = filled(&case, profile);
            let mut gpu = wait(Engine::load(&adapter, plan.clone(), 0)).unwrap();
            for id in [plan.host.input, plan.host.targets, plan.host.parameters] {
                gpu.write(id, 0, &cpu.content(id, plan.buffer(id).len)).unwrap();
            }
            gpu.run(&[Program::Gradients], &[case.step()]).unwrap();
            let found = traces(&plan, |id, len| wait(gpu.read(id, len)).unwrap());
            compare(&case, profile.name, &found, &expected);
        }
    }
}

#[test]
fn nan_is_kept_on_every_simd_level() {
    for level in SimdLevel::available() {
        for case in models() {
            let profile = Profile::cpu(Some(level));
            let (plan, mut cpu) = filled(&case, profile);
            cpu.run(&[Program::Gradients], &[case.step()]).unwrap();
            let found = traces(&plan, |id, len| cpu.content(id, len));
            compare(&case, level.name(), &found, &expected(&case, Profile::REFERENCE));
        }
    }
}

fn compare(case: &Case, on: &str, found: &[(String, Vec<u32>)], expected: &[(String, Vec<u32>)]) {
    let labels = |traces: &[(String, Vec<u32>)]| traces.iter().map(|(l, t)| (l.clone(), t.len())).collect::<Vec<_>>();
    assert_eq!(labels(found), labels(expected), "{on}, {}: the buffers differ", case.name);
    for ((label, found), (_, expected)) in found.iter().zip(expected) {
        let differing = found.iter().zip(expected).filter(|(a, b)| a != b).count();
        assert!(differing == 0, "{on}, {}: {differing} of {} elements of `{label}` differ", case.name, found.len());
    }
}
