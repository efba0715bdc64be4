//! Buffers, described before any is allocated.

/// Index of a buffer in [`super::Plan::buffers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BufferId(pub usize);

/// Type of a buffer's 32-bit elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// 32-bit floating point.
    F32,
    /// Unsigned integers (labels, argmax, packed bytes).
    U32,
}

/// Whether a buffer's content outlives a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Part of the training state: parameters, optimizer state, layer state. A checkpoint holds exactly these buffers.
    Persistent,
    /// Written by each step before it is read.
    Transient,
}

/// A buffer, allocated when the plan is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BufferDesc {
    /// Unique in the plan; named in messages, debuggers and checkpoints.
    pub label: String,
    /// Number of elements.
    pub len: usize,
    /// Type of the elements.
    pub element: Element,
    /// Whether the content outlives a step.
    pub lifetime: Lifetime,
    /// Mantissa bits of each float that hold an integer, the lowest ones; 0 for numbers alone.
    pub tag_mask: u32,
}

/// A range of a buffer, in elements. Offsets are multiples of [`SLICE_ALIGN`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BufferSlice {
    /// The buffer that the range lies in.
    pub buffer: BufferId,
    /// Index of the first element.
    pub offset: usize,
    /// Number of elements.
    pub len: usize,
}

/// Slices start at multiples of this many elements: 256 bytes, the coarsest binding alignment that adapters ask for.
pub const SLICE_ALIGN: usize = 64;
/// Buffers that a dispatch may bind; WebGPU guarantees eight, some GL drivers only four.
pub const MAX_BINDINGS: usize = 4;
