//! Moments, and sums for the gradients, over a batch that is computed in parts.

use super::affine::Affine;
use super::backward::MergeSums;
use super::moments::MergeMoments;
use crate::plan::{MergeParts, Step};

/// A part: its rows, the mean of each column, and the sum of the squared deviations from it.
impl MergeParts for MergeMoments {
    fn of_part(&self, step: &Step, inputs: &[Vec<f32>]) -> Vec<f64> {
        let cols = self.columns.cols;
        let mut merged = vec![0.0; self.numbers()];
        for (chunk, rows) in inputs[0].chunks_exact(2 * cols).zip(self.columns.ranges(step)) {
            let chunk: Vec<f64> = [rows.len() as f64].into_iter().chain(chunk.iter().copied().map(f64::from)).collect();
            self.add(&mut merged, &chunk);
        }
        merged
    }

    /// The moments of both (Chan, Golub and LeVeque 1983).
    fn add(&self, total: &mut [f64], part: &[f64]) {
        let (before, added) = (total[0], part[0]);
        if added == 0.0 {
            return;
        }
        let (all, cols) = (before + added, self.columns.cols);
        total[0] = all;
        let (means, squares) = total[1..].split_at_mut(cols);
        let (other_means, other_squares) = part[1..].split_at(cols);
        for c in 0..cols {
            let delta = other_means[c] - means[c];
            means[c] += delta * (added / all);
            squares[c] += other_squares[c] + delta * delta * (before * added / all);
        }
    }

    fn of_batch(&self, total: &[f64], _: usize, inputs: &[Vec<f32>], outputs: &mut [Vec<f32>]) {
        let cols = self.columns.cols;
        let (mean, squares) = total[1..].split_at(cols);
        let variance: Vec<f64> = squares.iter().map(|squares| squares / total[0]).collect();
        let [moments, state] = outputs else { return };
        let parameters = inputs.get(1).map_or(&[][..], Vec::as_slice);
        let over_deviation = variance.iter().map(|variance| (1.0 / (variance + self.epsilon).sqrt()) as f32);
        let rows = mean.iter().map(|mean| *mean as f32).chain(over_deviation);
        *moments = rows.chain(self.affine.values(parameters).concat()).collect();
        let (moving_mean, moving_variance) = state.split_at_mut(cols);
        for c in 0..cols {
            let moved = [(moving_mean[c], mean[c]), (moving_variance[c], variance[c])]
                .map(|(moving, batch)| (self.momentum * f64::from(moving) + (1.0 - self.momentum) * batch) as f32);
            // A batch that is skipped leaves nothing.
            if moved.iter().all(|moved| moved.is_finite()) {
                [moving_mean[c], moving_variance[c]] = moved;
            }
        }
    }

    fn numbers(&self) -> usize {
        1 + 2 * self.columns.cols
    }
}

