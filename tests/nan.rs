//! One rule for NaN in every text: ReLU keeps it, the maximum of a window with NaN is NaN, and its argmax the first NaN.

use crate::support::{adapter_with, wait};
use gpu_cnn::Activation::{Relu, Softmax};
use gpu_cnn::internals::backend::gpu::{Adapter, Engine};
use gpu_cnn::internals::backend::{Backend, Cpu};
use gpu_cnn::internals::layers::UpdateSettings;
use gpu_cnn::internals::plan::{BufferId, Plan, Profile, Program};
use gpu_cnn::internals::simd::SimdLevel;
use gpu_cnn::internals::verify::Case;
use gpu_cnn::{
    Activation, ActivationLayer, AveragePooling2D, BatchNormalization, Conv2D, Dense, Flatten, MaxPooling2D,
    MinPooling2D, Optimizer, PReLU, Padding, RandomBrightness, RandomContrast, Sequential,
};
use std::sync::Arc;

/// Models whose first convolution gets infinite weights: a pixel of 0 then gives NaN, others give an infinity, so that windows hold
/// some NaN and some not.
pub(crate) fn models() -> Vec<Case> {
    let end = |model: Sequential| model.add(Flatten {}).add(Dense::new(3).activation(Softmax));
    let images = || Sequential::new([12, 12, 1]);
    // Of the last image, which is padding, the gradients are zero, so that NaN in them is the layers' own.
    let two_levels = |name, model| Case { levels: 2, images: 2, ..Case::new(name, 3, end(model)) };
    let named = |activation: Activation| format!("activation {activation:?}").leak() as &'static str;
    let of_activation = |activation: Activation| {
        let conv = images().add(Conv2D::new(6, 1).activation(activation));
        two_levels(named(activation), conv.add(ActivationLayer::new(activation)))
    };
    let functions = Activation::ALL.into_iter().filter(|a| !matches!(a, Activation::Linear | Softmax));
    let mut models: Vec<Case> = functions.map(of_activation).collect();
    models.extend([
        two_levels("fused", images().add(Conv2D::new(8, 1).activation(Relu)).add(MaxPooling2D::new(2))),
        two_levels("fused, 3x3 windows", images().add(Conv2D::new(5, 1)).add(MaxPooling2D::new(3))),
        two_levels(
            "unfused, with padding",
            images()
                .add(Conv2D::new(8, 1).activation(Relu))
                .add(MaxPooling2D::new(3).strides(2).padding(Padding::Same)),
        ),
        two_levels("unfused, single channels", images().add(Conv2D::new(5, 1)).add(MaxPooling2D::new(3).strides(2))),
        two_levels(
            "min pool",
            images().add(Conv2D::new(8, 1)).add(MinPooling2D::new(3).strides(2).padding(Padding::Same)),
        ),
        two_levels("average pool", images().add(Conv2D::new(5, 1)).add(AveragePooling2D::new(2))),
        two_levels(
            "adjustments",
            images()
                .add(Conv2D::new(6, 1))
                .add(RandomBrightness::new(0.2).value_range([-0.5, 0.5]))
                .add(RandomContrast::new(0.3).value_range([-0.4, 0.4])),
        ),
        two_levels("an activation alone", images().add(Conv2D::new(6, 1)).add(ActivationLayer::new(Relu))),
        two_levels(
            "normalization and PReLU",
            images()
                .add(Conv2D::new(6, 1).activation(Relu))
                .add(PReLU::new().shared_axes([1, 2]))
                .add(BatchNormalization::new())
                .add(PReLU::new()),
        ),
        // Fewer rows than invocations that sum a column, and columns beyond the first four that are finite.
        two_levels(
            "normalization of few rows",
            Sequential::new([1, 1, 1]).add(Conv2D::new(20, 1)).add(BatchNormalization::new()),
        ),
        // As many units as weights to fill with, so that some columns are finite.
        Case::new("dense", 3, end(images().add(Flatten {}).add(Dense::new(5).activation(Relu)))),
        two_levels("dense, split", images().add(Conv2D::new(8, 1)).add(Flatten {}).add(Dense::new(8).activation(Relu))),
    ]);
    // Whose updates limit gradients or take their sign or their norm.
    let with = |name, optimizer: &str, update| Case {
        optimizer: Optimizer::named(optimizer).unwrap(),
        update,
        ..two_levels(name, images().add(Conv2D::new(5, 1)).add(MaxPooling2D::new(2)))
    };
    let plain = UpdateSettings::default();
    models.extend([
        with("clipped", "sgd", UpdateSettings { clip_value: Some(0.1), ..plain }),
        with("muon, clipped", "muon", UpdateSettings { clip_value: Some(0.1), ..plain }),
        with("clipped by the norm", "sgd", UpdateSettings { clip_norm: Some(0.1), ..plain }),
        with("lion", "lion", plain),
    ]);
    models
}

