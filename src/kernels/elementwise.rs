//! Elementwise kernels: sums with an epilogue, and copies of rows.

use super::gate::GateKind;
use super::maximum::relu;
use crate::plan::{
    Constants, Cost, Io, KernelSpec, LANES_FILE, Shader, View, constants, elementwise_grid, output_file, wgsl,
};
use crate::real::Real;
use crate::simd::{SimdLevel, compiled};
use rayon::prelude::*;

/// `y = a` or `y = a + b`, then ReLU or a gate. Inputs: a `[count]`, b `[count]` if there are two terms, what the gate reads;
/// outputs: y `[count]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sum {
    pub(crate) count: usize,
    /// 1 or 2.
    pub(crate) terms: usize,
    pub(crate) relu: bool,
    pub(crate) gate: GateKind,
}

impl Sum {
    /// `y = a`.
    pub(crate) fn copy(count: usize) -> Self {
        Self { count, terms: 1, relu: false, gate: GateKind::None }
    }

    /// `y = max(0, a)`.
    pub(crate) fn relu(count: usize) -> Self {
        Self { count, terms: 1, relu: true, gate: GateKind::None }
    }
}

/// Elements of a task on the CPU.
pub(super) const CHUNK: usize = 4096;

/// The shader of `files` over `count` elements, LANES per invocation: four where four divides `count` (BY_4), else one. `own` are
/// the constants of the kernel alone.
pub(super) fn elementwise_shader(count: usize, files: &[&'static str], own: Constants) -> Shader {
    rows_shader(count, count, files, own)
}

/// As [`elementwise_shader`], over rows of `cols` elements: four where four divides `cols`.
pub(super) fn rows_shader(count: usize, cols: usize, files: &[&'static str], own: Constants) -> Shader {
    lanes_shader(count, cols.is_multiple_of(4), files, own)
}

/// As [`elementwise_shader`], with LANES four if `by_4`.
pub(super) fn lanes_shader(count: usize, by_4: bool, files: &[&'static str], own: Constants) -> Shader {
    let lanes: usize = if by_4 { 4 } else { 1 };
    let (grid, grid_x) = elementwise_grid(count / lanes);
    let constants = constants! { COUNT: count, LANES: lanes, BY_4: by_4 }.and(grid_x).and(own);
    Shader {
        files: [&[LANES_FILE], files, &[output_file(by_4)]].concat(),
        constants,
        grid,
        iterations: 0,
        uses_step: false,
    }
}

/// `flops` operations for each element, which is moved from or to `buffers` buffers.
pub(super) fn elementwise_cost(count: usize, flops: f64, buffers: usize) -> Cost {
    let flops = flops * count as f64;
    Cost { flops, dense_flops: flops, bytes: 4.0 * (buffers * count) as f64 }
}

impl KernelSpec for Sum {
    fn shader(&self) -> Shader {
        let terms = match self.terms {
            1 => wgsl!("sum_one.wgsl"),
            _ => wgsl!("sum_two.wgsl"),
        };
        let files = [wgsl!("sum.wgsl"), terms, self.gate.file()];
        let own = constants! { RELU: self.relu, OUT: self.terms + self.gate.bindings() };
        elementwise_shader(self.count, &files, own.and(self.gate.constants(self.terms, self.count)))
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.count, 1.0, self.terms + self.gate.bindings() + 1)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        self.for_each_chunk(&mut io, |y, a, b, gate_input, first| self.sum(y, a, b, gate_input, first));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        self.for_each_chunk(&mut io, |y, a, b, gate_input, first| {
            compiled!(level, self.sum(y, a, b, gate_input, first));
        });
    }
}

impl Sum {
    /// Calls `each(y, a, b, gate_input, first)` for chunks in parallel; `first` is the index of a chunk's first element in
    /// `gate_input`, which is whole. With one term b is a.
    fn for_each_chunk<F: Real>(
        &self,
        io: &mut Io<'_, F>,
        each: impl Fn(&mut [F], &[F], &[F], View<'_, F>, usize) + Sync,
    ) {
        let (a, y) = (io.input(0), io.output(0));
        let b = if self.terms == 2 { io.input(1) } else { a };
        let gate_input = io.inputs[self.terms];
        let chunks = y.par_chunks_mut(CHUNK).zip(a.par_chunks(CHUNK)).zip(b.par_chunks(CHUNK));
        chunks.enumerate().for_each(|(i, ((y, a), b))| each(y, a, b, gate_input, i * CHUNK));
    }

    #[inline(always)]
    fn sum<F: Real>(&self, y: &mut [F], a: &[F], b: &[F], gate_input: View<'_, F>, first: usize) {
        for ((y, a), b) in y.iter_mut().zip(a).zip(b) {
            let sum = if self.terms == 2 { *a + *b } else { *a };
            *y = if self.relu { relu(sum) } else { sum };
        }
        self.gate.apply(y, gate_input, first);
    }
}

/// Copies `rows` rows of `len` elements from one matrix into another. Inputs: x; outputs: y, of which all other elements stay.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CopyRows {
    pub(crate) rows: usize,
    pub(crate) len: usize,
    /// Row length of x, and the first column to read.
    pub(crate) from: [usize; 2],
    /// Row length of y, and the first column to write.
    pub(crate) to: [usize; 2],
}

impl KernelSpec for CopyRows {
    fn shader(&self) -> Shader {
        let count = self.rows * self.len;
        let (grid, grid_x) = elementwise_grid(count);
        let constants = constants! {
            COUNT: count,
            LEN: self.len,
            FROM_LEN: self.from[0],
            FROM: self.from[1],
            TO_LEN: self.to[0],
            TO: self.to[1],
            OUT: 1u32,
        };
        let files = vec![wgsl!("copy_rows.wgsl"), output_file(false)];
        Shader { files, constants: constants.and(grid_x), grid, iterations: 0, uses_step: false }
    }

    fn cost(&self) -> Cost {
        Cost { flops: 0.0, dense_flops: 0.0, bytes: 8.0 * (self.rows * self.len) as f64 }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let (x, y) = (io.input(0), io.output(0));
        let rows = y.par_chunks_exact_mut(self.to[0]).zip(x.par_chunks_exact(self.from[0]));
        rows.for_each(|(y, x)| y[self.to[1]..][..self.len].copy_from_slice(&x[self.from[1]..][..self.len]));
    }
}
