//! Normalisations: moving averages by hand, what inference and short batches make of them, large means, refused arguments.

use crate::support::{adapter_with, devices, wait};
use gpu_cnn::blocking::Trainer;
use gpu_cnn::data::Split;
use gpu_cnn::internals::backend::gpu::{Adapter, Engine};
use gpu_cnn::internals::backend::{Backend, Cpu, check_dispatches};
use gpu_cnn::internals::plan::{BufferId, DispatchId, Plan, Profile, Program};
use gpu_cnn::internals::simd::SimdLevel;
use gpu_cnn::internals::verify::{Case, cases};
use gpu_cnn::{
    Activation, BatchNormalization, Conv2D, Dense, Device, Flatten, Graph, LayerNormalization, Model, Normalization,
    PReLU, RunConfig, Sequential,
};
use std::sync::Arc;

const IMAGE: [usize; 3] = [3, 2, 2];

/// Seven images of two channels.
fn images() -> Split {
    let pixels = (0..7 * 12).map(|i| (i * i * 37 % 256) as u8).collect();
    Split { image: IMAGE, pixels, labels: (0..7).map(|i| i % 3).collect() }
}

fn model() -> Sequential {
    Sequential::new(IMAGE)
        .add(BatchNormalization { momentum: 0.7, epsilon: 0.02, ..BatchNormalization::new() })
        .add(Flatten {})
        .add(Dense::new(3).activation(Activation::Softmax))
}

/// Batches of three, three and one images.
fn trainer(device: &Device) -> Trainer {
    let config = RunConfig { batch_size: 3, epochs: 1, shuffle: false, ..RunConfig::default() };
    Trainer::new(model(), device, config).unwrap()
}

/// The values of the tensor `name`.
fn tensor<'w>(graph: &Graph, weights: &'w [f32], name: &str) -> &'w [f32] {
    let (_, range) = graph.weights().find(|(tensor, _)| tensor.name == name).expect(name);
    &weights[range]
}

/// Mean and biased variance.
fn moments(values: impl Iterator<Item = f64> + Clone) -> [f64; 2] {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    [mean, values.map(|v| (v - mean) * (v - mean)).sum::<f64>() / count]
}

/// The pixels of channel `channel`, from 0 to 1.
fn channel(pixels: &[u8], channel: usize) -> impl Iterator<Item = f64> + Clone {
    pixels.iter().skip(channel).step_by(2).map(|pixel| f64::from(*pixel) / 255.0)
}

#[test]
fn moving_averages_follow_the_moments_of_the_images_that_count() {
    let data = images();
    for device in devices() {
        let mut trainer = trainer(&device);
        trainer.fit(&data).unwrap();
        let weights = trainer.weights().unwrap();
        for c in 0..2 {
            let mut expected = [0.0, 1.0];
            for batch in data.pixels.chunks(3 * 12) {
                let moments = moments(channel(batch, c));
                expected = [0, 1].map(|i| 0.7 * expected[i] + 0.3 * moments[i]);
            }
            for (name, expected) in ["moving_mean", "moving_variance"].iter().zip(expected) {
                let found = tensor(trainer.graph(), &weights, &format!("batch_normalization.{name}"))[c];
                let error = (f64::from(found) - expected).abs();
                assert!(error < 1e-6, "{}: {name}[{c}] is {found}, not {expected}", device.info().adapter);
            }
        }
    }
}

#[test]
fn inference_takes_the_moving_averages_and_leaves_them_alone() {
    let data = images();
    for device in devices() {
        let mut trainer = trainer(&device);
        let weights: Vec<f32> = (0..trainer.graph().weights_len()).map(|i| 0.3 + (i * 7 % 11) as f32 / 10.0).collect();
        trainer.set_weights(&weights).unwrap();
        let graph = trainer.graph().clone();
        let of = |name: &str| tensor(&graph, &weights, name).iter().map(|w| f64::from(*w)).collect::<Vec<_>>();
        let [gamma, beta, mean, variance] =
            ["gamma", "beta", "moving_mean", "moving_variance"].map(|name| of(&format!("batch_normalization.{name}")));
        let [kernel, bias] = [of("dense.kernel"), of("dense.bias")];
        let expected = |image: &[u8]| {
            let normal = image.iter().enumerate().map(|(i, pixel)| {
                let c = i % 2;
                (f64::from(*pixel) / 255.0 - mean[c]) / (variance[c] + 0.02).sqrt() * gamma[c] + beta[c]
            });
            let normal: Vec<f64> = normal.collect();
            let logit = |u: usize| bias[u] + normal.iter().enumerate().map(|(i, x)| x * kernel[i * 3 + u]).sum::<f64>();
            let exps = [0, 1, 2].map(|u| logit(u).exp());
            exps.map(|e| e / exps.iter().sum::<f64>())
        };
        let rows = trainer.predict(&data.pixels).unwrap();
        trainer.evaluate(&data).unwrap();
        trainer.score(&data).unwrap();
        trainer.gradients(&data).unwrap();
        for (row, image) in rows.iter().zip(data.pixels.chunks(12)) {
            for (found, expected) in row.iter().zip(expected(image)) {
                assert!((f64::from(*found) - expected).abs() < 1e-5, "{row:?}, {expected}");
            }
        }
        assert_eq!(trainer.weights().unwrap(), weights, "{}", device.info().adapter);
    }
}

