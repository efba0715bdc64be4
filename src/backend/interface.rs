//! What a backend is: it loads a plan once and replays its programs. It knows no layers.

use super::info::DeviceInfo;
use crate::error::Result;
use crate::plan::{BufferId, BufferSlice, DispatchId, Plan, Program, Step};
use serde::Serialize;
use std::pin::Pin;

/// A result that may have to wait for the device.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// A plan loaded on a device. Loading does all that can fail for lack of memory, limits or a valid shader.
pub trait Backend: Send {
    /// What the plan was loaded on.
    fn info(&self) -> &DeviceInfo;

    /// Writes 32-bit elements (floats as their bits) into a buffer, from element `offset` on. Takes effect before the next
    /// [`Self::run`], after all earlier ones.
    fn write(&mut self, buffer: BufferId, offset: usize, elements: &[u32]) -> Result<()>;

    /// The plan that is loaded.
    fn plan(&self) -> &Plan;

    /// Runs the dispatches `ids`, one after the other, once for each step, as one submission of at most
    /// [`Plan::batches_per_upload`] steps. May return before the device is done.
    fn run_dispatches(&mut self, ids: &[DispatchId], steps: &[Step]) -> Result<()>;

    /// As [`Self::run_dispatches`], the dispatches of `programs`.
    fn run(&mut self, programs: &[Program], steps: &[Step]) -> Result<()> {
        let ids = self.plan().dispatch_ids(programs);
        self.run_dispatches(&ids, steps)
    }

    /// Waits for all runs and reads `len` elements of a buffer from its start.
    fn read(&mut self, buffer: BufferId, len: usize) -> Answer<'_, Vec<u32>>;

    /// Seconds of each launch of `programs` ([`Plan::launches`]), the median of `rounds`; the device is idle before and after.
    fn time_dispatches(&mut self, programs: &[Program], step: Step, rounds: usize) -> Answer<'_, KernelTimes>;

    /// Loses the device, where there is one that can be lost: for tests of what happens then.
    #[doc(hidden)]
    fn lose(&mut self) {}

    /// As [`Self::read`], as floats.
    fn read_f32(&mut self, buffer: BufferId, len: usize) -> Answer<'_, Vec<f32>> {
        let elements = self.read(buffer, len);
        Box::pin(async move { Ok(elements.await?.into_iter().map(f32::from_bits).collect()) })
    }

    /// As [`Self::read`], the floats of a slice.
    fn read_slice(&mut self, slice: BufferSlice) -> Answer<'_, Vec<f32>> {
        let content = self.read_f32(slice.buffer, slice.offset + slice.len);
        Box::pin(async move { Ok(content.await?.split_off(slice.offset)) })
    }

    /// As [`Self::write`], floats.
    fn write_f32(&mut self, buffer: BufferId, offset: usize, values: &[f32]) -> Result<()> {
        self.write(buffer, offset, bytemuck::cast_slice(values))
    }
}

/// How a dispatch was timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// On the device, by queries between the launches of one pass, as in training.
    QueriesInPass,
    /// On the device, by queries around the pass of each launch.
    TimestampQueries,
    /// By the host's clock.
    Wall,
}

/// Seconds of the launches of some programs.
#[derive(Debug, Clone, PartialEq)]
pub struct KernelTimes {
    /// How they were taken.
    pub clock: Clock,
    /// In the order of the programs.
    pub seconds: Vec<f64>,
}

/// The middle value, or the mean of the two in the middle; 0 of none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        n => (values[(n - 1) / 2] + values[n / 2]) / 2.0,
    }
}
