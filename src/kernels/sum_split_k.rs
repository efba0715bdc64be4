//! The second pass of a split sum.

use super::tile::{bias_and_relu, sum_rows};
use crate::plan::{Cost, Io, KernelSpec, Shader, elementwise_grid};
use crate::real::Real;

/// What a forward pass does with its sums, [rows, units].
#[derive(Debug, Clone, Copy)]
pub(super) struct Epilogue {
    pub(super) units: usize,
    /// Where the bias begins in the weights.
    pub(super) bias: usize,
    pub(super) relu: bool,
}

/// `out[i] = finish(sum over s of partial[s, i])`.
///
/// Inputs: partial [splits, count], with a finish also weights (.., b `[units]`); outputs: out `[count]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct SumSplitK {
    pub(super) split_k: usize,
    pub(super) count: usize,
    pub(super) finish: Option<Epilogue>,
}

impl KernelSpec for SumSplitK {
    fn shader(&self) -> Shader {
        let (grid, grid_x) = elementwise_grid(self.count);
        let mut constants = vec![("SPLIT_K", self.split_k as u64), ("COUNT", self.count as u64), grid_x];
        let finish = match self.finish {
            None => include_str!("../../shaders/sum_split_k_plain.wgsl"),
            Some(Epilogue { units, bias, relu }) => {
                constants.extend([("UNITS", units as u64), ("BIAS", bias as u64), ("RELU?", u64::from(relu))]);
                include_str!("../../shaders/sum_split_k_forward.wgsl")
            }
        };
        constants.push(("OUT", if self.finish.is_some() { 2 } else { 1 }));
        let files = vec![include_str!("../../shaders/sum_split_k.wgsl"), finish];
        Shader { files, constants, grid, iterations: self.split_k, uses_step: false }
    }

    fn cost(&self) -> Cost {
        let adds = (self.split_k * self.count) as f64;
        Cost { flops: adds, dense_flops: 0.0, bytes: 4.0 * (adds + self.count as f64) }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let (partial, out) = (io.input(0), io.output(0));
        sum_rows(partial, self.count, out);
        if let Some(Epilogue { bias, relu, .. }) = self.finish {
            bias_and_relu(out, &io.input(1)[bias..], relu);
        }
    }
}