#[test]
fn the_state_is_part_of_what_a_checkpoint_holds() {
    let mut trainer = trainer(&Device::cpu(1));
    trainer.fit(&images()).unwrap();
    let labels: Vec<String> = trainer.persistent().unwrap().into_iter().map(|(label, _)| label).collect();
    assert!(labels.contains(&"layer state".to_owned()), "{labels:?}");
    let mut weights = trainer.weights().unwrap();
    *weights.iter_mut().rev().find(|w| **w != 0.0).unwrap() = f32::NAN;
    trainer.set_weights(&weights).unwrap();
    let error = trainer.to_safetensors().unwrap_err().to_string();
    assert!(error.contains("batch_normalization.moving_variance"), "{error}");
}

#[test]
fn weights_are_bitwise_equal_for_any_number_of_threads() {
    let names =
        ["batch normalization, more channels", "over several chunks", "layer normalization without", "PReLU, odd"];
    for case in cases().into_iter().filter(|case| names.iter().any(|name| case.name.contains(name))) {
        for level in SimdLevel::available() {
            let (plan, filled) = case.filled::<f32>(Profile::cpu(Some(level))).unwrap();
            let found = [1, 2, 5].map(|threads| {
                let mut cpu = Cpu::<f32>::load(plan.clone(), threads).unwrap();
                copy_host_buffers(&plan, &filled, &mut cpu);
                cpu.run(&Program::TRAIN, &[case.step(); 2]).unwrap();
                plan.persistent_buffers().map(|(id, buffer)| cpu.content(id, buffer.len)).collect::<Vec<_>>()
            });
            assert!(found.iter().all(|bits| *bits == found[0]), "{}, {}", level.name(), case.name);
        }
    }
}

/// What a case is filled with.
fn copy_host_buffers(plan: &Plan, from: &Cpu<f32>, to: &mut dyn Backend) {
    let host = &plan.host;
    for id in host.uploaded().chain([host.parameters]).chain(host.layer_state) {
        to.write(id, 0, &from.content(id, plan.buffer(id).len)).unwrap();
    }
}

#[test]
fn images_beyond_a_short_batch_change_nothing_and_get_no_gradient() {
    for case in cases().iter().filter(|case| case.name == "batch normalization, short batch") {
        let (plan, mut cpu) = case.filled::<f32>(Profile::REFERENCE).unwrap();
        let mut other = cpu.content(plan.host.input, plan.words_per_batch);
        // Three images of 81 bytes count.
        other[61..].fill(0x7f01_ff80);
        let mut gradients = Vec::new();
        for pixels in [None, Some(&other)] {
            if let Some(pixels) = pixels {
                cpu.write(plan.host.input, 0, pixels).unwrap();
            }
            cpu.run(&[Program::Gradients], &[case.step()]).unwrap();
            gradients.push(cpu.values(plan.host.gradients).to_vec());
            for (i, buffer) in plan.buffers.iter().enumerate().filter(|(_, b)| b.label.ends_with("input gradient")) {
                let of_images = buffer.len / case.batch * case.images;
                let (counted, padding) = cpu.values(BufferId(i)).split_at(of_images);
                assert!(padding.iter().all(|v| *v == 0.0) && counted.iter().any(|v| *v != 0.0), "{}", buffer.label);
            }
        }
        assert_eq!(gradients[0], gradients[1]);
    }
}

/// Channels with a mean of about a thousand and a deviation of about one: differences of squares would lose all digits.
#[test]
fn moments_are_accurate_where_the_mean_is_large() {
    let model = Sequential::new([21, 18, 1])
        .add(Conv2D::new(6, 1))
        .add(BatchNormalization::new())
        .add(LayerNormalization::new().axis([1, 2, 3]))
        .add(Flatten {})
        .add(Dense::new(3).activation(Activation::Softmax));
    let case = Case { images: 4, ..Case::new("a large mean", 5, model) };
    let check = |on: &str, plan: &Plan, backend: &mut dyn Backend| {
        backend.run(&[Program::Gradients], &[case.step()]).unwrap();
        let mut read = |label: &str| {
            let id = plan.buffers.iter().position(|buffer| buffer.label == label).expect(label);
            let values = wait(backend.read_f32(BufferId(id), plan.buffers[id].len)).unwrap();
            values.into_iter().map(f64::from).collect::<Vec<_>>()
        };
        let (x, found) = (read("conv2d output"), read("batch_normalization moments"));
        let valid = &x[..4 * 21 * 18 * 6];
        for (c, found_mean) in found[..6].iter().enumerate() {
            let [mean, variance] = moments(valid.iter().skip(c).step_by(6).copied());
            assert!(mean > 900.0 && (0.5..2.0).contains(&variance), "{mean}, {variance}");
            let [mean_error, error] = [found_mean - mean, found[6 + c] * (variance + 1e-3).sqrt() - 1.0];
            assert!(mean_error.abs() < 1e-4 && error.abs() < 1e-5, "{on}, channel {c}: {mean_error:e}, {error:e}");
        }
    };
    let fill = |cpu: &mut Cpu<f32>, plan: &Plan| {
        let parameters = cpu.values(plan.host.parameters);
        // Of uniform pixels the deviation is 0.29.
        parameters[..6].fill(3.5);
        (0..6).for_each(|i| parameters[6 + i] = 1000.0 + i as f32);
    };
    for level in SimdLevel::available().into_iter().map(Some).chain([None]) {
        let (plan, mut cpu) = case.filled::<f32>(Profile::cpu(level)).unwrap();
        fill(&mut cpu, &plan);
        check(level.map_or("plain", SimdLevel::name), &plan, &mut cpu);
    }
    for profile in Profile::ADAPTERS {
        let Some(adapter) = adapter_with(profile) else { continue };
        let (plan, mut cpu) = case.filled::<f32>(profile).unwrap();
        fill(&mut cpu, &plan);
        let mut gpu = wait(Engine::load(&adapter, plan.clone(), 0)).unwrap();
        copy_host_buffers(&plan, &cpu, &mut gpu);
        check(profile.name, &plan, &mut gpu);
    }
}

