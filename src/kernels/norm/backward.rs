//! Gradients through a normalisation: sums over rows for gamma and beta, and the gradient w.r.t. the input (Ioffe and Szegedy 2015,
//! section 3).

use super::affine::Affine;
use super::column_sums::{self, ColumnSums, Terms};
use super::down_columns::shader_down_columns;
use crate::kernels::columns::{Columns, fold, repeated, width};
use crate::kernels::elementwise::{CHUNK, elementwise_cost};
use crate::kernels::gate::{GateKind, own_gate_file};
use crate::plan::{Cost, Io, KernelSpec, STEP_FILE, Shader, View, constants, output_file};
use crate::real::Real;
use crate::simd::SimdLevel;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;
use std::ops::Range;

/// Sums of dy xhat (for gamma) and of dy (for beta) over each chunk of rows. Inputs: x, dy [rows, cols], statistics (means, then reciprocals
/// of deviations, of the columns or of the rows; with `relu` then gamma and beta); outputs: partial [chunks, affine.tensors(), cols].
#[derive(Debug, Clone, Copy)]
pub(crate) struct NormSums {
    pub(crate) columns: Columns,
    pub(crate) affine: Affine,
    /// Whether each row has its own mean and deviation; otherwise each column has.
    pub(crate) per_row: bool,
    /// Whether a ReLU follows the normalisation of columns: dy counts where its input is positive or NaN.
    pub(crate) relu: bool,
}

impl NormSums {
    /// Number of partial sums of each.
    pub(crate) fn chunks(&self) -> usize {
        self.columns.chunks()
    }

    /// Floats of the output.
    pub(crate) fn len(&self) -> usize {
        self.columns.chunks() * self.affine.tensors() * self.columns.cols
    }

    /// Calls `each(rows, partial)` for the rows of each chunk that count, in parallel.
    fn for_each_chunk<F: Real>(&self, io: &mut Io<'_, F>, each: impl Fn(Range<usize>, &mut [F]) + Sync) {
        let ranges: Vec<_> = self.columns.ranges(&io.step).collect();
        let chunks = io.output(0).par_chunks_exact_mut(self.affine.tensors() * self.columns.cols).zip(ranges);
        chunks.for_each(|(partial, rows)| each(rows, partial));
    }

    #[inline(always)]
    fn sum<F: Real>(&self, rows: Range<usize>, [x, dy, statistics]: [&[F]; 3], partial: &mut [F]) {
        let cols = self.columns.cols;
        let (mean, over_deviation) =
            statistics.split_at(if self.per_row { self.columns.rows } else { self.columns.cols });
        let range = rows.start * cols..rows.end * cols;
        let (x, dy) = (&x[range.clone()], &dy[range]);
        let width = if self.per_row { cols } else { width(cols) };
        let (mut to_gamma, mut to_beta) = (vec![F::ZERO; width], vec![F::ZERO; width]);
        if self.per_row {
            for (row, (x, dy)) in rows.zip(x.chunks_exact(cols).zip(dy.chunks_exact(cols))) {
                let (mean, over_deviation) = (mean[row], over_deviation[row]);
                for (((gamma, beta), x), dy) in to_gamma.iter_mut().zip(&mut to_beta).zip(x).zip(dy) {
                    *gamma += *dy * ((*x - mean) * over_deviation);
                    *beta += *dy;
                }
            }
        } else {
            let (mean, over_deviation) = (repeated(mean), repeated(&over_deviation[..cols]));
            let gate = self.relu.then(|| {
                let scale: Vec<F> =
                    statistics[cols..].iter().zip(&statistics[2 * cols..3 * cols]).map(|(a, b)| *a * *b).collect();
                (repeated(&scale), repeated(&statistics[3 * cols..4 * cols]))
            });
            for (x, dy) in x.chunks(width).zip(dy.chunks(width)) {
                let sums = to_gamma.iter_mut().zip(&mut to_beta).zip(&mean).zip(&over_deviation);
                match &gate {
                    None => {
                        for ((((gamma, beta), mean), over_deviation), (x, dy)) in sums.zip(x.iter().zip(dy)) {
                            *gamma += *dy * ((*x - *mean) * *over_deviation);
                            *beta += *dy;
                        }
                    }
                    Some((scale, shift)) => {
                        let inputs = x.iter().zip(dy).zip(scale.iter().zip(shift));
                        for ((((gamma, beta), mean), over_deviation), ((x, dy), (scale, shift))) in sums.zip(inputs) {
                            let centered = *x - *mean;
                            let dy = through_relu(*dy, centered * *scale + *shift);
                            *gamma += dy * (centered * *over_deviation);
                            *beta += dy;
                        }
                    }
                }
            }
        }
        fold(&mut to_gamma, cols);
        fold(&mut to_beta, cols);
        let (gamma, beta) = partial.split_at_mut(if self.affine.scale { cols } else { 0 });
        gamma.iter_mut().zip(&to_gamma).for_each(|(to, sum)| *to = *sum);
        beta.iter_mut().zip(&to_beta).for_each(|(to, sum)| *to = *sum);
    }
}

