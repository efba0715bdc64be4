//! Buffers that share memory, and dispatches that are launched in pairs: the same bits as with a buffer for each array and a launch for each
//! dispatch, whatever lies in the buffers before a step.

use crate::support::{adapter, wait};
use gpu_cnn::Activation::Softmax;
use gpu_cnn::internals::backend::gpu::{Adapter, Engine};
use gpu_cnn::internals::backend::{Backend, Cpu};
use gpu_cnn::internals::plan::{BufferId, DispatchId, Element, Lifetime, Plan, Profile, Program};
use gpu_cnn::internals::simd::SimdLevel;
use gpu_cnn::internals::verify::{Case, cases, compare_launches, presets};
use gpu_cnn::{Dense, Device, Flatten, Preset, Sequential};
use std::sync::Arc;

/// What the host reads, and the state.
fn read_by_host(plan: &Plan) -> Vec<BufferId> {
    let persistent = plan.persistent_buffers().map(|(id, _)| id);
    persistent.chain([plan.host.gradients, plan.host.metrics, plan.host.predictions]).collect()
}

/// NaN, as integers too large an index, in all that a program should write before it reads it.
fn poison(plan: &Plan, backend: &mut dyn Backend) {
    let host = [plan.host.input, plan.host.targets, plan.host.gradients, plan.host.metrics, plan.host.predictions];
    for (i, buffer) in plan.buffers.iter().enumerate() {
        if buffer.lifetime == Lifetime::Transient && !host.contains(&BufferId(i)) {
            let bits = if buffer.element == Element::F32 { f32::NAN.to_bits() } else { u32::MAX };
            backend.write(BufferId(i), 0, &vec![bits; buffer.len]).unwrap();
        }
    }
}

/// The contents of [`read_by_host`] after a step of training, then an evaluation, then predictions, each from poisoned buffers.
fn results(case: &Case, plan: &Plan, backend: &mut dyn Backend) -> Vec<Vec<u32>> {
    let mut found = Vec::new();
    for programs in [&Program::TRAIN[..], &[Program::Evaluate], &[Program::Predict]] {
        poison(plan, backend);
        backend.run(programs, &[case.step()]).unwrap();
        for id in read_by_host(plan) {
            found.push(wait(backend.read(id, plan.buffer(id).len)).unwrap());
        }
    }
    found
}

/// The presets with batch normalisations, a few images of which the last is padding.
fn normalised() -> [Case; 2] {
    let case = |preset: Preset| Case { images: 3, ..Case::new(preset.name(), 4, preset.build([28, 28, 1], 10)) };
    [Preset::ResnetSmall, Preset::MobilenetSmall].map(case)
}

fn is_finite(found: &[Vec<u32>]) -> bool {
    found.iter().flatten().all(|bits| f32::from_bits(*bits).is_finite())
}

/// Gives `to` the state and the batch of `from`.
fn copy(from: (&Plan, &Cpu<f32>), to: (&Plan, &mut dyn Backend)) {
    let host = |plan: &Plan| read_by_host(plan).into_iter().chain(plan.host.uploaded()).collect::<Vec<_>>();
    for (from_id, to_id) in host(from.0).into_iter().zip(host(to.0)) {
        to.1.write(to_id, 0, &from.1.content(from_id, from.0.buffer(from_id).len)).unwrap();
    }
}

#[test]
fn shared_buffers_change_no_bit_of_any_case() {
    let best = SimdLevel::available().into_iter().next();
    for case in cases().iter().chain(&normalised()) {
        for profile in [Profile::cpu(best), Profile::REFERENCE, Profile::SOFTWARE] {
            let (plan, mut cpu) = case.filled::<f32>(profile).unwrap();
            let shared = Arc::new(Plan::clone(&plan).share_buffers());
            let mut with_shared = Cpu::<f32>::load(Arc::clone(&shared), 2).unwrap();
            copy((&plan, &cpu), (&shared, &mut with_shared));
            let expected = results(case, &plan, &mut cpu);
            assert!(is_finite(&expected), "{}, {}: what was not written is read", case.name, profile.name);
            assert!(expected == results(case, &shared, &mut with_shared), "{}, {}", case.name, profile.name);
            assert!(shared.size_bytes() <= plan.size_bytes(), "{}, {}", case.name, profile.name);
        }
    }
}

#[test]
fn the_order_of_a_pair_changes_no_bit_of_any_case() {
    let mut pairs = 0;
    for case in cases().iter().chain(&normalised()) {
        for profile in [Profile::INTEGRATED, Profile::DISCRETE] {
            let (plan, mut cpu) = case.filled::<f32>(profile).unwrap();
            let paired = Plan::clone(&plan).pair_dispatches();
            pairs += paired.pairs.len();
            let mut reversed = paired.share_buffers();
            let in_reverse = |launch: &[DispatchId]| match *launch {
                // Those that do not follow each other.
                [first, second] if reversed.unbound(launch).is_none() => vec![second, first],
                _ => launch.to_vec(),
            };
            reversed.programs = (reversed.programs.each_ref())
                .map(|program| reversed.launches(program).into_iter().flat_map(in_reverse).collect());
            let reversed = Arc::new(reversed);
            let mut with_pairs = Cpu::<f32>::load(Arc::clone(&reversed), 2).unwrap();
            copy((&plan, &cpu), (&reversed, &mut with_pairs));
            let found = [results(case, &plan, &mut cpu), results(case, &reversed, &mut with_pairs)];
            assert!(is_finite(&found[0]) && found[0] == found[1], "{}, {}", case.name, profile.name);
        }
    }
    assert!(pairs > 500, "{pairs} pairs");
}

