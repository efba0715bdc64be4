//! A recorded model as plain data.

use super::buffers::{BufferDesc, BufferId, BufferSlice, Lifetime};
use super::kernel::Kernel;
use super::profile::Profile;
use crate::error::Advice;
use std::sync::Arc;

/// Index of a dispatch in [`Plan::dispatches`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DispatchId(pub usize);

/// One kernel with its buffers.
#[derive(Debug, Clone)]
pub struct Dispatch {
    /// `conv2d_1 backward weights`: the same label in profiler, bench, test and error.
    pub label: String,
    /// What is computed.
    pub kernel: Arc<dyn Kernel>,
    /// Read-only slices, in the order of the shader's bindings.
    pub inputs: Vec<BufferSlice>,
    /// Read-write slices, whose bindings follow those of the inputs.
    pub outputs: Vec<BufferSlice>,
    /// The algorithm that was chosen for its pass, where there are several.
    pub algorithm: Option<&'static str>,
}

/// What a forward pass is recorded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A backward pass follows: what it needs (the argmax of a pool, the gradient of the loss) is written.
    Train,
    /// No backward pass follows.
    Infer,
}

/// A list of dispatches that a backend replays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// Forward pass for training, loss and its metrics, backward pass into the gradient arena.
    Gradients,
    /// Gradient arena to the sum of a group's gradients; empty where each batch has an update of its own. The step's first scalar is 0
    /// for the first batch of a group.
    Accumulate,
    /// Gradients to parameters, by the optimizer, and on to their moving average if there is one.
    Update,
    /// Forward pass for inference, loss metrics and predictions; needs targets.
    Evaluate,
    /// Forward pass for inference and predictions.
    Predict,
}

impl Program {
    /// Every program, in the order of their lists in a plan.
    pub const ALL: [Self; 5] = [Self::Gradients, Self::Accumulate, Self::Update, Self::Evaluate, Self::Predict];
    /// One training step.
    pub const TRAIN: [Self; 2] = [Self::Gradients, Self::Update];
    /// One batch of a group that shares an update.
    pub const ACCUMULATE: [Self; 2] = [Self::Gradients, Self::Accumulate];
}

/// The buffers that the host reads and writes, by role.
#[derive(Debug, Clone)]
pub struct HostBuffers {
    /// Pixels of an upload: [batches_per_upload, words_per_batch] u32, four bytes each, first byte lowest.
    pub input: BufferId,
    /// Class of each image: [batches_per_upload, batch] u32.
    pub targets: BufferId,
    /// Number and epoch of each image, from which its augmentation is drawn: [batches_per_upload, batch, 2] u32; none without any.
    pub keys: Option<BufferId>,
    /// Per step, mean loss and number of correct predictions: [batches_per_upload, 2] f32.
    pub metrics: BufferId,
    /// Outputs of the model, after its last activation: [batches_per_upload, batch, outputs] f32.
    pub predictions: BufferId,
    /// The parameter arena, f32.
    pub parameters: BufferId,
    /// The gradient arena: same offsets as the parameters.
    pub gradients: BufferId,
    /// The optimizer's arenas (Adam's m and v): same offsets as the parameters.
    pub optimizer_state: Vec<BufferId>,
    /// The moving average of the parameters, which inference takes; none where it takes the parameters.
    pub average: Option<BufferId>,
    /// State of layers that is not differentiated (moving averages), f32; none if no layer has any.
    pub layer_state: Option<BufferId>,
    /// How training says that it skips updates; none in a plan without training.
    pub skips: Option<SkipBuffers>,
}

impl HostBuffers {
    /// What the host writes for each upload.
    pub fn uploaded(&self) -> impl Iterator<Item = BufferId> + use<> {
        [self.input, self.targets].into_iter().chain(self.keys)
    }
}

/// How training says that the loss or a gradient is not finite, so that an update is skipped.
#[derive(Debug, Clone, Copy)]
pub struct SkipBuffers {
    /// Not 0 where the update is skipped, one float and padding.
    pub flag: BufferSlice,
    /// Of each step with an update, 1 if it was skipped, else 0: `[batches_per_upload]` f32.
    pub steps: BufferId,
}

/// A recorded model.
#[derive(Debug, Clone)]
pub struct Plan {
    /// All buffers, each under its [`BufferId`].
    pub buffers: Vec<BufferDesc>,
    /// All dispatches; programs are lists of indices into it.
    pub dispatches: Vec<Dispatch>,
    /// Dispatches of each program, in the order of [`Program::ALL`].
    pub programs: [Vec<DispatchId>; 5],
    /// Dispatches that adapters launch as one where a program has them one after the other ([`Self::launches`]).
    pub pairs: Vec<[DispatchId; 2]>,
    /// What the plan was recorded for.
    pub profile: Profile,
    /// The host's buffers.
    pub host: HostBuffers,
    /// Images in a batch.
    pub batch: usize,
    /// Batches that one upload holds.
    pub batches_per_upload: usize,
    /// 32-bit elements that the pixels of one batch take.
    pub words_per_batch: usize,
}

impl Plan {
    /// What could help where there is no memory for a buffer: batches of `fitting` images, unless its size does not depend on
    /// the batch.
    pub(crate) fn advice(&self, label: &str, fitting: usize) -> Advice {
        let gradients = self.buffer(self.host.gradients);
        let mut of_the_model = self.persistent_buffers().map(|(_, buffer)| buffer).chain([gradients]);
        match self.batch > 1 && of_the_model.all(|known| known.label != label) {
            true => Advice::BatchSize(fitting.clamp(1, self.batch - 1) as u64),
            false => Advice::SmallerModel,
        }
    }

    /// The dispatches of `program`, in order.
    pub fn program(&self, program: Program) -> &[DispatchId] {
        &self.programs[program as usize]
    }

    /// The dispatches of several programs, one program after the other.
    pub fn dispatch_ids(&self, programs: &[Program]) -> Vec<DispatchId> {
        programs.iter().flat_map(|program| self.program(*program)).copied().collect()
    }

    /// The dispatch with this index.
    pub fn dispatch(&self, id: DispatchId) -> &Dispatch {
        &self.dispatches[id.0]
    }

    /// The description of a buffer.
    pub fn buffer(&self, id: BufferId) -> &BufferDesc {
        &self.buffers[id.0]
    }

    /// The buffers that a checkpoint holds.
    pub fn persistent_buffers(&self) -> impl Iterator<Item = (BufferId, &BufferDesc)> {
        let buffers = self.buffers.iter().enumerate().map(|(i, buffer)| (BufferId(i), buffer));
        buffers.filter(|(_, buffer)| buffer.lifetime == Lifetime::Persistent)
    }

    /// Elements of the largest buffer that the host reads back.
    pub fn max_host_read(&self) -> usize {
        let read = [self.host.metrics, self.host.predictions, self.host.gradients];
        let read =
            read.into_iter().map(|id| self.buffer(id)).chain(self.persistent_buffers().map(|(_, buffer)| buffer));
        read.map(|buffer| buffer.len).max().unwrap_or(0)
    }

    /// Bytes of all buffers.
    pub fn size_bytes(&self) -> u64 {
        self.buffers.iter().map(|b| b.len as u64 * 4).sum()
    }
}
