//! Softmax and categorical cross-entropy in one kernel, in log space.

use super::loss_terms::{LANES, LOSS_FILE, LossTerms, weights_file};
use crate::plan::{Cost, Io, KernelSpec, Mode, STEP_FILE, Shader, constants, wgsl};
use crate::real::{Real, argmax};
use rayon::prelude::*;

/// Loss and metrics of a batch; in training also the gradient w.r.t. the logits, in inference the probabilities.
///
/// Inputs: z [batch, classes], labels [batches_per_upload, batch]; outputs: in training dz like z, in inference the predictions
/// [batches_per_upload, batch, classes]; metrics [batches_per_upload, 2] (mean loss, number of correct predictions).
#[derive(Debug, Clone)]
pub(crate) struct SoftmaxCrossEntropy {
    pub(crate) batch: usize,
    pub(crate) classes: usize,
    pub(crate) mode: Mode,
    pub(crate) label_smoothing: f64,
    /// Of each class, in training; empty for none.
    pub(crate) class_weights: Vec<f32>,
}

/// Minimum number of rows of a task.
const MIN_ROWS: usize = 64;

impl KernelSpec for SoftmaxCrossEntropy {
    fn shader(&self) -> Shader {
        let rows = match self.mode {
            Mode::Train => wgsl!("cross_entropy_gradient.wgsl"),
            Mode::Infer => wgsl!("cross_entropy_predictions.wgsl"),
        };
        let (weights, own) = weights_file(&self.class_weights);
        let smoothing = constants! {
            SMOOTHING: self.label_smoothing as f32,
            SMOOTHING_OF_EACH: (self.label_smoothing / self.classes as f64) as f32,
        };
        let loops = if self.label_smoothing > 0.0 { 5 } else { 4 };
        Shader {
            files: vec![STEP_FILE, LOSS_FILE, wgsl!("softmax_cross_entropy.wgsl"), weights, rows],
            constants: constants! { BATCH: self.batch, CLASSES: self.classes }.and(smoothing).and(own),
            grid: [1, 1, 1],
            iterations: self.batch.div_ceil(LANES) * (1 + loops * self.classes) + LANES,
            uses_step: true,
        }
    }

    fn cost(&self) -> Cost {
        let logits = (self.batch * self.classes) as f64;
        Cost { flops: 5.0 * logits, dense_flops: 5.0 * logits, bytes: 8.0 * logits }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let step = io.step;
        let (index, images) = (step.batch_index as usize, step.images as usize);
        let (z, labels) = (io.input(0), &io.input_u32(1)[index * self.batch..][..self.batch]);
        let (rows, metrics) = (io.output(0), io.output(1));
        let rows = match self.mode {
            Mode::Train => rows,
            Mode::Infer => &mut rows[index * self.batch * self.classes..][..self.batch * self.classes],
        };
        rows[images * self.classes..].fill(F::ZERO);
        let share = F::ONE / F::from_f64(f64::from(step.global_images));
        let rows = z.par_chunks_exact(self.classes).zip(rows.par_chunks_exact_mut(self.classes)).zip(labels);
        let scores = rows.take(images).with_min_len(MIN_ROWS).map(|((z, row), label)| {
            let (loss, is_correct) = self.row(z, row, *label as usize, share);
            (loss, if is_correct { F::ONE } else { F::ZERO })
        });
        let terms = LossTerms(scores.collect());
        terms.write(&mut metrics[index * 2..][..2], share);
    }
}

impl SoftmaxCrossEntropy {
    /// Writes the row of an image; returns its loss, and whether the prediction is correct.
    #[inline(always)]
    fn row<F: Real>(&self, z: &[F], row: &mut [F], label: usize, share: F) -> (F, bool) {
        let max_logit = z[argmax(z.iter().copied())];
        row.iter_mut().zip(z).for_each(|(e, z)| *e = (*z - max_logit).exp());
        // The label's probability less one is minus that of the others: no difference of two numbers near one.
        let others: F = (0..self.classes).filter(|c| *c != label).map(|c| row[c]).sum();
        let total = others + row[label];
        let predicted = argmax(row.iter().map(|e| *e / total));
        let ln_total = total.ln() + max_logit;
        let mut loss = ln_total - z[label];
        let weight = self.class_weights.get(label).map_or(F::ONE, |weight| F::from_f64(f64::from(*weight)));
        let [smoothing, of_each] = [self.label_smoothing, self.label_smoothing / self.classes as f64].map(F::from_f64);
        if self.label_smoothing > 0.0 {
            let of_all: F = z.iter().map(|z| ln_total - *z).sum();
            loss = loss * (F::ONE - smoothing) + of_all * of_each;
        }
        match self.mode {
            Mode::Train => {
                row[label] = -others;
                if self.label_smoothing > 0.0 {
                    row.iter_mut().for_each(|d| *d = *d - of_each * total);
                    row[label] += smoothing * total;
                }
                row.iter_mut().for_each(|d| *d = *d * (weight * share / total));
            }
            Mode::Infer => row.iter_mut().for_each(|p| *p = *p / total),
        }
        (loss * weight, predicted == label)
    }
}
