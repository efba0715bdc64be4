//! Sums of gradients over several batches, and moving averages of parameters.

use super::CHUNK;
use crate::plan::{Constants, Cost, Io, KernelSpec, STEP_FILE, Shader, Step, constants, elementwise_grid, wgsl};
use crate::real::Real;
use crate::simd::{SimdLevel, compiled};
use rayon::prelude::*;

/// `sum = sum + g`, or `sum = g` for the first batch of a group, for which the first scalar of the step is 0. Inputs: g `[count]`;
/// outputs: sum `[count]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accumulate {
    /// A multiple of four.
    pub(crate) count: usize,
}

/// `a = decay a + (1 - decay) p`, after the first update `a = p` (Keras's `use_ema`); nothing happens where the flag of the update is set.
/// Inputs: p `[count]`, flag; outputs: a `[count]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MovingAverage {
    /// A multiple of four.
    pub(crate) count: usize,
    /// At least 0 and below 1.
    pub(crate) decay: f64,
}

fn shader(count: usize, file: &'static str, own: Constants) -> Shader {
    let (grid, grid_x) = elementwise_grid(count / 4);
    let constants = constants! { COUNT: count }.and(grid_x).and(own);
    Shader { files: vec![STEP_FILE, file], constants, grid, iterations: 0, uses_step: true }
}

fn cost(count: usize, flops: f64) -> Cost {
    let flops = flops * count as f64;
    Cost { flops, dense_flops: flops, bytes: 12.0 * count as f64 }
}

/// Calls `each(to, from)` for each chunk, in parallel.
fn for_each_chunk<F: Real>(io: &mut Io<'_, F>, each: impl Fn(&mut [F], &[F]) + Sync) {
    let (from, to) = (io.input(0), io.output(0));
    to.par_chunks_mut(CHUNK).zip(from.par_chunks(CHUNK)).for_each(|(to, from)| each(to, from));
}

impl KernelSpec for Accumulate {
    fn shader(&self) -> Shader {
        shader(self.count, wgsl!("accumulate.wgsl"), constants! {})
    }

    fn cost(&self) -> Cost {
        cost(self.count, 1.0)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let is_first = io.step.scalars[0] == 0.0;
        for_each_chunk(&mut io, |sum, g| add(sum, g, is_first));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let is_first = io.step.scalars[0] == 0.0;
        for_each_chunk(&mut io, |sum, g| compiled!(level, add(sum, g, is_first)));
    }
}

#[inline(always)]
fn add<F: Real>(sum: &mut [F], g: &[F], is_first: bool) {
    match is_first {
        true => sum.copy_from_slice(g),
        false => sum.iter_mut().zip(g).for_each(|(sum, g)| *sum += *g),
    }
}

impl KernelSpec for MovingAverage {
    fn shader(&self) -> Shader {
        let own = constants! { DECAY: self.decay as f32, ONE_MINUS_DECAY: (1.0 - self.decay) as f32 };
        shader(self.count, wgsl!("moving_average.wgsl"), own)
    }

    fn cost(&self) -> Cost {
        cost(self.count, 3.0)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let decays = self.decays(&io.step);
        if !is_skipped(&io) {
            for_each_chunk(&mut io, |a, p| average(a, p, decays));
        }
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let decays = self.decays(&io.step);
        if !is_skipped(&io) {
            for_each_chunk(&mut io, |a, p| compiled!(level, average(a, p, decays)));
        }
    }
}

/// Whether the flag, the second input, is set.
fn is_skipped<F: Real>(io: &Io<'_, F>) -> bool {
    io.input(1)[0] != F::ZERO
}

impl MovingAverage {
    /// The factors of the average and of the parameters.
    fn decays<F: Real>(&self, step: &Step) -> [F; 2] {
        let decay = if step.update <= 1 { 0.0 } else { self.decay };
        [decay, 1.0 - decay].map(F::from_f64)
    }
}

#[inline(always)]
fn average<F: Real>(a: &mut [F], p: &[F], [decay, rest]: [F; 2]) {
    a.iter_mut().zip(p).for_each(|(a, p)| *a = decay * *a + rest * *p);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_begins_anew_and_an_average_with_the_parameters() {
        let mut sum = [5.0, f64::NAN];
        add(&mut sum, &[1.0, 2.0], true);
        add(&mut sum, &[0.5, 0.25], false);
        assert_eq!(sum, [1.5, 2.25]);
        let kernel = MovingAverage { count: 4, decay: 0.75 };
        let decays = |update| kernel.decays::<f64>(&Step { update, ..Step::default() });
        let mut a = [8.0];
        average(&mut a, &[4.0], decays(1));
        assert_eq!(a, [4.0]);
        average(&mut a, &[8.0], decays(2));
        assert_eq!(a, [5.0]);
    }
}
