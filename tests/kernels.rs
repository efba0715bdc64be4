//! Every dispatch of every case: GPU against its CPU twin, and no element written past a buffer's end.

use crate::support::{adapter, adapter_with, has_large_tiles, wait};
use gpu_cnn::internals::backend::gpu::{Adapter, Engine};
use gpu_cnn::internals::backend::{Backend, Cpu, check_dispatches};
use gpu_cnn::internals::kernels::peak::{Copy, MultiplyAdd};
use gpu_cnn::internals::plan::{BufferId, Plan, Profile, Program, Recorder, Step};
use gpu_cnn::internals::verify::{Case, Outcome, cases, check_adapter, presets};
use gpu_cnn::{Activation, Conv2D, Dense, Flatten, Sequential};
use std::collections::HashSet;
use std::sync::Arc;

/// All of `cases` on an adapter with `profile`; while a kernel is written, those whose name has `GPU_CNN_TEST_CASES` in it.
fn check(cases: &[Case], profile: Profile) {
    let Some(adapter) = adapter_with(profile) else { return };
    let mut outcome = Outcome::default();
    let some = std::env::var("GPU_CNN_TEST_CASES").unwrap_or_default();
    cases
        .iter()
        .filter(|case| case.name.contains(&some))
        .for_each(|case| outcome.add(wait(check_adapter(&adapter, case)).unwrap()));
    let Outcome { compared, failures } = outcome;
    assert!(compared > 0, "nothing was compared");
    assert!(failures.is_empty(), "{} of {compared} outputs:\n{}", failures.len(), failures.join("\n"));
}

/// The cases that are not computed with the integrated profile by the very shaders that they have on the discrete one, which are checked there.
fn integrated_cases() -> Vec<Case> {
    let texts = |case: &Case, profile| {
        let plan = case.plan(profile).unwrap();
        let shaders = plan.dispatches.iter().map(|dispatch| dispatch.kernel.shader());
        shaders.map(|shader| (shader.text(profile), shader.grid)).collect::<Vec<_>>()
    };
    let differs = |case: &Case| texts(case, Profile::INTEGRATED) != texts(case, Profile::DISCRETE);
    cases().into_iter().filter(differs).collect()
}

#[test]
fn gpu_kernels_agree_with_their_twins_on_the_software_profile() {
    check(&cases(), Profile::SOFTWARE);
}

#[test]
fn gpu_kernels_agree_with_their_twins_on_the_discrete_profile() {
    check(&cases(), Profile::DISCRETE);
}

#[test]
fn gpu_kernels_agree_with_their_twins_on_the_integrated_profile() {
    check(&integrated_cases(), Profile::INTEGRATED);
}

#[test]
fn gpu_kernels_agree_with_their_twins_in_large_tiles() {
    // Lavapipe compiles such a shader for seconds: a case for each that is put together from other files.
    let mut seen = HashSet::new();
    let is_new = |case: &Case| {
        let shaders = case.plan(Profile::LARGE_TILES).unwrap().dispatches.into_iter().map(|d| d.kernel.shader());
        let large = shaders.filter(|shader| has_large_tiles(shader, Profile::LARGE_TILES));
        // Of all, as each is to be noted.
        large.filter(|shader| seen.insert(shader.files.clone())).count() > 0
    };
    let cases: Vec<Case> = cases().into_iter().filter(is_new).collect();
    assert!(cases.len() > 10, "only {} cases", cases.len());
    check(&cases, Profile::LARGE_TILES);
}

#[test]
fn gpu_kernels_agree_with_their_twins_on_the_presets_on_the_software_profile() {
    check(&presets(), Profile::SOFTWARE);
}

#[test]
fn gpu_kernels_agree_with_their_twins_on_the_presets_on_the_discrete_profile() {
    check(&presets(), Profile::DISCRETE);
}

/// Mesa's llvmpipe leaves loops after 65,535 iterations, and goes on with a wrong sum; other adapters loop on.
#[test]
fn a_kernel_that_loops_longer_than_llvmpipe_does_is_refused_there_and_right_elsewhere() {
    let Some(adapter) = adapter() else { return };
    let model = Sequential::new([300, 300, 3])
        .add(Conv2D::new(1, 300))
        .add(Flatten {})
        .add(Dense::new(2).activation(Activation::Softmax));
    // Hundreds of thousands of roundings, with and without fused multiply-adds.
    let case = Case { tolerance: 1e-3, ..Case::new("a sum over 270,000 products", 1, model) };
    let found = wait(check_adapter(&adapter, &case));
    if adapter.info.adapter.contains("llvmpipe") {
        let text = found.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(text.contains("`conv2d forward` loops ") && text.contains("stops after 65535"), "{text}");
    } else {
        let Outcome { compared, failures } = found.unwrap();
        assert!(compared > 0 && failures.is_empty(), "{compared} compared: {failures:?}");
    }
}

