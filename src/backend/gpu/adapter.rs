//! Lists the adapters of this machine and selects the one that a request names.

use crate::backend::info::DeviceInfo;
use crate::backend::request::Trial;
use crate::error::{Result, usage};
use crate::plan::{MAX_BINDINGS, MatmulCore, Profile};
use std::sync::{Arc, Mutex, PoisonError};
use wgpu::{DeviceType, Features};

/// A GPU or software adapter that a plan can be loaded on.
#[derive(Debug, Clone)]
pub struct Adapter {
    /// Name, backend, type and driver.
    pub info: DeviceInfo,
    /// The tuning profile that plans for this adapter are recorded with.
    profile: Profile,
    /// Among those of this machine that are equal.
    pub(super) number: usize,
    /// Whether shaders get wgpu's checks of bounds and loops.
    pub(super) checked: bool,
    pub(super) inner: wgpu::Adapter,
    pub(super) trial: Trial,
    /// The device of [`Self::open`], until an engine takes it.
    opened: Arc<Mutex<Option<Opened>>>,
}

/// An open device and its queue.
type Opened = (wgpu::Device, wgpu::Queue);

/// Maximum number of storage buffers that a dispatch binds.
const STORAGE_BUFFERS: u32 = MAX_BINDINGS as u32;

impl Adapter {
    pub(super) fn new(inner: wgpu::Adapter, trial: Trial) -> Self {
        let info = inner.get_info();
        let device_type = match info.device_type {
            DeviceType::DiscreteGpu => "discrete",
            DeviceType::IntegratedGpu => "integrated",
            DeviceType::VirtualGpu => "virtual",
            DeviceType::Cpu => "software",
            DeviceType::Other => "other",
        };
        let driver = [info.driver.as_str(), info.driver_info.as_str()].join(" ").trim().to_owned();
        let info = DeviceInfo {
            adapter: info.name,
            backend: info.backend.to_str().to_owned(),
            device_type: device_type.into(),
            driver,
        };
        let (profile, opened) = (Profile::INTEGRATED, Arc::default());
        let adapter = Self { info, profile, number: 0, checked: true, inner, trial, opened };
        Self { profile: adapter.with_limits(adapter.default_profile()), ..adapter }
    }

    /// What no other adapter of this machine has: its place on the bus where that is known, and its number among equal ones.
    pub fn unit(&self) -> String {
        format!(
            "{} {} {} #{}",
            self.info.backend,
            self.info.adapter,
            self.inner.get_info().device_pci_bus_id,
            self.number
        )
    }

    /// Whether shaders run on the CPU, as with lavapipe.
    pub fn is_software(&self) -> bool {
        // The GL backend does not report this device type, but the renderer's name shows it: llvmpipe and softpipe are
        // Mesa's software renderers.
        let name = self.info.adapter.to_lowercase();
        self.info.device_type == "software" || ["llvmpipe", "softpipe", "swiftshader"].iter().any(|s| name.contains(s))
    }

    /// Iterations after which this adapter silently ends a shader's loops: 65,535 on Mesa's llvmpipe, counted over all
    /// loops of an invocation (LP_MAX_TGSI_LOOP_ITERATIONS in lp_bld_limits.h). Lavapipe has its name, too.
    pub(super) fn max_iterations(&self) -> usize {
        if self.info.adapter.to_lowercase().contains("llvmpipe") { 65_535 } else { usize::MAX }
    }

    /// Opens the device for plans of the profile and keeps it for the first engine, so that a trial costs no second opening.
    ///
    /// # Errors
    /// Why the driver refuses.
    pub(super) async fn open(&self) -> Result<(), String> {
        let device = self.device(self.profile).await?;
        *self.opened() = Some(device);
        Ok(())
    }

