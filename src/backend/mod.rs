//! Who replays a plan. A backend knows no layers and a model knows no device: they meet in a plan alone.

mod check;
mod cpu;
mod device;
pub mod gpu;

pub use check::{Difference, check_dispatches};
pub use cpu::{Cpu, CpuFloat};
pub use device::{Device, DeviceInfo, Found};

use crate::error::Result;
use crate::plan::{BufferId, Phase, Step};
use serde::Serialize;

/// A plan loaded on a device. Loading does all that can fail for lack of memory, limits or a valid shader.
pub trait Backend {
    /// What the plan was loaded on.
    fn info(&self) -> &DeviceInfo;

    /// Writes 32-bit words (floats as their bits) into a buffer, from element `offset` on. Takes effect before the next
    /// [`Self::run`], after all earlier ones.
    fn write(&mut self, buffer: BufferId, offset: usize, words: &[u32]) -> Result<()>;

    /// Replays `phase` once for each step. May return before the device is done.
    fn run(&mut self, phase: Phase, steps: &[Step]) -> Result<()>;

    /// Waits for all runs and reads `len` words of a buffer from its start.
    fn read(&mut self, buffer: BufferId, len: usize) -> Result<Vec<u32>>;

    /// Seconds of each dispatch of `phase`, the median of `rounds`; the device is idle before and after.
    fn time_dispatches(&mut self, phase: Phase, step: Step, rounds: usize) -> Result<KernelTimes>;

    /// As [`Self::read`], as floats.
    fn read_f32(&mut self, buffer: BufferId, len: usize) -> Result<Vec<f32>> {
        Ok(self.read(buffer, len)?.into_iter().map(f32::from_bits).collect())
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
    /// On the device, by queries around each dispatch.
    TimestampQueries,
    /// By the host's clock.
    Wall,
}

/// Seconds of the dispatches of a phase.
#[derive(Debug, Clone, PartialEq)]
pub struct KernelTimes {
    /// How they were taken.
    pub clock: Clock,
    /// In the order of the phase.
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
