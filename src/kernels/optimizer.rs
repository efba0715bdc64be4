//! Optimizer updates: each a pass over the whole parameter arena, its gradients and its state.

use crate::plan::{Cost, Io, KernelSpec, STEP_FILE, Shader, constants, elementwise_grid};
use crate::real::Real;
use crate::simd::SimdLevel;
use rayon::prelude::*;

/// Adam (Kingma and Ba 2015, end of section 2). Inputs: gradients `[count]`; outputs: parameters, m, v, all `[count]`. The step
/// size, with both bias corrections, is the first of the step's scalars.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AdamUpdate {
    /// Floats of the arena, a multiple of four.
    pub(crate) count: usize,
    /// Decay of the first moment.
    pub(crate) beta_1: f64,
    /// Decay of the second moment.
    pub(crate) beta_2: f64,
    /// Added to the uncorrected root.
    pub(crate) epsilon: f64,
}

impl KernelSpec for AdamUpdate {
    fn shader(&self) -> Shader {
        let (grid, grid_x) = elementwise_grid(self.count / 4);
        let constants = constants! {
            COUNT: self.count,
            ONE_MINUS_BETA_1: (1.0 - self.beta_1) as f32,
            ONE_MINUS_BETA_2: (1.0 - self.beta_2) as f32,
            EPSILON: self.epsilon as f32,
        };
        Shader {
            files: vec![STEP_FILE, include_str!("../../shaders/adam.wgsl")],
            constants: constants.and(grid_x),
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
        let step_size = F::from_f64(f64::from(io.step.scalars[0]));
        for_each_chunk(&mut io, |p, g, [m, v]| self.update(step_size, p, g, m, v));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let step_size = io.step.scalars[0];
        for_each_chunk(&mut io, |p, g, [m, v]| level.compiled(|| self.update(step_size, p, g, m, v)));
    }
}

/// Elements of a task.
const CHUNK: usize = 4096;

/// Calls `update(parameters, gradients, state)` for each chunk of the arenas, in parallel; `S` arenas of state.
fn for_each_chunk<F: Real, const S: usize>(io: &mut Io<'_, F>, update: impl Fn(&mut [F], &[F], [&mut [F]; S]) + Sync) {
    let (g, p) = (io.input(0), io.output(0));
    let mut state: [_; S] = std::array::from_fn(|i| io.output(1 + i).chunks_mut(CHUNK));
    let chunks = p.chunks_mut(CHUNK).zip(g.chunks(CHUNK));
    let chunks: Vec<_> = chunks
        .map(|(p, g)| (p, g, state.each_mut().map(|arena| arena.next().expect("arenas have one length"))))
        .collect();
    chunks.into_par_iter().for_each(|(p, g, state)| update(p, g, state));
}

impl AdamUpdate {
    /// Subnormal moments are flushed to zero, as on adapters: a moment without gradients shrinks to them, and processors are
    /// slow at arithmetic with them.
    #[inline(always)]
    fn update<F: Real>(&self, step_size: F, p: &mut [F], g: &[F], m: &mut [F], v: &mut [F]) {
        let (left_1, left_2) = (F::from_f64(1.0 - self.beta_1), F::from_f64(1.0 - self.beta_2));
        let epsilon = F::from_f64(self.epsilon);
        for (((p, g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
            *m = flushed(*m + (*g - *m) * left_1);
            *v = flushed(*v + (*g * *g - *v) * left_2);
            *p = *p - step_size * *m / (v.sqrt() + epsilon);
        }
    }
}

/// Zero for a subnormal number.
#[inline(always)]
fn flushed<F: Real>(value: F) -> F {
    let smallest = F::from_f64(f64::from(f32::MIN_POSITIVE));
    if value < smallest && value > -smallest { F::ZERO } else { value }
}
