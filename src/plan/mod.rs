//! A recorded model: buffers, dispatches and programs as plain data, with no device in it.
//!
//! A [`Recorder`] writes a [`Plan`] once; a backend loads it once and replays its programs every step. Two rules keep a
//! plan replayable anywhere: a dispatch never reads and writes the same buffer through two slices, and every slice lies
//! inside its buffer.

mod buffers;
mod constants;
mod kernel;
mod pair;
mod profile;
mod recorded;
mod recorder;
mod shader_file;
mod share;
mod step;
mod wgsl;
mod wgsl_pair;

pub use buffers::{BufferDesc, BufferId, BufferSlice, Element, Lifetime, MAX_BINDINGS, SLICE_ALIGN};
pub(crate) use constants::constants;
pub use constants::{Constant, Constants};
pub use kernel::{Cost, Io, Kernel, KernelSpec, MergeParts, View, ViewMut};
pub use profile::{MatmulCore, PixelReads, Profile, Target};
pub use recorded::{Dispatch, DispatchId, HostBuffers, Mode, Plan, Program, SkipBuffers};
pub use recorder::Recorder;
#[cfg(target_family = "wasm")]
pub(crate) use shader_file::shortened;
pub(crate) use shader_file::wgsl;
pub use step::Step;
pub use wgsl::{ArgmaxStore, LANES_FILE, STEP_FILE, Shader, elementwise_grid, grid, output_file};
pub use wgsl_pair::ShaderSource;