/// Where a Normalization by the state on the adapter, with what `change` makes of the plan, differs from the reference, if the variance of
/// a channel is zero.
pub(crate) fn zero_variance_difference(adapter: &Adapter, change: &dyn Fn(&Plan) -> Plan) -> Option<String> {
    let model = Sequential::new([4, 4, 2])
        .add(Normalization::adapted())
        .add(Flatten {})
        .add(Dense::new(3).activation(Activation::Softmax));
    let case = Case::new("a variance of zero", 2, model);
    let (plan, mut cpu) = case.filled::<f32>(adapter.profile()).unwrap();
    let state = cpu.values(plan.host.layer_state.unwrap());
    // Means, then variances.
    state[2..4].copy_from_slice(&[0.0, 1e-20]);
    let runs = case.runs(&plan);
    let of_layer = |id: &DispatchId| plan.dispatch(*id).label.starts_with("normalization");
    let ids = runs.iter().map(|(id, _)| *id).filter(of_layer).collect();
    let found = wait(check_dispatches(adapter, &Arc::new(change(&plan)), &mut cpu, &runs, &ids)).unwrap();
    assert!(!found.is_empty());
    found.iter().find(|d| d.error.is_nan() || d.error > case.tolerance).map(|d| format!("a variance of zero: {d:?}"))
}

#[test]
fn a_variance_of_zero_is_taken_for_the_least_that_there_is() {
    for profile in Profile::ADAPTERS {
        let Some(adapter) = adapter_with(profile) else { continue };
        assert_eq!(zero_variance_difference(&adapter, &Plan::clone), None);
    }
}

#[test]
fn arguments_out_of_range_are_refused_with_layer_and_value() {
    let bn = BatchNormalization::new;
    let ln = LayerNormalization::new;
    let refused = |layer: gpu_cnn::AnyLayer, message: &str| {
        let model = Sequential::new([4, 5, 2]).add(layer).add(Flatten {});
        let error = Model::from(model.add(Dense::new(2).activation(Activation::Softmax))).graph().unwrap_err();
        let text = error.to_string();
        assert!(
            error.exit_code() == 2 && text.contains("layer 1 `") && text.contains(message),
            "{text}, not {message}"
        );
    };
    for (epsilon, shown) in [(0.0, "0"), (-1.0, "-1"), (f64::NAN, "NaN"), (f64::INFINITY, "inf"), (1e-60, "1e-60")] {
        refused(BatchNormalization { epsilon, ..bn() }.into(), &format!("BatchNormalization: epsilon is {shown};"));
        refused(LayerNormalization { epsilon, ..ln() }.into(), &format!("LayerNormalization: epsilon is {shown};"));
    }
    for momentum in [-0.1, 1.1, f64::NAN] {
        refused(BatchNormalization { momentum, ..bn() }.into(), &format!("momentum is {momentum}"));
    }
    for axis in [0, 1, 2, 4, -2, i64::MAX, i64::MIN] {
        refused(BatchNormalization { axis, ..bn() }.into(), &format!("BatchNormalization: axis {axis} of an input"));
    }
    let axes: [&[i64]; 9] = [&[], &[0], &[2], &[4], &[1, 3], &[3, 3], &[0, 1, 2, 3], &[-5], &[i64::MIN, i64::MAX]];
    for axes in axes {
        let axis = gpu_cnn::Axes::Several(axes.to_vec());
        refused(LayerNormalization { axis, ..ln() }.into(), &format!("LayerNormalization: axis {axes:?}"));
    }
    for axes in [vec![0], vec![1, 4]] {
        refused(PReLU::new().shared_axes(axes.clone()).into(), &format!("shared_axes has {}", axes.last().unwrap()));
    }
}
