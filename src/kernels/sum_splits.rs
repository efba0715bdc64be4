//! The second pass of a split sum.

use super::tile::{bias_and_relu, sum_rows};
use crate::plan::{Cost, Io, KernelSpec, Shader, elementwise_grid};
use crate::real::Real;

/// `out[i] = sum over s of partial[s, i]`; inputs: partial [splits, count]; outputs: out `[count]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct SumSplits {
    pub(super) splits: usize,
    pub(super) count: usize,
}

impl KernelSpec for SumSplits {
    fn shader(&self) -> Shader {
        shader(self.splits, self.count, include_str!("../../shaders/sum_splits.wgsl"), &[])
    }

    fn cost(&self) -> Cost {
        cost(self.splits, self.count)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let (partial, out) = (io.input(0), io.output(0));
        sum_rows(partial, self.count, out);
    }
}

/// `y[n, u] = act(b[u] + sum over s of partial[s, n, u])`.
///
/// Inputs: partial [splits, rows, units], weights (.., b `[units]`); outputs: y [rows, units].
#[derive(Debug, Clone, Copy)]
pub(super) struct SumSplitsForward {
    pub(super) splits: usize,
    pub(super) rows: usize,
    pub(super) units: usize,
    /// Where the bias begins in the weights.
    pub(super) bias: usize,
    pub(super) relu: bool,
}

impl KernelSpec for SumSplitsForward {
    fn shader(&self) -> Shader {
        let constants = [("UNITS", self.units as u64), ("BIAS", self.bias as u64), ("RELU?", u64::from(self.relu))];
        let file = include_str!("../../shaders/sum_splits_forward.wgsl");
        shader(self.splits, self.rows * self.units, file, &constants)
    }

    fn cost(&self) -> Cost {
        cost(self.splits, self.rows * self.units)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let (partial, weights, y) = (io.input(0), io.input(1), io.output(0));
        sum_rows(partial, self.rows * self.units, y);
        bias_and_relu(y, &weights[self.bias..], self.relu);
    }
}

fn shader(splits: usize, count: usize, file: &'static str, own: &[(&'static str, u64)]) -> Shader {
    let (grid, grid_x) = elementwise_grid(count);
    let mut constants = vec![("SPLITS", splits as u64), ("COUNT", count as u64), grid_x];
    constants.extend_from_slice(own);
    Shader { files: vec![file], constants, grid, iterations: splits, uses_step: false }
}

fn cost(splits: usize, count: usize) -> Cost {
    let adds = (splits * count) as f64;
    Cost { flops: adds, dense_flops: 0.0, bytes: 4.0 * (adds + count as f64) }
}
