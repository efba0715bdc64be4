//! Activations that no other kernel fuses: `y = f(x)`, and `dx = dy f'(x)`.

mod function;

use super::elementwise::{CHUNK, elementwise_cost, elementwise_shader};
use super::gate::GateKind;
use crate::plan::{Cost, Io, KernelSpec, Shader, View, wgsl};
use crate::real::{Real, is_nan};
use crate::simd::{SimdLevel, compiled};
pub(crate) use function::Function;
use function::with_known;
use rayon::prelude::*;

/// Operations of one element, as an order of magnitude.
const FLOPS: f64 = 20.0;

/// `y = f(x)`. Inputs: x `[count]`; outputs: y `[count]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Activate {
    pub(crate) count: usize,
    pub(crate) function: Function,
}

impl KernelSpec for Activate {
    fn shader(&self) -> Shader {
        let files = [self.function.file(), wgsl!("activation_forward.wgsl")];
        elementwise_shader(self.count, &files, self.function.constants().with("OUT", 1u32))
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.count, FLOPS, 2)
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let chunks = io.output(0).par_chunks_mut(CHUNK).zip(io.input(0).par_chunks(CHUNK));
        chunks.for_each(|(y, x)| self.activate(y, x));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let chunks = io.output(0).par_chunks_mut(CHUNK).zip(io.input(0).par_chunks(CHUNK));
        chunks.for_each(|(y, x)| compiled!(level, self.activate(y, x)));
    }
}

impl Activate {
    #[inline(always)]
    fn activate<F: Real>(&self, y: &mut [F], x: &[F]) {
        with_known!(self.function, function => {
            for (y, x) in y.iter_mut().zip(x) {
                *y = function.activate(*x);
            }
        });
    }
}

/// `dx = dy f'(x)`, NaN where x is, then the gate. Inputs: x `[count]`, dy `[count]`, what the gate reads; outputs: dx `[count]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ActivateBackward {
    pub(crate) count: usize,
    pub(crate) function: Function,
    pub(crate) gate: GateKind,
}

impl KernelSpec for ActivateBackward {
    fn shader(&self) -> Shader {
        let gate = self.gate;
        let files = [self.function.file(), wgsl!("activation_backward.wgsl"), gate.file()];
        let own = self.function.constants().and(gate.constants(2, self.count)).with("OUT", 2 + gate.bindings());
        elementwise_shader(self.count, &files, own)
    }

    fn cost(&self) -> Cost {
        elementwise_cost(self.count, FLOPS, 3 + self.gate.bindings())
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        self.for_each_chunk(&mut io, |dx, x, dy, gate_input, first| self.gradient(dx, x, dy, gate_input, first));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        self.for_each_chunk(&mut io, |dx, x, dy, gate_input, first| {
            compiled!(level, self.gradient(dx, x, dy, gate_input, first));
        });
    }
}

impl ActivateBackward {
    /// Calls `each(dx, x, dy, gate_input, first)` for chunks in parallel; `first` is the index of a chunk's first element in
    /// `gate_input`, which is whole.
    fn for_each_chunk<F: Real>(
        &self,
        io: &mut Io<'_, F>,
        each: impl Fn(&mut [F], &[F], &[F], View<'_, F>, usize) + Sync,
    ) {
        let (x, dy, dx, gate_input) = (io.input(0), io.input(1), io.output(0), io.inputs[2]);
        let chunks = dx.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).zip(dy.par_chunks(CHUNK));
        chunks.enumerate().for_each(|(i, ((dx, x), dy))| each(dx, x, dy, gate_input, i * CHUNK));
    }

    #[inline(always)]
    fn gradient<F: Real>(&self, dx: &mut [F], x: &[F], dy: &[F], gate_input: View<'_, F>, first: usize) {
        with_known!(self.function, function => {
            for ((dx, x), dy) in dx.iter_mut().zip(x).zip(dy) {
                *dx = if is_nan(*x) { *x } else { *dy * function.derivative(*x) };
            }
        });
        self.gate.apply(dx, gate_input, first);
    }
}