/// Runs a step, with the update of the cases that are about one; nothing looks whether that has to be skipped.
fn run(case: &Case, plan: &Plan, backend: &mut dyn Backend) {
    let programs: &[Program] =
        if case.optimizer == Optimizer::default() { &[Program::Gradients] } else { &Program::TRAIN };
    let mut ids = plan.dispatch_ids(programs);
    ids.retain(|id| !plan.dispatch(*id).label.starts_with("check "));
    backend.run_dispatches(&ids, &[case.step()]).unwrap();
}

/// The case on the CPU with infinite weights, negative and NaN ones among the filters.
fn filled(case: &Case, profile: Profile) -> (Arc<Plan>, Cpu<f32>) {
    let (plan, mut cpu) = case.filled::<f32>(profile).unwrap();
    let tensors = case.graph().unwrap().parameters;
    let weights = [f32::INFINITY, f32::NEG_INFINITY, 1.0, f32::NAN, -1.0];
    let parameters = cpu.values(plan.host.parameters);
    if case.name.starts_with("fused") {
        // Of the dense layer at the end. The mantissa of this NaN is full: a carry from it would leave zero.
        parameters[tensors[tensors.len() - 2].offset..][..24].fill(f32::from_bits(0x7fff_ffff));
    }
    let kernel = &mut parameters[..tensors[0].size()];
    kernel.iter_mut().zip(weights.iter().cycle()).for_each(|(w, value)| *w = *value);
    (plan, cpu)
}

/// What a step leaves: the bits of every argmax, and which elements of every output and gradient are NaN.
fn traces(plan: &Plan, mut read: impl FnMut(BufferId, usize) -> Vec<u32>) -> Vec<(String, Vec<u32>)> {
    let is_nan = |bits: &u32| u32::from(f32::from_bits(*bits).is_nan());
    let mut found = Vec::new();
    for (i, buffer) in plan.buffers.iter().enumerate() {
        if buffer.label.ends_with("argmax") {
            found.push((buffer.label.clone(), read(BufferId(i), buffer.len)));
        } else if [" output", "parameters", "layer state"].iter().any(|end| buffer.label.ends_with(end))
            || buffer.label.contains("gradient")
        {
            found.push((buffer.label.clone(), read(BufferId(i), buffer.len).iter().map(is_nan).collect()));
        }
    }
    found
}

/// The traces of the reference implementation, which have to show that NaN was met and kept.
fn expected(case: &Case, profile: Profile) -> Vec<(String, Vec<u32>)> {
    let (plan, mut cpu) = filled(case, profile);
    run(case, &plan, &mut cpu);
    let traces = traces(&plan, |id, len| cpu.content(id, len));
    for (label, nan) in traces.iter().filter(|(label, _)| label.ends_with(" output")) {
        // Of what comes after a convolution, a dense layer sums NaN into every element.
        let after_nan = label.starts_with("dense") && (case.name, &**label) != ("dense", "dense output");
        let shown = if after_nan { !nan.contains(&0) } else { nan.contains(&1) && nan.contains(&0) };
        assert!(shown, "{}: `{label}` has {} NaN of {}", case.name, nan.iter().sum::<u32>(), nan.len());
    }
    traces
}

#[test]
fn nan_is_kept_on_every_profile() {
    for profile in Profile::ADAPTERS {
        let Some(adapter) = adapter_with(profile) else { continue };
        for case in models() {
            assert_eq!(difference_on(&adapter, &case, &Plan::clone), None);
        }
    }
}

/// Where the traces of the case on the adapter, with what `change` makes of its plan, are not those of the reference.
pub(crate) fn difference_on(adapter: &Adapter, case: &Case, change: &dyn Fn(&Plan) -> Plan) -> Option<String> {
    let profile = adapter.profile();
    let (plan, cpu) = filled(case, profile);
    let mut gpu = wait(Engine::load(adapter, Arc::new(change(&plan)), 0)).unwrap();
    for id in plan.host.uploaded().chain([plan.host.parameters]) {
        gpu.write(id, 0, &cpu.content(id, plan.buffer(id).len)).unwrap();
    }
    run(case, &plan, &mut gpu);
    let found = traces(&plan, |id, len| wait(gpu.read(id, len)).unwrap());
    difference(case, profile.name, &found, &expected(case, profile))
}

#[test]
fn nan_is_kept_on_every_simd_level() {
    for level in SimdLevel::available() {
        for case in models() {
            let profile = Profile::cpu(Some(level));
            let (plan, mut cpu) = filled(&case, profile);
            run(&case, &plan, &mut cpu);
            let found = traces(&plan, |id, len| cpu.content(id, len));
            let difference = difference(&case, level.name(), &found, &expected(&case, Profile::REFERENCE));
            assert_eq!(difference, None);
        }
    }
}

