//! Gradients through a batch normalisation: what its sums come to, and the gradient w.r.t. the input (Ioffe and Szegedy 2015, section 3).

use super::affine::Affine;
use super::by_columns::{self, ColumnMap, Formula};
use super::down_columns::shader_down_columns;
use crate::kernels::columns::{Columns, repeated, width};
use crate::kernels::elementwise::{CHUNK, elementwise_cost};
use crate::kernels::gate::{GateKind, own_gate_file};
use crate::kernels::maximum::{through_relu, through_relu_simd};
use crate::plan::{Cost, Io, KernelSpec, MergeParts, STEP_FILE, Shader, View, constants, wgsl};
use crate::real::Real;
use crate::simd::{SimdLevel, compiled};
use pulp::Simd;
use rayon::prelude::*;

/// Adds up the partial sums of a batch normalisation. Inputs: partial [chunks, 2, cols], moments [4, cols]; outputs: coefficients
/// [5, cols] (mean, gamma / deviation, mean of dy, mean of dy xhat / deviation, beta), the gradients of the parameters, if there are any.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MergeSums {
    pub(crate) columns: Columns,
    pub(crate) affine: Affine,
}

impl KernelSpec for MergeSums {
    fn shader(&self) -> Shader {
        let files = [self.affine.gradients_file(), wgsl!("batch_norm_merge.wgsl")];
        self.columns.merge_shader(1, &files, constants! { SCALE: self.affine.scale, CENTER: self.affine.center })
    }

    fn cost(&self) -> Cost {
        let count = (2 * self.columns.chunks() * self.columns.cols) as f64;
        Cost { flops: count, dense_flops: count, bytes: 4.0 * count }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let cols = self.columns.cols;
        let (partial, moments, coefficients) = (io.input(0), io.input(1), io.output(0));
        let mut sums = vec![F::ZERO; 2 * cols];
        for chunk in partial.chunks_exact(2 * cols) {
            sums.iter_mut().zip(chunk).for_each(|(sum, value)| *sum += *value);
        }
        let (to_gamma, to_beta) = sums.split_at(cols);
        let count = F::from_f64(self.columns.valid_rows(&io.step) as f64);
        for (c, (gamma, beta)) in to_gamma.iter().zip(to_beta).enumerate() {
            let over_deviation = moments[cols + c];
            coefficients[c] = moments[c];
            coefficients[cols + c] = moments[2 * cols + c] * over_deviation;
            coefficients[2 * cols + c] = *beta / count;
            coefficients[3 * cols + c] = *gamma / count * over_deviation;
            coefficients[4 * cols + c] = moments[3 * cols + c];
        }
        if self.affine.tensors() > 0 {
            let (gamma, beta) = io.output(1).split_at_mut(if self.affine.scale { cols } else { 0 });
            gamma.iter_mut().zip(to_gamma).for_each(|(to, sum)| *to = *sum);
            beta.iter_mut().zip(to_beta).for_each(|(to, sum)| *to = *sum);
        }
    }

    fn merge_parts(&self) -> Option<&dyn MergeParts> {
        Some(self)
    }
}

/// The gradient w.r.t. the input of a batch normalisation, through the ReLU after it, if `relu`, then the gate of a ReLU whose output this
/// input is, if `gated`; zero for images beyond the batch. Inputs: x, dy [rows, cols], coefficients [5, cols] of [`MergeSums`]; outputs: dx [rows, cols].
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchNormBackward {
    pub(crate) columns: Columns,
    pub(crate) relu: bool,
    pub(crate) gated: bool,
}

impl BatchNormBackward {
    /// Calls `each(dx, x, dy, coefficients)` for groups of rows that count, in parallel, with the coefficients repeated up to [`width`].
    fn for_each_chunk<F: Real>(&self, io: &mut Io<'_, F>, each: impl Fn(&mut [F], &[F], &[F], &[Vec<F>; 5]) + Sync) {
        let cols = self.columns.cols;
        let (x, dy, coefficients) = (io.input(0), io.input(1), io.input(2));
        let (dx, padding) = io.output(0).split_at_mut(self.columns.valid_rows(&io.step) * cols);
        padding.fill(F::ZERO);
        let coefficients: [Vec<F>; 5] = std::array::from_fn(|i| repeated(&coefficients[i * cols..][..cols]));
        let chunk = width(cols) * CHUNK.div_ceil(width(cols));
        let chunks = dx.par_chunks_mut(chunk).zip(x.par_chunks(chunk)).zip(dy.par_chunks(chunk));
        chunks.for_each(|((dx, x), dy)| each(dx, x, dy, &coefficients));
    }

    #[inline(always)]
    fn gradient<F: Real>(&self, dx: &mut [F], x: &[F], dy: &[F], [mean, a, m, q, shift]: &[Vec<F>; 5]) {
        let width = mean.len();
        for ((dx, x), dy) in dx.chunks_mut(width).zip(x.chunks(width)).zip(dy.chunks(width)) {
            let coefficients = mean.iter().zip(a).zip(m.iter().zip(q)).zip(shift);
            for (((dx, x), dy), (((mean, a), (m, q)), shift)) in dx.iter_mut().zip(x).zip(dy).zip(coefficients) {
                let centered = *x - *mean;
                let dy = if self.relu { through_relu(*dy, centered * *a + *shift) } else { *dy };
                *dx = *a * ((dy - *m) - centered * *q);
            }
        }
        if self.gated {
            GateKind::Relu.apply(dx, View::Float(x), 0);
        }
    }
}

impl KernelSpec for BatchNormBackward {
    fn shader(&self) -> Shader {
        let own = constants! { ROWS_PER_IMAGE: self.columns.rows_per_image, RELU: self.relu, OUT: 3u32 };
        let files = [STEP_FILE, wgsl!("batch_norm_backward.wgsl"), own_gate_file(self.gated)];
        let shader = shader_down_columns([self.columns.rows, self.columns.cols], &files, own);
        Shader { uses_step: true, ..shader }
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.columns.count(), 5.0, 3)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        self.for_each_chunk(&mut io, |dx, x, dy, coefficients| self.gradient(dx, x, dy, coefficients));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let (cols, relu, gated) = (self.columns.cols, self.relu, self.gated);
        let by_vectors = by_columns::supports(cols, level.vector_width());
        self.for_each_chunk(&mut io, |dx, x, dy, coefficients| match by_vectors {
            true => {
                let [mean, a, m, q, shift] = coefficients;
                let coefficients = [&mean[..cols], &a[..cols], &m[..cols], &q[..cols], &shift[..cols]];
                level.run(ColumnMap { formula: Gradient { relu, gated }, x: [x, dy], coefficients, y: dx });
            }
            false => compiled!(level, self.gradient(dx, x, dy, coefficients)),
        });
    }
}

/// The formula of [`BatchNormBackward`], of x and dy.
#[derive(Clone, Copy)]
struct Gradient {
    relu: bool,
    gated: bool,
}

impl Formula<2, 5> for Gradient {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, [x, dy]: [S::f32s; 2], [mean, a, m, q, shift]: [S::f32s; 5]) -> S::f32s {
        let centered = simd.sub_f32s(x, mean);
        let y = simd.add_f32s(simd.mul_f32s(centered, a), shift);
        let dy = if self.relu { through_relu_simd(simd, dy, y) } else { dy };
        let dx = simd.mul_f32s(a, simd.sub_f32s(simd.sub_f32s(dy, m), simd.mul_f32s(centered, q)));
        if self.gated { through_relu_simd(simd, dx, x) } else { dx }
    }
}