#[test]
fn a_sum_too_long_for_one_loop_is_split() {
    let model = Sequential::new([300, 300, 3]).add(Flatten {}).add(Dense::new(2).activation(Activation::Softmax));
    check(&[Case::new("dense over 270,000 inputs", 2, model)], Profile::SOFTWARE);
}

/// Where the kernels that measure an adapter's best, with what `change` makes of their plan, differ from their twins.
pub(crate) fn peak_difference(adapter: &Adapter, change: &dyn Fn(&Plan) -> Plan) -> Option<String> {
    const COUNT: usize = 4096;
    let mut recorder = Recorder::new(adapter.profile());
    let [from, to, sums] = ["from", "to", "sums"].map(|label| recorder.floats(label, COUNT));
    recorder.dispatch("copy", Copy { count: COUNT }, &[from], &[to]);
    recorder.dispatch("multiply-add", MultiplyAdd { count: COUNT }, &[from], &[sums]);
    let plan = Arc::new(recorder.into_plan());
    let mut cpu = Cpu::<f32>::load(Arc::clone(&plan), 2).unwrap();
    let planted = Arc::new(change(&plan));
    let values: Vec<f32> = (0..COUNT).map(|i| (i % 97) as f32 / 100.0).collect();
    cpu.write_f32(from.buffer, 0, &values).unwrap();
    let runs: Vec<_> = plan.program(Program::Gradients).iter().map(|id| (*id, Step::default())).collect();
    let all = runs.iter().map(|(id, _)| *id).collect();
    let found = wait(check_dispatches(adapter, &planted, &mut cpu, &runs, &all)).unwrap();
    assert_eq!(found.len(), 2);
    found.iter().find(|d| d.error.is_nan() || d.error >= 5e-6).map(|d| format!("{d:?}"))
}

#[test]
fn the_kernels_that_measure_an_adapters_best_agree_with_their_twins() {
    let Some(adapter) = adapter() else { return };
    assert_eq!(peak_difference(&adapter, &Plan::clone), None);
}

/// The pre-activations of a dense layer with no weights are its bias: from -25 to 25.
#[test]
fn activations_agree_far_from_zero_on_every_profile() {
    let functions = Activation::ALL.into_iter().filter(|a| !matches!(a, Activation::Linear | Activation::Softmax));
    for (activation, profile) in functions.flat_map(|a| Profile::ADAPTERS.map(|profile| (a, profile))) {
        let Some(adapter) = adapter_with(profile) else { continue };
        let hidden = Dense::new(61).activation(activation);
        let model =
            Sequential::new([2, 2, 1]).add(Flatten {}).add(hidden).add(Dense::new(2).activation(Activation::Softmax));
        let case = Case::new("far from zero", 3, model);
        let (plan, mut cpu) = case.filled::<f64>(profile).unwrap();
        let weights = case.graph().unwrap().parameters;
        let values = cpu.values(plan.host.parameters);
        values[weights[0].offset..][..4 * 61].fill(0.0);
        (0..61).for_each(|i| values[weights[1].offset + i] = 50.0 * i as f64 / 60.0 - 25.01);
        let mut gpu = wait(Engine::load(&adapter, plan.clone(), 0)).unwrap();
        for id in plan.host.uploaded().chain([plan.host.parameters]) {
            gpu.write(id, 0, &cpu.content(id, plan.buffer(id).len)).unwrap();
        }
        cpu.run(&[Program::Gradients], &[case.step()]).unwrap();
        gpu.run(&[Program::Gradients], &[case.step()]).unwrap();
        let of_activation = |label: &str| label.starts_with("dense") && !label.starts_with("dense_1");
        let mut compared = 0;
        for (i, buffer) in plan.buffers.iter().enumerate().filter(|(_, buffer)| of_activation(&buffer.label)) {
            let found = wait(gpu.read_f32(BufferId(i), buffer.len)).unwrap();
            for (found, expected) in found.into_iter().map(f64::from).zip(cpu.values(BufferId(i)).to_vec()) {
                let error = (found - expected).abs();
                let bound = 2e-6 * expected.abs().max(1.0);
                assert!(error < bound, "{activation:?}, {}, {}: {found}, {expected}", profile.name, buffer.label);
                compared += 1;
            }
        }
        assert!(compared >= 3 * 61, "{activation:?}: {compared}");
    }
}