/// The first buffer whose trace differs.
fn difference(case: &Case, on: &str, found: &[(String, Vec<u32>)], expected: &[(String, Vec<u32>)]) -> Option<String> {
    let labels = |traces: &[(String, Vec<u32>)]| traces.iter().map(|(l, t)| (l.clone(), t.len())).collect::<Vec<_>>();
    assert_eq!(labels(found), labels(expected), "{on}, {}: the buffers differ", case.name);
    found.iter().zip(expected).find(|(found, expected)| found != expected).map(|((label, found), (_, expected))| {
        let differing = found.iter().zip(expected).filter(|(a, b)| a != b).count();
        format!("{on}, {}: {differing} of {} elements of `{label}` differ", case.name, found.len())
    })
}

/// Logits that are [inf, NaN, -inf] for an image whose first two pixels are lit, and finite for others: a hidden unit overflows.
fn logits() -> Case {
    let model = Sequential::new([2, 2, 1]).add(Flatten {}).add(Dense::new(1)).add(Dense::new(3).activation(Softmax));
    Case { levels: 2, ..Case::new("logits", 16, model) }
}

/// Runs the case by each program that ends in a softmax; says which rows of the predictions are NaN.
fn nan_rows(on: &str, plan: &Plan, backend: &mut dyn Backend) -> Vec<bool> {
    let weights = [3e38, 3e38, 0.0, 0.0, 0.0, 1e-30, 0.0, -1e-30, 0.0, 0.0, 0.0];
    backend.write_f32(plan.host.parameters, 0, &weights).unwrap();
    let mut run = |program, id| {
        backend.run(&[program], &[logits().step()]).unwrap();
        let found = wait(backend.read(id, plan.buffer(id).len)).unwrap();
        found.into_iter().map(f32::from_bits).collect::<Vec<_>>()
    };
    let trained = run(Program::Gradients, plan.host.metrics);
    let tested = run(Program::Evaluate, plan.host.metrics);
    let predictions = run(Program::Predict, plan.host.predictions);
    let evaluated = run(Program::Evaluate, plan.host.predictions);
    let rows: Vec<&[f32]> = predictions.chunks_exact(3).take(16).collect();
    let is_nan: Vec<bool> = rows.iter().map(|row| row.iter().any(|p| p.is_nan())).collect();
    assert!(rows.iter().zip(&is_nan).all(|(row, nan)| row.iter().all(|p| p.is_nan() == *nan)), "{on}: {rows:?}");
    assert_eq!(
        predictions.iter().map(|p| p.is_nan()).collect::<Vec<_>>(),
        evaluated.iter().map(|p| p.is_nan()).collect::<Vec<_>>(),
        "{on}"
    );
    let labels = wait(backend.read(plan.host.targets, 16)).unwrap();
    // The first of a row of NaN.
    let first_of_maxima = |row: &[f32]| (0..3).find(|&c| row[c].is_nan() || row.iter().all(|p| *p <= row[c])).unwrap();
    let correct = rows.iter().zip(&labels).filter(|(row, label)| first_of_maxima(row) == **label as usize).count();
    for metrics in [trained, tested] {
        assert!(metrics[0].is_nan(), "{on}: the loss is {}", metrics[0]);
        assert_eq!(metrics[1], correct as f32, "{on}: correct answers");
    }
    is_nan
}

#[test]
fn nan_logits_make_a_row_of_nan_and_the_first_class() {
    let case = logits();
    let (plan, mut cpu) = case.filled::<f32>(Profile::REFERENCE).unwrap();
    let expected = nan_rows("reference", &plan, &mut cpu);
    assert!(expected.contains(&true) && expected.contains(&false));
    for level in SimdLevel::available() {
        let (plan, mut cpu) = case.filled::<f32>(Profile::cpu(Some(level))).unwrap();
        assert_eq!(nan_rows(level.name(), &plan, &mut cpu), expected);
    }
    for profile in Profile::ADAPTERS {
        let Some(adapter) = adapter_with(profile) else { continue };
        assert_eq!(nan_rows_on(&adapter, &Plan::clone), expected);
    }
}

/// [`nan_rows`] of the adapter, with what `change` makes of the plan.
pub(crate) fn nan_rows_on(adapter: &Adapter, change: &dyn Fn(&Plan) -> Plan) -> Vec<bool> {
    let (plan, cpu) = logits().filled::<f32>(adapter.profile()).unwrap();
    let mut gpu = wait(Engine::load(adapter, Arc::new(change(&plan)), 0)).unwrap();
    for id in plan.host.uploaded() {
        gpu.write(id, 0, &cpu.content(id, plan.buffer(id).len)).unwrap();
    }
    nan_rows(adapter.profile().name, &plan, &mut gpu)
}
