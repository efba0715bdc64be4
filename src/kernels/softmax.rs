//! Softmax along rows, and its gradient.

use super::elementwise::{CHUNK, elementwise_cost};
use super::gate::GateKind;
use super::rows::{shader_along_rows, sums};
use crate::plan::{Cost, Io, KernelSpec, STEP_FILE, Shader, View, constants, wgsl};
use crate::real::{Real, is_better};
use crate::simd::{SimdLevel, compiled};
use rayon::prelude::*;

/// `y = exp(x) / sum of exp(x)` along each row, with the row's maximum subtracted first. Inputs: x [rows, cols]; outputs: y [rows, cols],
/// or, if `of_upload`, [batches_per_upload, rows, cols], of which the step's batch is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Softmax {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) of_upload: bool,
}

impl Softmax {
    /// Calls `each(y, x)` for each row in parallel.
    fn for_each_row<F: Real>(&self, io: &mut Io<'_, F>, each: impl Fn(&mut [F], &[F]) + Sync) {
        let start = if self.of_upload { io.step.batch_index as usize * self.rows * self.cols } else { 0 };
        let y = &mut io.output(0)[start..][..self.rows * self.cols];
        let rows = y.par_chunks_exact_mut(self.cols).zip(io.input(0).par_chunks_exact(self.cols));
        rows.with_min_len(CHUNK.div_ceil(self.cols)).for_each(|(y, x)| each(y, x));
    }
}

#[inline(always)]
fn softmax<F: Real>(y: &mut [F], x: &[F]) {
    let largest = max_of(x);
    y.iter_mut().zip(x).for_each(|(y, x)| *y = (*x - largest).exp_each());
    let [total] = sums([&*y], |[y]| [y]);
    y.iter_mut().for_each(|y| *y = *y / total);
}

/// The maximum, in lanes; NaN if there is one.
#[inline(always)]
fn max_of<F: Real>(x: &[F]) -> F {
    const LANES: usize = 16;
    let larger = |best: F, value: F| if is_better(value, best) { value } else { best };
    let mut lanes = [x[0]; LANES];
    for x in x.chunks(LANES) {
        lanes.iter_mut().zip(x).for_each(|(best, x)| *best = larger(*best, *x));
    }
    lanes.into_iter().reduce(larger).expect("there are lanes")
}

impl KernelSpec for Softmax {
    fn shader(&self) -> Shader {
        let files = [STEP_FILE, wgsl!("softmax.wgsl")];
        let own = constants! { OF_UPLOAD: self.of_upload, OUT: 1u32 };
        // The maximum takes as long as the sum.
        Shader { uses_step: true, ..shader_along_rows([self.rows, self.cols], 3, &files, own) }
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.rows * self.cols, 20.0, 2)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        self.for_each_row(&mut io, softmax);
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        self.for_each_row(&mut io, |y, x| compiled!(level, softmax(y, x)));
    }
}

/// `dx = y (dy - sum of dy y)` along each row, then the gate. Inputs: y, dy [rows, cols], what the gate reads; outputs: dx [rows, cols].
#[derive(Debug, Clone, Copy)]
pub(crate) struct SoftmaxBackward {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) gate: GateKind,
}

impl SoftmaxBackward {
    /// Calls `each(dx, y, dy, gate_input, first)` for each row in parallel; `first` is the index of its first element in `gate_input`,
    /// which is whole.
    fn for_each_row<F: Real>(
        &self,
        io: &mut Io<'_, F>,
        each: impl Fn(&mut [F], &[F], &[F], View<'_, F>, usize) + Sync,
    ) {
        let cols = self.cols;
        let gate_input = io.inputs[2];
        let inputs = io.input(0).par_chunks_exact(cols).zip(io.input(1).par_chunks_exact(cols));
        let rows = io.output(0).par_chunks_exact_mut(cols).zip(inputs).enumerate().with_min_len(CHUNK.div_ceil(cols));
        rows.for_each(|(row, (dx, (y, dy)))| each(dx, y, dy, gate_input, row * cols));
    }

    #[inline(always)]
    fn gradient<F: Real>(&self, dx: &mut [F], y: &[F], dy: &[F], gate_input: View<'_, F>, first: usize) {
        let [along_y] = sums([y, dy], |[y, dy]| [y * dy]);
        dx.iter_mut().zip(y).zip(dy).for_each(|((dx, y), dy)| *dx = *y * (*dy - along_y));
        self.gate.apply(dx, gate_input, first);
    }
}

impl KernelSpec for SoftmaxBackward {
    fn shader(&self) -> Shader {
        let files = [self.gate.file(), wgsl!("softmax_backward.wgsl")];
        let own = self.gate.constants(2, self.cols).with("OUT", 2 + self.gate.bindings());
        shader_along_rows([self.rows, self.cols], 2, &files, own)
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.rows * self.cols, 4.0, 3 + self.gate.bindings())
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        self.for_each_row(&mut io, |dx, y, dy, gate_input, first| self.gradient(dx, y, dy, gate_input, first));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        self.for_each_row(&mut io, |dx, y, dy, gate_input, first| {
            compiled!(level, self.gradient(dx, y, dy, gate_input, first));
        });
    }
}
