//! The gradient through the maxima of windows.

use super::dims::Dims;
use crate::kernels::gate::GateKind;
use crate::plan::{Cost, Io, KernelSpec, Shader, View, wgsl};
use crate::real::Real;
use crate::simd::{SimdLevel, compiled};
use rayon::prelude::*;

/// Inputs: dy [n, oh, ow, c], argmax of the same shape, the gate's input [n, h, w, c] (see [`crate::kernels::Gate`]); outputs: dx
/// [n, h, w, c].
#[derive(Debug, Clone, Copy)]
pub(crate) struct MaxPool2dBackward {
    pub(crate) dims: Dims,
    pub(crate) gate: GateKind,
}

impl KernelSpec for MaxPool2dBackward {
    fn shader(&self) -> Shader {
        let files = [wgsl!("pool_windows.wgsl"), wgsl!("max_pool2d_backward.wgsl"), self.gate.file()];
        let own = self.gate.constants(2, self.dims.channels).with("OUT", 2 + self.gate.bindings());
        self.dims.shader(&files, self.dims.batch * self.dims.in_image(), own)
    }

    fn cost(&self) -> Cost {
        self.dims.cost()
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        self.for_each_image(&mut io, |dy, argmax, dx, gate_input, at| {
            self.unpool(dy, argmax, dx, gate_input, at);
        });
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        self.for_each_image(&mut io, |dy, argmax, dx, gate_input, at| {
            compiled!(level, self.unpool(dy, argmax, dx, gate_input, at));
        });
    }
}

impl MaxPool2dBackward {
    /// Calls `each(dy, argmax, dx, gate_input, at)` for each image in parallel. The first three are slices of that
    /// image; `gate_input` is the whole batch, in which the image starts at element `at`.
    fn for_each_image<F: Real>(
        &self,
        io: &mut Io<'_, F>,
        each: impl Fn(&[F], &[u32], &mut [F], View<'_, F>, usize) + Sync,
    ) {
        let d = &self.dims;
        let (dy, argmax, dx, gate_input) = (io.input(0), io.input_u32(1), io.output(0), io.inputs[2]);
        let grads = dy.par_chunks(d.out_image()).zip(argmax.par_chunks(d.out_image()));
        let images = dx.par_chunks_mut(d.in_image()).zip(grads).enumerate();
        images.for_each(|(image, (dx, (dy, argmax)))| each(dy, argmax, dx, gate_input, image * d.in_image()));
    }

    /// The gradient w.r.t. one image's input: each window's gradient is added to the pixel of its argmax; then the gate, in whose
    /// input the image begins at element `at`.
    #[inline(always)]
    fn unpool<F: Real>(&self, dy: &[F], argmax: &[u32], dx: &mut [F], gate_input: View<'_, F>, at: usize) {
        let d = &self.dims;
        dx.fill(F::ZERO);
        let pixels = dy.chunks_exact(d.channels).zip(argmax.chunks_exact(d.channels));
        for (pixel, (dy, argmax)) in pixels.enumerate() {
            d.for_each_tap(pixel / d.w.output, pixel % d.w.output, |window_offset, at| {
                for ((dx, dy), argmax) in dx[at..][..d.channels].iter_mut().zip(dy).zip(argmax) {
                    *dx += if *argmax == window_offset { *dy } else { F::ZERO };
                }
            });
        }
        self.gate.apply(dx, gate_input, at);
    }
}
