//! Every dispatch of every case: GPU against its CPU twin, and no element written past a buffer's end.

use crate::support::{adapter, adapter_with, software_adapter, wait};
use gpu_cnn::blocking::Trainer;
use gpu_cnn::internals::backend::{Backend, Cpu, check_dispatches};
use gpu_cnn::internals::kernels::peak::{Copy, MultiplyAdd};
use gpu_cnn::internals::plan::{Profile, Program, Recorder, Step};
use gpu_cnn::internals::verify::{Case, Outcome, cases, check_adapter, presets};
use gpu_cnn::{Activation, Conv2D, Dense, Device, Error, Flatten, RunConfig, Sequential};
use std::sync::Arc;

fn check(cases: &[Case], profile: Profile) {
    let Some(adapter) = adapter_with(profile) else { return };
    let mut outcome = Outcome::default();
    cases.iter().for_each(|case| outcome.add(wait(check_adapter(&adapter, case)).unwrap()));
    let Outcome { compared, failures } = outcome;
    assert!(compared > 0, "nothing was compared");
    assert!(failures.is_empty(), "{} of {compared} outputs:\n{}", failures.len(), failures.join("\n"));
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
fn a_kernel_that_loops_longer_than_the_adapter_does_is_refused() {
    // Mesa's llvmpipe leaves loops after 65,535 iterations, and goes on with a wrong sum.
    let Some(adapter) = software_adapter() else { return };
    let model = Sequential::new([300, 300, 3])
        .add(Conv2D::new(1, 300))
        .add(Flatten {})
        .add(Dense::new(2).activation(Activation::Softmax));
    let config = RunConfig { batch_size: 1, ..RunConfig::default() };
    let error = Trainer::new(model, &Device::Gpu(adapter), config).err();
    assert!(
        matches!(&error, Some(Error::Device(message)) if message.text.contains("`conv2d forward` loops 67500 times")),
        "{error:?}"
    );
}

#[test]
fn a_sum_too_long_for_one_loop_is_split() {
    let model = Sequential::new([300, 300, 3]).add(Flatten {}).add(Dense::new(2).activation(Activation::Softmax));
    check(&[Case::new("dense over 270,000 inputs", 2, model)], Profile::SOFTWARE);
}

#[test]
fn the_kernels_that_measure_an_adapters_best_agree_with_their_twins() {
    const COUNT: usize = 4096;
    let Some(adapter) = adapter() else { return };
    let mut recorder = Recorder::new(adapter.profile());
    let [from, to, sums] = ["from", "to", "sums"].map(|label| recorder.floats(label, COUNT));
    recorder.dispatch("copy", Copy { count: COUNT }, &[from], &[to]);
    recorder.dispatch("multiply-add", MultiplyAdd { count: COUNT }, &[from], &[sums]);
    let plan = Arc::new(recorder.into_plan());
    let mut cpu = Cpu::<f32>::load(Arc::clone(&plan), 2).unwrap();
    let values: Vec<f32> = (0..COUNT).map(|i| (i % 97) as f32 / 100.0).collect();
    cpu.write_f32(from.buffer, 0, &values).unwrap();
    let ids = plan.program(Program::Gradients);
    let found = wait(check_dispatches(&adapter, &plan, &mut cpu, ids, Step::default())).unwrap();
    assert!(found.len() == 2 && found.iter().all(|d| d.error < 5e-6), "{found:?}");
}
