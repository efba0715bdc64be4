//! A plan loaded on a device: buffers, pipelines and bind groups are created once, then the dispatches are replayed.

use super::adapter::Adapter;
use super::resources::{Loaded, check_limits, new_buffer, new_staging, out_of_memory, padded_bytes, step_group, watch};
use crate::backend::info::DeviceInfo;
use crate::backend::interface::{Answer, Backend, KernelTimes};
use crate::clock::Duration;
use crate::error::{Advice, Error, Result};
use crate::plan::{BufferId, DispatchId, Plan, Program, Step};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use wgpu::{BufferUsages, ErrorFilter};

/// Guard element `index` after the content of a buffer; a kernel that changes one has written out of bounds.
///
/// The first and every second one is NaN, so that a result shows what was read there; the others are numbers, since NaN stays what it
/// is where a kernel adds to it. Those of other buffers are different, so that a copy of them is a change, too.
pub fn guard_word(buffer: BufferId, index: usize) -> u32 {
    let pattern = if index.is_multiple_of(2) { 0x7fc0_0000 } else { 0x3fc0_0000 };
    pattern | (buffer.0 as u32 + 1) << 8 & 0x3f_ff00 | index as u32 & 0xff
}

/// Time after which a device that has not finished its work is reported as lost.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Bytes between two [`Step`]s in the uniform buffer: the largest dynamic-offset alignment that adapters require.
const STEP_STRIDE: u64 = 256;

/// A plan loaded on an adapter.
#[derive(Debug)]
pub struct Engine {
    pub(super) info: DeviceInfo,
    pub(super) plan: Arc<Plan>,
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) buffers: Vec<wgpu::Buffer>,
    pub(super) guard_words: usize,
    pub(super) max_iterations: usize,
    pub(super) checked: bool,
    pub(super) steps: wgpu::Buffer,
    pub(super) step_group: wgpu::BindGroup,
    pub(super) staging: wgpu::Buffer,
    /// Those that are ever run.
    pub(super) launches: HashMap<Vec<DispatchId>, Loaded>,
    pub(super) failure: Arc<Mutex<Option<String>>>,
}

impl Engine {
    /// Creates all objects that `plan` needs. Each buffer is followed by at least `guard_words` guard elements of 4
    /// bytes (see [`Self::read_with_guard`]).
    ///
    /// # Errors
    /// A buffer that exceeds the adapter's limits, a failed allocation, or a shader that fails to compile; the message
    /// names the buffer or kernel.
    pub async fn load(adapter: &Adapter, plan: Arc<Plan>, guard_words: usize) -> Result<Self> {
        Self::load_some(adapter, plan, guard_words, |_| true).await
    }

