//! Clipping by the global norm: all gradients are scaled so that the norm of the whole arena is at most a bound.

use crate::plan::{BufferSlice, Cost, Io, KernelSpec, Recorder, Shader, constants, elementwise_grid, grid, wgsl};
use crate::real::Real;
use crate::simd::{SimdLevel, compiled};
use rayon::prelude::*;

/// Invocations of a workgroup.
const LANES: usize = 64;
/// Floats that a workgroup takes at a time, four for each invocation.
const RUN: usize = 4 * LANES;
/// Partial sums, at most.
const MAX_GROUPS: usize = 256;

/// Records `g = g min(1, clip_norm / norm(g))` over the whole arena; a norm that is not finite makes every gradient NaN, as in Keras.
pub(crate) fn record_clip_by_norm(r: &mut Recorder, gradients: BufferSlice, clip_norm: f64) {
    let sums = SquareSums::new(gradients.len);
    let SquareSums { count, groups } = sums;
    let partial = r.floats("gradient norm partial sums", groups);
    r.dispatch("gradient norm", sums, &[gradients], &[partial]);
    r.dispatch("clip gradients", ClipByNorm { count, groups, clip_norm }, &[partial], &[gradients]);
}

/// Partial sums of the squares of an arena. Inputs: g `[count]`; outputs: partial `[groups]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct SquareSums {
    /// A multiple of four.
    count: usize,
    groups: usize,
}

impl KernelSpec for SquareSums {
    fn shader(&self) -> Shader {
        Shader {
            files: vec![wgsl!("square_sums.wgsl")],
            constants: constants! { COUNT: self.count, GROUPS: self.groups }.and(grid(self.groups).1),
            grid: grid(self.groups).0,
            iterations: self.count.div_ceil(RUN * self.groups) + LANES,
            uses_step: false,
        }
    }

    fn cost(&self) -> Cost {
        let flops = 2.0 * self.count as f64;
        Cost { flops, dense_flops: flops, bytes: 4.0 * self.count as f64 }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let (g, partial) = (io.input(0), io.output(0));
        partial.par_iter_mut().enumerate().for_each(|(group, sum)| *sum = self.sum(g, group));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let (g, partial) = (io.input(0), io.output(0));
        partial.par_iter_mut().enumerate().for_each(|(group, sum)| *sum = compiled!(level, self.sum(g, group)));
    }
}

impl SquareSums {
    /// Of `count` floats, a multiple of four.
    pub(super) fn new(count: usize) -> Self {
        Self { count, groups: count.div_ceil(RUN).clamp(1, MAX_GROUPS) }
    }

    /// Partial sums.
    pub(super) fn groups(&self) -> usize {
        self.groups
    }

    /// The sum of workgroup `group`, which takes every [`Self::groups`]th run of the arena.
    #[inline(always)]
    fn sum<F: Real>(&self, g: &[F], group: usize) -> F {
        let mut sums = [F::ZERO; RUN];
        for run in g.chunks(RUN).skip(group).step_by(self.groups) {
            for (sum, g) in sums.iter_mut().zip(run) {
                *sum += *g * *g;
            }
        }
        sums.chunks_exact(4).map(|four| (four[0] + four[1]) + (four[2] + four[3])).sum()
    }
}

/// Scales an arena by `clip_norm / max(norm, clip_norm)`. Inputs: partial `[groups]`, of the squares; outputs: g `[count]`, in place.
#[derive(Debug, Clone, Copy)]
struct ClipByNorm {
    /// A multiple of four.
    count: usize,
    groups: usize,
    clip_norm: f64,
}

impl KernelSpec for ClipByNorm {
    fn shader(&self) -> Shader {
        let (grid, grid_x) = elementwise_grid(self.count / 4);
        let own = constants! { COUNT: self.count, GROUPS: self.groups, CLIP_NORM: self.clip_norm as f32 };
        Shader {
            files: vec![wgsl!("norm_of_sums.wgsl"), wgsl!("clip_by_norm.wgsl")],
            constants: own.and(grid_x),
            grid,
            iterations: self.groups.div_ceil(LANES) + LANES,
            uses_step: false,
        }
    }

    fn cost(&self) -> Cost {
        let flops = self.count as f64;
        Cost { flops, dense_flops: flops, bytes: 8.0 * flops }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let scale = self.scale(io.input(0));
        io.output(0).par_chunks_mut(super::CHUNK).for_each(|g| scaled(g, scale));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let scale = self.scale(io.input(0));
        io.output(0).par_chunks_mut(super::CHUNK).for_each(|g| compiled!(level, scaled(g, scale)));
    }
}

impl ClipByNorm {
    fn scale<F: Real>(&self, partial: &[F]) -> F {
        let norm = norm_of(partial);
        let bound = F::from_f64(self.clip_norm);
        match norm.to_f64().is_finite() {
            true => bound / if norm > bound { norm } else { bound },
            false => F::from_f64(f64::NAN),
        }
    }
}

/// The norm from partial sums of squares; twin of `norm_of_sums.wgsl`.
pub(super) fn norm_of<F: Real>(partial: &[F]) -> F {
    let lane = |lane: usize| partial.iter().skip(lane).step_by(LANES).copied().sum::<F>();
    (0..LANES).map(lane).sum::<F>().sqrt()
}

#[inline(always)]
fn scaled<F: Real>(g: &mut [F], scale: F) {
    g.iter_mut().for_each(|g| *g = *g * scale);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_that_of_keras() {
        let clip = |clip_norm: f64| ClipByNorm { count: 4, groups: 2, clip_norm };
        assert_eq!(clip(1.0).scale(&[9.0, 16.0]), 0.2);
        assert_eq!(clip(5.0).scale(&[9.0, 16.0]), 1.0);
        assert_eq!(clip(50.0).scale(&[9.0, 16.0]), 1.0);
        assert_eq!(clip(1.0).scale(&[0.0f64, 0.0]), 1.0);
        assert!(clip(1.0).scale(&[f64::NAN, 1.0]).is_nan() && clip(1.0).scale(&[f64::INFINITY, 1.0]).is_nan());
    }
}
