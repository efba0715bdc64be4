//! Which device to train on, by what the user asked for.

use super::cpu::Cpu;
use super::gpu::{self, Adapter, Engine};
use super::info::DeviceInfo;
use super::interface::Backend;
use super::request::DeviceRequest;
use crate::error::Result;
use crate::plan::{Plan, Profile};
use crate::simd::SimdLevel;
use std::sync::Arc;

/// Where a plan can be loaded.
#[derive(Debug, Clone)]
pub enum Device {
    /// The CPU kernels.
    Cpu {
        /// Number of threads; 0 means one per core.
        threads: usize,
        /// SIMD level of the kernels; none for the reference implementations.
        simd: Option<SimdLevel>,
    },
    /// An adapter that wgpu found.
    Gpu(Adapter),
}

/// What [`Device::find`] found.
#[derive(Debug)]
pub struct Found {
    /// The device that the request means.
    pub device: Device,
    /// What the user should know about the choice.
    pub notice: Option<String>,
}

impl Device {
    /// The CPU with its best SIMD level and this many threads; 0 means one per core.
    pub fn cpu(threads: usize) -> Self {
        Self::Cpu { threads, simd: SimdLevel::best() }
    }

    /// The device for `request`.
    ///
    /// # Errors
    /// [`crate::Error::NoAdapter`] with the adapters that there are, if none matches.
    pub async fn find(request: &DeviceRequest) -> Result<Found> {
        let cpu = Self::Cpu { threads: request.threads, simd: request.simd };
        if request.adapter.eq_ignore_ascii_case("cpu") {
            return Ok(Found { device: cpu, notice: None });
        }
        match gpu::find(request).await? {
            Some(adapter) => {
                let name = &adapter.info.adapter;
                let notice = format!(
                    "warning: {name} is a software adapter: it runs on the CPU, slower than the CPU backend (adapter `cpu`)"
                );
                let notice = adapter.is_software().then_some(notice);
                Ok(Found { device: Self::Gpu(adapter), notice })
            }
            None => {
                let notice = "note: no GPU found: using the CPU backend".to_owned();
                Ok(Found { device: cpu, notice: Some(notice) })
            }
        }
    }

    /// How reports name the device.
    pub fn info(&self) -> DeviceInfo {
        match self {
            Self::Cpu { threads, simd } => {
                let threads = if *threads == 0 { rayon::current_num_threads() } else { *threads };
                DeviceInfo::cpu(threads, *simd)
            }
            Self::Gpu(adapter) => adapter.info.clone(),
        }
    }

    /// Whether shaders run on the CPU, as with lavapipe.
    pub fn is_software(&self) -> bool {
        matches!(self, Self::Gpu(adapter) if adapter.is_software())
    }

    /// How plans for this device are recorded.
    pub fn profile(&self) -> Profile {
        match self {
            Self::Cpu { simd, .. } => Profile::cpu(*simd),
            Self::Gpu(adapter) => adapter.profile(),
        }
    }

    /// Loads `plan`, which has to be recorded for [`Self::profile`].
    ///
    /// # Errors
    /// No memory, a buffer over the adapter's limits, or a shader that the driver refuses.
    pub async fn load(&self, plan: Arc<Plan>) -> Result<Box<dyn Backend>> {
        Ok(match self {
            Self::Cpu { threads, .. } => Box::new(Cpu::<f32>::load(plan, *threads)?),
            Self::Gpu(adapter) => Box::new(Engine::load(adapter, plan, 0).await?),
        })
    }
}
