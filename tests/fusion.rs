//! A convolution fused with its pool against the two as dispatches of their own: the same gradients and losses.

use crate::support::{adapter_with, distance, wait};
use gpu_cnn::internals::backend::Backend;
use gpu_cnn::internals::backend::gpu::{Adapter, Engine};
use gpu_cnn::internals::plan::{BufferId, Element, Plan, Profile, Program};
use gpu_cnn::internals::simd::SimdLevel;
use gpu_cnn::internals::verify::{Case, cases, presets};
use gpu_cnn::{Activation, Conv2D, Dense, Flatten, MaxPooling2D, Sequential};
use std::sync::Arc;

fn unfused(profile: Profile) -> Profile {
    Profile { fuse: false, ..profile }
}

/// Whether a convolution and its pool are one dispatch of the plan.
fn has_fused(plan: &Plan) -> bool {
    plan.dispatches.iter().any(|d| d.label.contains('+'))
}

fn is_fused(case: &Case) -> bool {
    has_fused(&case.plan(Profile::REFERENCE).unwrap())
}

/// Both plans of the case, which have to differ in what this file is about.
fn assert_plans_differ(case: &Case, profile: Profile) {
    let [fused, unfused] = [profile, self::unfused(profile)].map(|profile| case.plan(profile).unwrap());
    assert!(has_fused(&fused) && !has_fused(&unfused), "{}, {}", case.name, profile.name);
}

/// Gradients and loss on the CPU in double precision.
fn on_cpu(case: &Case, profile: Profile) -> [Vec<f64>; 2] {
    let (plan, mut cpu) = case.filled::<f64>(profile).unwrap();
    cpu.run(&[Program::Gradients], &[case.step()]).unwrap();
    [plan.host.gradients, plan.host.metrics].map(|buffer| cpu.values(buffer).to_vec())
}

#[test]
fn fused_or_not_the_twins_give_the_same_gradients_and_losses() {
    let mut compared = 0;
    for case in cases().iter().filter(|case| is_fused(case)) {
        // The twins of the tile kernels, and those of Winograd's algorithm, against the plain convolution and pool.
        for profile in [Profile::REFERENCE, Profile::SOFTWARE] {
            assert_plans_differ(case, profile);
            let expected = on_cpu(case, self::unfused(Profile::REFERENCE));
            for (fused, unfused) in on_cpu(case, profile).into_iter().zip(expected) {
                let error = distance(fused, unfused);
                assert!(error < 1e-9, "{}, {}: {error:.1e}", case.name, profile.name);
                compared += 1;
            }
        }
    }
    assert!(compared >= 40, "only {compared} arrays were compared");
}

#[test]
fn fused_or_not_the_simd_kernels_give_the_same_gradients_and_losses() {
    for level in SimdLevel::available() {
        let profile = Profile::cpu(Some(level));
        for case in &presets()[1..] {
            assert_plans_differ(case, profile);
            let results = |profile| {
                let (plan, mut cpu) = case.filled::<f32>(profile).unwrap();
                cpu.run(&[Program::Gradients], &[case.step()]).unwrap();
                [plan.host.gradients, plan.host.metrics]
                    .map(|id| cpu.values(id).iter().map(|value| f64::from(*value)).collect::<Vec<_>>())
            };
            for (fused, unfused) in results(profile).into_iter().zip(results(unfused(profile))) {
                let error = distance(fused, unfused);
                assert!(error < 1e-5, "{}, {}: {error:.1e}", level.name(), case.name);
            }
        }
    }
}

