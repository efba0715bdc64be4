//! The adapters of this machine, and which of them a request means.

use crate::backend::DeviceInfo;
use crate::error::{Error, Result, usage};
use crate::plan::{MatmulCore, Profile};
use serde::Serialize;
use wgpu::{Backends, DeviceType, Features};

/// A GPU, or a software stand-in for one, that a plan can be loaded on.
#[derive(Debug, Clone)]
pub struct Adapter {
    /// As reports name it.
    pub info: DeviceInfo,
    /// How plans for it are recorded.
    profile: Profile,
    pub(super) inner: wgpu::Adapter,
}

/// An adapter with the limits that matter here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// Name, backend, type, driver.
    #[serde(flatten)]
    pub info: DeviceInfo,
    /// How kernels are tiled for it.
    pub profile: &'static str,
    /// Largest buffer, in bytes.
    pub max_buffer_size: u64,
    /// Largest range that a kernel can see of it, in bytes.
    pub max_storage_buffer_binding_size: u64,
    /// Workgroup memory, in bytes.
    pub max_compute_workgroup_storage_size: u32,
    /// Least and greatest subgroup width; none without subgroup operations.
    pub subgroup_sizes: Option<[u32; 2]>,
    /// Whether kernels can be timed on the device.
    pub timestamp_query: bool,
    /// Whether `--adapter auto` takes this one.
    pub auto: bool,
}

/// Slots that a dispatch binds at most.
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
        Self { profile: adapter.own_profile(), ..adapter }
    }

    /// Whether this is a CPU in disguise, such as lavapipe.
    pub fn is_software(&self) -> bool {
        // The GL backend cannot tell; llvmpipe and softpipe are Mesa's own names for it.
        let name = self.info.adapter.to_lowercase();
        self.info.device_type == "software" || ["llvmpipe", "softpipe", "swiftshader"].iter().any(|s| name.contains(s))
    }

    /// Iterations after which this adapter ends a shader's loops without a word: 65,535 on Mesa's llvmpipe, counted
    /// over all loops of an invocation (LP_MAX_TGSI_LOOP_ITERATIONS in lp_bld_limits.h).
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
    /// If the profile needs what the adapter does not have.
    pub fn with_profile(&self, profile: Profile) -> Result<Self> {
        if !self.can_take(profile) {
            return Err(usage!(
                "profile `{}` needs subgroups of exactly eight invocations and 64-bit integers, which {} does not have",
                profile.name,
                self.info.adapter
            ));
        }
        Ok(Self { profile, ..self.clone() })
    }

    fn own_profile(&self) -> Profile {
        match self.info.device_type {
            _ if self.is_software() && self.can_take(Profile::SOFTWARE) => Profile::SOFTWARE,
            "discrete" => Profile::DISCRETE,
            _ => Profile::INTEGRATED,
        }
    }

    /// Whether the adapter has what plans of `profile` ask for.
    fn can_take(&self, profile: Profile) -> bool {
        let info = self.inner.get_info();
        let eight_wide = info.subgroup_min_size == 8 && info.subgroup_max_size == 8;
        self.inner.features().contains(Self::needed(profile)) && (eight_wide || profile.core != MatmulCore::Subgroup)
    }

    fn needed(profile: Profile) -> Features {
        let subgroups = if profile.core == MatmulCore::Subgroup { Features::SUBGROUP } else { Features::empty() };
        let words = if profile.loads_u64 { Features::SHADER_INT64 } else { Features::empty() };
        subgroups | words
    }

    /// Features that a plan of `profile` needs, and those that help.
    pub(super) fn features(&self, profile: Profile) -> Features {
        Self::needed(profile) | self.inner.features() & Features::TIMESTAMP_QUERY
    }

    fn can_compute(&self) -> bool {
        let limits = self.inner.limits();
        limits.max_compute_invocations_per_workgroup >= 64
            && limits.max_storage_buffers_per_shader_stage >= STORAGE_BUFFERS
    }

    /// Real GPUs before software, discrete before integrated, native APIs before GL.
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

/// Names that mean a backend rather than an adapter.
const BACKEND_NAMES: [(&str, Backends); 4] =
    [("vulkan", Backends::VULKAN), ("metal", Backends::METAL), ("dx12", Backends::DX12), ("gl", Backends::GL)];

/// The backends that `WGPU_BACKEND` allows; all without it.
fn allowed_backends() -> Result<Backends> {
    let Some(said) = non_empty_env("WGPU_BACKEND") else {
        return Ok(Backends::VULKAN | Backends::METAL | Backends::DX12 | Backends::GL);
    };
    let backends = Backends::from_comma_list(&said);
    if said.split(',').any(|part| Backends::from_comma_list(part).is_empty()) {
        return Err(usage!(
            "WGPU_BACKEND is `{said}`; it can be vulkan, metal, dx12, gl, or several with commas between"
        ));
    }
    Ok(backends)
}

