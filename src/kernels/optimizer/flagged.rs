//! Gradients with a flag behind them in the same buffer: kernels of an update bind as many buffers as they can without it.

use crate::plan::{BufferSlice, SLICE_ALIGN};

/// An arena of gradients, and after it in the same buffer the flag, which is not 0 where the update is skipped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FlaggedGradients {
    /// Both.
    pub(crate) whole: BufferSlice,
    /// The gradients' floats, a multiple of four.
    pub(crate) count: usize,
}

impl FlaggedGradients {
    /// Floats of the buffer for an arena of `count`.
    pub(crate) fn len(count: usize) -> usize {
        flag_at(count) + SLICE_ALIGN
    }

    /// The gradients.
    pub(crate) fn gradients(&self) -> BufferSlice {
        BufferSlice { len: self.count, ..self.whole }
    }

    /// The flag, [1] and padding.
    pub(crate) fn flag(&self) -> BufferSlice {
        BufferSlice { offset: flag_at(self.count), len: SLICE_ALIGN, ..self.whole }
    }
}

/// The element of the flag after an arena of `count` floats.
pub(super) fn flag_at(count: usize) -> usize {
    count.next_multiple_of(SLICE_ALIGN)
}
