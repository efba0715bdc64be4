//! Which device to train on, by what the user asked for.

use super::cpu::Cpu;
use super::gpu::{self, Adapter, Engine};
use super::info::DeviceInfo;
use super::interface::Backend;
use super::request::DeviceRequest;
use crate::error::{Result, usage};
use crate::plan::{Plan, Profile};
use crate::simd::SimdLevel;
use crate::threads::{cores, pool};
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
    /// Why better adapters were passed over, a line each.
    pub passed: Vec<String>,
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
    /// [`crate::Error::NoAdapter`] with the adapters that there are, if none matches; [`crate::Error::Device`] if one matches and cannot be opened.
    pub async fn find(request: &DeviceRequest) -> Result<Found> {
        if request.adapter.eq_ignore_ascii_case("cpu") {
            return Self::find_cpu(request);
        }
        if request.adapter.to_lowercase().starts_with("cpu#") {
            return Err(usage!("adapter `{}`; the CPU is one, and has no number", request.adapter));
        }
        let (adapter, reasons) = gpu::find(request).await?;
        let other = if reasons.is_empty() { "" } else { "other " };
        let passed: Vec<String> = reasons.iter().map(|reason| format!("note: {reason}; taking the next")).collect();
        match adapter {
            Some(adapter) => {
                let name = &adapter.info.adapter;
                let notice = format!(
                    "warning: {name} is a software adapter: it runs on the CPU, slower than the CPU backend (adapter `cpu`)"
                );
                let notice = adapter.is_software().then_some(notice);
                Ok(Found { device: Self::Gpu(adapter), passed, notice })
            }
            None => {
                let Found { device, notice, .. } = Self::find_cpu(request)?;
                let notices = [format!("note: no {other}GPU found: using the CPU backend")].into_iter().chain(notice);
                Ok(Found { device, passed, notice: Some(notices.collect::<Vec<_>>().join("\n")) })
            }
        }
    }

    /// The CPU with the threads that the request asks for, as far as they can be started.
    fn find_cpu(request: &DeviceRequest) -> Result<Found> {
        let wanted = if request.threads == 0 { cores() } else { request.threads };
        let started = pool(wanted)?.map_or(1, |pool| pool.current_num_threads());
        let notice = (started < wanted).then(|| {
            format!(
                "note: {started} of {wanted} threads: the system allows no more (`ulimit -u` or `-v`, or the cgroup's limits)"
            )
        });
        Ok(Found { device: Self::Cpu { threads: started, simd: request.simd }, passed: Vec::new(), notice })
    }

    /// How reports name the device.
    pub fn info(&self) -> DeviceInfo {
        match self {
            Self::Cpu { threads, simd } => {
                let threads = if *threads == 0 { cores() } else { *threads };
                DeviceInfo::cpu(threads, *simd)
            }
            Self::Gpu(adapter) => adapter.info.clone(),
        }
    }

    /// What tells it from the other devices of this machine.
    pub fn unit(&self) -> String {
        match self {
            Self::Cpu { .. } => "cpu".to_owned(),
            Self::Gpu(adapter) => adapter.unit(),
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