    /// As [`Self::load`], of a plan of which only the dispatches that `is_run` names are ever run.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub async fn load_some(
        adapter: &Adapter,
        plan: Arc<Plan>,
        guard_words: usize,
        is_run: impl Fn(DispatchId) -> bool,
    ) -> Result<Self> {
        check_limits(&plan, &adapter.limits())?;
        let (device, queue) = adapter.device(plan.profile).await.map_err(|reason| {
            Error::device(format!("{} cannot be opened: {reason}", adapter.info.adapter)).advise([Advice::CpuBackend])
        })?;
        let failure = watch(&device);

        let mut buffers = Vec::with_capacity(plan.buffers.len());
        for (i, description) in plan.buffers.iter().enumerate() {
            let memory = device.push_error_scope(ErrorFilter::OutOfMemory);
            buffers.push(new_buffer(&device, &description.label, description.len + guard_words));
            let refused = (adapter.trial.no_memory_for == Some(i)).then(|| "a trial".to_owned());
            if let Some(error) = memory.pop().await.map(|error| error.to_string()).or(refused) {
                return Err(out_of_memory(adapter, &plan, &description.label, padded_bytes(description.len), &error));
            }
        }
        let memory = device.push_error_scope(ErrorFilter::OutOfMemory);
        let staging = new_staging(&device, plan.max_host_read());
        let steps = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("steps"),
            size: plan.batches_per_upload as u64 * STEP_STRIDE,
            usage: BufferUsages::UNIFORM | BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        if let Some(error) = memory.pop().await {
            return Err(out_of_memory(adapter, &plan, "staging", staging.size(), &error.to_string()));
        }

        let mut engine = Self {
            info: adapter.info.clone(),
            step_group: step_group(&device, &steps),
            launches: HashMap::new(),
            plan,
            device,
            queue,
            buffers,
            guard_words,
            max_iterations: adapter.max_iterations(),
            checked: adapter.checked,
            steps,
            staging,
            failure,
        };
        engine.compile(is_run).await?;
        if guard_words > 0 {
            for (i, (buffer, description)) in engine.buffers.iter().zip(&engine.plan.buffers).enumerate() {
                let guard_len = buffer.size() as usize / 4 - description.len;
                let guard: Vec<u32> = (0..guard_len).map(|index| guard_word(BufferId(i), index)).collect();
                engine.queue.write_buffer(buffer, description.len as u64 * 4, bytemuck::cast_slice(&guard));
            }
        }
        Ok(engine)
    }

    /// Writes `steps` to the uniform buffer, for the submissions that follow.
    pub(super) fn write_steps(&self, steps: &[Step]) {
        let stride = STEP_STRIDE as usize / size_of::<Step>();
        let mut uniform = vec![Step::default(); steps.len() * stride];
        uniform.iter_mut().step_by(stride).zip(steps).for_each(|(entry, step)| *entry = *step);
        self.queue.write_buffer(&self.steps, 0, bytemuck::cast_slice(&uniform));
    }

    /// What a launch needs.
    pub(super) fn loaded(&self, launch: &[DispatchId]) -> &Loaded {
        self.launches.get(launch).unwrap_or_else(|| panic!("{launch:?} is not loaded"))
    }

    /// Encodes a launch for element `step_index` of the steps last written.
    pub(super) fn encode(&self, pass: &mut wgpu::ComputePass<'_>, loaded: &Loaded, step_index: usize) {
        pass.set_pipeline(&loaded.pipeline);
        pass.set_bind_group(0, &loaded.group, &[]);
        if loaded.uses_step {
            pass.set_bind_group(1, &self.step_group, &[(step_index as u64 * STEP_STRIDE) as u32]);
        }
        let [x, y, z] = loaded.grid;
        pass.dispatch_workgroups(x, y, z);
    }

    /// Reads a buffer's content and the guard elements that follow it.
    pub async fn read_with_guard(&mut self, buffer: BufferId) -> Result<(Vec<u32>, Vec<u32>)> {
        let len = self.plan.buffer(buffer).len;
        let padded_len = self.buffers[buffer.0].size() as usize / 4;
        let mut content = self.read_words(buffer, padded_len).await?;
        let guard = content.split_off(len);
        Ok((content, guard))
    }

    /// Waits for all submitted work and reads the first `len` elements of 4 bytes.
    async fn read_words(&mut self, buffer: BufferId, len: usize) -> Result<Vec<u32>> {
        let bytes = len as u64 * 4;
        if bytes > self.staging.size() {
            self.staging = new_staging(&self.device, len);
        }
        let mut encoder = self.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(&self.buffers[buffer.0], 0, &self.staging, 0, bytes);
        self.queue.submit([encoder.finish()]);
        Ok(bytemuck::pod_collect_to_vec(&self.map(&self.staging, bytes).await?))
    }

    /// Waits for all submitted work and returns the first `bytes` bytes of `buffer`, which is mappable.
    pub(super) async fn map(&self, buffer: &wgpu::Buffer, bytes: u64) -> Result<Vec<u8>> {
        let (sender, receiver) = futures_intrusive::channel::shared::oneshot_channel();
        buffer.map_async(wgpu::MapMode::Read, ..bytes, move |result| {
            // Sending fails only if the receiver was dropped after an error below; the result is not needed then.
            let _ = sender.send(result);
        });
        let waited = self.device.poll(wgpu::PollType::Wait { submission_index: None, timeout: Some(TIMEOUT) });
        self.check()?;
        waited.map_err(|e| Error::device(format!("{} did not answer within {TIMEOUT:?}: {e}", self.info.adapter)))?;
        let unreadable =
            |e: &dyn std::fmt::Display| Error::device(format!("{}: cannot read a result: {e}", self.info.adapter));
        match receiver.receive().await {
            // Why the device refused says more than that it did.
            Some(result) => result.map_err(|e| self.check().err().unwrap_or_else(|| unreadable(&e)))?,
            None => return Err(unreadable(&"the device dropped the request")),
        }
        let content = buffer.get_mapped_range(..bytes).map_err(|e| unreadable(&e))?.to_vec();
        buffer.unmap();
        Ok(content)
    }

    /// Fails with the first asynchronous error that the device has reported, if any.
    fn check(&self) -> Result<()> {
        let failure = self.failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match failure.as_ref() {
            Some(text) => Err(Error::device(format!("{}: {text}", self.info.adapter))),
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

    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn run_dispatches(&mut self, ids: &[DispatchId], steps: &[Step]) -> Result<()> {
        self.check()?;
        self.write_steps(steps);
        let mut encoder = self.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            let launches = self.plan.launches(ids).into_iter();
            let loaded: Vec<&Loaded> = launches.map(|launch| self.loaded(launch)).collect();
            for step_index in 0..steps.len() {
                loaded.iter().for_each(|loaded| self.encode(&mut pass, loaded, step_index));
            }
        }
        self.queue.submit([encoder.finish()]);
        Ok(())
    }

    fn lose(&mut self) {
        self.device.destroy();
    }

    fn read(&mut self, buffer: BufferId, len: usize) -> Answer<'_, Vec<u32>> {
        Box::pin(self.read_words(buffer, len))
    }

    fn time_dispatches(&mut self, programs: &[Program], step: Step, rounds: usize) -> Answer<'_, KernelTimes> {
        let ids = self.plan.dispatch_ids(programs);
        Box::pin(async move { self.dispatch_times(&ids, step, rounds).await })
    }
}
