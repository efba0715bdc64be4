//! A convolution fused with its pool gives the same gradients and losses as the two unfused.

use crate::cases::{Case, cases, presets};
use crate::support::{adapter, filled, step};
use gpu_cnn::backend::Backend;
use gpu_cnn::backend::gpu::Engine;
use gpu_cnn::plan::{Element, Phase, Profile};

/// The CPU profile with fusion, which [`Profile::CPU`] enables as well.
const FUSED_CPU: Profile = Profile { fuse: true, ..Profile::CPU };

fn is_fused(case: &Case) -> bool {
    let plan = case.model.record(case.batch, 1, FUSED_CPU).unwrap();
    plan.dispatches.iter().any(|d| d.label.contains('+'))
}

/// Relative L2 error ||a - b|| / ||b||; infinite if the difference is not finite.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let (mut distance, mut norm) = (0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        distance += (a - b) * (a - b);
        norm += b * b;
    }
    if f64::is_finite(distance) { (distance / norm).sqrt() } else { f64::INFINITY }
}

/// Gradients and metrics of the plan for `profile`, on the CPU in double precision.
fn gradients_and_metrics(case: &Case, profile: Profile) -> [Vec<f64>; 2] {
    let (plan, mut cpu) = filled::<f64>(case, profile);
    cpu.run(Phase::Gradients, &[step(case.images)]).unwrap();
    [plan.ports.grads, plan.ports.metrics].map(|port| cpu.values(port).to_vec())
}

#[test]
fn fused_and_unfused_plans_give_the_same_gradients_on_the_cpu() {
    let mut compared = 0;
    for case in cases().iter().filter(|case| is_fused(case)) {
        let expected = gradients_and_metrics(case, Profile::CPU);
        // The CPU twins of the tile kernels, then of the Winograd kernels.
        for profile in [FUSED_CPU, Profile::SOFTWARE] {
            for (found, expected) in gradients_and_metrics(case, profile).iter().zip(&expected) {
                let error = distance(found, expected);
                assert!(error < 1e-9, "{}, {}: {error:.1e}", case.name, profile.name);
                compared += 1;
            }
        }
    }
    assert!(compared >= 40, "only {compared} arrays were compared");
}

#[test]
fn fused_and_unfused_plans_give_the_same_gradients_on_the_adapter_for_every_profile() {
    let Some(adapter) = adapter() else { return };
    let case = &presets()[2];
    assert!(is_fused(case));
    let mut found = Vec::new();
    for profile in Profile::ADAPTERS {
        for fuse in [true, false] {
            let Ok(adapter) = adapter.with_profile(Profile { fuse, ..profile }) else { continue };
            let (plan, mut cpu) = filled::<f32>(case, adapter.profile());
            let mut gpu = pollster::block_on(Engine::load(&adapter, plan.clone(), 0)).unwrap();
            for port in [plan.ports.pixels, plan.ports.labels, plan.ports.params] {
                let contents = cpu.read(port, plan.buffer(port).len).unwrap();
                gpu.write(port, 0, &contents).unwrap();
            }
            gpu.run(Phase::Gradients, &[step(case.images)]).unwrap();
            let grads = gpu.read_f32(plan.ports.grads, plan.buffer(plan.ports.grads).len).unwrap();
            found.push((profile.name, fuse, grads.into_iter().map(f64::from).collect::<Vec<_>>()));
        }
    }
    let (_, _, reference) = found.last().expect("at least one profile");
    for (name, fuse, grads) in &found {
        let error = distance(grads, reference);
        assert!(error < 1e-5, "{name}, fused: {fuse}: {error:.1e}");
    }
}

#[test]
fn a_fused_model_never_stores_the_convolutions_output() {
    let case = &presets()[1];
    for profile in Profile::ADAPTERS {
        let longest = |fuse| {
            let plan = case.model.record(case.batch, 1, Profile { fuse, winograd: false, ..profile }).unwrap();
            let floats = plan.buffers.into_iter().filter(|b| b.element == Element::F32 && !b.label.contains("partial"));
            floats.map(|b| b.len).max().unwrap()
        };
        assert_eq!([longest(true), longest(false)], [32 * 13 * 13 * 64, 32 * 26 * 26 * 64], "{}", profile.name);
    }
}

#[test]
fn overlapping_or_padded_pools_are_not_fused() {
    let fused = |name: &str| is_fused(cases().iter().find(|case| case.name == name).expect(name));
    assert!(fused("pool") && fused("pool, stride larger than the window") && fused("conv and pool of 3x3 and of 2x3"));
    assert!(!fused("pool, overlapping") && !fused("pool, same padding") && !fused("pool first"));
}
