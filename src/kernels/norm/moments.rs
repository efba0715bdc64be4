//! Mean and variance of each column: those of chunks of rows, then merged, and the moving averages of both.

use super::affine::Affine;
use super::by_columns::{self, ColumnSums, Terms};
use crate::kernels::columns::{Columns, fold, repeated, width};
use crate::plan::{Cost, Io, KernelSpec, MergeParts, Shader, constants, output_file, wgsl};
use crate::real::Real;
use crate::simd::{SimdLevel, compiled};
use pulp::Simd;
use rayon::prelude::*;

/// Mean, and sum of the squared deviations from it, of each column over each chunk of rows. Inputs: x [rows, cols]; outputs:
/// partial [chunks, 2, cols].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moments {
    pub(crate) columns: Columns,
}

impl KernelSpec for Moments {
    fn shader(&self) -> Shader {
        let files = [wgsl!("moments.wgsl"), output_file(self.columns.by_4)];
        self.columns.chunk_shader(3, &files, constants! { OUT: 1u32 })
    }

    fn cost(&self) -> Cost {
        let count = self.columns.count() as f64;
        Cost { flops: 5.0 * count, dense_flops: 5.0 * count, bytes: 4.0 * count }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        self.for_each_chunk(&mut io, |x, partial| moments(x, partial));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let by_vectors = by_columns::supports(self.columns.cols, level.vector_width());
        self.for_each_chunk(&mut io, |x, partial| match by_vectors {
            true => moments_by_vectors(level, x, partial),
            false => compiled!(level, moments(x, partial)),
        });
    }
}

impl Moments {
    /// Floats of the output.
    pub(crate) fn len(&self) -> usize {
        self.columns.chunks() * 2 * self.columns.cols
    }

    /// Calls `each(x, partial)` for the rows of each chunk that count, in parallel.
    fn for_each_chunk<F: Real>(&self, io: &mut Io<'_, F>, each: impl Fn(&[F], &mut [F]) + Sync) {
        let (x, cols) = (io.input(0), self.columns.cols);
        let ranges: Vec<_> = self.columns.ranges(&io.step).collect();
        let chunks = io.output(0).par_chunks_exact_mut(2 * cols).zip(ranges);
        chunks.for_each(|(partial, rows)| each(&x[rows.start * cols..rows.end * cols], partial));
    }
}

/// As [`moments`].
fn moments_by_vectors(level: SimdLevel, x: &[f32], partial: &mut [f32]) {
    let cols = partial.len() / 2;
    let (mean, squares) = partial.split_at_mut(cols);
    let count = (x.len() / cols).max(1) as f32;
    level.run(ColumnSums { terms: Sum, x: [x], coefficients: [], sums: [&mut *mean] });
    mean.iter_mut().for_each(|mean| *mean /= count);
    let mut deviations = vec![0.0; cols];
    let sums = [&mut deviations[..], squares];
    level.run(ColumnSums { terms: Deviations, x: [x], coefficients: [&*mean], sums });
    mean.iter_mut().zip(&deviations).for_each(|(mean, sum)| *mean += *sum / count);
}

/// The sum of x.
#[derive(Clone, Copy)]
struct Sum;

impl Terms<1, 0, 1> for Sum {
    #[inline(always)]
    fn add<S: Simd>(self, simd: S, [x]: [S::f32s; 1], _: [S::f32s; 0], sums: &mut [S::f32s; 1]) {
        sums[0] = simd.add_f32s(sums[0], x);
    }
}

/// The sums of the deviations from the mean and of their squares.
#[derive(Clone, Copy)]
struct Deviations;

impl Terms<1, 1, 2> for Deviations {
    #[inline(always)]
    fn add<S: Simd>(self, simd: S, [x]: [S::f32s; 1], [mean]: [S::f32s; 1], sums: &mut [S::f32s; 2]) {
        let deviation = simd.sub_f32s(x, mean);
        sums[0] = simd.add_f32s(sums[0], deviation);
        sums[1] = simd.mul_add_e_f32s(deviation, deviation, sums[1]);
    }
}

