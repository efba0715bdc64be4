//! A normalisation of columns whose mean and variance are known.

use super::affine::Affine;
use super::by_columns::{self, ColumnMap, Formula};
use super::down_columns::shader_down_columns;
use crate::kernels::columns::{repeated, width};
use crate::kernels::elementwise::{CHUNK, elementwise_cost};
use crate::kernels::maximum::relu;
use crate::plan::{Constants, Cost, Io, KernelSpec, Shader, constants, wgsl};
use crate::real::Real;
use crate::simd::{SimdLevel, compiled};
use pulp::Simd;
use rayon::prelude::*;

/// Where mean and variance of the columns come from.
#[derive(Debug, Clone)]
pub(crate) enum Statistics {
    /// The batch: what [`super::MergeMoments`] wrote.
    Batch,
    /// The layer's state, [2, cols], and its parameters.
    Moving { affine: Affine, epsilon: f64 },
    /// Numbers: mean, scale and shift of each column.
    Constant([Vec<f64>; 3]),
    /// The layer's state, [2, cols] (mean and variance), by the deviation `max(sqrt(variance), 1e-7)`.
    Given(Given),
}

/// What becomes of x by a mean and a deviation that are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// `(x - mean) / deviation`.
    Normalized,
    /// `x / deviation`, its gradient.
    Divided,
    /// `x deviation + mean`, the inverse.
    Inverted,
    /// `x deviation`, the gradient of the inverse.
    Multiplied,
}

impl Given {
    /// Whether it divides by the deviation, and where the mean stands: before the division, after the multiplication, or neither.
    fn parts(self) -> [bool; 3] {
        let divides = matches!(self, Self::Normalized | Self::Divided);
        [divides, self == Self::Normalized, self == Self::Inverted]
    }
}

/// The least deviation by which is divided: Keras's `backend.epsilon()`.
pub(crate) const MIN_DEVIATION: f64 = 1e-7;

/// `y = (x - mean) / sqrt(variance + epsilon) gamma + beta`, then ReLU if `relu`. Inputs: x [rows, cols], the moments [4, cols], the
/// state or neither, the parameters if the state is used and there are any; outputs: y [rows, cols].
#[derive(Debug, Clone)]
pub(crate) struct BatchNormalize {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) statistics: Statistics,
    pub(crate) relu: bool,
}

impl BatchNormalize {
    fn count(&self) -> usize {
        self.rows * self.cols
    }

    /// Mean, scale and shift of each column.
    fn coefficients<F: Real>(&self, io: &Io<'_, F>) -> [Vec<F>; 3] {
        let cols = self.cols;
        let product = |(a, b): (&F, &F)| *a * *b;
        match &self.statistics {
            Statistics::Constant(values) => {
                values.each_ref().map(|values| values.iter().map(|value| F::from_f64(*value)).collect())
            }
            Statistics::Given(given) => {
                let (mean, others) = io.input(1).split_at(cols);
                let [divides, subtracts, adds] = given.parts();
                let min_deviation = F::from_f64(MIN_DEVIATION);
                let deviation = |variance: &F| match variance.sqrt() {
                    deviation if deviation < min_deviation => min_deviation,
                    deviation => deviation,
                };
                let scale = others[..cols].iter().map(deviation).map(|d| if divides { F::ONE / d } else { d });
                let mean_if = |is_there: bool| if is_there { mean.to_vec() } else { vec![F::ZERO; cols] };
                [mean_if(subtracts), scale.collect(), mean_if(adds)]
            }
            Statistics::Batch => {
                let (mean, others) = io.input(1).split_at(cols);
                let scale = others[..cols].iter().zip(&others[cols..2 * cols]).map(product).collect();
                [mean.to_vec(), scale, others[2 * cols..].to_vec()]
            }
            Statistics::Moving { affine, epsilon } => {
                let (mean, others) = io.input(1).split_at(cols);
                let parameters = if affine.tensors() > 0 { io.input(2) } else { &[] };
                let [gamma, beta] = affine.values(parameters);
                let scale = |(gamma, variance): (&F, &F)| *gamma / (*variance + F::from_f64(*epsilon)).sqrt();
                [mean.to_vec(), gamma.iter().zip(others).map(scale).collect(), beta]
            }
        }
    }

