//! Joins of two tensors, and the gradient w.r.t. one that has the result's shape.

use super::broadcast::{BLOCK, Broadcasts, OPERANDS_FILE, constants_of, for_each_block};
use super::operation::Operation;
use crate::kernels::elementwise::{CHUNK, elementwise_cost, lanes_shader};
use crate::plan::{Constants, Cost, Io, KernelSpec, Shader, constants, wgsl};
use crate::real::Real;
use crate::simd::{SimdLevel, compiled};
use rayon::prelude::*;

/// The shader of `files` over `count` elements of the result.
fn shader(count: usize, broadcasts: Broadcasts, operation: Operation, file: &'static str, own: Constants) -> Shader {
    let by_4 = count.is_multiple_of(4) && broadcasts.iter().all(|operand| operand.by_4(count));
    let constants = constants_of(broadcasts).and(operation.constants()).and(own);
    lanes_shader(count, by_4, &[OPERANDS_FILE, operation.file(), file], constants)
}

/// `y = a op b`. Inputs: a and b, `[count]` or broadcast to it; outputs: y `[count]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Join {
    pub(crate) count: usize,
    pub(crate) operation: Operation,
    pub(crate) broadcasts: Broadcasts,
}

impl KernelSpec for Join {
    fn shader(&self) -> Shader {
        let file = wgsl!("join_forward.wgsl");
        shader(self.count, self.broadcasts, self.operation, file, constants! { OUT: 2u32 })
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.count, 1.0, 3)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let operands = [io.input(0), io.input(1)];
        let chunks = io.output(0).par_chunks_mut(CHUNK).enumerate();
        chunks.for_each(|(i, y)| self.join(y, operands, i * CHUNK));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let operands = [io.input(0), io.input(1)];
        let chunks = io.output(0).par_chunks_mut(CHUNK).enumerate();
        chunks.for_each(|(i, y)| compiled!(level, self.join(y, operands, i * CHUNK)));
    }
}

impl Join {
    #[inline(always)]
    fn join<F: Real>(&self, y: &mut [F], operands: [&[F]; 2], first: usize) {
        let mut buffers = [[F::ZERO; BLOCK]; 2];
        for_each_block(self.broadcasts, operands, &mut buffers, [first, y.len()], |offset, a, b| {
            let y = y[offset..].iter_mut();
            y.zip(a).zip(b).for_each(|((y, a), b)| *y = self.operation.join(*a, *b));
        });
    }
}

/// The gradient of [`Join`] w.r.t. an operand that is not broadcast. Inputs: a and b, `[count]` or broadcast to it, and dy `[count]`;
/// outputs: the gradient `[count]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JoinGradient {
    pub(crate) count: usize,
    pub(crate) operation: Operation,
    pub(crate) broadcasts: Broadcasts,
    /// Whether it is that of b.
    pub(crate) second: bool,
}

impl KernelSpec for JoinGradient {
    fn shader(&self) -> Shader {
        let file = wgsl!("join_gradient.wgsl");
        let own = constants! { SECOND: self.second, OUT: 3u32 };
        shader(self.count, self.broadcasts, self.operation, file, own)
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.count, 1.0, 4)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let inputs = [0, 1, 2].map(|i| io.input(i));
        let chunks = io.output(0).par_chunks_mut(CHUNK).enumerate();
        chunks.for_each(|(i, dx)| self.gradient(dx, inputs, i * CHUNK));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let inputs = [0, 1, 2].map(|i| io.input(i));
        let chunks = io.output(0).par_chunks_mut(CHUNK).enumerate();
        chunks.for_each(|(i, dx)| compiled!(level, self.gradient(dx, inputs, i * CHUNK)));
    }
}

impl JoinGradient {
    #[inline(always)]
    fn gradient<F: Real>(&self, dx: &mut [F], [a, b, dy]: [&[F]; 3], first: usize) {
        let mut buffers = [[F::ZERO; BLOCK]; 2];
        for_each_block(self.broadcasts, [a, b], &mut buffers, [first, dx.len()], |offset, a, b| {
            let dx = dx[offset..].iter_mut();
            for (((dx, a), b), dy) in dx.zip(a).zip(b).zip(&dy[first + offset..]) {
                *dx = self.operation.gradient(self.second, *a, *b, *dy);
            }
        });
    }
}