fn non_empty_env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Adapters of the backends that `WGPU_BACKEND` allows and that can run the kernels, best first.
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

/// The adapters of a machine.
#[derive(Debug)]
pub struct Listings {
    /// All of them, best first.
    pub adapters: Vec<Listing>,
    /// The name of the one that `--adapter auto` takes, none for the CPU backend; or why it fails.
    pub auto: Result<Option<String>>,
}

/// All adapters, and which of them `auto` takes.
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

/// The adapter that `request` means; none where `auto` finds no real GPU. See [`crate::Device::find`].
/// `GPU_CNN_PROFILE` stands in for its own tuning profile.
pub fn find(request: &str) -> Result<Option<Adapter>> {
    let profile = forced_profile()?;
    let adapters = adapters()?;
    let found = choose(&adapters, request)?;
    found
        .map(|adapter| profile.map_or_else(|| Ok(adapter.clone()), |profile| adapter.with_profile(profile)))
        .transpose()
}

/// All adapters, best first; those that can take it with the profile that `GPU_CNN_PROFILE` names.
pub fn all() -> Result<Vec<Adapter>> {
    let profile = forced_profile()?;
    let forced = |adapter: Adapter| profile.and_then(|profile| adapter.with_profile(profile).ok()).unwrap_or(adapter);
    Ok(adapters()?.into_iter().map(forced).collect())
}

/// The profile that `GPU_CNN_PROFILE` names, if it is set.
pub fn forced_profile() -> Result<Option<Profile>> {
    let Some(said) = non_empty_env("GPU_CNN_PROFILE") else { return Ok(None) };
    let names = Profile::ADAPTERS.map(|profile| profile.name).join(", ");
    match Profile::ADAPTERS.into_iter().find(|profile| profile.name == said) {
        Some(profile) => Ok(Some(profile)),
        None => Err(usage!("GPU_CNN_PROFILE is `{said}`; it can be one of {names}")),
    }
}

fn choose<'a>(adapters: &'a [Adapter], request: &str) -> Result<Option<&'a Adapter>> {
    let request = request.trim().to_lowercase();
    if request.is_empty() {
        return Err(usage!("an empty adapter name; it can be auto, cpu, vulkan, metal, dx12, gl, or a part of a name"));
    }
    let backend = BACKEND_NAMES.iter().find(|(name, _)| *name == request);
    let env_name = non_empty_env("WGPU_ADAPTER_NAME").filter(|_| backend.is_some() || request == "auto");
    let wanted_name = match (&env_name, backend) {
        (Some(name), _) => Some(name.to_lowercase()),
        (None, None) if request != "auto" => Some(request.clone()),
        _ => None,
    };
    // With WGPU_BACKEND set, `auto` means that backend, software or not.
    let any_software = request != "auto" || env_name.is_some() || non_empty_env("WGPU_BACKEND").is_some();
    let found = adapters.iter().find(|adapter| {
        backend.is_none_or(|(name, _)| adapter.info.backend == *name)
            && wanted_name.as_ref().is_none_or(|name| adapter.info.adapter.to_lowercase().contains(name))
            && (any_software || !adapter.is_software())
    });
    if found.is_none() && any_software {
        let asked = match (&env_name, non_empty_env("WGPU_BACKEND")) {
            (Some(name), _) => format!("WGPU_ADAPTER_NAME={name}"),
            (None, Some(backends)) if request == "auto" => format!("WGPU_BACKEND={backends}"),
            _ => format!("--adapter {request}"),
        };
        return Err(Error::NoAdapter(no_match(&asked, adapters)));
    }
    Ok(found)
}

fn no_match(asked: &str, adapters: &[Adapter]) -> String {
    let mut text = format!("no adapter matches {asked}; ");
    text += match (adapters.is_empty(), non_empty_env("WGPU_BACKEND")) {
        (true, None) => "none was found on this machine".to_owned(),
        (true, Some(backends)) => format!("none was found with WGPU_BACKEND={backends}"),
        (false, _) => "found:".to_owned(),
    }
    .as_str();
    for adapter in adapters {
        text += &format!("\n  {} ({}, {})", adapter.info.adapter, adapter.info.backend, adapter.info.device_type);
    }
    text + "\nhint: `--adapter cpu` needs no adapter; `gpu-cnn adapters` lists what there is"
}