/// The mean from one pass, then the deviations from it, whose sum corrects the mean.
#[inline(always)]
fn moments<F: Real>(x: &[F], partial: &mut [F]) {
    let cols = partial.len() / 2;
    let (mean, squares) = partial.split_at_mut(cols);
    let count = F::from_f64((x.len() / cols).max(1) as f64);
    let mut sums = vec![F::ZERO; width(cols)];
    for x in x.chunks(sums.len()) {
        sums.iter_mut().zip(x).for_each(|(sum, x)| *sum += *x);
    }
    fold(&mut sums, cols);
    mean.iter_mut().zip(&sums).for_each(|(mean, sum)| *mean = *sum / count);
    let center = repeated(mean);
    let mut total = vec![F::ZERO; center.len()];
    sums.fill(F::ZERO);
    for x in x.chunks(center.len()) {
        for (((sum, total), x), center) in sums.iter_mut().zip(&mut total).zip(x).zip(&center) {
            let deviation = *x - *center;
            *sum += deviation;
            *total += deviation * deviation;
        }
    }
    fold(&mut sums, cols);
    fold(&mut total, cols);
    mean.iter_mut().zip(&sums).for_each(|(mean, sum)| *mean += *sum / count);
    squares.copy_from_slice(&total[..cols]);
}

/// Merges the moments of chunks (Chan, Golub and LeVeque 1983) and moves the moving averages towards them. Inputs: partial
/// [chunks, 2, cols], the parameters, if there are any; outputs: moments [4, cols] (mean, 1 / sqrt(variance + epsilon), gamma,
/// beta), state [2, cols] (moving mean, moving variance).
#[derive(Debug, Clone, Copy)]
pub(crate) struct MergeMoments {
    pub(crate) columns: Columns,
    pub(crate) affine: Affine,
    pub(crate) epsilon: f64,
    pub(crate) momentum: f64,
}

impl KernelSpec for MergeMoments {
    fn shader(&self) -> Shader {
        let own = constants! {
            EPSILON: self.epsilon as f32,
            MOMENTUM: self.momentum as f32,
            REST: (1.0 - self.momentum) as f32,
            MOMENTS: 1 + self.affine.bindings(),
        };
        let files = [self.affine.file(), wgsl!("moments_merge.wgsl")];
        self.columns.merge_shader(2, &files, own.and(self.affine.constants(1)))
    }

    fn cost(&self) -> Cost {
        let count = (self.columns.chunks() * self.columns.cols) as f64;
        Cost { flops: 8.0 * count, dense_flops: 8.0 * count, bytes: 8.0 * count }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let cols = self.columns.cols;
        let partial = io.input(0);
        let parameters = if self.affine.tensors() > 0 { io.input(1) } else { &[] };
        let (moments, state) = (io.output(0), io.output(1));
        let counts: Vec<F> = self.columns.ranges(&io.step).map(|rows| F::from_f64(rows.len() as f64)).collect();
        let count = F::from_f64(self.columns.valid_rows(&io.step) as f64);
        let chunks = || partial.chunks_exact(2 * cols).map(|chunk| chunk.split_at(cols)).zip(&counts);
        let [gamma, beta] = self.affine.values(parameters);
        moments[2 * cols..3 * cols].copy_from_slice(&gamma);
        moments[3 * cols..].copy_from_slice(&beta);
        let (mean, over_deviation) = moments[..2 * cols].split_at_mut(cols);
        let mut sums = vec![F::ZERO; cols];
        for ((means, _), count) in chunks() {
            for ((sum, value), origin) in sums.iter_mut().zip(means).zip(partial) {
                *sum += *count * (*value - *origin);
            }
        }
        for ((mean, sum), origin) in mean.iter_mut().zip(&sums).zip(partial) {
            *mean = *origin + *sum / count;
        }
        sums.fill(F::ZERO);
        for ((means, squares), count) in chunks() {
            for (((sum, value), squares), mean) in sums.iter_mut().zip(means).zip(squares).zip(&*mean) {
                let deviation = *value - *mean;
                *sum += *squares + *count * deviation * deviation;
            }
        }
        let (epsilon, momentum) = (F::from_f64(self.epsilon), F::from_f64(self.momentum));
        let rest = F::from_f64(1.0 - self.momentum);
        let (moving_mean, moving_variance) = state.split_at_mut(cols);
        for (c, sum) in sums.iter().enumerate() {
            let variance = *sum / count;
            over_deviation[c] = F::ONE / (variance + epsilon).sqrt();
            let moved = [(moving_mean[c], mean[c]), (moving_variance[c], variance)]
                .map(|(moving, batch)| momentum * moving + rest * batch);
            // A batch that is skipped leaves nothing.
            if moved.iter().all(|moved| moved.to_f64().is_finite()) {
                [moving_mean[c], moving_variance[c]] = moved;
            }
        }
    }

    fn merge_parts(&self) -> Option<&dyn MergeParts> {
        Some(self)
    }
}
