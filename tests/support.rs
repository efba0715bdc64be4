//! Helpers of several tests: the adapter to test on, data sets, and a plan loaded with random values.

use crate::cases::Case;
use gpu_cnn::backend::gpu::{self, Adapter};
use gpu_cnn::backend::{Backend, Cpu, CpuFloat};
use gpu_cnn::data::{Dataset, synthetic};
use gpu_cnn::model::initial_weights;
use gpu_cnn::plan::{Plan, Profile, Step};
use gpu_cnn::rng::{Purpose, Rng};
use gpu_cnn::simd::SimdLevel;
use gpu_cnn::{Device, Sequential, Settings};
use std::path::PathBuf;
use std::sync::Arc;

/// The adapter to test on: the one that `GPU_CNN_TEST_ADAPTER` (part of a name) selects, else lavapipe, else any.
///
/// If there is none, the test fails where `CI` is set; elsewhere a note on stderr says that it is skipped.
pub(crate) fn adapter() -> Option<Adapter> {
    let wanted = std::env::var("GPU_CNN_TEST_ADAPTER").unwrap_or_else(|_| "llvmpipe".into());
    let any = || ["vulkan", "metal", "dx12"].iter().find_map(|name| gpu::find(name).ok().flatten());
    let found = gpu::find(&wanted).ok().flatten().or_else(any);
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "no adapter: install a Vulkan driver (scripts/test does)");
        eprintln!("skipped: no adapter");
    }
    found
}

/// As [`adapter`], if that is a software adapter; otherwise a note on stderr says that the test is skipped.
pub(crate) fn software_adapter() -> Option<Adapter> {
    let found = adapter().filter(Adapter::is_software);
    if found.is_none() {
        eprintln!("skipped: no software adapter");
    }
    found
}

/// The CPU with two threads, and the adapter of [`adapter`] if there is one.
pub(crate) fn devices() -> Vec<Device> {
    let mut devices = vec![Device::Cpu { threads: 2 }];
    devices.extend(adapter().map(Device::Gpu));
    devices
}

/// As [`devices`], and also the adapter with the profile for discrete GPUs, which is slow on lavapipe.
pub(crate) fn devices_and_card() -> Vec<Device> {
    let as_card = |adapter: Adapter| adapter.with_profile(Profile::DISCRETE).ok();
    devices().into_iter().chain(adapter().and_then(as_card).map(Device::Gpu)).collect()
}

/// `path` in the folder that holds Fashion-MNIST and Keras's loss trajectories: `GPU_CNN_SHARED`, or `../shared` beside
/// the repository.
///
/// If it does not exist, the test fails where `GPU_CNN_REQUIRE_SHARED` is set, as in this project's CI; elsewhere a
/// note on stderr says that it is skipped.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let found = std::env::var_os("GPU_CNN_SHARED").map_or_else(beside, PathBuf::from).join(path);
    if found.exists() {
        return Some(found);
    }
    assert!(std::env::var_os("GPU_CNN_REQUIRE_SHARED").is_none(), "not found: {}", found.display());
    eprintln!("skipped: no {}", found.display());
    None
}

/// Fashion-MNIST, if the folder of [`shared`] contains it.
pub(crate) fn fashion_mnist() -> Option<Dataset> {
    let folder = shared("data/fashion-mnist")?;
    Some(gpu_cnn::data::fashion_mnist::read_any(&[folder]).unwrap().expect("all four files"))
}

/// The synthetic images that the Keras runs in `assets/golden` were trained on.
pub(crate) fn golden_images() -> Dataset {
    let data = synthetic::generate(7, [3200, 2000]);
    assert_eq!(
        data.sha256["train images"], "a0c539a9722501df51182c2c3d42bef6bd27e1ae79ca6e4746be3fe35292a792",
        "the synthetic set has changed: regenerate assets/golden"
    );
    data
}

/// Default settings on `device`.
pub(crate) fn settings(device: Device) -> Settings {
    Settings { device, ..Settings::default() }
}

/// A small CNN for 28x28 single-channel images.
pub(crate) fn small_cnn() -> Sequential {
    use gpu_cnn::Activation::{Relu, Softmax};
    use gpu_cnn::{Conv2D, Dense, Flatten, MaxPooling2D};
    Sequential::new([28, 28, 1])
        .add(Conv2D::new(6, 3).activation(Relu))
        .add(MaxPooling2D::new(2))
        .add(Conv2D::new(8, 3).activation(Relu))
        .add(MaxPooling2D::new(2))
        .add(Flatten {})
        .add(Dense::new(10).activation(Softmax))
}

/// A step over the first batch of the upload, with `images` valid images.
pub(crate) fn step(images: usize) -> Step {
    Step { batch_index: 0, images: images as u32, rate: 1e-3, padding: 0 }
}

/// The case recorded for `profile` and loaded on the CPU with random pixels, labels and weights.
pub(crate) fn filled<F: CpuFloat>(case: &Case, profile: Profile) -> (Arc<Plan>, Cpu<F>) {
    filled_for(case, profile, None)
}

/// As [`filled`], with the SIMD variants of the kernels for `level`.
pub(crate) fn filled_for<F: CpuFloat>(case: &Case, profile: Profile, level: Option<SimdLevel>) -> (Arc<Plan>, Cpu<F>) {
    let layout = case.model.layout().unwrap();
    let plan = Arc::new(case.model.record(case.batch, 1, profile).unwrap());
    let mut cpu = Cpu::load_for(Arc::clone(&plan), 2, level).unwrap();
    let mut rng = Rng::new(42, Purpose::TrainImage, case.batch as u64);
    let mut pixel = || (rng.below(case.levels) * 255 / (case.levels - 1)) as u32;
    let pixels: Vec<u32> = (0..plan.words_per_batch).map(|_| (0..4).fold(0, |word, _| word << 8 | pixel())).collect();
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
