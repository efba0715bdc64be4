//! Bind groups and pipelines of a plan's dispatches.

use super::engine::Engine;
use super::resources::{Loaded, group_layout, new_pipeline, padded_bytes};
use crate::error::{Advice, Error, Result};
use crate::plan::{BufferSlice, DispatchId};
use std::collections::HashMap;
use wgpu::ErrorFilter;

impl Engine {
    /// Creates the bind groups, and one pipeline for each distinct shader text.
    pub(super) async fn compile(&mut self, is_run: impl Fn(DispatchId) -> bool) -> Result<()> {
        let mut pipelines: HashMap<String, wgpu::ComputePipeline> = HashMap::new();
        let mut loaded = Vec::with_capacity(self.plan.dispatches.len());
        for (i, dispatch) in self.plan.dispatches.iter().enumerate() {
            if !is_run(DispatchId(i)) {
                loaded.push(None);
                continue;
            }
            let shader = dispatch.kernel.shader();
            if shader.iterations > self.max_iterations {
                let smaller = (self.plan.batch > 1).then_some(Advice::SmallerBatchSize);
                return Err(Error::device(format!(
                    "kernel `{}` loops {} times, {} stops after {}",
                    dispatch.label, shader.iterations, self.info.adapter, self.max_iterations
                ))
                .advise(smaller.into_iter().chain([Advice::CpuBackend])));
            }
            let scope = self.device.push_error_scope(ErrorFilter::Validation);
            let layout = group_layout(&self.device, dispatch.inputs.len(), dispatch.outputs.len());
            let pipeline = pipelines
                .entry(shader.text(self.plan.profile))
                .or_insert_with_key(|text| {
                    new_pipeline(&self.device, &dispatch.label, &shader, text, &layout, self.checked)
                })
                .clone();
            let slices = dispatch.inputs.iter().chain(&dispatch.outputs);
            let entries: Vec<_> = slices.enumerate().map(|(i, slice)| self.bind(i, *slice)).collect();
            let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(&dispatch.label),
                layout: &layout,
                entries: &entries,
            });
            if let Some(error) = scope.pop().await {
                return Err(Error::device(format!("kernel `{}` on {}: {error}", dispatch.label, self.info.adapter)));
            }
            loaded.push(Some(Loaded { pipeline, group, grid: shader.grid, uses_step: shader.uses_step }));
        }
        self.dispatches = loaded;
        Ok(())
    }

    /// Binds a slice. Its size is rounded up to whole vectors of four, the unit of shader accesses; guard elements are
    /// bound too, so that a write out of bounds reaches them instead of failing the bounds check.
    fn bind(&self, binding: usize, slice: BufferSlice) -> wgpu::BindGroupEntry<'_> {
        let buffer = &self.buffers[slice.buffer.0];
        let (offset, size) = (slice.offset as u64 * 4, padded_bytes(slice.len + self.guard_words));
        let size = size.min(buffer.size() - offset);
        let range = wgpu::BufferBinding { buffer, offset, size: std::num::NonZeroU64::new(size) };
        wgpu::BindGroupEntry { binding: binding as u32, resource: wgpu::BindingResource::Buffer(range) }
    }
}
