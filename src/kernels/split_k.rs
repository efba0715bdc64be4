//! The second pass of a split-K product: adds the partial sums and applies the epilogue.

use super::matrix::{bias_and_relu, sum_rows};
use crate::plan::{BufferSlice, Cost, Io, KernelSpec, Recorder, Shader, constants, elementwise_grid, wgsl};
use crate::real::Real;

/// What a forward pass applies to its sums, [rows, units]: the bias and the ReLU.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Epilogue {
    pub(super) units: usize,
    /// Index of the first bias element in the layer's weights; none without a bias.
    pub(super) bias: Option<usize>,
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
        let common = constants! { SPLIT_K: self.split_k, COUNT: self.count }.and(grid_x);
        let sum = wgsl!("sum_split_k.wgsl");
        let (files, constants) = match self.epilogue {
            None => (vec![sum, wgsl!("sum_split_k_plain.wgsl")], constants! { OUT: 1u32 }),
            Some(Epilogue { units, bias, relu }) => (
                vec![sum, wgsl!("sum_split_k_forward.wgsl")],
                constants! { UNITS: units, BIASED: bias.is_some(), BIAS: bias.unwrap_or(0), RELU: relu, OUT: 2u32 },
            ),
        };
        let constants = common.and(constants);
        Shader { files, constants, grid, iterations: self.split_k, uses_step: false }
    }

    fn cost(&self) -> Cost {
        let adds = (self.split_k * self.count) as f64;
        Cost { flops: adds, dense_flops: 0.0, bytes: 4.0 * (adds + self.count as f64) }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let (partial, out) = (io.input(0), io.output(0));
        sum_rows(partial, self.count, out);
        if let Some(Epilogue { units, bias, relu }) = self.epilogue {
            bias_and_relu(out, units, bias.map_or(&[], |bias| &io.input(1)[bias..]), relu);
        }
    }
}

/// Records a kernel whose sum over k is cut into `split_k` partial sums. With 1, the kernel writes to `out` directly;
/// else it writes partial sums, and a second pass adds them in ascending order. `epilogue` is what that second pass
/// applies to the sums of a forward kernel, with the weights that hold the bias; gradients have none.
pub(crate) fn record_split_k<K: KernelSpec>(
    recorder: &mut Recorder,
    label: &str,
    split_k: usize,
    kernel: K,
    inputs: &[BufferSlice],
    out: BufferSlice,
    epilogue: Option<(Epilogue, BufferSlice)>,
) {
    if split_k == 1 {
        recorder.dispatch(label, kernel, inputs, &[out]);
        return;
    }
    let partial = recorder.floats(format!("{label} partial sums"), split_k * out.len);
    recorder.dispatch(label, kernel, inputs, &[partial]);
    let sum = SumSplitK { split_k, count: out.len, epilogue: epilogue.map(|(epilogue, _)| epilogue) };
    let inputs: Vec<BufferSlice> = [partial].into_iter().chain(epilogue.map(|(_, weights)| weights)).collect();
    recorder.dispatch(format!("{label} sum"), sum, &inputs, &[out]);
}
