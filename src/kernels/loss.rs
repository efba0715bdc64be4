//! Softmax and sparse categorical cross-entropy in one kernel, in log space; and softmax alone, for predictions.

use crate::plan::{Cost, Io, KernelSpec, STEP_FILE, Shader, elementwise_grid};
use crate::real::Real;
use rayon::prelude::*;

/// Loss, its gradient by the logits, and the step's metrics.
///
/// Inputs: z [batch, classes], labels [window, batch]; outputs: dz like z, metrics [window, 2] (mean loss, number of
/// correct answers).
#[derive(Debug, Clone, Copy)]
pub struct SoftmaxCrossEntropy {
    /// Rows.
    pub batch: usize,
    /// Columns.
    pub classes: usize,
}

/// Invocations of the shader's one workgroup; the twin adds up in the same order.
const LANES: usize = 64;
/// Rows that a thread takes, at least.
const ROWS: usize = 64;

impl KernelSpec for SoftmaxCrossEntropy {
    fn shader(&self) -> Shader {
        Shader {
            files: vec![STEP_FILE, include_str!("../../shaders/softmax_cross_entropy.wgsl")],
            constants: vec![("BATCH", self.batch as u64), ("CLASSES", self.classes as u64)],
            grid: [1, 1, 1],
            iterations: self.batch.div_ceil(LANES) * (1 + 3 * self.classes) + LANES,
            uses_step: true,
        }
    }

    fn cost(&self) -> Cost {
        let logits = (self.batch * self.classes) as f64;
        Cost { flops: 5.0 * logits, dense_flops: 5.0 * logits, bytes: 8.0 * logits }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let step = io.step;
        let (slot, images) = (step.batch_index as usize, step.images as usize);
        let (z, labels) = (io.input(0), &io.input_u32(1)[slot * self.batch..][..self.batch]);
        let (dz, metrics) = (io.output(0), io.output(1));
        let share = F::ONE / F::from_f64(images as f64);
        dz[images * self.classes..].fill(F::ZERO);
        let rows = z.par_chunks_exact(self.classes).zip(dz.par_chunks_exact_mut(self.classes)).zip(labels);
        let scores = rows.take(images).with_min_len(ROWS).map(|((z, dz), label)| {
            let label = *label as usize;
            let (answer, greatest) = argmax_and_max(z);
            // The label's share less one is what the others have: no difference of two numbers near one.
            let others: F = (0..self.classes).filter(|c| *c != label).map(|c| (z[c] - greatest).exp()).sum();
            let total = others + (z[label] - greatest).exp();
            if io.trains {
                for (c, (d, v)) in dz.iter_mut().zip(z).enumerate() {
                    *d = if c == label { -others } else { (*v - greatest).exp() } * (share / total);
                }
            }
            (total.ln() + greatest - z[label], if answer == label { F::ONE } else { F::ZERO })
        });
        let mut partial = [(F::ZERO, F::ZERO); LANES];
        for (n, (loss, correct)) in scores.collect::<Vec<_>>().into_iter().enumerate() {
            let lane = &mut partial[n % LANES];
            *lane = (lane.0 + loss, lane.1 + correct);
        }
        let (mut loss, mut correct) = (F::ZERO, F::ZERO);
        for (l, c) in partial {
            loss += l;
            correct += c;
        }
        metrics[slot * 2] = loss * share;
        metrics[slot * 2 + 1] = correct;
    }
}

/// Place and value of the first greatest element.
fn argmax_and_max<F: Real>(z: &[F]) -> (usize, F) {
    z.iter().copied().enumerate().skip(1).fold((0, z[0]), |best, next| if next.1 > best.1 { next } else { best })
}

/// Inputs: z [batch, classes]; outputs: p like z, rows that sum to 1.
#[derive(Debug, Clone, Copy)]
pub struct Softmax {
    /// Rows.
    pub batch: usize,
    /// Columns.
    pub classes: usize,
}

impl KernelSpec for Softmax {
    fn shader(&self) -> Shader {
        let (grid, grid_x) = elementwise_grid(self.batch);
        Shader {
            files: vec![include_str!("../../shaders/softmax.wgsl")],
            constants: vec![("BATCH", self.batch as u64), ("CLASSES", self.classes as u64), grid_x],
            grid,
            iterations: 3 * self.classes,
            uses_step: false,
        }
    }

    fn cost(&self) -> Cost {
        let logits = (self.batch * self.classes) as f64;
        Cost { flops: 3.0 * logits, dense_flops: 3.0 * logits, bytes: 8.0 * logits }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let (z, p) = (io.input(0), io.output(0));
        for (z, p) in z.chunks_exact(self.classes).zip(p.chunks_exact_mut(self.classes)) {
            let (_, greatest) = argmax_and_max(z);
            let total: F = z.iter().map(|v| (*v - greatest).exp()).sum();
            for (p, v) in p.iter_mut().zip(z) {
                *p = (*v - greatest).exp() / total;
            }
        }
    }
}
