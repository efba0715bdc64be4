//! A rectifier whose slope below zero is a parameter (He et al. 2015), shared along some axes.

use super::columns::{Columns, fold, repeated, width};
use super::elementwise::{CHUNK, elementwise_cost, rows_shader};
use super::gate::{GateKind, own_gate_file};
use crate::plan::{Constants, Cost, Io, KernelSpec, Shader, View, constants, output_file, wgsl};
use crate::real::Real;
use crate::simd::{SimdLevel, compiled};
use rayon::prelude::*;
use std::ops::Range;

/// Activations [a, b, c, d] with a slope for each of [b, d]: along a, which includes the batch, and along c it is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slopes {
    pub(crate) a: usize,
    pub(crate) b: usize,
    pub(crate) c: usize,
    pub(crate) d: usize,
}

impl Slopes {
    fn count(&self) -> usize {
        self.a * self.b * self.c * self.d
    }

    fn constants(&self) -> Constants {
        constants! { B: self.b, C: self.c, D: self.d }
    }

    /// The elements in tasks of neighbours, each with the slopes of its first elements; these repeat.
    fn tasks<F: Real>(&self, alpha: &[F]) -> (usize, Vec<Vec<F>>) {
        let run = self.c * self.d;
        match self.b {
            1 => (width(self.d) * CHUNK.div_ceil(width(self.d)), vec![repeated(alpha)]),
            _ => (
                run,
                alpha
                    .chunks_exact(self.d)
                    .map(|slopes| slopes.iter().copied().cycle().take(run.min(width(self.d))).collect())
                    .collect(),
            ),
        }
    }
}

/// `y = x`, below zero `alpha x`. Inputs: x [a, b, c, d], alpha [b, d]; outputs: y [a, b, c, d].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prelu {
    pub(crate) slopes: Slopes,
}

impl Prelu {
    /// Calls `each(y, x, alpha)` for neighbouring elements in parallel; the slopes repeat.
    fn for_each_task<F: Real>(&self, io: &mut Io<'_, F>, each: impl Fn(&mut [F], &[F], &[F]) + Sync) {
        let (len, slopes) = self.slopes.tasks(io.input(1));
        let tasks = io.output(0).par_chunks_mut(len).zip(io.input(0).par_chunks(len)).enumerate();
        tasks.with_min_len(CHUNK.div_ceil(len)).for_each(|(i, (y, x))| each(y, x, &slopes[i % slopes.len()]));
    }
}

#[inline(always)]
fn activate<F: Real>(y: &mut [F], x: &[F], alpha: &[F]) {
    for (y, x) in y.chunks_mut(alpha.len()).zip(x.chunks(alpha.len())) {
        for ((y, x), alpha) in y.iter_mut().zip(x).zip(alpha) {
            // NaN is not at least zero.
            *y = if *x >= F::ZERO { *x } else { *alpha * *x };
        }
    }
}

impl KernelSpec for Prelu {
    fn shader(&self) -> Shader {
        let files = [wgsl!("prelu_forward.wgsl")];
        let own = self.slopes.constants().with("OUT", 2u32);
        rows_shader(self.slopes.count(), self.slopes.d, &files, own)
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.slopes.count(), 2.0, 2)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        self.for_each_task(&mut io, activate);
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        self.for_each_task(&mut io, |y, x, alpha| compiled!(level, activate(y, x, alpha)));
    }
}

/// `dx = dy` where x is positive, `alpha dy` where it is negative, 0 where it is 0; then the gate of a ReLU whose output x is, if
/// `gated`. Inputs: x, dy [a, b, c, d], alpha [b, d]; outputs: dx [a, b, c, d].
#[derive(Debug, Clone, Copy)]
pub(crate) struct PreluBackward {
    pub(crate) slopes: Slopes,
    pub(crate) gated: bool,
}

impl PreluBackward {
    /// Calls `each(dx, x, dy, alpha)` for neighbouring elements in parallel; the slopes repeat.
    fn for_each_task<F: Real>(&self, io: &mut Io<'_, F>, each: impl Fn(&mut [F], &[F], &[F], &[F]) + Sync) {
        let (len, slopes) = self.slopes.tasks(io.input(2));
        let inputs = io.input(0).par_chunks(len).zip(io.input(1).par_chunks(len));
        let tasks = io.output(0).par_chunks_mut(len).zip(inputs).enumerate().with_min_len(CHUNK.div_ceil(len));
        tasks.for_each(|(i, (dx, (x, dy)))| each(dx, x, dy, &slopes[i % slopes.len()]));
    }

