//! What an adapter can do at best: a copy, and a loop of multiply-adds. `gpu-cnn bench --kernels` compares with them.

use crate::plan::{Cost, Io, KernelSpec, Shader, elementwise_grid};
use crate::real::Real;
use rayon::prelude::*;

/// `y = x`; inputs: x `[count]`; outputs: y `[count]`.
#[derive(Debug, Clone, Copy)]
pub struct Copy {
    /// Elements, a multiple of four.
    pub count: usize,
}

/// `y[i]` = sum of twelve chains `s = s x[i] + 1`, each `ROUNDS` long; inputs: x `[count]`; outputs: y `[count]`.
#[derive(Debug, Clone, Copy)]
pub struct MultiplyAdd {
    /// Elements, a multiple of four.
    pub count: usize,
}

/// SimdLevel of four in a thread's share.
const SHARE: usize = 1 << 14;
/// Length of a chain.
const ROUNDS: usize = 1024;
/// Chains of an element: enough to hide the latency of an addition.
const CHAINS: usize = 12;

impl KernelSpec for Copy {
    fn shader(&self) -> Shader {
        shader(self.count, include_str!("../../shaders/peak_copy.wgsl"), 0)
    }

    fn cost(&self) -> Cost {
        Cost { flops: 0.0, dense_flops: 0.0, bytes: 8.0 * self.count as f64 }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let (x, y) = (io.input(0), io.output(0));
        y.par_chunks_mut(SHARE).zip(x.par_chunks(SHARE)).for_each(|(y, x)| y.copy_from_slice(x));
    }
}

impl KernelSpec for MultiplyAdd {
    fn shader(&self) -> Shader {
        shader(self.count, include_str!("../../shaders/peak_multiply_add.wgsl"), 4 * (1 + ROUNDS))
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
    let constants = vec![("COUNT", count as u64), ("ROUNDS", ROUNDS as u64), ("CHAINS", CHAINS as u64), grid_x];
    Shader { files: vec![file], constants, grid, iterations, uses_step: false }
}
