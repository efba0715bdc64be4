//! What device a caller wants.

use crate::plan::Profile;
use crate::simd::SimdLevel;

/// What device is wanted. Nothing is read from the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRequest {
    /// `auto`, `cpu`, a backend (`vulkan`, `metal`, `dx12`, `gl`) or a part of an adapter's name. `auto` takes the best real GPU, or
    /// else the CPU backend: a software adapter has to be asked for.
    pub adapter: String,
    /// Threads of the CPU backend; 0 means one per core.
    pub threads: usize,
    /// SIMD kernels of the CPU backend; none for the reference implementations.
    pub simd: Option<SimdLevel>,
    /// Backends to look for adapters in, separated by commas; none for all. `auto` then takes software adapters, too.
    pub backends: Option<String>,
    /// A part of an adapter's name that stands in for `auto`, or narrows a backend.
    pub adapter_name: Option<String>,
    /// Tuning profile in place of the adapter's own.
    pub profile: Option<Profile>,
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
            profile: None,
        }
    }
}

impl Default for DeviceRequest {
    /// `auto`.
    fn default() -> Self {
        Self::new("auto")
    }
}
