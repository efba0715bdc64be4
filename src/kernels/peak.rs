//! Benchmarks of an adapter's peak rates: a copy for the memory bandwidth, a loop of multiply-adds for the arithmetic.
//! `gpu-cnn bench --kernels` compares the kernels with them.

use crate::plan::{Cost, Io, KernelSpec, Shader, constants, elementwise_grid, wgsl};
use crate::real::Real;
use rayon::prelude::*;

/// `y = x`; inputs: x `[count]`; outputs: y `[count]`.
#[derive(Debug, Clone, Copy)]
pub struct Copy {
    /// Number of elements, a multiple of four.
    pub count: usize,
}

/// `y[i] = sum over j of s_j`: each of the 12 recurrences starts at `s_j = j` and runs `s_j = s_j x[i] + 1` 1024 times;
/// inputs: x `[count]`; outputs: y `[count]`.
#[derive(Debug, Clone, Copy)]
pub struct MultiplyAdd {
    /// Number of elements, a multiple of four.
    pub count: usize,
}

/// Elements that one parallel task copies.
const CHUNK: usize = 1 << 14;
/// Multiply-adds of each recurrence, a multiple of [`UNROLLED`].
const ROUNDS: usize = 1024;
/// Multiply-adds of a recurrence that an iteration of the shader's loop has, written out.
const UNROLLED: usize = 8;
/// Independent recurrences of each element: enough to hide the latency of a multiply-add.
const CHAINS: usize = 12;

impl KernelSpec for Copy {
    fn shader(&self) -> Shader {
        shader(self.count, wgsl!("peak_copy.wgsl"), 0)
    }

    fn cost(&self) -> Cost {
        Cost { flops: 0.0, dense_flops: 0.0, bytes: 8.0 * self.count as f64 }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let (x, y) = (io.input(0), io.output(0));
        y.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(y, x)| y.copy_from_slice(x));
    }
}

impl KernelSpec for MultiplyAdd {
    fn shader(&self) -> Shader {
        shader(self.count, wgsl!("peak_multiply_add.wgsl"), 4 * (1 + ROUNDS / UNROLLED))
    }

    fn cost(&self) -> Cost {
        let flops = (2 * CHAINS * ROUNDS * self.count) as f64;
        Cost { flops, dense_flops: flops, bytes: 8.0 * self.count as f64 }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let (x, y) = (io.input(0), io.output(0));
        for (x, y) in x.iter().zip(y) {
            let mut chains: [F; CHAINS] = std::array::from_fn(|j| F::from_f64(j as f64));
            for _ in 0..ROUNDS {
                chains.iter_mut().for_each(|s| *s = *s * *x + F::ONE);
            }
            *y = chains.into_iter().sum();
        }
    }
}

fn shader(count: usize, file: &'static str, iterations: usize) -> Shader {
    let (grid, grid_x) = elementwise_grid(count / 4);
    let constants = constants! { COUNT: count, ROUNDS: ROUNDS, UNROLLED: UNROLLED, CHAINS: CHAINS }.and(grid_x);
    Shader { files: vec![file], constants, grid, iterations, uses_step: false }
}
