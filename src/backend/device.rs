//! Which device to train on, by what the user asked for.

use super::gpu::{self, Adapter};
use super::{Backend, Cpu};
use crate::error::Result;
use crate::plan::{Plan, Profile};
use crate::simd::{self, SimdLevel};
use serde::Serialize;
use std::sync::Arc;

/// A device as reports name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceInfo {
    /// `llvmpipe (LLVM 15.0.6, 256 bits)`, or `cpu, 2 threads`.
    pub adapter: String,
    /// `vulkan`, `metal`, `dx12`, `gl`, or `cpu`.
    pub backend: String,
    /// `discrete`, `integrated`, `virtual`, `software`, `cpu` or `other`.
    pub device_type: &'static str,
    /// The driver and its version; on the CPU its vector instructions.
    pub driver: String,
}

impl DeviceInfo {
    pub(crate) fn cpu(threads: usize, level: Option<SimdLevel>) -> Self {
        let plural = if threads == 1 { "" } else { "s" };
        let adapter = format!("cpu, {threads} thread{plural}");
        Self {
            adapter,
            backend: "cpu".into(),
            device_type: "cpu",
            driver: level.map_or(simd::PLAIN, SimdLevel::name).to_owned(),
        }
    }
}

/// Where a plan can be loaded.
#[derive(Debug, Clone)]
pub enum Device {
    /// The CPU kernels, with this many threads (0: one a core).
    Cpu {
        /// Threads.
        threads: usize,
    },
    /// An adapter.
    Gpu(Adapter),
}

/// What [`Device::find`] found.
#[derive(Debug)]
pub struct Found {
    /// The device.
    pub device: Device,
    /// What the user should know about the choice.
    pub notice: Option<String>,
}

impl Device {
    /// The device for `request`: `auto`, `cpu`, a backend (`vulkan`, `metal`, `dx12`, `gl`) or a part of an adapter's
    /// name. `threads` is for the CPU backend.
    ///
    /// `auto` takes the best real GPU, or else the CPU backend: a software adapter has to be asked for. `WGPU_BACKEND`
    /// narrows the search, and `WGPU_ADAPTER_NAME` stands in for `auto`.
    pub fn find(request: &str, threads: usize) -> Result<Found> {
        gpu::forced_profile()?;
        SimdLevel::chosen()?;
        if request.eq_ignore_ascii_case("cpu") {
            return Ok(Found { device: Self::Cpu { threads }, notice: None });
        }
        match gpu::find(request)? {
            Some(adapter) => {
                let notice = adapter.is_software().then(|| {
                    format!(
                        "warning: {} is a software adapter: it runs on the CPU, slower than `--adapter cpu`",
                        adapter.info.adapter
                    )
                });
                Ok(Found { device: Self::Gpu(adapter), notice })
            }
            None => {
                let notice = "note: no GPU found: using the CPU backend".to_owned();
                Ok(Found { device: Self::Cpu { threads }, notice: Some(notice) })
            }
        }
    }

    /// As reports name it.
    pub fn info(&self) -> DeviceInfo {
        match self {
            Self::Cpu { threads } => {
                let threads = if *threads == 0 { rayon::current_num_threads() } else { *threads };
                // What was forced wrongly fails when it is loaded.
                DeviceInfo::cpu(threads, SimdLevel::chosen().unwrap_or_default())
            }
            Self::Gpu(adapter) => adapter.info.clone(),
        }
    }

    /// How plans for this device are tiled.
    pub fn profile(&self) -> Profile {
        match self {
            Self::Cpu { .. } => Profile::CPU,
            Self::Gpu(adapter) => adapter.profile(),
        }
    }

    /// Loads `plan`, which has to be recorded for [`Self::profile`].
    pub fn load(&self, plan: Arc<Plan>) -> Result<Box<dyn Backend>> {
        Ok(match self {
            Self::Cpu { threads } => Box::new(Cpu::<f32>::load_for(plan, *threads, SimdLevel::chosen()?)?),
            Self::Gpu(adapter) => Box::new(pollster::block_on(gpu::Engine::load(adapter, plan, 0))?),
        })
    }
}