    /// A device for plans of `profile`: the one that is open if it is for such plans, else a new one.
    ///
    /// # Errors
    /// Why the driver refuses.
    pub(super) async fn device(&self, profile: Profile) -> Result<Opened, String> {
        let required_features = self.features(profile);
        let opened = self.opened().take_if(|(device, _)| device.features() == required_features);
        if let Some(opened) = opened {
            return Ok(opened);
        }
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("gpu-cnn"),
            required_features,
            required_limits: self.limits(),
            ..Default::default()
        };
        self.inner.request_device(&descriptor).await.map_err(|error| error.to_string())
    }

    /// What a device of this adapter can do.
    pub(super) fn limits(&self) -> wgpu::Limits {
        if self.trial.default_limits { wgpu::Limits::default() } else { self.inner.limits() }
    }

    fn opened(&self) -> std::sync::MutexGuard<'_, Option<Opened>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tuning profile that plans for this adapter are recorded with.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The same adapter without the checks of bounds and loops that wgpu puts into shaders: for verification alone.
    #[must_use]
    pub fn without_checks(&self) -> Self {
        Self { checked: false, ..self.clone() }
    }

    /// Whether shaders get these checks.
    pub fn is_checked(&self) -> bool {
        self.checked
    }

    /// The same adapter with another profile.
    ///
    /// # Errors
    /// If the profile requires features that the adapter lacks.
    pub fn with_profile(&self, profile: Profile) -> Result<Self> {
        if !self.supports(profile) {
            return Err(usage!(
                "profile `{}` needs subgroups of exactly eight invocations and 64-bit integers, which {} does not have",
                profile.name,
                self.info.adapter
            ));
        }
        Ok(Self { profile: self.with_limits(profile), ..self.clone() })
    }

    /// The profile as the adapter's limits allow it.
    fn with_limits(&self, profile: Profile) -> Profile {
        Profile {
            pairs: profile.pairs && self.limits().max_storage_buffers_per_shader_stage >= 2 * STORAGE_BUFFERS,
            ..profile
        }
    }

    /// The profile for this kind of adapter.
    fn default_profile(&self) -> Profile {
        match self.info.device_type.as_str() {
            _ if self.is_software() && self.supports(Profile::SOFTWARE) => Profile::SOFTWARE,
            "discrete" => Profile::DISCRETE,
            _ => Profile::INTEGRATED,
        }
    }

    /// Whether the adapter has the features and the subgroup size that plans of `profile` require.
    fn supports(&self, profile: Profile) -> bool {
        let info = self.inner.get_info();
        let eight_wide = info.subgroup_min_size == 8 && info.subgroup_max_size == 8;
        self.inner.features().contains(Self::required_features(profile))
            && (eight_wide || profile.core != MatmulCore::Subgroup)
    }

    fn required_features(profile: Profile) -> Features {
        let subgroups = if profile.core == MatmulCore::Subgroup { Features::SUBGROUP } else { Features::empty() };
        let int64 = if profile.loads_u64 { Features::SHADER_INT64 } else { Features::empty() };
        subgroups | int64
    }

    /// Features to request for a plan of `profile`: the required ones, and timestamp queries where available.
    pub(super) fn features(&self, profile: Profile) -> Features {
        let timestamps = Features::TIMESTAMP_QUERY | Features::TIMESTAMP_QUERY_INSIDE_PASSES;
        Self::required_features(profile) | self.inner.features() & timestamps
    }

    /// Whether the limits allow workgroups of 64 invocations and [`STORAGE_BUFFERS`] bindings.
    pub(super) fn can_compute(&self) -> bool {
        let limits = self.limits();
        limits.max_compute_invocations_per_workgroup >= 64
            && limits.max_storage_buffers_per_shader_stage >= STORAGE_BUFFERS
    }

    /// Sort key, best adapter first: GPUs before software, discrete before integrated, native APIs before GL.
    pub(super) fn rank(&self) -> (bool, u8, bool) {
        let kind = match self.info.device_type.as_str() {
            "discrete" => 0,
            "integrated" => 1,
            "virtual" => 2,
            _ => 3,
        };
        (self.is_software(), kind, self.info.backend == "gl")
    }
}
