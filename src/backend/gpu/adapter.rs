//! Lists the adapters of this machine and selects the one that a request names.

use crate::backend::DeviceInfo;
use crate::error::{Error, Result, usage};
use crate::plan::{MatmulCore, Profile};
use serde::Serialize;
use wgpu::{Backends, DeviceType, Features};

/// A GPU or software adapter that a plan can be loaded on.
#[derive(Debug, Clone)]
pub struct Adapter {
    /// Name, backend, type and driver.
    pub info: DeviceInfo,
    /// The tuning profile that plans for this adapter are recorded with.
    profile: Profile,
    pub(super) inner: wgpu::Adapter,
}

/// An adapter with the limits that are relevant to plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// Name, backend, type and driver, flattened in JSON.
    #[serde(flatten)]
    pub info: DeviceInfo,
    /// Name of its tuning profile.
    pub profile: &'static str,
    /// Maximum size of a buffer, in bytes.
    pub max_buffer_size: u64,
    /// Maximum size of a storage binding, in bytes.
    pub max_storage_buffer_binding_size: u64,
    /// Maximum workgroup memory, in bytes.
    pub max_compute_workgroup_storage_size: u32,
    /// Minimum and maximum subgroup size; `None` without subgroup operations.
    pub subgroup_sizes: Option<[u32; 2]>,
    /// Whether kernels can be timed by timestamp queries.
    pub timestamp_query: bool,
    /// Whether `--adapter auto` selects this adapter.
    pub auto: bool,
}

/// Maximum number of storage buffers that a dispatch binds.
const STORAGE_BUFFERS: u32 = 4;

impl Adapter {
    fn new(inner: wgpu::Adapter) -> Self {
        let info = inner.get_info();
        let device_type = match info.device_type {
            DeviceType::DiscreteGpu => "discrete",
            DeviceType::IntegratedGpu => "integrated",
            DeviceType::VirtualGpu => "virtual",
            DeviceType::Cpu => "software",
            DeviceType::Other => "other",
        };
        let driver = [info.driver.as_str(), info.driver_info.as_str()].join(" ").trim().to_owned();
        let info = DeviceInfo { adapter: info.name, backend: info.backend.to_str().to_owned(), device_type, driver };
        let adapter = Self { info, profile: Profile::INTEGRATED, inner };
        Self { profile: adapter.default_profile(), ..adapter }
    }

    /// Whether shaders run on the CPU, as with lavapipe.
    pub fn is_software(&self) -> bool {
        // The GL backend does not report this device type, but the renderer's name shows it: llvmpipe and softpipe are
        // Mesa's software renderers.
        let name = self.info.adapter.to_lowercase();
        self.info.device_type == "software" || ["llvmpipe", "softpipe", "swiftshader"].iter().any(|s| name.contains(s))
    }

    /// Iterations after which this adapter silently ends a shader's loops: 65,535 on Mesa's llvmpipe, counted over all
    /// loops of an invocation (LP_MAX_TGSI_LOOP_ITERATIONS in lp_bld_limits.h).
    pub(super) fn max_iterations(&self) -> usize {
        if self.is_software() { 65_535 } else { usize::MAX }
    }

    /// The tuning profile that plans for this adapter are recorded with.
    pub fn profile(&self) -> Profile {
        self.profile
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
        Ok(Self { profile, ..self.clone() })
    }