/// A part: its rows, and the sums for gamma and beta. The gradients of the parameters are those of part 0 alone, so that they count once in
/// the sum over the parts.
impl MergeParts for MergeSums {
    fn of_part(&self, step: &Step, inputs: &[Vec<f32>]) -> Vec<f64> {
        let mut sums = vec![0.0; self.numbers()];
        sums[0] = self.columns.valid_rows(step) as f64;
        for chunk in inputs[0].chunks_exact(2 * self.columns.cols) {
            sums[1..].iter_mut().zip(chunk).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        sums
    }

    fn add(&self, total: &mut [f64], part: &[f64]) {
        total.iter_mut().zip(part).for_each(|(total, value)| *total += value);
    }

    fn of_batch(&self, total: &[f64], own: usize, inputs: &[Vec<f32>], outputs: &mut [Vec<f32>]) {
        let cols = self.columns.cols;
        let (rows, (to_gamma, to_beta)) = (total[0], total[1..].split_at(cols));
        let [mean, over_deviation, gamma, beta] = [0, 1, 2, 3].map(|row| &inputs[1][row * cols..(row + 1) * cols]);
        outputs[0] = [
            mean.to_vec(),
            gamma.iter().zip(over_deviation).map(|(gamma, over)| gamma * over).collect(),
            to_beta.iter().map(|sum| (sum / rows) as f32).collect(),
            to_gamma.iter().zip(over_deviation).map(|(sum, over)| (sum / rows * f64::from(*over)) as f32).collect(),
            beta.to_vec(),
        ]
        .concat();
        let Affine { scale, center, .. } = self.affine;
        if let Some(gradients) = outputs.get_mut(1) {
            let sums = [(scale, to_gamma), (center, to_beta)].into_iter().filter(|(has, _)| *has);
            let total = sums.flat_map(|(_, sums)| sums).map(|sum| if own == 0 { *sum as f32 } else { 0.0 });
            *gradients = total.collect();
        }
    }

    fn numbers(&self) -> usize {
        1 + 2 * self.columns.cols
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::columns::Columns;

    /// Rows of a part, two columns, by formula.
    fn rows(first: usize, count: usize) -> Vec<[f64; 2]> {
        (first..first + count).map(|i| [(i as f64 * 0.7).sin() + 3.0, (i as f64 * 1.3).cos() * 5.0]).collect()
    }

    #[test]
    fn moments_of_parts_are_those_of_the_batch() {
        let columns = Columns::new(12, 2, 3);
        let affine = Affine { center: true, scale: false, len: 2 };
        let kernel = MergeMoments { columns, affine, epsilon: 1e-3, momentum: 0.9 };
        // Four images of three rows, four images, and one.
        let parts = [(0, 12), (12, 12), (24, 3)].map(|(first, count)| {
            let rows = rows(first, count);
            let mean = [0, 1].map(|c| rows.iter().map(|row| row[c]).sum::<f64>() / count as f64);
            let squares = [0, 1].map(|c| rows.iter().map(|row| (row[c] - mean[c]).powi(2)).sum::<f64>());
            let partial: Vec<f32> = mean.iter().chain(&squares).map(|value| *value as f32).collect();
            let step = Step { images: count as u32 / 3, ..Step::default() };
            kernel.of_part(&step, &[partial])
        });
        let mut total = vec![0.0; kernel.numbers()];
        parts.iter().for_each(|part| kernel.add(&mut total, part));
        let mut outputs = [Vec::new(), vec![1.0, 2.0, 3.0, 4.0]];
        kernel.of_batch(&total, 1, &[Vec::new(), vec![0.5, 0.25]], &mut outputs);
        let all = rows(0, 27);
        for c in 0..2 {
            let mean = all.iter().map(|row| row[c]).sum::<f64>() / 27.0;
            let variance = all.iter().map(|row| (row[c] - mean).powi(2)).sum::<f64>() / 27.0;
            let beta = [0.5, 0.25][c];
            let expected = [mean, 1.0 / (variance + 1e-3).sqrt(), 1.0, beta];
            let found = [0, 1, 2, 3].map(|row| f64::from(outputs[0][2 * row + c]));
            let moved = [0.9 * (c + 1) as f64 + 0.1 * mean, 0.9 * (c + 3) as f64 + 0.1 * variance];
            let state = [0, 1].map(|row| f64::from(outputs[1][2 * row + c]));
            for (found, expected) in found.iter().chain(&state).zip(expected.iter().chain(&moved)) {
                assert!((found - expected).abs() < 1e-5, "{found} {expected}");
            }
        }
    }

    #[test]
    fn a_batch_that_is_not_finite_leaves_the_state() {
        let columns = Columns::new(1, 2, 1);
        let affine = Affine { center: false, scale: false, len: 2 };
        let kernel = MergeMoments { columns, affine, epsilon: 1e-3, momentum: 0.9 };
        let mut outputs = [Vec::new(), vec![1.0, 2.0, 3.0, 4.0]];
        kernel.of_batch(&[1.0, 0.0, f64::NAN, 0.0, 0.0], 0, &[Vec::new()], &mut outputs);
        assert_eq!(outputs[1][1], 2.0);
        assert!((outputs[1][0] - 0.9).abs() < 1e-6 && outputs[0][1].is_nan());
    }
}
