//! Writes a plan.

use super::buffers::{BufferDesc, BufferId, BufferSlice, Element, Lifetime, MAX_BINDINGS};
use super::kernel::Kernel;
use super::profile::Profile;
use super::recorded::{Dispatch, DispatchId, HostBuffers, Plan};
use std::sync::Arc;

/// Collects buffers and dispatches; knows the profile that kernels are tiled for.
#[derive(Debug)]
pub struct Recorder {
    /// How kernels are chosen and tiled.
    pub profile: Profile,
    /// Buffers so far.
    pub buffers: Vec<BufferDesc>,
    /// Dispatches so far.
    pub dispatches: Vec<Dispatch>,
    /// The name of the algorithm that records, for its dispatches.
    pub algorithm: Option<&'static str>,
    /// Dispatches since [`Self::recorded`] was called last, in order.
    recent: Vec<DispatchId>,
}

impl Recorder {
    /// An empty recording for adapters of `profile`.
    pub fn new(profile: Profile) -> Self {
        Self { profile, buffers: Vec::new(), dispatches: Vec::new(), algorithm: None, recent: Vec::new() }
    }

    /// The buffer with this label, as one slice: a new one, or the one that was recorded under it before. So the passes of
    /// training and of inference, which never run at the same time, share their activations.
    ///
    /// # Panics
    /// If the buffer with this label has another size or type: a mistake of the layer that records.
    pub fn buffer(
        &mut self,
        label: impl Into<String>,
        len: usize,
        element: Element,
        lifetime: Lifetime,
    ) -> BufferSlice {
        let buffer = BufferDesc { label: label.into(), len, element, lifetime, tag_mask: 0 };
        let id = self.buffers.iter().position(|known| known.label == buffer.label).unwrap_or_else(|| {
            self.buffers.push(buffer.clone());
            self.buffers.len() - 1
        });
        let known = BufferDesc { tag_mask: 0, ..self.buffers[id].clone() };
        assert!(known == buffer, "two buffers of one label: {:?} and {buffer:?}", self.buffers[id]);
        BufferSlice { buffer: BufferId(id), offset: 0, len }
    }

    /// The buffer with this label, if one was recorded.
    pub fn known(&self, label: &str) -> Option<BufferSlice> {
        let id = self.buffers.iter().position(|known| known.label == label)?;
        Some(BufferSlice { buffer: BufferId(id), offset: 0, len: self.buffers[id].len })
    }

    /// A transient buffer of `len` f32 elements.
    pub fn floats(&mut self, label: impl Into<String>, len: usize) -> BufferSlice {
        self.buffer(label, len, Element::F32, Lifetime::Transient)
    }

    /// A transient buffer of `len` u32 elements.
    pub fn u32s(&mut self, label: impl Into<String>, len: usize) -> BufferSlice {
        self.buffer(label, len, Element::U32, Lifetime::Transient)
    }

    /// A buffer of `len` f32 elements that is part of the training state.
    pub fn persistent(&mut self, label: impl Into<String>, len: usize) -> BufferSlice {
        self.buffer(label, len, Element::F32, Lifetime::Persistent)
    }

    /// Notes that the floats of a buffer carry integers in these bits.
    pub fn tag(&mut self, slice: BufferSlice, mask: u32) {
        self.buffers[slice.buffer.0].tag_mask = mask;
    }

    /// The dispatches that were recorded since the last call, in order.
    pub fn recorded(&mut self) -> Vec<DispatchId> {
        std::mem::take(&mut self.recent)
    }

    /// Records a dispatch. One that stands in the plan already, as a forward pass that does not depend on the mode, is taken
    /// again.
    ///
    /// # Panics
    /// If a slice leaves its buffer, an output's buffer is used twice, or there are more than [`MAX_BINDINGS`] slices: mistakes of
    /// the layer that records.
    pub fn dispatch(
        &mut self,
        label: impl Into<String>,
        kernel: impl Kernel + 'static,
        inputs: &[BufferSlice],
        outputs: &[BufferSlice],
    ) -> DispatchId {
        self.dispatch_of(label.into(), Arc::new(kernel), inputs, outputs)
    }

    fn dispatch_of(
        &mut self,
        label: String,
        kernel: Arc<dyn Kernel>,
        inputs: &[BufferSlice],
        outputs: &[BufferSlice],
    ) -> DispatchId {
        assert!(inputs.len() + outputs.len() <= MAX_BINDINGS, "`{label}` binds more than {MAX_BINDINGS} buffers");
        for slice in inputs.iter().chain(outputs) {
            let buffer = &self.buffers[slice.buffer.0];
            let end = slice.offset + slice.len;
            assert!(end <= buffer.len, "`{label}`: {slice:?} leaves `{}` of {}", buffer.label, buffer.len);
        }
        for (i, out) in outputs.iter().enumerate() {
            let others = inputs.iter().chain(&outputs[..i]);
            assert!(others.into_iter().all(|s| s.buffer != out.buffer), "`{label}` uses the buffer of an output twice");
        }
        let dispatch =
            Dispatch { label, kernel, inputs: inputs.to_vec(), outputs: outputs.to_vec(), algorithm: self.algorithm };
        let known = self.dispatches.iter().position(|known| is_same(known, &dispatch));
        let id = DispatchId(known.unwrap_or(self.dispatches.len()));
        if known.is_none() {
            self.dispatches.push(dispatch);
        }
        self.recent.push(id);
        id
    }

    /// What was recorded, as a plan with one program, [`super::Program::Gradients`]; every host buffer is the first buffer.
    ///
    /// # Panics
    /// If there is no buffer.
    pub fn into_plan(self) -> Plan {
        assert!(!self.buffers.is_empty(), "a plan needs a buffer");
        let first = BufferId(0);
        let host = HostBuffers {
            input: first,
            targets: first,
            keys: None,
            metrics: first,
            predictions: first,
            parameters: first,
            gradients: first,
            optimizer_state: Vec::new(),
            average: None,
            layer_state: None,
            skips: None,
        };
        Plan {
            programs: [self.recent, Vec::new(), Vec::new(), Vec::new(), Vec::new()],
            pairs: Vec::new(),
            buffers: self.buffers,
            dispatches: self.dispatches,
            profile: self.profile,
            host,
            batch: 1,
            batches_per_upload: 1,
            words_per_batch: 1,
        }
    }
}

/// Whether both compute the same from the same buffers into the same buffers.
fn is_same(a: &Dispatch, b: &Dispatch) -> bool {
    // The fields of a kernel, which Debug prints, are all that its shader is made of.
    let kernel = |dispatch: &Dispatch| format!("{:?}", dispatch.kernel);
    a.label == b.label && a.inputs == b.inputs && a.outputs == b.outputs && kernel(a) == kernel(b)
}
