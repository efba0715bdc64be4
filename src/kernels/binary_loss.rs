//! Sigmoid and binary cross-entropy in one kernel, in log space; and sigmoid alone, for predictions.

use super::loss_terms::{LANES, LOSS_FILE, LossTerms, weights_file};
use crate::plan::{Cost, Io, KernelSpec, Mode, STEP_FILE, Shader, constants, elementwise_grid, wgsl};
use crate::real::Real;

/// Loss and metrics of a batch of labels 0 and 1; in training also the gradient w.r.t. the logits, in inference the probabilities of label 1.
/// Label 1 is predicted where its probability is above one half.
///
/// Inputs: z `[batch]`, labels [batches_per_upload, batch]; outputs: in training dz `[batch]`, in inference the predictions
/// [batches_per_upload, batch]; metrics [batches_per_upload, 2] (mean loss, number of correct predictions).
#[derive(Debug, Clone)]
pub(crate) struct SigmoidCrossEntropy {
    pub(crate) batch: usize,
    pub(crate) mode: Mode,
    pub(crate) label_smoothing: f64,
    /// Of both classes, in training; empty for none.
    pub(crate) class_weights: Vec<f32>,
}

impl KernelSpec for SigmoidCrossEntropy {
    fn shader(&self) -> Shader {
        let (weights, own) = weights_file(&self.class_weights);
        let constants = constants! {
            BATCH: self.batch,
            CLASSES: 2u32,
            SMOOTHING: self.label_smoothing as f32,
            TRAINS: self.mode == Mode::Train,
        };
        Shader {
            files: vec![STEP_FILE, LOSS_FILE, wgsl!("sigmoid_cross_entropy.wgsl"), weights],
            constants: constants.and(own),
            grid: [1, 1, 1],
            iterations: self.batch.div_ceil(LANES) + LANES,
            uses_step: true,
        }
    }

    fn cost(&self) -> Cost {
        let logits = self.batch as f64;
        Cost { flops: 10.0 * logits, dense_flops: 10.0 * logits, bytes: 12.0 * logits }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let step = io.step;
        let (index, images) = (step.batch_index as usize, step.images as usize);
        let (z, labels) = (io.input(0), &io.input_u32(1)[index * self.batch..][..self.batch]);
        let (rows, metrics) = (io.output(0), io.output(1));
        let rows = match self.mode {
            Mode::Train => rows,
            Mode::Infer => &mut rows[index * self.batch..][..self.batch],
        };
        rows[images..].fill(F::ZERO);
        let share = F::ONE / F::from_f64(f64::from(step.global_images));
        let scores =
            z.iter().zip(rows).zip(labels).take(images).map(|((z, row), label)| self.image(*z, row, *label, share));
        LossTerms(scores.collect()).write(&mut metrics[index * 2..][..2], share);
    }
}

impl SigmoidCrossEntropy {
    /// Writes the gradient or the prediction of an image; returns its loss, and 1 for a correct prediction.
    fn image<F: Real>(&self, z: F, row: &mut F, label: u32, share: F) -> (F, F) {
        let half = F::from_f64(0.5);
        let half_smoothing = F::from_f64(0.5 * self.label_smoothing);
        let is_one = label != 0;
        let weight =
            self.class_weights.get(usize::from(is_one)).map_or(F::ONE, |weight| F::from_f64(f64::from(*weight)));
        let magnitude = if z < F::ZERO { -z } else { z };
        let small = (-magnitude).exp();
        let (larger, smaller) = (F::ONE / (F::ONE + small), small / (F::ONE + small));
        let (one, zero) = if z < F::ZERO { (smaller, larger) } else { (larger, smaller) };
        // The logit counts where it points away from the target.
        let ln_1p = (F::ONE + small).ln();
        let softplus = |z: F| if z < F::ZERO { ln_1p } else { z + ln_1p };
        let loss = if is_one { softplus(-z) } else { softplus(z) };
        let loss = loss + half_smoothing * if is_one { z } else { -z };
        *row = match self.mode {
            Mode::Train => {
                // No difference of two numbers near one.
                let gradient = if is_one { half_smoothing - zero } else { one - half_smoothing };
                gradient * (weight * share)
            }
            Mode::Infer => one,
        };
        (loss * weight, if (one > half) == is_one { F::ONE } else { F::ZERO })
    }
}

/// Inputs: z `[batch]`; outputs: the predictions [batches_per_upload, batch], probabilities of label 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sigmoid {
    pub(crate) batch: usize,
}

impl KernelSpec for Sigmoid {
    fn shader(&self) -> Shader {
        let (grid, grid_x) = elementwise_grid(self.batch);
        Shader {
            files: vec![STEP_FILE, wgsl!("sigmoid.wgsl")],
            constants: constants! { BATCH: self.batch }.and(grid_x),
            grid,
            iterations: 0,
            uses_step: true,
        }
    }

    fn cost(&self) -> Cost {
        let logits = self.batch as f64;
        Cost { flops: 3.0 * logits, dense_flops: 3.0 * logits, bytes: 8.0 * logits }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let (z, p) = (io.input(0), io.output(0));
        let p = &mut p[io.step.batch_index as usize * self.batch..][..self.batch];
        p.iter_mut().zip(z).for_each(|(p, z)| *p = F::ONE / (F::ONE + (-*z).exp()));
    }
}
