//! A recorded model: buffers and dispatches as plain data, with no device in it.
//!
//! A [`Recorder`] writes a [`Plan`] once; a backend loads it once and replays its phases every step. Two rules keep a
//! plan replayable anywhere: a dispatch never reads and writes the same buffer through two slots, and every slot lies
//! inside its buffer.

mod kernel;
mod profile;
mod recorder;
mod wgsl;

pub use kernel::{Cost, Io, Kernel, KernelSpec, View, ViewMut};
pub use profile::{MatmulCore, Profile};
pub use recorder::Recorder;
pub use wgsl::{STEP_FILE, Shader, argmax_file, elementwise_grid, grid, output_file};

use std::sync::Arc;

/// The id of a buffer in [`Plan::buffers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BufferId(pub usize);

/// What the 32-bit elements of a buffer are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// Floating point.
    F32,
    /// Unsigned integers (labels, indices, packed bytes).
    U32,
}

/// A buffer to be made at load.
#[derive(Debug, Clone)]
pub struct BufferDesc {
    /// For messages and debuggers.
    pub label: String,
    /// Elements.
    pub len: usize,
    /// Their type.
    pub element: Element,
}

/// A range of a buffer, in elements. Offsets are multiples of [`SLICE_ALIGN`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BufferSlice {
    /// The buffer.
    pub buffer: BufferId,
    /// First element.
    pub offset: usize,
    /// Elements.
    pub len: usize,
}

/// Slots start at multiples of this many elements: 256 bytes, the coarsest binding alignment that adapters ask for.
pub const SLICE_ALIGN: usize = 64;

/// One kernel with its buffers.
#[derive(Debug, Clone)]
pub struct Dispatch {
    /// `conv2d_1 backward weights`: the same words in profiler, bench, test and error.
    pub label: String,
    /// What is computed.
    pub kernel: Arc<dyn Kernel>,
    /// Read-only slots, in the order of the shader's bindings.
    pub inputs: Vec<BufferSlice>,
    /// Read-write slots, whose bindings follow the inputs'.
    pub outputs: Vec<BufferSlice>,
}

/// What changes from step to step; the host writes it, kernels that ask for it read it.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Step {
    /// Which batch of the uploaded window this step takes, and where its metrics go.
    pub batch_index: u32,
    /// Images in the batch that count; the rest of a last, short batch is ignored.
    pub images: u32,
    /// Adam's learning rate with both bias corrections folded in.
    pub rate: f32,
    /// Unused; keeps the size at 16 bytes.
    pub padding: u32,
}

/// The lists of dispatches that a backend can replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Forward, loss, backward, update.
    Train,
    /// Forward, loss and metrics.
    Evaluate,
    /// Forward and probabilities.
    Predict,
    /// Forward, loss and backward, without the update: gradients for whoever wants to look at them.
    Gradients,
}

/// The buffers through which the host speaks with the plan.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// Pixels of a window of batches: [window, words_per_batch] u32, four bytes each, first byte lowest.
    pub pixels: BufferId,
    /// Labels of a window of batches: [window, batch] u32.
    pub labels: BufferId,
    /// Per step of a window: mean loss and number of correct answers, [window, 2] f32.
    pub metrics: BufferId,
    /// All parameters, `[arena]` f32.
    pub params: BufferId,
    /// All gradients, same offsets.
    pub grads: BufferId,
    /// Adam's first moments, same offsets.
    pub adam_m: BufferId,
    /// Adam's second moments, same offsets.
    pub adam_v: BufferId,
    /// Class probabilities of the last predicted batch, [batch, classes] f32.
    pub probabilities: BufferId,
}

/// A recorded model.
#[derive(Debug, Clone)]
pub struct Plan {
    /// All buffers.
    pub buffers: Vec<BufferDesc>,
    /// All dispatches; the phases are lists of dispatch_ids in it.
    pub dispatches: Vec<Dispatch>,
    /// Forward, loss, backward, update.
    pub train: Vec<usize>,
    /// Forward, loss.
    pub evaluate: Vec<usize>,
    /// Forward, probabilities.
    pub predict: Vec<usize>,
    /// Forward, loss, backward.
    pub gradients: Vec<usize>,
    /// What it was recorded for.
    pub profile: Profile,
    /// The host's buffers.
    pub ports: Ports,
    /// Images in a batch.
    pub batch: usize,
    /// Batches that one upload can hold.
    pub batches_per_upload: usize,
    /// 32-bit words that the pixels of one batch take.
    pub words_per_batch: usize,
}

impl Plan {
    /// What `recorder` holds, with `dispatch_ids` as the one phase, [`Phase::Train`]; every port is the first buffer.
    ///
    /// # Panics
    /// If there is no buffer.
    pub fn of_one_phase(recorder: Recorder, dispatch_ids: Vec<usize>) -> Self {
        assert!(!recorder.buffers.is_empty(), "a plan needs a buffer");
        let port = BufferId(0);
        Self {
            train: dispatch_ids,
            evaluate: Vec::new(),
            predict: Vec::new(),
            gradients: Vec::new(),
            buffers: recorder.buffers,
            dispatches: recorder.dispatches,
            profile: recorder.profile,
            ports: Ports {
                pixels: port,
                labels: port,
                metrics: port,
                params: port,
                grads: port,
                adam_m: port,
                adam_v: port,
                probabilities: port,
            },
            batch: 1,
            batches_per_upload: 1,
            words_per_batch: 1,
        }
    }

    /// The dispatches of `phase`, in order.
    pub fn phase(&self, phase: Phase) -> &[usize] {
        match phase {
            Phase::Train => &self.train,
            Phase::Evaluate => &self.evaluate,
            Phase::Predict => &self.predict,
            Phase::Gradients => &self.gradients,
        }
    }

    /// The description of a buffer.
    pub fn buffer(&self, id: BufferId) -> &BufferDesc {
        &self.buffers[id.0]
    }

    /// Bytes of all buffers.
    pub fn size_bytes(&self) -> u64 {
        self.buffers.iter().map(|b| b.len as u64 * 4).sum()
    }
}
