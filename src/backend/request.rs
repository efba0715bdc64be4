//! What device a caller wants.

use crate::plan::Profile;
use crate::simd::SimdLevel;

/// What device is wanted. Nothing is read from the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRequest {
    /// `auto`, `cpu`, a backend (`vulkan`, `metal`, `dx12`, `gl`) or a part of an adapter's name; `#1` after it means the second of several
    /// equal ones. `auto` takes the best real GPU, or else the CPU backend: a software adapter has to be asked for.
    pub adapter: String,
    /// Threads of the CPU backend; 0 means one per core.
    pub threads: usize,
    /// SIMD kernels of the CPU backend; none for the reference implementations.
    pub simd: Option<SimdLevel>,
    /// Backends to look for adapters in, separated by commas; none for all. `auto` then takes software adapters, too.
    pub backends: Option<String>,
    /// A part of an adapter's name that stands in for `auto`, or narrows a backend.
    pub adapter_name: Option<String>,
    /// Which of several equal adapters, from 0, and again from the first after the last.
    pub number: usize,
    /// Tuning profile in place of the adapter's own.
    pub profile: Option<Profile>,
    /// What a test makes different.
    #[doc(hidden)]
    pub trial: Trial,
}

/// What tests make different about an adapter, to see what machines seldom show.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trial {
    /// Devices have WebGPU's default limits, whatever the adapter has.
    pub default_limits: bool,
    /// Number of the plan's buffer for which there is no memory.
    pub no_memory_for: Option<usize>,
}

impl DeviceRequest {
    /// The device that `adapter` names, everything else as it is best.
    pub fn new(adapter: impl Into<String>) -> Self {
        Self {
            adapter: adapter.into(),
            threads: 0,
            simd: SimdLevel::best(),
            backends: None,
            adapter_name: None,
            number: 0,
            profile: None,
            trial: Trial::default(),
        }
    }
}

impl Default for DeviceRequest {
    /// `auto`.
    fn default() -> Self {
        Self::new("auto")
    }
}
