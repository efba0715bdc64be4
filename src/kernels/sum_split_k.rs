//! The second pass of a split-K product: adds the partial sums and applies the epilogue.

use super::tile::{bias_and_relu, sum_rows};
use crate::plan::{Cost, Io, KernelSpec, Shader, elementwise_grid};
use crate::real::Real;

/// What a forward pass applies to its sums, [rows, units]: the bias and the ReLU.
#[derive(Debug, Clone, Copy)]
pub(super) struct Epilogue {
    pub(super) units: usize,
    /// Index of the first bias element in the layer's weights.
    pub(super) bias: usize,
    pub(super) relu: bool,
}

/// `out[i] = epilogue(sum over s of partial[s, i])`, with s ascending.
///
/// Inputs: partial `[split_k, count]` and, with an epilogue, the layer's weights, which end with the bias `[units]`;
/// outputs: out `[count]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct SumSplitK {
    pub(super) split_k: usize,
    pub(super) count: usize,
    /// None for gradients, which are the sums themselves.
    pub(super) epilogue: Option<Epilogue>,
}

impl KernelSpec for SumSplitK {
    fn shader(&self) -> Shader {
        let (grid, grid_x) = elementwise_grid(self.count);
        let mut constants = vec![("SPLIT_K", self.split_k as u64), ("COUNT", self.count as u64), grid_x];
        let epilogue = match self.epilogue {
            None => include_str!("../../shaders/sum_split_k_plain.wgsl"),
            Some(Epilogue { units, bias, relu }) => {
                constants.extend([("UNITS", units as u64), ("BIAS", bias as u64), ("RELU?", u64::from(relu))]);
                include_str!("../../shaders/sum_split_k_forward.wgsl")
            }
        };
        constants.push(("OUT", if self.epilogue.is_some() { 2 } else { 1 }));
        let files = vec![include_str!("../../shaders/sum_split_k.wgsl"), epilogue];
        Shader { files, constants, grid, iterations: self.split_k, uses_step: false }
    }

    fn cost(&self) -> Cost {
        let adds = (self.split_k * self.count) as f64;
        Cost { flops: adds, dense_flops: 0.0, bytes: 4.0 * (adds + self.count as f64) }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let (partial, out) = (io.input(0), io.output(0));
        sum_rows(partial, self.count, out);
        if let Some(Epilogue { bias, relu, .. }) = self.epilogue {
            bias_and_relu(out, &io.input(1)[bias..], relu);
        }
    }
}
