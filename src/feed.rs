//! Carries batches to the device: gathered on the host, sent together, one step record each.

use crate::backend::Backend;
use crate::data::Batches;
use crate::error::Result;
use crate::plan::{Plan, Ports, Step};
use std::ops::Range;

/// Room for a window of batches on the host, filled again and again.
#[derive(Debug)]
pub(crate) struct Feed {
    ports: Ports,
    batch: usize,
    words_per_batch: usize,
    pixels: Vec<u32>,
    labels: Vec<u32>,
    /// Place and number of images of each batch gathered.
    gathered: Vec<(usize, usize)>,
}

impl Feed {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            ports: plan.ports,
            batch: plan.batch,
            words_per_batch: plan.words_per_batch,
            pixels: vec![0; plan.window * plan.words_per_batch],
            labels: vec![0; plan.window * plan.batch],
            gathered: Vec::with_capacity(plan.window),
        }
    }

    /// Copies the batches of `range` together.
    pub(crate) fn gather(&mut self, batches: &Batches<'_>, range: Range<usize>) {
        self.gathered.clear();
        let rooms = self.pixels.chunks_exact_mut(self.words_per_batch).zip(self.labels.chunks_exact_mut(self.batch));
        for (i, (pixels, labels)) in range.zip(rooms) {
            let images = batches.write(i, bytemuck::cast_slice_mut(pixels), labels);
            self.gathered.push((i, images));
        }
    }

    /// Writes what was gathered to the device; `rate` is Adam's for a batch's place.
    pub(crate) fn send(&self, backend: &mut dyn Backend, rate: &dyn Fn(usize) -> f32) -> Result<Vec<Step>> {
        let count = self.gathered.len();
        backend.write(self.ports.pixels, 0, &self.pixels[..count * self.words_per_batch])?;
        backend.write(self.ports.labels, 0, &self.labels[..count * self.batch])?;
        let step = |(slot, &(place, images)): (usize, &(usize, usize))| Step {
            slot: slot as u32,
            images: images as u32,
            rate: rate(place),
            padding: 0,
        };
        Ok(self.gathered.iter().enumerate().map(step).collect())
    }
}