#[test]
fn fused_or_not_the_adapter_gives_the_same_gradients_and_losses_on_every_profile() {
    for case in &presets()[1..] {
        let expected = on_cpu(case, unfused(Profile::REFERENCE));
        for profile in Profile::ADAPTERS {
            assert_plans_differ(case, profile);
            for profile in [profile, unfused(profile)] {
                let Some(adapter) = adapter_with(profile) else { continue };
                let (plan, cpu) = case.filled::<f32>(profile).unwrap();
                let mut gpu = wait(Engine::load(&adapter, plan.clone(), 0)).unwrap();
                for id in plan.host.uploaded().chain([plan.host.parameters]) {
                    gpu.write(id, 0, &cpu.content(id, plan.buffer(id).len)).unwrap();
                }
                gpu.run(&[Program::Gradients], &[case.step()]).unwrap();
                for (id, expected) in [plan.host.gradients, plan.host.metrics].into_iter().zip(&expected) {
                    let found = wait(gpu.read_f32(id, plan.buffer(id).len)).unwrap();
                    let error = distance(found.into_iter().map(f64::from), expected.iter().copied());
                    assert!(error < 1e-5, "{}, {}, fused: {}: {error:.1e}", case.name, profile.name, profile.fuse);
                }
            }
        }
    }
}

/// The share of [`share_of_same_tagged_gradients`] that an adapter has at least.
pub(crate) const SHARE_OF_SAME: f64 = 0.8;

/// The share of the tagged gradients of a fused pool that are the twin's to the bit, on the adapter with what `change` makes of the plan.
/// Most are: both round to the nearest of the values that the tag leaves, which are far apart beside other roundings.
pub(crate) fn share_of_same_tagged_gradients(adapter: &Adapter, change: &dyn Fn(&Plan) -> Plan) -> f64 {
    let model = Sequential::new([21, 26, 1])
        .add(Conv2D::new(8, 2).activation(Activation::Relu))
        .add(MaxPooling2D::new([5, 6]))
        .add(Flatten {})
        .add(Dense::new(3).activation(Activation::Softmax));
    let case = Case::new("tags of five bits", 4, model);
    let (plan, mut cpu) = case.filled::<f32>(adapter.profile()).unwrap();
    let mut gpu = wait(Engine::load(adapter, Arc::new(change(&plan)), 0)).unwrap();
    for id in plan.host.uploaded().chain([plan.host.parameters]) {
        gpu.write(id, 0, &cpu.content(id, plan.buffer(id).len)).unwrap();
    }
    cpu.run(&[Program::Gradients], &[case.step()]).unwrap();
    gpu.run(&[Program::Gradients], &[case.step()]).unwrap();
    let tagged = plan.buffers.iter().position(|buffer| buffer.tag_mask == 31).unwrap();
    let (id, len) = (BufferId(tagged), plan.buffers[tagged].len);
    let (found, expected) = (wait(gpu.read(id, len)).unwrap(), cpu.content(id, len));
    let active: Vec<_> = found.iter().zip(&expected).filter(|(_, expected)| **expected != 0).collect();
    assert!(active.len() > 100, "{} of {len} windows are active", active.len());
    active.iter().filter(|(found, expected)| found == expected).count() as f64 / active.len() as f64
}

#[test]
fn tagged_gradients_are_rounded_to_the_nearest() {
    for profile in Profile::ADAPTERS {
        let Some(adapter) = adapter_with(profile) else { continue };
        let share = share_of_same_tagged_gradients(&adapter, &Plan::clone);
        assert!(share > SHARE_OF_SAME, "{}: {share}", profile.name);
    }
}

#[test]
fn a_fused_model_never_stores_the_convolutions_output() {
    let case = &presets()[1];
    for profile in Profile::ADAPTERS {
        let longest = |fuse| {
            let plan = case.plan(Profile { fuse, winograd: false, ..profile }).unwrap();
            let floats = plan.buffers.into_iter().filter(|b| b.element == Element::F32 && !b.label.contains("partial"));
            floats.map(|b| b.len).max().unwrap()
        };
        assert_eq!([longest(true), longest(false)], [32 * 13 * 13 * 64, 32 * 26 * 26 * 64], "{}", profile.name);
    }
}

#[test]
fn windows_that_overlap_or_reach_over_the_edge_are_not_fused() {
    let fused = |name: &str| is_fused(cases().iter().find(|case| case.name == name).expect(name));
    assert!(fused("pool") && fused("pool, stride larger than the window") && fused("conv and pool of 3x3 and of 2x3"));
    assert!(!fused("pool, overlapping") && !fused("pool, same padding") && !fused("pool first"));
}
