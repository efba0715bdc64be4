//! Gradients through a normalisation w.r.t. gamma and beta: sums over rows (Ioffe and Szegedy 2015, section 3).

use super::affine::Affine;
use super::by_columns::{self, ColumnSums, Terms};
use crate::kernels::columns::{Columns, fold, repeated, width};
use crate::kernels::elementwise::elementwise_cost;
use crate::kernels::maximum::{through_relu, through_relu_simd};
use crate::plan::{Cost, Io, KernelSpec, Shader, constants, output_file, wgsl};
use crate::real::Real;
use crate::simd::{SimdLevel, compiled};
use pulp::Simd;
use rayon::prelude::*;
use std::ops::Range;

/// Sums of dy xhat (for gamma) and of dy (for beta) over each chunk of rows. Inputs: x, dy [rows, cols], statistics (means and reciprocals
/// of deviations, of the rows; or of the columns, then gamma and beta); outputs: partial [chunks, affine.tensors(), cols].
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

    /// Of each column: mean, reciprocal of the deviation, and what follows them in the normalisation, scale and shift.
    fn of_columns<F: Real>(&self, statistics: &[F]) -> [Vec<F>; 4] {
        let [mean, over_deviation, gamma, beta] =
            [0, 1, 2, 3].map(|i| &statistics[i * self.columns.cols..][..self.columns.cols]);
        let scale = over_deviation.iter().zip(gamma).map(|(a, b)| *a * *b).collect();
        [mean.to_vec(), over_deviation.to_vec(), scale, beta.to_vec()]
    }

    #[inline(always)]
    fn sum<F: Real>(&self, rows: Range<usize>, [x, dy, statistics]: [&[F]; 3], partial: &mut [F]) {
        let cols = self.columns.cols;
        let range = rows.start * cols..rows.end * cols;
        let (x, dy) = (&x[range.clone()], &dy[range]);
        let width = if self.per_row { cols } else { width(cols) };
        let (mut to_gamma, mut to_beta) = (vec![F::ZERO; width], vec![F::ZERO; width]);
        if self.per_row {
            let (mean, over_deviation) = statistics.split_at(self.columns.rows);
            for (row, (x, dy)) in rows.zip(x.chunks_exact(cols).zip(dy.chunks_exact(cols))) {
                let (mean, over_deviation) = (mean[row], over_deviation[row]);
                for (((gamma, beta), x), dy) in to_gamma.iter_mut().zip(&mut to_beta).zip(x).zip(dy) {
                    *gamma += *dy * ((*x - mean) * over_deviation);
                    *beta += *dy;
                }
            }
        } else {
            let [mean, over_deviation, scale, shift] = self.of_columns(statistics).map(|values| repeated(&values));
            for (x, dy) in x.chunks(width).zip(dy.chunks(width)) {
                let sums = to_gamma.iter_mut().zip(&mut to_beta);
                let coefficients = mean.iter().zip(&over_deviation).zip(scale.iter().zip(&shift));
                let rows = sums.zip(coefficients).zip(x.iter().zip(dy));
                for (((gamma, beta), ((mean, over_deviation), (scale, shift))), (x, dy)) in rows {
                    let centered = *x - *mean;
                    let dy = if self.relu { through_relu(*dy, centered * *scale + *shift) } else { *dy };
                    *gamma += dy * (centered * *over_deviation);
                    *beta += dy;
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
        let files = [wgsl!("norm_sums.wgsl"), output_file(self.columns.by_4)];
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
            && by_columns::supports(self.columns.cols, level.vector_width());
        self.for_each_chunk(&mut io, |rows, partial| match by_vectors {
            true => self.sum_by_vectors(level, rows, inputs, partial),
            false => compiled!(level, self.sum(rows, inputs, partial)),
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
        let coefficients = self.of_columns(statistics);
        let coefficients = coefficients.each_ref().map(Vec::as_slice);
        level.run(ColumnSums { terms: Products { relu: self.relu }, x, coefficients, sums: [to_gamma, to_beta] });
    }
}

/// The sums of dy xhat and of dy, through a ReLU after the normalisation, if `relu`.
#[derive(Clone, Copy)]
struct Products {
    relu: bool,
}

impl Terms<2, 4, 2> for Products {
    #[inline(always)]
    fn add<S: Simd>(
        self,
        simd: S,
        [x, dy]: [S::f32s; 2],
        [mean, over, scale, shift]: [S::f32s; 4],
        sums: &mut [S::f32s; 2],
    ) {
        let centered = simd.sub_f32s(x, mean);
        // As in the forward pass, without a fused multiply-add: the same sign.
        let y = simd.add_f32s(simd.mul_f32s(centered, scale), shift);
        let dy = if self.relu { through_relu_simd(simd, dy, y) } else { dy };
        sums[0] = simd.mul_add_e_f32s(dy, simd.mul_f32s(centered, over), sums[0]);
        sums[1] = simd.add_f32s(sums[1], dy);
    }
}
