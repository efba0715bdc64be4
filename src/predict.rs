//! Class probabilities.

use crate::compile::Model;
use crate::data::{Batches, Split};
use crate::error::{Result, usage};
use crate::plan::Phase;

impl Model {
    /// Class probabilities of images given as bytes, [n, height, width, channels]; each row sums to 1.
    ///
    /// # Errors
    /// If the bytes are not whole images.
    pub fn predict(&mut self, pixels: &[u8]) -> Result<Vec<Vec<f32>>> {
        let image_len: usize = self.sequential.input.iter().product();
        if !pixels.len().is_multiple_of(image_len) {
            return Err(usage!(
                "{} bytes are not whole images of {:?} = {image_len}",
                pixels.len(),
                self.sequential.input
            ));
        }
        let labels = vec![0; pixels.len() / image_len];
        let split = Split { image: self.sequential.input, pixels: pixels.to_vec(), labels };
        let mut rows = Vec::with_capacity(split.len());
        self.for_each_row(&split, &mut |row| rows.push(row.to_vec()))?;
        Ok(rows)
    }

    /// The most probable class of each image, the first of equals.
    pub(crate) fn predict_classes(&mut self, data: &Split) -> Result<Vec<usize>> {
        let mut answers = Vec::with_capacity(data.len());
        self.for_each_row(data, &mut |row| {
            answers.push((1..row.len()).fold(0, |best, c| if row[c] > row[best] { c } else { best }));
        })?;
        Ok(answers)
    }

    fn for_each_row(&mut self, data: &Split, each: &mut dyn FnMut(&[f32])) -> Result<()> {
        let batches = Batches::in_order(data, self.plan.batch);
        let (classes, port) = (self.layout.classes, self.plan.ports.probabilities);
        for i in 0..batches.len() {
            self.queue.stage(&batches, i..i + 1);
            let steps = self.queue.upload(self.backend.as_mut(), &|_| 0.0)?;
            self.backend.run(Phase::Predict, &steps)?;
            let rows = self.backend.read_f32(port, steps[0].images as usize * classes)?;
            rows.chunks_exact(classes).for_each(&mut *each);
        }
        Ok(())
    }
}
