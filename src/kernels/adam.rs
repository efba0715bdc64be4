//! Adam over the whole arena in one dispatch.

use crate::plan::{Cost, Io, KernelSpec, STEP_FILE, Shader, elementwise_grid};
use crate::real::Real;
use crate::simd::SimdLevel;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// Decay of the first moment.
pub const BETA_1: f64 = 0.9;
/// Decay of the second moment.
pub const BETA_2: f64 = 0.999;
/// Added to the uncorrected root.
pub const EPSILON: f64 = 1e-7;

/// The learning rate with both bias corrections folded in, for update `t` (from 1):
/// `learning_rate sqrt(1 - beta2^t) / (1 - beta1^t)` (Kingma and Ba 2015, end of section 2).
pub fn rate(learning_rate: f64, t: u64) -> f32 {
    let t = t as f64;
    (learning_rate * (1.0 - BETA_2.powf(t)).sqrt() / (1.0 - BETA_1.powf(t))) as f32
}

/// Inputs: gradients `[count]`; outputs: parameters, first and second moments, all `[count]`.
#[derive(Debug, Clone, Copy)]
pub struct Adam {
    /// Floats of the arena, a multiple of four.
    pub count: usize,
}

/// Elements that a thread takes at a time.
const CHUNK: usize = 4096;

impl KernelSpec for Adam {
    fn shader(&self) -> Shader {
        let (grid, grid_x) = elementwise_grid(self.count / 4);
        Shader {
            files: vec![STEP_FILE, include_str!("../../shaders/adam.wgsl")],
            constants: vec![("COUNT", self.count as u64), grid_x],
            grid,
            iterations: 0,
            uses_step: true,
        }
    }

    fn cost(&self) -> Cost {
        let count = self.count as f64;
        Cost { flops: 11.0 * count, dense_flops: 11.0 * count, bytes: 28.0 * count }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let rate = F::from_f64(f64::from(io.step.rate));
        for_each_chunk(&mut io, |p, g, m, v| update(rate, p, g, m, v));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let rate = io.step.rate;
        for_each_chunk(&mut io, |p, g, m, v| level.run(Update { rate, p, g, m, v }));
    }
}

fn for_each_chunk<F: Real>(io: &mut Io<'_, F>, update: impl Fn(&mut [F], &[F], &mut [F], &mut [F]) + Sync) {
    let (g, p, m, v) = (io.input(0), io.output(0), io.output(1), io.output(2));
    let moments = m.par_chunks_mut(CHUNK).zip(v.par_chunks_mut(CHUNK));
    let chunks = p.par_chunks_mut(CHUNK).zip(g.par_chunks(CHUNK)).zip(moments);
    chunks.for_each(|((p, g), (m, v))| update(p, g, m, v));
}

/// Updates parameters and moments. Adapters take numbers below the normal ones for zero; so does this, as a moment
/// without gradients shrinks to them and processors are slow at them.
#[inline(always)]
fn update<F: Real>(rate: F, p: &mut [F], g: &[F], m: &mut [F], v: &mut [F]) {
    let (left_1, left_2) = (F::from_f64(1.0 - BETA_1), F::from_f64(1.0 - BETA_2));
    let epsilon = F::from_f64(EPSILON);
    for (((p, g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
        *m = flushed(*m + (*g - *m) * left_1);
        *v = flushed(*v + (*g * *g - *v) * left_2);
        *p = *p - rate * *m / (v.sqrt() + epsilon);
    }
}

/// Zero for what no adapter can tell from it.
#[inline(always)]
fn flushed<F: Real>(value: F) -> F {
    let smallest = F::from_f64(f64::from(f32::MIN_POSITIVE));
    if value < smallest && value > -smallest { F::ZERO } else { value }
}

/// [`update`] by vector instructions.
struct Update<'a> {
    rate: f32,
    p: &'a mut [f32],
    g: &'a [f32],
    m: &'a mut [f32],
    v: &'a mut [f32],
}

impl WithSimd for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        update(self.rate, self.p, self.g, self.m, self.v);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_corrects_both_moments() {
        // At t = 1 the corrections are sqrt(0.001) / 0.1; far out they vanish.
        assert!((f64::from(rate(1e-3, 1)) - 1e-3 * 0.001f64.sqrt() / 0.1).abs() < 1e-9);
        assert!((f64::from(rate(1e-3, 100_000)) - 1e-3).abs() < 1e-9);
    }
}
