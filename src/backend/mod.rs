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

    /// As [`Self::read`], as floats.
    fn read_f32(&mut self, buffer: BufferId, len: usize) -> Result<Vec<f32>> {
        Ok(self.read(buffer, len)?.into_iter().map(f32::from_bits).collect())
    }

    /// As [`Self::write`], floats.
    fn write_f32(&mut self, buffer: BufferId, offset: usize, values: &[f32]) -> Result<()> {
        self.write(buffer, offset, bytemuck::cast_slice(values))
    }
}