    #[inline(always)]
    fn gradient<F: Real>(&self, dx: &mut [F], x: &[F], dy: &[F], alpha: &[F]) {
        let len = alpha.len();
        for ((dx, x), dy) in dx.chunks_mut(len).zip(x.chunks(len)).zip(dy.chunks(len)) {
            for (((dx, x), dy), alpha) in dx.iter_mut().zip(x).zip(dy).zip(alpha) {
                // What is neither positive nor negative is 0 or NaN.
                let slope = if *x < F::ZERO { *alpha } else { *x };
                *dx = if *x > F::ZERO { *dy } else { *dy * slope };
            }
        }
        if self.gated {
            GateKind::Relu.apply(dx, View::Float(x), 0);
        }
    }
}

impl KernelSpec for PreluBackward {
    fn shader(&self) -> Shader {
        let files = [wgsl!("prelu_backward.wgsl"), own_gate_file(self.gated)];
        rows_shader(self.slopes.count(), self.slopes.d, &files, self.slopes.constants().with("OUT", 3u32))
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.slopes.count(), 2.0, 3)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        self.for_each_task(&mut io, |dx, x, dy, alpha| self.gradient(dx, x, dy, alpha));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        self.for_each_task(&mut io, |dx, x, dy, alpha| compiled!(level, self.gradient(dx, x, dy, alpha)));
    }
}

/// The gradient w.r.t. alpha, as sums of `dy min(x, 0)` over chunks of the rows [a, c]. Inputs: x, dy [a, b, c, d]; outputs: partial
/// [chunks, b d].
#[derive(Debug, Clone, Copy)]
pub(crate) struct PreluSums {
    pub(crate) slopes: Slopes,
    pub(crate) batch: usize,
}

impl PreluSums {
    fn columns(&self) -> Columns {
        let Slopes { a, b, c, d } = self.slopes;
        Columns { by_4: d.is_multiple_of(4), ..Columns::new(a * c, b * d, a * c / self.batch) }
    }

    /// Number of partial sums.
    pub(crate) fn chunks(&self) -> usize {
        self.columns().chunks()
    }

    /// Calls `each(rows, partial)` for the rows of each chunk that count, in parallel.
    fn for_each_chunk<F: Real>(&self, io: &mut Io<'_, F>, each: impl Fn(Range<usize>, &mut [F]) + Sync) {
        let columns = self.columns();
        let ranges: Vec<_> = columns.ranges(&io.step).collect();
        let chunks = io.output(0).par_chunks_exact_mut(columns.cols).zip(ranges);
        chunks.for_each(|(partial, rows)| each(rows, partial));
    }

    #[inline(always)]
    fn sum<F: Real>(&self, rows: Range<usize>, x: &[F], dy: &[F], partial: &mut [F]) {
        let Slopes { b, c, d, .. } = self.slopes;
        let product = |x: F, dy: F| if x >= F::ZERO { F::ZERO } else { x * dy };
        if b == 1 && c == 1 {
            let mut sums = vec![F::ZERO; width(d)];
            let range = rows.start * d..rows.end * d;
            for (x, dy) in x[range.clone()].chunks(sums.len()).zip(dy[range].chunks(sums.len())) {
                sums.iter_mut().zip(x).zip(dy).for_each(|((sum, x), dy)| *sum += product(*x, *dy));
            }
            fold(&mut sums, d);
            return partial.copy_from_slice(&sums[..d]);
        }
        partial.fill(F::ZERO);
        for (row, (b, sums)) in rows.flat_map(|row| (0..b).map(move |b| (row, b))).map(|(row, b)| (row, (b, b * d))) {
            let at = ((row / c * self.slopes.b + b) * c + row % c) * d;
            let products = x[at..][..d].iter().zip(&dy[at..][..d]);
            partial[sums..][..d].iter_mut().zip(products).for_each(|(sum, (x, dy))| *sum += product(*x, *dy));
        }
    }
}

impl KernelSpec for PreluSums {
    fn shader(&self) -> Shader {
        let columns = self.columns();
        let files = [wgsl!("prelu_sums.wgsl"), output_file(columns.by_4)];
        columns.chunk_shader(1, &files, self.slopes.constants().with("OUT", 2u32))
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.slopes.count(), 2.0, 2)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let (x, dy) = (io.input(0), io.input(1));
        self.for_each_chunk(&mut io, |rows, partial| self.sum(rows, x, dy, partial));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let (x, dy) = (io.input(0), io.input(1));
        self.for_each_chunk(&mut io, |rows, partial| compiled!(level, self.sum(rows, x, dy, partial)));
    }
}
