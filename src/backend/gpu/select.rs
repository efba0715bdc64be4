//! The adapters of this machine, and which of them a request means.

use super::adapter::Adapter;
use crate::backend::info::DeviceInfo;
use crate::backend::request::DeviceRequest;
use crate::error::{Advice, Error, Result, usage};
use serde::Serialize;
use wgpu::{Backends, Features};

/// An adapter with the limits that are relevant to plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// Name, backend, type and driver, flattened in JSON.
    #[serde(flatten)]
    pub info: DeviceInfo,
    /// Among those that are equal, from 0: `#1` after a name means the second.
    pub number: usize,
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
    /// Whether `auto` selects this adapter.
    pub auto: bool,
    /// Why `auto` passes over this adapter, such as that it cannot be opened; `None` if it can be used.
    pub unusable: Option<String>,
}

/// Requests that name a graphics API rather than an adapter.
const BACKEND_NAMES: [(&str, Backends); 4] =
    [("vulkan", Backends::VULKAN), ("metal", Backends::METAL), ("dx12", Backends::DX12), ("gl", Backends::GL)];

/// The backends that `list` names, separated by commas; all without a list.
fn backends(list: Option<&str>) -> Result<Backends> {
    let Some(list) = list else {
        return Ok(Backends::VULKAN | Backends::METAL | Backends::DX12 | Backends::GL | Backends::BROWSER_WEBGPU);
    };
    let backends = Backends::from_comma_list(list);
    if list.split(',').any(|name| Backends::from_comma_list(name).is_empty()) {
        return Err(usage!(
            "backends `{list}`; they must be vulkan, metal, dx12, gl, or several of them separated by commas"
        ));
    }
    Ok(backends)
}

/// Adapters that can run the kernels, from the backends that `request` allows, best first.
async fn adapters(request: &DeviceRequest) -> Result<Vec<Adapter>> {
    let backends = backends(request.backends.as_deref())?;
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = backends;
    descriptor.flags = wgpu::InstanceFlags::empty();
    let instance = wgpu::Instance::new(descriptor);
    let found = instance.enumerate_adapters(backends).await;
    let mut adapters: Vec<Adapter> =
        found.into_iter().map(|inner| Adapter::new(inner, request.trial)).filter(Adapter::can_compute).collect();
    adapters.sort_by_key(Adapter::rank);
    for i in 0..adapters.len() {
        adapters[i].number = adapters[..i].iter().filter(|earlier| earlier.info == adapters[i].info).count();
    }
    Ok(adapters)
}

/// The adapters of this machine.
#[derive(Debug)]
pub struct Listings {
    /// All adapters that can run the kernels, best first.
    pub adapters: Vec<Listing>,
    /// The name of the adapter that `auto` selects, `None` if that is the CPU backend, or the error.
    pub auto: Result<Option<String>>,
}

/// Lists all adapters and marks the one that `auto` selects under the other fields of `request`.
pub async fn list(request: &DeviceRequest) -> Result<Listings> {
    let adapters = all(request).await?;
    let choice = choose(&adapters, &DeviceRequest { adapter: "auto".into(), ..request.clone() }).await;
    let auto = choice.as_ref().ok().and_then(|(adapter, _)| *adapter);
    let mut listings = Vec::with_capacity(adapters.len());
    for adapter in &adapters {
        let (limits, features, info) = (adapter.limits(), adapter.inner.features(), adapter.inner.get_info());
        listings.push(Listing {
            number: adapter.number,
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
            unusable: obstacle(adapter, false).await,
        });
    }
    let name = |adapter: &Adapter| adapter.info.adapter.clone();
    Ok(Listings { adapters: listings, auto: choice.map(|(adapter, _)| adapter.map(name)) })
}

/// The adapter that `request` means, open, and why others were passed over; no adapter if `auto` finds no GPU. See
/// [`crate::Device::find`].
pub async fn find(request: &DeviceRequest) -> Result<(Option<Adapter>, Vec<String>)> {
    let adapters = all(request).await?;
    let (found, passed) = choose(&adapters, request).await?;
    let with_profile = |adapter: &Adapter| match request.profile {
        Some(profile) => adapter.with_profile(profile),
        None => Ok(adapter.clone()),
    };
    Ok((found.map(with_profile).transpose()?, passed))
}

/// The adapters that can be used, open, best first, and why others cannot; with the profile of `request` where they support it.
pub async fn usable(request: &DeviceRequest) -> Result<(Vec<Adapter>, Vec<String>)> {
    let (mut usable, mut passed) = (Vec::new(), Vec::new());
    for adapter in all(request).await? {
        match obstacle(&adapter, false).await {
            None => usable.push(adapter),
            Some(text) => passed.push(text),
        }
    }
    Ok((usable, passed))
}

/// All adapters, best first; those that support the profile of `request` use it.
async fn all(request: &DeviceRequest) -> Result<Vec<Adapter>> {
    let with_profile =
        |adapter: Adapter| request.profile.and_then(|profile| adapter.with_profile(profile).ok()).unwrap_or(adapter);
    Ok(adapters(request).await?.into_iter().map(with_profile).collect())
}

