//! How work is cut into submissions and dispatches makes no difference: steps of a submission, workgroups beyond one dimension of a grid.

use crate::support::{adapter, devices, wait};
use gpu_cnn::internals::backend::{Backend, check_dispatches};
use gpu_cnn::internals::graph::RecordOptions;
use gpu_cnn::internals::plan::{DispatchId, Plan, Program, Step};
use gpu_cnn::internals::sha256_hex;
use gpu_cnn::internals::verify::Case;
use gpu_cnn::{
    Activation, AveragePooling2D, BatchNormalization, Conv2D, Dense, Dropout, Flatten, GlobalAveragePooling2D,
    Sequential,
};
use std::sync::Arc;

/// Steps of the longest submission.
const STEPS: usize = 64;
const BATCH: usize = 5;

/// The SHA-256 of all that is kept, after [`STEPS`] steps in submissions of `at_once`.
fn trained(plan: &Arc<Plan>, backend: &mut dyn Backend, at_once: usize) -> String {
    let weights: Vec<f32> = (0..plan.buffer(plan.host.parameters).len).map(|i| (i % 17) as f32 * 0.01 - 0.08).collect();
    let words: Vec<u32> = (0..(STEPS * plan.words_per_batch) as u32).map(|i| i.wrapping_mul(0x9e37_79b9)).collect();
    let labels: Vec<u32> = (0..(STEPS * BATCH) as u32).map(|i| i * 7 % 3).collect();
    for (id, buffer) in plan.persistent_buffers() {
        backend.write_f32(id, 0, &vec![0.0; buffer.len]).unwrap();
    }
    backend.write_f32(plan.host.parameters, 0, &weights).unwrap();
    backend.write(plan.host.input, 0, &words).unwrap();
    backend.write(plan.host.targets, 0, &labels).unwrap();
    let step = |i: usize| Step {
        update: i as u32 + 1,
        seed: 9,
        learning_rate: 1e-2,
        scalars: [1e-2, 0.0],
        ..Step::evaluate(i, BATCH)
    };
    let steps: Vec<Step> = (0..STEPS).map(step).collect();
    steps.chunks(at_once).for_each(|steps| backend.run(&Program::TRAIN, steps).unwrap());
    let kept = plan.persistent_buffers().flat_map(|(id, buffer)| wait(backend.read(id, buffer.len)).unwrap());
    sha256_hex(bytemuck::cast_slice(&kept.collect::<Vec<u32>>()))
}

#[test]
fn submissions_of_one_step_and_of_sixty_four_give_the_same_bits() {
    let model = Sequential::new([9, 8, 1])
        .add(Conv2D::new(6, 3).activation(Activation::Relu))
        .add(BatchNormalization::new())
        .add(Flatten {})
        .add(Dropout::new(0.3))
        .add(Dense::new(3).activation(Activation::Softmax));
    for device in devices() {
        let options = RecordOptions { batches_per_upload: STEPS, ..RecordOptions::new(BATCH, device.profile()) };
        let plan = Arc::new(model.graph().unwrap().record(&options).unwrap().share_buffers());
        let mut backend = wait(device.load(Arc::clone(&plan))).unwrap();
        let found = [1, STEPS, 7].map(|at_once| trained(&plan, backend.as_mut(), at_once));
        assert!(found[0] == found[1] && found[1] == found[2], "{:?}: {found:?}", device.info());
    }
}

/// Grids at the border of WebGPU's 65,535 workgroups in one dimension: each workgroup takes 256 elements.
#[test]
fn dispatches_of_65_535_to_65_537_workgroups_compute_every_element() {
    let Some(adapter) = adapter() else { return };
    for (name, [height, width], pool) in [
        ("65,535 workgroups", [255, 257], [15, 15]),
        ("65,536 workgroups", [256, 256], [16, 16]),
        ("65,537 workgroups", [1, 65_537], [1, 256]),
    ] {
        let model = Sequential::new([height, width, 256])
            .add(BatchNormalization::new())
            .add(gpu_cnn::ActivationLayer::new(Activation::Tanh))
            .add(AveragePooling2D::new(pool))
            .add(GlobalAveragePooling2D::default())
            .add(Dense::new(2).activation(Activation::Softmax));
        let case = Case { tolerance: 2e-5, ..Case::new(name, 1, model) };
        let (plan, mut cpu) = case.filled::<f32>(adapter.profile()).unwrap();
        let ids = plan.dispatch_ids(&[Program::Gradients]);
        let groups = (height * width) as u32;
        let grid = if groups <= 65_535 { [groups, 1, 1] } else { [65_535, 2, 1] };
        let has_grid = |id: &&DispatchId| plan.dispatch(**id).kernel.shader().grid == grid;
        assert!(ids.iter().filter(has_grid).count() >= 3, "{name}");
        let all = ids.iter().copied().collect();
        let runs: Vec<_> = ids.iter().map(|id| (*id, case.step())).collect();
        for found in wait(check_dispatches(&adapter, &plan, &mut cpu, &runs, &all)).unwrap() {
            let label = &plan.dispatch(found.id).label;
            assert!(found.error <= case.tolerance, "{name}: `{label}` into `{}`: {:.1e}", found.buffer, found.error);
        }
    }
}
