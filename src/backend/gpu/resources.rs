//! Creates the wgpu objects of an engine (buffers, layouts, pipelines) and checks limits.

use super::adapter::Adapter;
use crate::error::{Error, Result};
use crate::plan::{Plan, Step};
use std::sync::{Arc, Mutex};
use wgpu::{BindingType, BufferBindingType, BufferUsages};

/// The wgpu objects of one launch.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) pipeline: wgpu::ComputePipeline,
    pub(super) group: wgpu::BindGroup,
    pub(super) grid: [u32; 3],
    pub(super) uses_step: bool,
}

/// Registers callbacks that store the first error that the device reports outside an error scope.
pub(super) fn watch(device: &wgpu::Device) -> Arc<Mutex<Option<String>>> {
    let failure = Arc::new(Mutex::new(None));
    let report = |failure: &Mutex<Option<String>>, text: String| {
        failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(text);
    };
    let lost = Arc::clone(&failure);
    device.set_device_lost_callback(move |reason, text| {
        report(&lost, format!("the device was lost ({reason:?}): {text}"));
    });
    let uncaptured = Arc::clone(&failure);
    device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| report(&uncaptured, error.to_string())));
    failure
}

pub(super) fn out_of_memory(adapter: &Adapter, plan: &Plan, label: &str, bytes: u64, error: &str) -> Error {
    let (name, batch) = (&adapter.info.adapter, plan.batch);
    let (mib, limit) = (plan.size_bytes() >> 20, adapter.limits().max_buffer_size);
    Error::device(format!(
        "{name}: out of memory for buffer `{label}` of {bytes} bytes (limit of a buffer: {limit}; a batch of {batch} \
         takes {mib} MiB in total): {error}"
    ))
    .advise([plan.advice(label, batch / 2)])
}

/// Fails if the plan's longest buffer exceeds what the adapter can allocate or bind.
pub(super) fn check_limits(plan: &Plan, limits: &wgpu::Limits) -> Result<()> {
    let limit = limits.max_buffer_size.min(limits.max_storage_buffer_binding_size);
    match plan.buffers.iter().max_by_key(|b| b.len) {
        Some(b) if padded_bytes(b.len) > limit => Err(Error::device(format!(
            "buffer `{}` takes {} bytes for a batch of {}, the adapter's limit is {limit}",
            b.label,
            padded_bytes(b.len),
            plan.batch,
        ))
        .advise([plan.advice(&b.label, (plan.batch as u64 * limit / padded_bytes(b.len)) as usize)])),
        _ => Ok(()),
    }
}

/// A buffer through which the host reads up to `len` elements of 4 bytes.
pub(super) fn new_staging(device: &wgpu::Device, len: usize) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("staging"),
        size: padded_bytes(len),
        usage: BufferUsages::MAP_READ | BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

/// Bytes of a buffer of `len` elements of 4 bytes, rounded up to whole vectors of four elements.
pub(super) fn padded_bytes(len: usize) -> u64 {
    len.next_multiple_of(4) as u64 * 4
}

/// A storage buffer of `len` elements of 4 bytes, rounded up to whole vectors.
pub(super) fn new_buffer(device: &wgpu::Device, label: &str, len: usize) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size: padded_bytes(len),
        usage: BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

pub(super) fn layout_entry(
    binding: usize,
    ty: BufferBindingType,
    has_dynamic_offset: bool,
) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding: binding as u32,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: BindingType::Buffer { ty, has_dynamic_offset, min_binding_size: None },
        count: None,
    }
}

/// The layout of bind group 0: storage buffers by their bindings, of which each is an input, read-only, or an output.
pub(super) fn group_layout(
    device: &wgpu::Device,
    are_inputs: impl Iterator<Item = (usize, bool)>,
) -> wgpu::BindGroupLayout {
    let storage = |(i, read_only)| layout_entry(i, BufferBindingType::Storage { read_only }, false);
    let entries: Vec<_> = are_inputs.map(storage).collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries })
}

/// The layout of bind group 1: the uniform [`Step`], selected by a dynamic offset.
pub(super) fn step_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    let entries = [layout_entry(0, BufferBindingType::Uniform, true)];
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some("step"), entries: &entries })
}

pub(super) fn step_group(device: &wgpu::Device, steps: &wgpu::Buffer) -> wgpu::BindGroup {
    let size = std::num::NonZeroU64::new(size_of::<Step>() as u64);
    let resource = wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer: steps, offset: 0, size });
    device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("step"),
        layout: &step_layout(device),
        entries: &[wgpu::BindGroupEntry { binding: 0, resource }],
    })
}

/// Compiles a shader, with or without the checks of bounds and loops that wgpu puts into it.
fn new_module(
    device: &wgpu::Device,
    descriptor: wgpu::ShaderModuleDescriptor<'_>,
    checked: bool,
) -> wgpu::ShaderModule {
    if checked {
        return device.create_shader_module(descriptor);
    }
    // SAFETY: the program's own shaders end their loops, and stay in their buffers: the cases' comparisons, with guard elements behind each
    // buffer, hold with the checks and without.
    #[expect(unsafe_code, reason = "only verification runs without the checks, to see that kernels do not need them")]
    unsafe {
        device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked())
    }
}

pub(super) fn new_pipeline(
    device: &wgpu::Device,
    label: &str,
    uses_step: bool,
    text: &str,
    layout: &wgpu::BindGroupLayout,
    checked: bool,
) -> wgpu::ComputePipeline {
    let step = uses_step.then(|| step_layout(device));
    let layouts: Vec<_> = [Some(layout), step.as_ref()].into_iter().filter(Option::is_some).collect();
    let source = wgpu::ShaderSource::Wgsl(text.into());
    let module = new_module(device, wgpu::ShaderModuleDescriptor { label: Some(label), source }, checked);
    let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(label),
        bind_group_layouts: &layouts,
        immediate_size: 0,
    });
    device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(label),
        layout: Some(&pipeline_layout),
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions {
            // Every kernel writes what it reads of it; the clearing took a few percent of a kernel's time on a GPU.
            zero_initialize_workgroup_memory: false,
            ..Default::default()
        },
        cache: None,
    })
}