/// Whether something of what lay in the buffers before is left in the results of the cnn on the adapter, with what `change` makes of the plan.
pub(crate) fn leaves_poison(adapter: &Adapter, change: &dyn Fn(&Plan) -> Plan) -> bool {
    let case = &presets()[1];
    let (plan, cpu) = case.filled::<f32>(adapter.profile()).unwrap();
    let mut gpu = wait(Engine::load(adapter, Arc::new(change(&plan)), 0)).unwrap();
    copy((&plan, &cpu), (&plan, &mut gpu));
    !is_finite(&results(case, &plan, &mut gpu))
}

#[test]
fn shared_buffers_and_pairs_change_no_bit_of_the_presets_on_the_adapter() {
    let Some(adapter) = adapter() else { return };
    for case in presets().iter().chain(&normalised()) {
        for adapter in [adapter.clone(), adapter.with_profile(Profile::DISCRETE).unwrap()] {
            let (plan, cpu) = case.filled::<f32>(adapter.profile()).unwrap();
            let shared = Plan::clone(&plan).share_buffers();
            let paired = Plan::clone(&plan).pair_dispatches().share_buffers();
            let count = |plan: &Plan| plan.launches(&plan.dispatch_ids(&Program::TRAIN)).len();
            let has_pairs = count(&paired) < count(&plan);
            assert!(has_pairs == adapter.profile().pairs, "{}: {} launches", case.name, count(&paired));
            let [expected, shared, paired] = [plan.clone(), Arc::new(shared), Arc::new(paired)].map(|to| {
                let mut gpu = wait(Engine::load(&adapter, Arc::clone(&to), 0)).unwrap();
                copy((&plan, &cpu), (&to, &mut gpu));
                results(case, &to, &mut gpu)
            });
            let name = format!("{}, {}", case.name, adapter.profile().name);
            assert!(is_finite(&expected) && expected == shared, "{name}: shared buffers");
            assert!(expected == paired, "{name}: pairs");
        }
    }
}

#[test]
fn a_network_of_many_layers_takes_much_less_memory() {
    for case in &normalised() {
        let plan = case.plan(Profile::SOFTWARE).unwrap();
        let (alone, shared) = (plan.size_bytes(), plan.share_buffers().size_bytes());
        assert!(shared * 3 < alone * 2, "{}: {shared} of {alone} bytes", case.name);
    }
}

/// What `verify` tells of pairs: that they hold, and what differs where a launch leaves one of its dispatches out.
#[test]
fn verification_compares_launches_of_two_with_each_alone() {
    let Some(adapter) = adapter() else { return };
    let (device, case) = (Device::Gpu(adapter.with_profile(Profile::DISCRETE).unwrap()), &presets()[1]);
    let found = wait(compare_launches(&device, case, Plan::pair_dispatches)).unwrap();
    assert!(found.holds && !found.detail.starts_with("no two"), "{}", found.detail);
    // Two of one workgroup each, one after the other, of the same kernel, so that they share what is in workgroup memory.
    let dense = Sequential::new([2, 2, 1]).add(Flatten {}).add(Dense::new(9)).add(Dense::new(3).activation(Softmax));
    let dense = Case::new("dense after dense", 30, dense);
    let paired = Plan::clone(&dense.plan(Profile::DISCRETE).unwrap()).pair_dispatches();
    let follow = |pair: &&[DispatchId; 2]| paired.unbound(&pair[..]).is_some();
    let labels: Vec<String> = paired.pairs.iter().filter(follow).map(|pair| paired.launch_label(pair)).collect();
    assert!(labels.iter().any(|label| label == "dense forward + dense_1 forward"), "{labels:?}");
    let found = wait(compare_launches(&device, &dense, Plan::pair_dispatches)).unwrap();
    assert!(found.holds && !found.detail.starts_with("no two"), "{}", found.detail);
    let without_second = |plan: Plan| {
        let mut paired = plan.pair_dispatches();
        let [first, second] = paired.pairs[0];
        for program in &mut paired.programs {
            program.retain(|id| *id != second);
        }
        paired.pairs.retain(|pair| *pair != [first, second]);
        paired
    };
    let found = wait(compare_launches(&device, case, without_second)).unwrap();
    assert!(!found.holds && found.detail.contains(" numbers of `"), "{}", found.detail);
    let found = wait(compare_launches(&Device::cpu(2), case, Plan::pair_dispatches)).unwrap();
    assert!(found.holds && found.detail.starts_with("no two"), "{}", found.detail);
}