    /// Calls `each(y, x, coefficients)` for groups of rows in parallel, with the coefficients repeated up to [`width`].
    fn for_each_chunk<F: Real>(&self, io: &mut Io<'_, F>, each: impl Fn(&mut [F], &[F], &[Vec<F>; 3]) + Sync) {
        let coefficients = self.coefficients(io).map(|values| repeated(&values));
        let width = width(self.cols);
        let chunk = width * CHUNK.div_ceil(width);
        let chunks = io.output(0).par_chunks_mut(chunk).zip(io.input(0).par_chunks(chunk));
        chunks.for_each(|(y, x)| each(y, x, &coefficients));
    }

    #[inline(always)]
    fn normalize<F: Real>(&self, y: &mut [F], x: &[F], [mean, scale, shift]: &[Vec<F>; 3]) {
        for (y, x) in y.chunks_mut(mean.len()).zip(x.chunks(mean.len())) {
            for ((((y, x), mean), scale), shift) in y.iter_mut().zip(x).zip(mean).zip(scale).zip(shift) {
                let value = (*x - *mean) * *scale + *shift;
                *y = if self.relu { relu(value) } else { value };
            }
        }
    }
}

impl KernelSpec for BatchNormalize {
    fn shader(&self) -> Shader {
        let own = constants! { RELU: self.relu };
        let shader = wgsl!("batch_normalize.wgsl");
        let (files, constants): (Vec<_>, Constants) = match &self.statistics {
            Statistics::Constant(values) => {
                let [mean, scale, shift] = values.each_ref().map(|v| v.iter().map(|v| *v as f32).collect::<Vec<f32>>());
                let constants = constants! { MEAN: mean, FACTOR: scale, SHIFT: shift, OUT: 1u32 };
                (vec![wgsl!("constant_statistics.wgsl"), shader], constants)
            }
            Statistics::Batch => (vec![wgsl!("batch_statistics.wgsl"), shader], constants! { OUT: 2u32 }),
            Statistics::Given(given) => {
                let [divides, subtracts, adds] = given.parts();
                let min_deviation = MIN_DEVIATION as f32;
                let own = constants! { DIVIDES: divides, SUBTRACTS: subtracts, ADDS: adds, MIN_DEVIATION: min_deviation, OUT: 2u32 };
                (vec![wgsl!("given_statistics.wgsl"), shader], own)
            }
            Statistics::Moving { affine, epsilon } => (
                vec![affine.file(), wgsl!("moving_statistics.wgsl"), shader],
                affine.constants(2).with("EPSILON", *epsilon as f32).with("OUT", 2 + affine.bindings()),
            ),
        };
        shader_down_columns([self.rows, self.cols], &files, own.and(constants))
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.count(), 3.0, 2)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        self.for_each_chunk(&mut io, |y, x, coefficients| self.normalize(y, x, coefficients));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let (cols, relu) = (self.cols, self.relu);
        let by_vectors = by_columns::supports(cols, level.vector_width());
        self.for_each_chunk(&mut io, |y, x, coefficients| match by_vectors {
            true => {
                let [mean, scale, shift] = coefficients;
                let coefficients = [&mean[..cols], &scale[..cols], &shift[..cols]];
                level.run(ColumnMap { formula: Normalized { relu }, x: [x], coefficients, y });
            }
            false => compiled!(level, self.normalize(y, x, coefficients)),
        });
    }
}

/// `(x - mean) scale + shift`, then ReLU if `relu`.
#[derive(Clone, Copy)]
struct Normalized {
    relu: bool,
}

impl Formula<1, 3> for Normalized {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, [x]: [S::f32s; 1], [mean, scale, shift]: [S::f32s; 3]) -> S::f32s {
        let y = simd.add_f32s(simd.mul_f32s(simd.sub_f32s(x, mean), scale), shift);
        let zero = simd.splat_f32s(0.0);
        // NaN is not less.
        if self.relu { simd.select_f32s(simd.less_than_f32s(y, zero), zero, y) } else { y }
    }
}
