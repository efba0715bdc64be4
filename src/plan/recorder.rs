//! Writes a plan.

use super::{BufferDesc, BufferId, BufferSlice, Dispatch, Element, Kernel, Profile};
use std::sync::Arc;

/// Collects buffers and dispatches; knows the profile that kernels are tiled for.
#[derive(Debug)]
pub struct Recorder {
    /// How to tile.
    pub profile: Profile,
    /// Buffers so far.
    pub buffers: Vec<BufferDesc>,
    /// Dispatches so far.
    pub dispatches: Vec<Dispatch>,
}

impl Recorder {
    /// An empty recording for adapters of `profile`.
    pub fn new(profile: Profile) -> Self {
        Self { profile, buffers: Vec::new(), dispatches: Vec::new() }
    }

    /// A new buffer of `len` elements, as one slot.
    pub fn buffer(&mut self, label: impl Into<String>, len: usize, element: Element) -> BufferSlice {
        self.buffers.push(BufferDesc { label: label.into(), len, element });
        BufferSlice { buffer: BufferId(self.buffers.len() - 1), offset: 0, len }
    }

    /// A new buffer of `len` floats.
    pub fn floats(&mut self, label: impl Into<String>, len: usize) -> BufferSlice {
        self.buffer(label, len, Element::F32)
    }

    /// A new buffer of `len` words.
    pub fn words(&mut self, label: impl Into<String>, len: usize) -> BufferSlice {
        self.buffer(label, len, Element::U32)
    }

    /// Appends a dispatch and returns its id.
    ///
    /// # Panics
    /// If a slot leaves its buffer, or an output's buffer is used twice: a mistake of the layer that records.
    pub fn dispatch(
        &mut self,
        label: impl Into<String>,
        kernel: impl Kernel + 'static,
        inputs: &[BufferSlice],
        outputs: &[BufferSlice],
    ) -> usize {
        let label = label.into();
        for slot in inputs.iter().chain(outputs) {
            let buffer = &self.buffers[slot.buffer.0];
            assert!(
                slot.offset + slot.len <= buffer.len,
                "`{label}`: {slot:?} leaves `{}` of {}",
                buffer.label,
                buffer.len
            );
        }
        for (i, out) in outputs.iter().enumerate() {
            let others = inputs.iter().chain(&outputs[..i]);
            assert!(others.into_iter().all(|s| s.buffer != out.buffer), "`{label}` uses the buffer of an output twice");
        }
        self.dispatches.push(Dispatch {
            label,
            kernel: Arc::new(kernel),
            inputs: inputs.to_vec(),
            outputs: outputs.to_vec(),
        });
        self.dispatches.len() - 1
    }
}
