//! What several tests need: an adapter or a clear word that there is none, data, and models.

use gpu_cnn::data::{Dataset, synthetic};
use gpu_cnn::internals::backend::Trial;
use gpu_cnn::internals::backend::gpu::{self, Adapter};
use gpu_cnn::internals::plan::{Profile, Shader};
use gpu_cnn::internals::rng::Rng;
use gpu_cnn::{Device, DeviceRequest, Sequential};
use std::path::PathBuf;

pub(crate) use gpu_cnn::blocking::wait;

/// The adapter to test on: `GPU_CNN_TEST_ADAPTER` (a part of a name), else lavapipe, else the best there is; of the backends that
/// `WGPU_BACKEND` names, with WebGPU's default limits where `GPU_CNN_TRIAL` is `default-limits`.
///
/// Without any, a test fails where `CI` is set, and elsewhere says that it was skipped. One that is named has to be there.
pub(crate) fn adapter() -> Option<Adapter> {
    let backends = std::env::var("WGPU_BACKEND").ok();
    let default_limits = std::env::var("GPU_CNN_TRIAL").is_ok_and(|trial| trial.contains("default-limits"));
    let trial = Trial { default_limits, ..Trial::default() };
    let find = |name: &str| {
        let request = DeviceRequest { backends: backends.clone(), trial, ..DeviceRequest::new(name) };
        wait(gpu::find(&request)).ok().and_then(|(adapter, _)| adapter)
    };
    if let Ok(name) = std::env::var("GPU_CNN_TEST_ADAPTER") {
        return Some(find(&name).unwrap_or_else(|| panic!("no adapter `{name}`, or it cannot be opened")));
    }
    let found = ["llvmpipe", "vulkan", "metal", "dx12"].into_iter().find_map(find);
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "no adapter: install a Vulkan driver (scripts/test does)");
        eprintln!("skipped: no adapter");
    }
    found
}

/// As [`adapter`], if it is a software one; says that the test was skipped otherwise.
pub(crate) fn software_adapter() -> Option<Adapter> {
    let found = adapter().filter(Adapter::is_software);
    if found.is_none() {
        eprintln!("skipped: no software adapter");
    }
    found
}

/// As [`adapter`], with `profile`; says that the test was skipped if the adapter cannot take it.
pub(crate) fn adapter_with(profile: Profile) -> Option<Adapter> {
    let adapter = adapter()?;
    let found = adapter.with_profile(profile).ok();
    if found.is_none() {
        eprintln!("skipped: {} does not support profile {}", adapter.info.adapter, profile.name);
    }
    found
}

/// The CPU with two threads, and the adapter if there is one.
pub(crate) fn devices() -> Vec<Device> {
    let mut devices = vec![Device::cpu(2)];
    devices.extend(adapter().map(Device::Gpu));
    devices
}

/// As [`devices`], and the adapter with the profile of discrete GPUs, with which lavapipe is slow.
pub(crate) fn devices_and_card() -> Vec<Device> {
    devices().into_iter().chain(adapter_with(Profile::DISCRETE).map(Device::Gpu)).collect()
}

/// Whether a matrix product is computed in tiles of 64 x 64 (shaders/tile_workgroup.wgsl).
pub(crate) fn has_large_tiles(shader: &Shader, profile: Profile) -> bool {
    shader.text(profile).contains("const TILE_SCALE = 2u;")
}

/// `path` in the folder with Fashion-MNIST and Keras's trajectories that lies beside a developer's clone
/// (`GPU_CNN_SHARED` can say where).
///
/// Without it, a test fails where `GPU_CNN_REQUIRE_SHARED` is set, as in this project's CI, and elsewhere says that it
/// was skipped.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let found = std::env::var_os("GPU_CNN_SHARED").map_or_else(beside, PathBuf::from).join(path);
    if found.exists() {
        return Some(found);
    }
    assert!(std::env::var_os("GPU_CNN_REQUIRE_SHARED").is_none(), "not there: {}", found.display());
    eprintln!("skipped: no {}", found.display());
    None
}

/// Fashion-MNIST, where [`shared`] has it.
pub(crate) fn fashion_mnist() -> Option<Dataset> {
    let folder = shared("data/fashion-mnist")?;
    Some(gpu_cnn::data::fashion_mnist::read_any(&[folder], &mut Vec::new()).unwrap().expect("all four files"))
}

/// The synthetic images that `assets/golden` was made over.
pub(crate) fn golden_images() -> Dataset {
    let data = synthetic::generate(7, [3200, 2000]);
    assert_eq!(
        data.sha256["train images"], "a0c539a9722501df51182c2c3d42bef6bd27e1ae79ca6e4746be3fe35292a792",
        "the synthetic set has changed: regenerate assets/golden"
    );
    data
}

/// A model as Keras writes it, from `assets/keras`.
pub(crate) fn keras_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets/keras").join(name)
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

/// Relative L2 error ||a - b|| / ||b||, or ||a|| where b is zero; infinite if the difference is not finite.
pub(crate) fn distance(a: impl IntoIterator<Item = f64>, b: impl IntoIterator<Item = f64>) -> f64 {
    let (a, b): (Vec<f64>, Vec<f64>) = (a.into_iter().collect(), b.into_iter().collect());
    assert_eq!(a.len(), b.len(), "two arrays of different lengths");
    let (mut distance, mut norm) = (0.0, 0.0);
    for (a, b) in a.into_iter().zip(b) {
        distance += (a - b) * (a - b);
        norm += b * b;
    }
    match (f64::is_finite(distance), norm > 0.0) {
        (false, _) => f64::INFINITY,
        (true, true) => (distance / norm).sqrt(),
        (true, false) => distance.sqrt(),
    }
}

/// A JSON array of numbers.
pub(crate) fn numbers(value: &serde_json::Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// What the environment variable `name` says of a tool that a test needs. Without it the test fails where `CI` is set, and elsewhere says
/// that it was skipped.
pub(crate) fn tool(name: &str, missing: &str, remedy: &str) -> Option<String> {
    let tool = std::env::var(name).ok();
    if tool.is_none() {
        assert!(std::env::var_os("CI").is_none(), "{missing}: {remedy}, for {name}");
        eprintln!("skipped: {missing} ({name})");
    }
    tool
}

/// Whether the program `name` can be run. Without it the test fails where `CI` is set, and elsewhere says that it was skipped.
pub(crate) fn tool_or_skip(name: &str) -> bool {
    let is_there = std::process::Command::new(name).arg("--version").output().is_ok();
    if !is_there {
        assert!(std::env::var_os("CI").is_none(), "no {name}");
        eprintln!("skipped: no {name}");
    }
    is_there
}

/// Does a file one of several kinds of damage: bits and bytes changed, the end cut off.
pub(crate) fn damage(bytes: &mut Vec<u8>, rng: &mut Rng) {
    let at = rng.below(bytes.len());
    match rng.below(5) {
        0 => bytes[at] ^= 1 << rng.below(8),
        1 => bytes.truncate(at),
        // Sizes and offsets that lie.
        2 => bytes[at..].iter_mut().take(8).for_each(|byte| *byte = 0xff),
        3 => bytes[at..].iter_mut().take(4).for_each(|byte| *byte = rng.below(256) as u8),
        _ => (0..1 + rng.below(16)).for_each(|_| {
            let at = rng.below(bytes.len());
            bytes[at] = rng.below(256) as u8;
        }),
    }
}
