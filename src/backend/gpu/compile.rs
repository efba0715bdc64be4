//! Bind groups and pipelines of a plan's dispatches.

use super::engine::Engine;
use super::resources::{Loaded, group_layout, new_pipeline, padded_bytes};
use crate::error::{Advice, Error, Result};
use crate::plan::{BufferSlice, DispatchId, ShaderSource};
use std::collections::HashMap;
use wgpu::ErrorFilter;

impl Engine {
    /// Creates the bind groups of all launches whose dispatches `is_run` says are run, and one pipeline for each distinct shader text.
    pub(super) async fn compile(&mut self, is_run: impl Fn(DispatchId) -> bool) -> Result<()> {
        let plan = std::sync::Arc::clone(&self.plan);
        let mut pipelines: HashMap<String, wgpu::ComputePipeline> = HashMap::new();
        for launch in plan.all_launches().into_iter().filter(|launch| launch.iter().all(|id| is_run(*id))) {
            let loaded = self.load_launch(&launch, plan.shader_of(&launch), &mut pipelines).await?;
            self.launches.insert(launch, loaded);
        }
        Ok(())
    }

    /// Creates the bind group of a launch, and its pipeline unless there is one of the same text.
    async fn load_launch(
        &self,
        launch: &[DispatchId],
        source: ShaderSource,
        pipelines: &mut HashMap<String, wgpu::ComputePipeline>,
    ) -> Result<Loaded> {
        let label = self.plan.launch_label(launch);
        if source.iterations > self.max_iterations {
            let smaller = (self.plan.batch > 1).then_some(Advice::SmallerBatchSize);
            return Err(Error::device(format!(
                "kernel `{label}` loops {} times, {} stops after {}",
                source.iterations, self.info.adapter, self.max_iterations
            ))
            .advise(smaller.into_iter().chain([Advice::CpuBackend])));
        }
        let scope = self.device.push_error_scope(ErrorFilter::Validation);
        let unbound = self.plan.unbound(launch);
        let slices: Vec<(usize, BufferSlice, bool)> = (launch.iter().map(|id| self.plan.dispatch(*id)))
            .flat_map(|dispatch| {
                let inputs = dispatch.inputs.iter().map(|slice| (*slice, true));
                inputs.chain(dispatch.outputs.iter().map(|slice| (*slice, false)))
            })
            .enumerate()
            .map(|(binding, (slice, is_input))| (binding, slice, is_input))
            .filter(|(binding, ..)| Some(*binding) != unbound)
            .collect();
        let layout = group_layout(&self.device, slices.iter().map(|(binding, _, is_input)| (*binding, *is_input)));
        let ShaderSource { text, grid, uses_step, .. } = source;
        let pipeline = pipelines
            .entry(text)
            .or_insert_with_key(|text| new_pipeline(&self.device, &label, uses_step, text, &layout, self.checked))
            .clone();
        let entries: Vec<_> = slices.iter().map(|(binding, slice, _)| self.bind(*binding, *slice)).collect();
        let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(&label),
            layout: &layout,
            entries: &entries,
        });
        if let Some(error) = scope.pop().await {
            return Err(Error::device(format!("kernel `{label}` on {}: {error}", self.info.adapter)));
        }
        Ok(Loaded { pipeline, group, grid, uses_step })
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
