//! Carries batches to the device: staged on the host, sent together, one step record each.

use crate::backend::Backend;
use crate::data::Batches;
use crate::error::Result;
use crate::plan::{Plan, Ports, Step};
use std::ops::Range;

/// Room for a window of batches on the host, filled again and again.
#[derive(Debug)]
pub(crate) struct BatchQueue {
    ports: Ports,
    batch: usize,
    words_per_batch: usize,
    pixels: Vec<u32>,
    labels: Vec<u32>,
    /// Place and number of images of each batch staged.
    staged: Vec<(usize, usize)>,
}

impl BatchQueue {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            ports: plan.ports,
            batch: plan.batch,
            words_per_batch: plan.words_per_batch,
            pixels: vec![0; plan.batches_per_upload * plan.words_per_batch],
            labels: vec![0; plan.batches_per_upload * plan.batch],
            staged: Vec::with_capacity(plan.batches_per_upload),
        }
    }

    /// Copies the batches of `range` together.
    pub(crate) fn stage(&mut self, batches: &Batches<'_>, range: Range<usize>) {
        self.staged.clear();
        let rooms = self.pixels.chunks_exact_mut(self.words_per_batch).zip(self.labels.chunks_exact_mut(self.batch));
        for (i, (pixels, labels)) in range.zip(rooms) {
            let images = batches.write(i, bytemuck::cast_slice_mut(pixels), labels);
            self.staged.push((i, images));
        }
    }

    /// Writes what was staged to the device; `rate` is Adam's for a batch's place.
    pub(crate) fn upload(&self, backend: &mut dyn Backend, rate: &dyn Fn(usize) -> f32) -> Result<Vec<Step>> {
        let count = self.staged.len();
        backend.write(self.ports.pixels, 0, &self.pixels[..count * self.words_per_batch])?;
        backend.write(self.ports.labels, 0, &self.labels[..count * self.batch])?;
        let step = |(slot, &(place, images)): (usize, &(usize, usize))| Step {
            batch_index: slot as u32,
            images: images as u32,
            rate: rate(place),
            padding: 0,
        };
        Ok(self.staged.iter().enumerate().map(step).collect())
    }
}
