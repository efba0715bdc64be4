//! Normalisation of each row by its own mean and variance, and its gradient w.r.t. the input (Ba, Kiros and Hinton 2016).

use super::affine::Affine;
use crate::kernels::elementwise::{CHUNK, elementwise_cost};
use crate::kernels::gate::{GateKind, own_gate_file};
use crate::kernels::rows::{shader_along_rows, sums};
use crate::plan::{Constants, Cost, Io, KernelSpec, Shader, View, wgsl};
use crate::real::Real;
use crate::simd::{SimdLevel, compiled};
use rayon::prelude::*;

/// A matrix [rows, cols] of which each row is normalised.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    /// gamma and beta of a row's elements.
    pub(crate) affine: Affine,
    pub(crate) epsilon: f64,
}

impl Rows {
    /// The shader of `files` with `passes` loops along a row.
    fn shader(&self, passes: usize, files: &[&'static str], own: Constants) -> Shader {
        let files = [&[wgsl!("row_statistics.wgsl")], files].concat();
        shader_along_rows([self.rows, self.cols], passes, &files, own.with("EPSILON", self.epsilon as f32))
    }

    fn min_rows_of_task(&self) -> usize {
        CHUNK.div_ceil(self.cols)
    }

    /// Mean of a row, and 1 / sqrt(variance + epsilon), in two passes.
    #[inline(always)]
    fn statistics<F: Real>(&self, x: &[F]) -> [F; 2] {
        let count = F::from_f64(self.cols as f64);
        let [sum] = sums([x], |[x]| [x]);
        let mean = sum / count;
        let [deviations, squares] = sums([x], |[x]| [x - mean, (x - mean) * (x - mean)]);
        [mean + deviations / count, F::ONE / (squares / count + F::from_f64(self.epsilon)).sqrt()]
    }
}

/// `y = (x - mean) / sqrt(variance + epsilon) gamma + beta`. Inputs: x [rows, cols], the parameters, if there are any; outputs: y
/// [rows, cols], statistics [2, rows] (means, then reciprocals of deviations).
#[derive(Debug, Clone, Copy)]
pub(crate) struct LayerNorm {
    pub(crate) rows: Rows,
}

impl LayerNorm {
    /// Calls `each(x, gamma, beta, y)` for each row in parallel, which returns its statistics.
    fn for_each_row<F: Real>(&self, io: &mut Io<'_, F>, each: impl Fn(&[F], &[F], &[F], &mut [F]) -> [F; 2] + Sync) {
        let Rows { rows, cols, affine, .. } = self.rows;
        let parameters = if affine.tensors() > 0 { io.input(1) } else { &[] };
        let [gamma, beta] = affine.values(parameters);
        let (means, over_deviations) = io.output(1).split_at_mut(rows);
        let statistics = means.par_iter_mut().zip(over_deviations.par_iter_mut());
        let elements = io.output(0).par_chunks_exact_mut(cols).zip(io.input(0).par_chunks_exact(cols));
        let rows = elements.zip(statistics).with_min_len(self.rows.min_rows_of_task());
        rows.for_each(|((y, x), (mean, over_deviation))| [*mean, *over_deviation] = each(x, &gamma, &beta, y));
    }

    #[inline(always)]
    fn normalize<F: Real>(&self, x: &[F], gamma: &[F], beta: &[F], y: &mut [F]) -> [F; 2] {
        let [mean, over_deviation] = self.rows.statistics(x);
        for (((y, x), gamma), beta) in y.iter_mut().zip(x).zip(gamma).zip(beta) {
            *y = (*x - mean) * (over_deviation * *gamma) + *beta;
        }
        [mean, over_deviation]
    }
}

impl KernelSpec for LayerNorm {
    fn shader(&self) -> Shader {
        let affine = self.rows.affine;
        let files = [affine.file(), wgsl!("layer_norm_forward.wgsl")];
        self.rows.shader(3, &files, affine.constants(1).with("OUT", 1 + affine.bindings()))
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.rows.rows * self.rows.cols, 8.0, 2)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        self.for_each_row(&mut io, |x, gamma, beta, y| self.normalize(x, gamma, beta, y));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        self.for_each_row(&mut io, |x, gamma, beta, y| compiled!(level, self.normalize(x, gamma, beta, y)));
    }
}

/// The gradient w.r.t. the input of [`LayerNorm`], then the gate of a ReLU whose output this input is, if `gated`. Inputs: x, dy
/// [rows, cols], the parameters, if there is a gamma; outputs: dx [rows, cols].
#[derive(Debug, Clone, Copy)]
pub(crate) struct LayerNormBackward {
    pub(crate) rows: Rows,
    pub(crate) gated: bool,
}

impl LayerNormBackward {
    /// The parameters that take part.
    fn gamma(&self) -> Affine {
        Affine { center: false, ..self.rows.affine }
    }

    /// Calls `each(x, dy, gamma, dx)` for each row in parallel.
    fn for_each_row<F: Real>(&self, io: &mut Io<'_, F>, each: impl Fn(&[F], &[F], &[F], &mut [F]) + Sync) {
        let cols = self.rows.cols;
        let parameters = if self.rows.affine.scale { io.input(2) } else { &[] };
        let [gamma, _] = self.gamma().values(parameters);
        let inputs = io.input(0).par_chunks_exact(cols).zip(io.input(1).par_chunks_exact(cols));
        let rows = io.output(0).par_chunks_exact_mut(cols).zip(inputs).with_min_len(self.rows.min_rows_of_task());
        rows.for_each(|(dx, (x, dy))| each(x, dy, &gamma, dx));
    }

    #[inline(always)]
    fn gradient<F: Real>(&self, x: &[F], dy: &[F], gamma: &[F], dx: &mut [F]) {
        let [mean, over_deviation] = self.rows.statistics(x);
        let count = F::from_f64(self.rows.cols as f64);
        let [sum, along_x] = sums([x, dy, gamma], |[x, dy, gamma]| {
            let g = dy * gamma;
            [g, g * ((x - mean) * over_deviation)]
        });
        let (m, q) = (sum / count, over_deviation * (along_x / count));
        for (((dx, x), dy), gamma) in dx.iter_mut().zip(x).zip(dy).zip(gamma) {
            *dx = over_deviation * ((*dy * *gamma - m) - (*x - mean) * q);
        }
        if self.gated {
            GateKind::Relu.apply(dx, View::Float(x), 0);
        }
    }
}

impl KernelSpec for LayerNormBackward {
    fn shader(&self) -> Shader {
        let gamma = self.gamma();
        let files = [gamma.file(), wgsl!("layer_norm_backward.wgsl"), own_gate_file(self.gated)];
        self.rows.shader(4, &files, gamma.constants(2).with("OUT", 2 + gamma.bindings()))
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.rows.rows * self.rows.cols, 14.0, 3)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        self.for_each_row(&mut io, |x, dy, gamma, dx| self.gradient(x, dy, gamma, dx));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        self.for_each_row(&mut io, |x, dy, gamma, dx| compiled!(level, self.gradient(x, dy, gamma, dx)));
    }
}
