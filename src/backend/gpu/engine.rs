//! A plan on a device: every buffer, pipeline and bind group made at load, then replayed.

use super::Adapter;
use super::resources::{
    check_limits, group_layout, new_buffer, new_pipeline, out_of_memory, padded_bytes, readable_words, step_group,
    watch,
};
use crate::backend::{Backend, DeviceInfo, KernelTimes};
use crate::error::{Error, Result};
use crate::plan::{BufferId, BufferSlice, Phase, Plan, Step};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use wgpu::{BufferUsages, ErrorFilter};

/// What guard words hold.
pub const GUARD_WORD: u32 = 0x7fc0_dead;

/// A submission should not take longer than this, or a watchdog may reset the device.
const SUBMISSION: Duration = Duration::from_millis(80);
/// A device that does not answer for this long is taken for lost.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Uniform offsets are multiples of this on every adapter.
const STEP_STRIDE: u64 = 256;

/// A plan loaded on an adapter.
#[derive(Debug)]
pub struct Engine {
    info: DeviceInfo,
    plan: Arc<Plan>,
    device: wgpu::Device,
    queue: wgpu::Queue,
    buffers: Vec<wgpu::Buffer>,
    guard_words: usize,
    max_iterations: usize,
    steps: wgpu::Buffer,
    step_group: wgpu::BindGroup,
    staging: wgpu::Buffer,
    dispatches: Vec<Loaded>,
    failure: Arc<Mutex<Option<String>>>,
    pace: Pace,
}

/// A dispatch ready to be encoded.
#[derive(Debug)]
struct Loaded {
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    grid: [u32; 3],
    uses_step: bool,
}

/// How many steps fit a submission, learned from how long they took.
#[derive(Debug)]
struct Pace {
    steps_per_submission: usize,
    started: Option<Instant>,
    queued: usize,
}

impl Engine {
    /// Makes everything that `plan` needs. `guard_words` words follow each buffer (see [`Self::read_with_guard`]).
    ///
    /// # Errors
    /// A buffer over the adapter's limits, no memory, or a shader that the driver refuses; each by name.
    pub async fn load(adapter: &Adapter, plan: Arc<Plan>, guard_words: usize) -> Result<Self> {
        let limits = adapter.inner.limits();
        check_limits(&plan, &limits)?;
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("gpu-cnn"),
            required_features: adapter.features(plan.profile),
            required_limits: limits,
            ..Default::default()
        };
        let (device, queue) = adapter
            .inner
            .request_device(&descriptor)
            .await
            .map_err(|e| Error::Device(format!("{} cannot be opened: {e}", adapter.info.adapter)))?;
        let failure = watch(&device);

        let mut buffers = Vec::with_capacity(plan.buffers.len());
        for description in &plan.buffers {
            let memory = device.push_error_scope(ErrorFilter::OutOfMemory);
            buffers.push(new_buffer(&device, &description.label, description.len + guard_words));
            if let Some(error) = memory.pop().await {
                return Err(out_of_memory(adapter, &plan, &description.label, padded_bytes(description.len), &error));
            }
        }
        let memory = device.push_error_scope(ErrorFilter::OutOfMemory);
        let longest = plan.buffers.iter().map(|b| b.len).max().unwrap_or(0) + guard_words;
        let readable = if guard_words > 0 { longest } else { readable_words(&plan) };
        let staging = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("staging"),
            size: padded_bytes(readable),
            usage: BufferUsages::MAP_READ | BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let steps = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("steps"),
            size: plan.batches_per_upload as u64 * STEP_STRIDE,
            usage: BufferUsages::UNIFORM | BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        if let Some(error) = memory.pop().await {
            return Err(out_of_memory(adapter, &plan, "staging", staging.size(), &error));
        }

