//! Joins of two tensors of one shape, element by element, and their gradients.

use super::elementwise::{CHUNK, elementwise_cost, elementwise_shader};
use crate::plan::{Constants, Cost, Io, KernelSpec, Shader, constants};
use crate::real::{Real, is_better};
use crate::simd::SimdLevel;
use rayon::prelude::*;

/// What becomes of two elements.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Operation {
    /// `scale (a + b)`.
    Add { scale: f64 },
    /// `a - b`.
    Subtract,
    /// `a b`.
    Multiply,
    /// The larger of the two, a of equals; the first NaN.
    Maximum,
}

impl Operation {
    fn file(self) -> &'static str {
        match self {
            Self::Add { .. } => include_str!("../../shaders/join_add.wgsl"),
            Self::Subtract => include_str!("../../shaders/join_subtract.wgsl"),
            Self::Multiply => include_str!("../../shaders/join_multiply.wgsl"),
            Self::Maximum => include_str!("../../shaders/join_maximum.wgsl"),
        }
    }

    fn constants(self) -> Constants {
        match self {
            Self::Add { scale } => constants! { SCALE: scale as f32 },
            _ => Constants::new(),
        }
    }

    #[inline(always)]
    fn join<F: Real>(self, a: F, b: F) -> F {
        match self {
            Self::Add { scale } => F::from_f64(scale) * (a + b),
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Maximum => {
                if is_better(b, a) {
                    b
                } else {
                    a
                }
            }
        }
    }

    /// The gradient w.r.t. b if `second`, else w.r.t. a.
    #[inline(always)]
    fn gradient<F: Real>(self, second: bool, a: F, b: F, dy: F) -> F {
        match self {
            Self::Add { scale } => F::from_f64(scale) * dy,
            Self::Subtract if second => -dy,
            Self::Subtract => dy,
            Self::Multiply => dy * if second { a } else { b },
            Self::Maximum if is_better(b, a) == second => dy,
            Self::Maximum => F::ZERO,
        }
    }
}

/// `y = a op b`. Inputs: a and b `[count]`; outputs: y `[count]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Join {
    pub(crate) count: usize,
    pub(crate) operation: Operation,
}

impl KernelSpec for Join {
    fn shader(&self) -> Shader {
        let files = [self.operation.file(), include_str!("../../shaders/join_forward.wgsl")];
        elementwise_shader(self.count, &files, self.operation.constants().with("OUT", 2u32))
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.count, 1.0, 3)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let chunks =
            io.output(0).par_chunks_mut(CHUNK).zip(io.input(0).par_chunks(CHUNK)).zip(io.input(1).par_chunks(CHUNK));
        chunks.for_each(|((y, a), b)| self.join(y, a, b));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let chunks =
            io.output(0).par_chunks_mut(CHUNK).zip(io.input(0).par_chunks(CHUNK)).zip(io.input(1).par_chunks(CHUNK));
        chunks.for_each(|((y, a), b)| level.compiled(|| self.join(y, a, b)));
    }
}

impl Join {
    #[inline(always)]
    fn join<F: Real>(&self, y: &mut [F], a: &[F], b: &[F]) {
        y.iter_mut().zip(a).zip(b).for_each(|((y, a), b)| *y = self.operation.join(*a, *b));
    }
}

/// The gradient of [`Join`] w.r.t. one of its inputs. Inputs: a, b and dy `[count]`; outputs: the gradient `[count]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JoinGradient {
    pub(crate) count: usize,
    pub(crate) operation: Operation,
    /// Whether it is that of b.
    pub(crate) second: bool,
}

impl KernelSpec for JoinGradient {
    fn shader(&self) -> Shader {
        let files = [self.operation.file(), include_str!("../../shaders/join_gradient.wgsl")];
        let own = constants! { SECOND: self.second, OUT: 3u32 };
        elementwise_shader(self.count, &files, self.operation.constants().and(own))
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.count, 1.0, 4)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        self.for_each_chunk(&mut io, |dx, a, b, dy| self.gradient(dx, a, b, dy));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        self.for_each_chunk(&mut io, |dx, a, b, dy| level.compiled(|| self.gradient(dx, a, b, dy)));
    }
}

impl JoinGradient {
    fn for_each_chunk<F: Real>(&self, io: &mut Io<'_, F>, each: impl Fn(&mut [F], &[F], &[F], &[F]) + Sync) {
        let [a, b, dy] = [0, 1, 2].map(|i| io.input(i).par_chunks(CHUNK));
        let chunks = io.output(0).par_chunks_mut(CHUNK).zip(a).zip(b).zip(dy);
        chunks.for_each(|(((dx, a), b), dy)| each(dx, a, b, dy));
    }

    #[inline(always)]
    fn gradient<F: Real>(&self, dx: &mut [F], a: &[F], b: &[F], dy: &[F]) {
        for (((dx, a), b), dy) in dx.iter_mut().zip(a).zip(b).zip(dy) {
            *dx = self.operation.gradient(self.second, *a, *b, *dy);
        }
    }
}
