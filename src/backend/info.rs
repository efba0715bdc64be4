//! How reports name a device.

use crate::error::count_of;
use crate::simd::{self, SimdLevel};
use serde::{Deserialize, Serialize};

/// A device as reports name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// `llvmpipe (LLVM 15.0.6, 256 bits)`, or `cpu, 2 threads`.
    pub adapter: String,
    /// `vulkan`, `metal`, `dx12`, `gl`, or `cpu`.
    pub backend: String,
    /// `discrete`, `integrated`, `virtual`, `software`, `cpu` or `other`.
    pub device_type: String,
    /// The driver and its version; on the CPU its vector instructions.
    pub driver: String,
}

impl DeviceInfo {
    pub(crate) fn cpu(threads: usize, level: Option<SimdLevel>) -> Self {
        let adapter = format!("cpu, {}", count_of(threads, "thread"));
        Self {
            adapter,
            backend: "cpu".into(),
            device_type: "cpu".into(),
            driver: level.map_or(simd::PLAIN, SimdLevel::name).to_owned(),
        }
    }
}
