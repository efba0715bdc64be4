//! Every dispatch of every case on the GPU against its CPU twin (the same kernel on the CPU), with a check that nothing
//! is written past the end of a buffer.

use crate::cases::{Case, cases, presets};
use crate::support::{adapter, filled, software_adapter, step};
use gpu_cnn::backend::{Backend, Cpu, check_dispatches};
use gpu_cnn::kernels::peak::{Copy, MultiplyAdd};
use gpu_cnn::plan::{Phase, Plan, Profile, Recorder};
use gpu_cnn::{Activation, Conv2D, Dense, Device, Error, Flatten, Sequential, Settings};
use std::sync::Arc;

/// Bound of ||gpu - cpu|| / ||cpu|| for every output.
const TOLERANCE: f64 = 5e-6;
/// Share of the elements of an argmax that may differ: where two values differ only by rounding, either may be the max.
const ARGMAX_TOLERANCE: f64 = 3e-4;

fn check(cases: &[Case], profile: Profile) {
    let Some(adapter) = adapter() else { return };
    let Ok(adapter) = adapter.with_profile(profile) else {
        eprintln!("skipped: {} cannot take profile {}", adapter.info.adapter, profile.name);
        return;
    };
    let mut failures = Vec::new();
    let mut outputs = 0;
    for case in cases {
        let (plan, mut cpu) = filled::<f32>(case, profile);
        // Two training steps, so that Adam also runs from moments that are not zero; then the probabilities.
        for phase in [Phase::Train, Phase::Train, Phase::Predict] {
            let found = check_dispatches(&adapter, &plan, &mut cpu, plan.phase(phase), step(case.images)).unwrap();
            outputs += found.len();
            failures.extend(
                found
                    .into_iter()
                    .filter(|d| d.error > if d.buffer.ends_with("argmax") { ARGMAX_TOLERANCE } else { TOLERANCE })
                    .map(|d| format!("{}: `{}` into `{}`: {:.1e}", case.name, d.label, d.buffer, d.error)),
            );
        }
    }
    assert!(outputs > 0, "nothing was compared");
    assert!(
        failures.is_empty(),
        "{} of {outputs} outputs over {TOLERANCE:.0e}:\n{}",
        failures.len(),
        failures.join("\n")
    );
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
    check(&cases(), Profile::INTEGRATED);
}

#[test]
fn gpu_kernels_agree_with_their_twins_on_the_presets_on_the_software_profile() {
    check(&presets(), Profile::SOFTWARE);
}

#[test]
fn gpu_kernels_agree_with_their_twins_on_the_presets_on_the_discrete_profile() {
    check(&presets(), Profile::DISCRETE);
}

#[test]
fn a_kernel_that_exceeds_the_adapters_loop_limit_is_refused() {
    // Mesa's llvmpipe exits a loop after 65,535 iterations and continues with an incomplete sum.
    let Some(adapter) = software_adapter() else { return };
    let model = Sequential::new([300, 300, 3])
        .add(Conv2D::new(1, 300))
        .add(Flatten {})
        .add(Dense::new(2).activation(Activation::Softmax));
    let error = model.compile(&Settings { device: Device::Gpu(adapter), batch_size: 1, ..Settings::default() }).err();
    assert!(
        matches!(&error, Some(Error::Device(text)) if text.contains("`conv2d forward` loops 67500 times")),
        "{error:?}"
    );
}

#[test]
fn a_sum_too_long_for_one_loop_is_computed_by_split_k() {
    let model = Sequential::new([300, 300, 3]).add(Flatten {}).add(Dense::new(2).activation(Activation::Softmax));
    let long = Case { name: "dense over 270,000 inputs", model, batch: 2, images: 2, levels: 256 };
    check(&[long], Profile::SOFTWARE);
}

#[test]
fn the_kernels_that_measure_peak_throughput_agree_with_their_twins() {
    const COUNT: usize = 4096;
    let Some(adapter) = adapter() else { return };
    let mut recorder = Recorder::new(adapter.profile());
    let [from, to, sums] = ["from", "to", "sums"].map(|label| recorder.floats(label, COUNT));
    let dispatch_ids = vec![
        recorder.dispatch("copy", Copy { count: COUNT }, &[from], &[to]),
        recorder.dispatch("multiply-add", MultiplyAdd { count: COUNT }, &[from], &[sums]),
    ];
    let plan = Arc::new(Plan::of_one_phase(recorder, dispatch_ids));
    let mut cpu = Cpu::<f32>::load(Arc::clone(&plan), 2).unwrap();
    let values: Vec<f32> = (0..COUNT).map(|i| (i % 97) as f32 / 100.0).collect();
    cpu.write_f32(from.buffer, 0, &values).unwrap();
    let found = check_dispatches(&adapter, &plan, &mut cpu, plan.phase(Phase::Train), step(1)).unwrap();
    assert!(found.len() == 2 && found.iter().all(|d| d.error < TOLERANCE), "{found:?}");
}