    /// The profile for this kind of adapter.
    fn default_profile(&self) -> Profile {
        match self.info.device_type {
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
        Self::required_features(profile) | self.inner.features() & Features::TIMESTAMP_QUERY
    }

    /// Whether the limits allow workgroups of 64 invocations and [`STORAGE_BUFFERS`] bindings.
    fn can_compute(&self) -> bool {
        let limits = self.inner.limits();
        limits.max_compute_invocations_per_workgroup >= 64
            && limits.max_storage_buffers_per_shader_stage >= STORAGE_BUFFERS
    }

    /// Sort key, best adapter first: GPUs before software, discrete before integrated, native APIs before GL.
    fn rank(&self) -> (bool, u8, bool) {
        let kind = match self.info.device_type {
            "discrete" => 0,
            "integrated" => 1,
            "virtual" => 2,
            _ => 3,
        };
        (self.is_software(), kind, self.info.backend == "gl")
    }
}

/// Requests that name a graphics API rather than an adapter.
const BACKEND_NAMES: [(&str, Backends); 4] =
    [("vulkan", Backends::VULKAN), ("metal", Backends::METAL), ("dx12", Backends::DX12), ("gl", Backends::GL)];

/// The backends that `WGPU_BACKEND` lists, or all if it is not set.
fn allowed_backends() -> Result<Backends> {
    let Some(value) = non_empty_env("WGPU_BACKEND") else {
        return Ok(Backends::VULKAN | Backends::METAL | Backends::DX12 | Backends::GL);
    };
    let backends = Backends::from_comma_list(&value);
    if value.split(',').any(|name| Backends::from_comma_list(name).is_empty()) {
        return Err(usage!(
            "WGPU_BACKEND is `{value}`; it must be vulkan, metal, dx12, gl, or several of them separated by commas"
        ));
    }
    Ok(backends)
}

fn non_empty_env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Adapters that can run the kernels, from the backends that `WGPU_BACKEND` allows, best first.
fn adapters() -> Result<Vec<Adapter>> {
    let backends = allowed_backends()?;
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = backends;
    descriptor.flags = wgpu::InstanceFlags::empty();
    let instance = wgpu::Instance::new(descriptor);
    let found = pollster::block_on(instance.enumerate_adapters(backends));
    let mut adapters: Vec<Adapter> = found.into_iter().map(Adapter::new).filter(Adapter::can_compute).collect();
    adapters.sort_by_key(Adapter::rank);
    Ok(adapters)
}

/// The adapters of this machine.
#[derive(Debug)]
pub struct Listings {
    /// All adapters that can run the kernels, best first.
    pub adapters: Vec<Listing>,
    /// The name of the adapter that `--adapter auto` selects, `None` if that is the CPU backend, or the error.
    pub auto: Result<Option<String>>,
}

/// Lists all adapters and marks the one that `auto` selects.
pub fn list() -> Result<Listings> {
    let adapters = all()?;
    let choice = choose(&adapters, "auto");
    let auto = choice.as_ref().ok().copied().flatten();
    let listings = adapters
        .iter()
        .map(|adapter| {
            let (limits, features, info) = (adapter.inner.limits(), adapter.inner.features(), adapter.inner.get_info());
            Listing {
                profile: adapter.profile().name,
                max_buffer_size: limits.max_buffer_size,
                max_storage_buffer_binding_size: limits.max_storage_buffer_binding_size,
                max_compute_workgroup_storage_size: limits.max_compute_workgroup_storage_size,
                subgroup_sizes: features
                    .contains(Features::SUBGROUP)
                    .then_some([info.subgroup_min_size, info.subgroup_max_size]),
                timestamp_query: features.contains(Features::TIMESTAMP_QUERY),
                auto: auto.is_some_and(|auto| std::ptr::eq(auto, adapter)),
                info: adapter.info.clone(),
            }
        })
        .collect();
    let name = |adapter: &Adapter| adapter.info.adapter.clone();
    Ok(Listings { adapters: listings, auto: choice.map(|adapter| adapter.map(name)) })
}

/// The adapter that `request` names; `None` if `auto` finds no GPU. See [`crate::Device::find`].
/// `GPU_CNN_PROFILE` overrides the adapter's tuning profile.
pub fn find(request: &str) -> Result<Option<Adapter>> {
    let profile = forced_profile()?;
    let adapters = adapters()?;
    let found = choose(&adapters, request)?;
    found
        .map(|adapter| profile.map_or_else(|| Ok(adapter.clone()), |profile| adapter.with_profile(profile)))
        .transpose()
}

/// All adapters, best first; those that support the profile that `GPU_CNN_PROFILE` names use it.
pub fn all() -> Result<Vec<Adapter>> {
    let profile = forced_profile()?;
    let forced = |adapter: Adapter| profile.and_then(|profile| adapter.with_profile(profile).ok()).unwrap_or(adapter);
    Ok(adapters()?.into_iter().map(forced).collect())
}

/// The profile that `GPU_CNN_PROFILE` names, if it is set.
pub fn forced_profile() -> Result<Option<Profile>> {
    let Some(value) = non_empty_env("GPU_CNN_PROFILE") else { return Ok(None) };
    let names = Profile::ADAPTERS.map(|profile| profile.name).join(", ");
    match Profile::ADAPTERS.into_iter().find(|profile| profile.name == value) {
        Some(profile) => Ok(Some(profile)),
        None => Err(usage!("GPU_CNN_PROFILE is `{value}`; it must be one of {names}")),
    }
}

/// The first of `adapters` that matches `request`; `None` only if `auto` finds no GPU.
fn choose<'a>(adapters: &'a [Adapter], request: &str) -> Result<Option<&'a Adapter>> {
    let request = request.trim().to_lowercase();
    if request.is_empty() {
        return Err(usage!("empty adapter name; use auto, cpu, vulkan, metal, dx12, gl, or part of an adapter's name"));
    }
    let backend = BACKEND_NAMES.iter().find(|(name, _)| *name == request);
    let env_name = non_empty_env("WGPU_ADAPTER_NAME").filter(|_| backend.is_some() || request == "auto");
    let wanted_name = match (&env_name, backend) {
        (Some(name), _) => Some(name.to_lowercase()),
        (None, None) if request != "auto" => Some(request.clone()),
        _ => None,
    };
    // With WGPU_BACKEND set, `auto` also accepts a software adapter of that backend.
    let allow_software = request != "auto" || env_name.is_some() || non_empty_env("WGPU_BACKEND").is_some();
    let found = adapters.iter().find(|adapter| {
        backend.is_none_or(|(name, _)| adapter.info.backend == *name)
            && wanted_name.as_ref().is_none_or(|name| adapter.info.adapter.to_lowercase().contains(name))
            && (allow_software || !adapter.is_software())
    });
    if found.is_none() && allow_software {
        let requested = match (&env_name, non_empty_env("WGPU_BACKEND")) {
            (Some(name), _) => format!("WGPU_ADAPTER_NAME={name}"),
            (None, Some(backends)) if request == "auto" => format!("WGPU_BACKEND={backends}"),
            _ => format!("--adapter {request}"),
        };
        return Err(Error::NoAdapter(no_match(&requested, adapters)));
    }
    Ok(found)
}

fn no_match(requested: &str, adapters: &[Adapter]) -> String {
    let mut text = format!("no adapter matches {requested}; ");
    text += match (adapters.is_empty(), non_empty_env("WGPU_BACKEND")) {
        (true, None) => "none was found on this machine".to_owned(),
        (true, Some(backends)) => format!("none was found with WGPU_BACKEND={backends}"),
        (false, _) => "found:".to_owned(),
    }
    .as_str();
    for adapter in adapters {
        text += &format!("\n  {} ({}, {})", adapter.info.adapter, adapter.info.backend, adapter.info.device_type);
    }
    text + "\nhint: `--adapter cpu` needs no adapter; `gpu-cnn adapters` lists the adapters found"
}