impl KernelSpec for NormSums {
    fn shader(&self) -> Shader {
        let own = constants! {
            PER_ROW: self.per_row,
            SUMS: self.affine.tensors(),
            SCALE: self.affine.scale,
            CENTER: self.affine.center,
            RELU: self.relu,
            OUT: 3u32,
        };
        let files = [include_str!("../../../shaders/norm_sums.wgsl"), output_file(self.columns.by_4)];
        self.columns.chunk_shader(2, &files, own)
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.columns.count(), 5.0, 2)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let inputs = [io.input(0), io.input(1), io.input(2)];
        self.for_each_chunk(&mut io, |rows, partial| self.sum(rows, inputs, partial));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let inputs = [io.input(0), io.input(1), io.input(2)];
        let by_vectors = !self.per_row
            && self.affine.tensors() == 2
            && column_sums::supports(self.columns.cols, level.vector_width());
        self.for_each_chunk(&mut io, |rows, partial| match by_vectors {
            true => self.sum_by_vectors(level, rows, inputs, partial),
            false => level.run(SumChunk { kernel: self, rows, inputs, partial }),
        });
    }
}

impl NormSums {
    /// As [`Self::sum`], of columns.
    fn sum_by_vectors(
        &self,
        level: SimdLevel,
        rows: Range<usize>,
        [x, dy, statistics]: [&[f32]; 3],
        partial: &mut [f32],
    ) {
        let cols = self.columns.cols;
        let range = rows.start * cols..rows.end * cols;
        let x = [&x[range.clone()], &dy[range]];
        let (to_gamma, to_beta) = partial.split_at_mut(cols);
        let sums = [to_gamma, to_beta];
        let [mean, over_deviation] = [0, 1].map(|i| &statistics[i * cols..][..cols]);
        if self.relu {
            let [gamma, beta] = [2, 3].map(|i| &statistics[i * cols..][..cols]);
            let scale: Vec<f32> = over_deviation.iter().zip(gamma).map(|(a, b)| a * b).collect();
            let coefficients = [mean, over_deviation, &scale, beta];
            level.run(ColumnSums { terms: GatedProducts, x, coefficients, sums });
        } else {
            level.run(ColumnSums { terms: Products, x, coefficients: [mean, over_deviation], sums });
        }
    }
}

/// The sums of dy xhat and of dy.
#[derive(Clone, Copy)]
struct Products;

impl Terms<2, 2, 2> for Products {
    #[inline(always)]
    fn add<S: Simd>(self, simd: S, [x, dy]: [S::f32s; 2], [mean, over]: [S::f32s; 2], sums: &mut [S::f32s; 2]) {
        let xhat = simd.mul_f32s(simd.sub_f32s(x, mean), over);
        sums[0] = simd.mul_add_e_f32s(dy, xhat, sums[0]);
        sums[1] = simd.add_f32s(sums[1], dy);
    }
}

/// As [`Products`], dy through a ReLU after the normalisation.
#[derive(Clone, Copy)]
struct GatedProducts;

impl Terms<2, 4, 2> for GatedProducts {
    #[inline(always)]
    fn add<S: Simd>(
        self,
        simd: S,
        [x, dy]: [S::f32s; 2],
        [mean, over, scale, shift]: [S::f32s; 4],
        sums: &mut [S::f32s; 2],
    ) {
        let zero = simd.splat_f32s(0.0);
        let centered = simd.sub_f32s(x, mean);
        // As in the forward pass, without a fused multiply-add: the same sign.
        let y = simd.add_f32s(simd.mul_f32s(centered, scale), shift);
        let dy = simd.select_f32s(simd.less_than_or_equal_f32s(y, zero), zero, dy);
        sums[0] = simd.mul_add_e_f32s(dy, simd.mul_f32s(centered, over), sums[0]);
        sums[1] = simd.add_f32s(sums[1], dy);
    }
}

/// A chunk as an operation: a closure as large as this is not inlined into code compiled for a SIMD level.
struct SumChunk<'a> {
    kernel: &'a NormSums,
    rows: Range<usize>,
    inputs: [&'a [f32]; 3],
    partial: &'a mut [f32],
}

impl WithSimd for SumChunk<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.kernel.sum(self.rows, self.inputs, self.partial);
    }
}

/// The gradient of a ReLU whose input is `y`.
#[inline(always)]
fn through_relu<F: Real>(dy: F, y: F) -> F {
    if y <= F::ZERO { F::ZERO } else { dy }
}

/// Adds up the partial sums of a batch normalisation. Inputs: partial [chunks, 2, cols], moments [4, cols]; outputs: coefficients
/// [5, cols] (mean, gamma / deviation, mean of dy, mean of dy xhat / deviation, beta), the gradients of the parameters, if there are any.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MergeSums {
    pub(crate) columns: Columns,
    pub(crate) affine: Affine,
}

impl KernelSpec for MergeSums {
    fn shader(&self) -> Shader {
        let files = [self.affine.gradients_file(), include_str!("../../../shaders/batch_norm_merge.wgsl")];
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
        let files = [STEP_FILE, include_str!("../../../shaders/batch_norm_backward.wgsl"), own_gate_file(self.gated)];
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
        self.for_each_chunk(&mut io, |dx, x, dy, coefficients| {
            level.run(GradientChunk { kernel: self, dx, x, dy, coefficients });
        });
    }
}

/// As [`SumChunk`].
struct GradientChunk<'a> {
    kernel: &'a BatchNormBackward,
    dx: &'a mut [f32],
    x: &'a [f32],
    dy: &'a [f32],
    coefficients: &'a [Vec<f32>; 5],
}

impl WithSimd for GradientChunk<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.kernel.gradient(self.dx, self.x, self.dy, self.coefficients);
    }
}