        let mut engine = Self {
            info: adapter.info.clone(),
            step_group: step_group(&device, &steps),
            dispatches: Vec::new(),
            pace: Pace { steps_per_submission: 1, started: None, queued: 0 },
            plan,
            device,
            queue,
            buffers,
            guard_words,
            max_iterations: adapter.max_iterations(),
            steps,
            staging,
            failure,
        };
        engine.compile().await?;
        if guard_words > 0 {
            let guard = vec![GUARD_WORD; guard_words + 3];
            for (buffer, description) in engine.buffers.iter().zip(&engine.plan.buffers) {
                let words = buffer.size() as usize / 4 - description.len;
                engine.queue.write_buffer(buffer, description.len as u64 * 4, bytemuck::cast_slice(&guard[..words]));
            }
        }
        Ok(engine)
    }

    /// Makes pipelines, one for each distinct text, and the bind groups.
    async fn compile(&mut self) -> Result<()> {
        let mut pipelines: HashMap<String, wgpu::ComputePipeline> = HashMap::new();
        let mut loaded = Vec::with_capacity(self.plan.dispatches.len());
        for dispatch in &self.plan.dispatches {
            let shader = dispatch.kernel.shader();
            if shader.iterations > self.max_iterations {
                let hint = if self.plan.batch > 1 { "try a smaller --batch-size, or" } else { "try" };
                return Err(Error::Device(format!(
                    "kernel `{}` loops {} times, {} stops after {}; {hint} `--adapter cpu`",
                    dispatch.label, shader.iterations, self.info.adapter, self.max_iterations
                )));
            }
            let scope = self.device.push_error_scope(ErrorFilter::Validation);
            let layout = group_layout(&self.device, dispatch.inputs.len(), dispatch.outputs.len());
            let pipeline = pipelines
                .entry(shader.text(self.plan.profile))
                .or_insert_with_key(|text| new_pipeline(&self.device, &dispatch.label, &shader, text, &layout))
                .clone();
            let slots = dispatch.inputs.iter().chain(&dispatch.outputs);
            let entries: Vec<_> = slots.enumerate().map(|(i, slot)| self.bind(i, *slot)).collect();
            let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(&dispatch.label),
                layout: &layout,
                entries: &entries,
            });
            if let Some(error) = scope.pop().await {
                return Err(Error::Device(format!("kernel `{}` on {}: {error}", dispatch.label, self.info.adapter)));
            }
            loaded.push(Loaded { pipeline, group, grid: shader.grid, uses_step: shader.uses_step });
        }
        self.dispatches = loaded;
        Ok(())
    }

    /// Shaders see whole vectors of four, so a binding is rounded up; with guards, it goes on to the buffer's end.
    fn bind(&self, binding: usize, slot: BufferSlice) -> wgpu::BindGroupEntry<'_> {
        let buffer = &self.buffers[slot.buffer.0];
        let (offset, size) = (slot.offset as u64 * 4, padded_bytes(slot.len + self.guard_words));
        let size = size.min(buffer.size() - offset);
        let range = wgpu::BufferBinding { buffer, offset, size: std::num::NonZeroU64::new(size) };
        wgpu::BindGroupEntry { binding: binding as u32, resource: wgpu::BindingResource::Buffer(range) }
    }

    /// Runs the dispatches at `dispatch_ids` once for each step, in submissions short enough for a watchdog.
    pub fn run_dispatches(&mut self, dispatch_ids: &[usize], steps: &[Step]) -> Result<()> {
        self.check()?;
        for steps in steps.chunks(self.plan.batches_per_upload) {
            self.write_steps(steps);
            self.pace.started.get_or_insert_with(Instant::now);
            self.pace.queued += steps.len();
            for first in (0..steps.len()).step_by(self.pace.steps_per_submission) {
                let last = steps.len().min(first + self.pace.steps_per_submission);
                self.submit(dispatch_ids, first..last);
            }
        }
        Ok(())
    }

    /// Makes `steps` those that the next dispatches read.
    pub(super) fn write_steps(&self, steps: &[Step]) {
        let stride = STEP_STRIDE as usize / size_of::<Step>();
        let mut uniform = vec![Step { batch_index: 0, images: 0, rate: 0.0, padding: 0 }; steps.len() * stride];
        uniform.iter_mut().step_by(stride).zip(steps).for_each(|(slot, step)| *slot = *step);
        self.queue.write_buffer(&self.steps, 0, bytemuck::cast_slice(&uniform));
    }

    /// Dispatch `id` for the step in `slot` of those written.
    pub(super) fn encode(&self, pass: &mut wgpu::ComputePass<'_>, id: usize, slot: usize) {
        let dispatch = &self.dispatches[id];
        pass.set_pipeline(&dispatch.pipeline);
        pass.set_bind_group(0, &dispatch.group, &[]);
        if dispatch.uses_step {
            pass.set_bind_group(1, &self.step_group, &[(slot as u64 * STEP_STRIDE) as u32]);
        }
        let [x, y, z] = dispatch.grid;
        pass.dispatch_workgroups(x, y, z);
    }

    fn submit(&self, dispatch_ids: &[usize], steps: std::ops::Range<usize>) {
        let mut encoder = self.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            for step in steps {
                dispatch_ids.iter().for_each(|id| self.encode(&mut pass, *id, step));
            }
        }
        self.queue.submit([encoder.finish()]);
    }

    /// The content of a buffer and the guard words that follow it.
    pub async fn read_with_guard(&mut self, buffer: BufferId) -> Result<(Vec<u32>, Vec<u32>)> {
        let len = self.plan.buffer(buffer).len;
        let words = self.buffers[buffer.0].size() as usize / 4;
        let mut content = self.read_words(buffer, words).await?;
        let guard = content.split_off(len);
        Ok((content, guard))
    }

    /// Waits for all that was submitted and reads `len` words.
    async fn read_words(&mut self, buffer: BufferId, len: usize) -> Result<Vec<u32>> {
        let bytes = len as u64 * 4;
        let mut encoder = self.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(&self.buffers[buffer.0], 0, &self.staging, 0, bytes);
        self.queue.submit([encoder.finish()]);
        let words = bytemuck::pod_collect_to_vec(&self.map(&self.staging, bytes).await?);
        self.learn_pace();
        Ok(words)
    }

    /// Waits for all that was submitted and returns the first `bytes` of `buffer`.
    pub(super) async fn map(&self, buffer: &wgpu::Buffer, bytes: u64) -> Result<Vec<u8>> {
        let (sender, receiver) = futures_intrusive::channel::shared::oneshot_channel();
        buffer.map_async(wgpu::MapMode::Read, ..bytes, move |result| {
            // The receiver is gone only if the reader gave up; then nobody wants the answer.
            let _ = sender.send(result);
        });
        let waited = self.device.poll(wgpu::PollType::Wait { submission_index: None, timeout: Some(TIMEOUT) });
        self.check()?;
        waited.map_err(|e| Error::Device(format!("{} did not answer within {TIMEOUT:?}: {e}", self.info.adapter)))?;
        let unreadable =
            |e: &dyn std::fmt::Display| Error::Device(format!("{}: cannot read a result: {e}", self.info.adapter));
        match receiver.receive().await {
            Some(result) => result.map_err(|e| unreadable(&e))?,
            None => return Err(unreadable(&"the device dropped the request")),
        }
        let content = buffer.get_mapped_range(..bytes).map_err(|e| unreadable(&e))?.to_vec();
        buffer.unmap();
        Ok(content)
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(super) fn device(&self) -> &wgpu::Device {
        &self.device
    }

    pub(super) fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    fn learn_pace(&mut self) {
        if let Some(started) = self.pace.started.take() {
            let per_step = started.elapsed().as_secs_f64() / self.pace.queued.max(1) as f64;
            let fitting = (SUBMISSION.as_secs_f64() / per_step.max(1e-9)) as usize;
            self.pace.steps_per_submission = fitting.clamp(1, self.plan.batches_per_upload);
            self.pace.queued = 0;
        }
    }

    /// The error that the device reported meanwhile, if any.
    fn check(&self) -> Result<()> {
        let failure = self.failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match failure.as_ref() {
            Some(text) => Err(Error::Device(format!("{}: {text}", self.info.adapter))),
            None => Ok(()),
        }
    }
}

impl Backend for Engine {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn write(&mut self, buffer: BufferId, offset: usize, words: &[u32]) -> Result<()> {
        self.check()?;
        self.queue.write_buffer(&self.buffers[buffer.0], offset as u64 * 4, bytemuck::cast_slice(words));
        Ok(())
    }

    fn run(&mut self, phase: Phase, steps: &[Step]) -> Result<()> {
        let plan = Arc::clone(&self.plan);
        self.run_dispatches(plan.phase(phase), steps)
    }

    fn read(&mut self, buffer: BufferId, len: usize) -> Result<Vec<u32>> {
        pollster::block_on(self.read_words(buffer, len))
    }

    fn time_dispatches(&mut self, phase: Phase, step: Step, rounds: usize) -> Result<KernelTimes> {
        pollster::block_on(self.dispatch_times(phase, step, rounds))
    }
}
