//! Batches on their way to the device: copied together on the host, then uploaded at once.

use crate::backend::Backend;
use crate::data::Batches;
use crate::error::Result;
use crate::plan::{HostBuffers, Plan};
use std::ops::Range;

/// Memory for the batches of an upload, filled again and again.
#[derive(Debug)]
pub(super) struct BatchQueue {
    host: HostBuffers,
    batch: usize,
    words_per_batch: usize,
    pixels: Vec<u32>,
    labels: Vec<u32>,
    /// Empty where nothing is drawn from them.
    keys: Vec<u32>,
    /// Images of each staged batch.
    images: Vec<usize>,
}

impl BatchQueue {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            host: plan.host.clone(),
            batch: plan.batch,
            words_per_batch: plan.words_per_batch,
            pixels: vec![0; plan.batches_per_upload * plan.words_per_batch],
            labels: vec![0; plan.batches_per_upload * plan.batch],
            keys: vec![0; if plan.host.keys.is_some() { plan.batches_per_upload * plan.batch * 2 } else { 0 }],
            images: Vec::with_capacity(plan.batches_per_upload),
        }
    }

    /// Copies the batches of `range` together, in place of those staged before.
    pub(super) fn stage(&mut self, batches: &Batches<'_>, range: Range<usize>) {
        self.images.clear();
        let slots = self.pixels.chunks_exact_mut(self.words_per_batch).zip(self.labels.chunks_exact_mut(self.batch));
        for (i, keys) in range.clone().zip(self.keys.chunks_exact_mut(2 * self.batch)) {
            batches.write_keys(i, keys);
        }
        for (i, (pixels, labels)) in range.zip(slots) {
            self.images.push(batches.write(i, bytemuck::cast_slice_mut(pixels), labels));
        }
    }

    /// Writes the staged batches to the device; returns the images of each.
    pub(super) fn upload(&self, backend: &mut dyn Backend) -> Result<&[usize]> {
        let count = self.images.len();
        backend.write(self.host.input, 0, &self.pixels[..count * self.words_per_batch])?;
        backend.write(self.host.targets, 0, &self.labels[..count * self.batch])?;
        if let Some(keys) = self.host.keys {
            backend.write(keys, 0, &self.keys[..count * 2 * self.batch])?;
        }
        Ok(&self.images)
    }
}
