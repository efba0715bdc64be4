//! What passes on any driver in minutes; scripts/test-drivers runs it on some. They take too long for the whole suite: they compile
//! shaders slowly.
#![allow(clippy::neg_cmp_op_on_partial_ord, reason = "a NaN must fail the comparison")]

use crate::golden;
use crate::support::{adapter, distance, golden_images, wait};
use gpu_cnn::blocking::Trainer;
use gpu_cnn::internals::backend::{Backend, check_dispatches};
use gpu_cnn::internals::plan::{DispatchId, Profile, Program};
use gpu_cnn::internals::verify::{Case, cases};
use gpu_cnn::{Device, Preset, RunConfig};
use std::collections::BTreeMap;
use std::path::Path;

/// Characters of the longest shader that is tried. SwiftShader takes minutes, and gigabytes, to compile one convolution of 19,000, a newer
/// Mesa ten seconds.
const LONGEST: usize = 13_000;

/// For every kernel, which is a list of shader files, the dispatch of a case that has the shortest text; by the case's number. Those
/// longer than [`LONGEST`] are left out.
fn shortest(cases: &[Case], profile: Profile) -> BTreeMap<usize, Vec<DispatchId>> {
    let mut shortest = BTreeMap::new();
    for (number, case) in cases.iter().enumerate() {
        let plan = case.plan(profile).unwrap();
        for id in plan.dispatch_ids(&Program::ALL) {
            let shader = plan.dispatch(id).kernel.shader();
            let found = (shader.text(profile).len(), number, id.0);
            let known = shortest.entry(shader.files).or_insert(found);
            *known = found.min(*known);
        }
    }
    let all = shortest.len();
    shortest.retain(|_, (len, ..)| *len <= LONGEST);
    eprintln!("{}: {} of {all} kernels", profile.name, shortest.len());
    let mut by_case: BTreeMap<usize, Vec<DispatchId>> = BTreeMap::new();
    for (_, number, id) in shortest.into_values() {
        by_case.entry(number).or_default().push(DispatchId(id));
    }
    by_case
}

/// Compares the small kernels with their twins on the adapter, which has to take `profile`.
fn check(profile: Profile) {
    let Some(adapter) = adapter() else { return };
    let adapter = adapter.with_profile(profile).unwrap();
    let (cases, mut compared, mut failures) = (cases(), 0, Vec::new());
    for (number, ids) in shortest(&cases, profile) {
        let case = &cases[number];
        let (plan, mut cpu) = case.filled::<f32>(profile).unwrap();
        cpu.run(&Program::ALL, &[case.step()]).unwrap();
        let tested = ids.iter().copied().collect();
        let runs: Vec<_> = ids.iter().map(|id| (*id, case.step())).collect();
        for found in wait(check_dispatches(&adapter, &plan, &mut cpu, &runs, &tested)).unwrap() {
            // Written so that a NaN fails.
            if !(found.error <= case.bound(&found.buffer)) {
                failures.push(format!(
                    "{}: `{}` into `{}`: {:.1e}",
                    case.name,
                    plan.dispatch(found.id).label,
                    found.buffer,
                    found.error
                ));
            }
            compared += 1;
        }
    }
    eprintln!("{}, driver {}: {compared} outputs", adapter.info.adapter, adapter.info.driver);
    assert!(compared > 150 && failures.is_empty(), "{} of {compared}:\n{}", failures.len(), failures.join("\n"));
}

#[test]
#[ignore = "for other drivers: scripts/test-drivers"]
fn small_kernels_agree_with_their_twins_on_the_software_profile() {
    check(Profile::SOFTWARE);
}

#[test]
#[ignore = "for other drivers: scripts/test-drivers"]
fn small_kernels_agree_with_their_twins_on_the_discrete_profile() {
    check(Profile::DISCRETE);
}

#[test]
#[ignore = "for other drivers: scripts/test-drivers"]
fn small_kernels_agree_with_their_twins_on_the_integrated_profile() {
    check(Profile::INTEGRATED);
}

#[test]
#[ignore = "for other drivers: scripts/test-drivers"]
fn a_step_of_the_cnn_has_the_gradients_of_the_cpu() {
    let Some(adapter) = adapter() else { return };
    let data = golden_images();
    let build = |device| Trainer::new(Preset::Cnn.build([28, 28, 1], 10), &device, RunConfig::default()).unwrap();
    let mut trainers = [Device::Gpu(adapter), Device::cpu(2)].map(build);
    let [found, expected] = trainers.each_mut().map(|trainer| trainer.gradients(&data.train).unwrap());
    for tensor in &trainers[0].graph().parameters {
        let of =
            |arena: &[f32]| arena[tensor.offset..][..tensor.size()].iter().map(|g| f64::from(*g)).collect::<Vec<_>>();
        let error = distance(of(&found), of(&expected));
        assert!(error < 1e-4, "gradient of {}: {error:.1e}", tensor.name);
    }
}

#[test]
#[ignore = "for other drivers: scripts/test-drivers"]
fn the_dense_network_follows_keras() {
    let Some(adapter) = adapter() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/golden/dnn_small");
    golden::check(&[folder], &golden_images(), &[Device::Gpu(adapter)]);
}