/// Why nothing can be computed on `adapter`, which is opened; a null device is for those who ask for it `by_name`.
async fn obstacle(adapter: &Adapter, by_name: bool) -> Option<String> {
    let name = &adapter.info.adapter;
    match adapter.open().await {
        Err(reason) => Some(format!("{name} cannot be opened: {reason}")),
        // What Mesa's RADV shows with RADV_FORCE_FAMILY set, for the sake of its compiler.
        Ok(()) if name.starts_with("Null hardware") && !by_name => Some(format!("{name} computes nothing")),
        Ok(()) => None,
    }
}

/// The first of `adapters` that matches `request` and can be used, and why those before it cannot; no adapter only if `auto`
/// finds no GPU.
async fn choose<'a>(adapters: &'a [Adapter], request: &DeviceRequest) -> Result<(Option<&'a Adapter>, Vec<String>)> {
    let (name, number) = numbered(request)?;
    if name.is_empty() {
        return Err(usage!("empty adapter name; use auto, cpu, vulkan, metal, dx12, gl, or part of an adapter's name"));
    }
    let backend = BACKEND_NAMES.iter().find(|(backend, _)| *backend == name);
    let stand_in = request.adapter_name.as_ref().filter(|_| backend.is_some() || name == "auto");
    let wanted_name = match (stand_in, backend) {
        (Some(stand_in), _) => Some(stand_in.to_lowercase()),
        (None, None) if name != "auto" => Some(name.clone()),
        _ => None,
    };
    // Where backends are named, `auto` also accepts a software adapter of those.
    let allow_software = name != "auto" || stand_in.is_some() || request.backends.is_some();
    let matches = adapters.iter().filter(|adapter| {
        backend.is_none_or(|(backend, _)| adapter.info.backend == *backend)
            && wanted_name.as_ref().is_none_or(|name| adapter.info.adapter.to_lowercase().contains(name))
            && (allow_software || !adapter.is_software())
    });
    let mut passed = Vec::new();
    for adapter in matches {
        match obstacle(adapter, wanted_name.is_some()).await {
            None => return equal_to(adapter, adapters, number).await.map(|adapter| (Some(adapter), passed)),
            Some(text) => passed.push(text),
        }
        // Who names an adapter does not mean another.
        if wanted_name.is_some() {
            break;
        }
    }
    match passed.is_empty() {
        _ if !allow_software && matches!(number, Number::Next(_)) => Ok((None, passed)),
        true => Err(Error::NoAdapter(no_match(stand_in.unwrap_or(&request.adapter), request, adapters))),
        false => Err(Error::device(passed.join("; ")).advise([Advice::CpuBackend])),
    }
}

/// The adapter's name that is asked for, in lower case, and which of several equal ones.
fn numbered(request: &DeviceRequest) -> Result<(String, Number)> {
    let name = request.adapter.trim().to_lowercase();
    let Some((name, number)) = name.rsplit_once('#') else { return Ok((name, Number::Next(request.number))) };
    match number.parse() {
        Ok(number) => Ok((name.trim().to_owned(), Number::Exactly(number))),
        Err(_) => Err(usage!("adapter `{}`; after # there must be a number, from 0", request.adapter)),
    }
}

/// Which of several equal adapters is meant.
#[derive(Clone, Copy)]
enum Number {
    /// This one, if it can be used; after the last one comes the first again.
    Next(usize),
    /// This one.
    Exactly(usize),
}

/// Number `number` of the adapters that are as `first`, which can be used.
///
/// # Errors
/// If one is meant that is not there, or cannot be opened.
async fn equal_to<'a>(first: &'a Adapter, adapters: &'a [Adapter], number: Number) -> Result<&'a Adapter> {
    let equal: Vec<&Adapter> = adapters.iter().filter(|adapter| adapter.info == first.info).collect();
    match number {
        Number::Next(number) => {
            let next = equal[number % equal.len()];
            Ok(if std::ptr::eq(next, first) || obstacle(next, true).await.is_none() { next } else { first })
        }
        Number::Exactly(number) => {
            let Some(exactly) = equal.get(number) else {
                let (name, count) = (&first.info.adapter, equal.len());
                let have = if count == 1 { "is one".to_owned() } else { format!("are {count}") };
                return Err(Error::NoAdapter(format!("no #{number} of {name}; there {have}, from #0 on")));
            };
            match obstacle(exactly, true).await {
                None => Ok(exactly),
                Some(text) => Err(Error::device(text).advise([Advice::CpuBackend])),
            }
        }
    }
}

fn no_match(wanted: &str, request: &DeviceRequest, adapters: &[Adapter]) -> String {
    let among = request.backends.as_ref().map(|list| format!(" among the backends `{list}`")).unwrap_or_default();
    let mut text = format!("no adapter matches `{wanted}`{among}; ");
    text += if adapters.is_empty() { "none was found" } else { "found:" };
    for adapter in adapters {
        text += &format!("\n  {} ({}, {})", adapter.info.adapter, adapter.info.backend, adapter.info.device_type);
    }
    text
}
