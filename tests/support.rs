//! What several tests need: an adapter or a clear word that there is none, and a plan filled with random data.

use crate::cases::Case;
use gpu_cnn::backend::gpu::{self, Adapter};
use gpu_cnn::backend::{Backend, Cpu, CpuFloat};
use gpu_cnn::model::initial_weights;
use gpu_cnn::plan::{Plan, Profile, Step};
use gpu_cnn::rng::{Purpose, Rng};
use std::sync::Arc;

/// The adapter to test on: `GPU_CNN_TEST_ADAPTER` (a part of a name), else lavapipe, else the best there is.
///
/// Without any, a test fails where `CI` is set, and elsewhere says that it was skipped.
pub fn adapter() -> Option<Adapter> {
    let wanted = std::env::var("GPU_CNN_TEST_ADAPTER").unwrap_or_else(|_| "llvmpipe".into());
    let found = gpu::find(&wanted).ok().flatten().or_else(|| gpu::find("vulkan").ok().flatten());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "no adapter: install a Vulkan driver (scripts/test does)");
        eprintln!("skipped: no adapter");
    }
    found
}

/// A step that takes the first batch of the window.
pub fn step(images: usize) -> Step {
    Step { slot: 0, images: images as u32, rate: 1e-3, padding: 0 }
}

/// The case recorded for `profile` and loaded on the CPU with random pixels, labels and weights.
pub fn filled<F: CpuFloat>(case: &Case, profile: Profile) -> (Arc<Plan>, Cpu<F>) {
    let layout = case.model.layout().unwrap();
    let plan = Arc::new(case.model.record(case.batch, 1, profile).unwrap());
    let mut cpu = Cpu::load(Arc::clone(&plan), 2).unwrap();
    let mut rng = Rng::new(42, Purpose::TrainImage, case.batch as u64);
    let mut grey = || (rng.below(case.greys) * 255 / (case.greys - 1)) as u32;
    let pixels: Vec<u32> = (0..plan.words_per_batch).map(|_| (0..4).fold(0, |word, _| word << 8 | grey())).collect();
    let labels: Vec<u32> = (0..case.batch).map(|_| rng.below(layout.classes) as u32).collect();
    cpu.write(plan.ports.pixels, 0, &pixels).unwrap();
    cpu.write(plan.ports.labels, 0, &labels).unwrap();
    let mut weights = initial_weights(&layout, 1);
    for tensor in layout.tensors.iter().filter(|t| t.name.ends_with("bias")) {
        weights[tensor.offset..][..tensor.size()].fill_with(|| rng.range(-0.5, 0.5));
    }
    cpu.write_f32(plan.ports.params, 0, &weights).unwrap();
    (plan, cpu)
}
