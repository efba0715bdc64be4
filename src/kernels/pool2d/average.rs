//! The averages of windows, over the pixels that are inside the image.

use super::dims::Dims;
use crate::kernels::gate::GateKind;
use crate::kernels::window::WindowAxis;
use crate::plan::{Constants, Cost, Io, KernelSpec, Shader, View, wgsl};
use crate::real::Real;
use crate::simd::{SimdLevel, compiled};
use rayon::prelude::*;

/// Inputs: x [n, h, w, c]; outputs: y [n, oh, ow, c].
#[derive(Debug, Clone, Copy)]
pub(crate) struct AveragePool2dForward {
    pub(crate) dims: Dims,
}

impl KernelSpec for AveragePool2dForward {
    fn shader(&self) -> Shader {
        let files = [wgsl!("pool_windows.wgsl"), wgsl!("average_pool2d_forward.wgsl")];
        self.dims.shader(&files, self.dims.batch * self.dims.out_image(), Constants::new().with("OUT", 1u32))
    }

    fn cost(&self) -> Cost {
        self.dims.cost()
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let d = &self.dims;
        let images = io.output(0).par_chunks_mut(d.out_image()).zip(io.input(0).par_chunks(d.in_image()));
        images.for_each(|(y, x)| average(d, x, y));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let d = &self.dims;
        let images = io.output(0).par_chunks_mut(d.out_image()).zip(io.input(0).par_chunks(d.in_image()));
        images.for_each(|(y, x)| compiled!(level, average(d, x, y)));
    }
}

/// The averages of one image's windows.
#[inline(always)]
fn average<F: Real>(d: &Dims, x: &[F], y: &mut [F]) {
    for (pixel, y) in y.chunks_exact_mut(d.channels).enumerate() {
        let (oy, ox) = (pixel / d.w.output, pixel % d.w.output);
        y.fill(F::ZERO);
        d.for_each_tap(oy, ox, |_, at| y.iter_mut().zip(&x[at..]).for_each(|(sum, value)| *sum += *value));
        let count = F::from_f64(count(d, oy, ox) as f64);
        y.iter_mut().for_each(|sum| *sum = *sum / count);
    }
}

/// Pixels of the window of output pixel (`oy`, `ox`) that are inside the image.
#[inline(always)]
fn count(d: &Dims, oy: usize, ox: usize) -> usize {
    let along = |axis: &WindowAxis, out: usize| {
        let (start, end) = (out * axis.stride, out * axis.stride + axis.kernel);
        end.min(axis.input + axis.pad) - start.max(axis.pad)
    };
    along(&d.h, oy) * along(&d.w, ox)
}

/// Inputs: dy [n, oh, ow, c], the gate's input [n, h, w, c] (see [`crate::kernels::Gate`]); outputs: dx [n, h, w, c].
#[derive(Debug, Clone, Copy)]
pub(crate) struct AveragePool2dBackward {
    pub(crate) dims: Dims,
    pub(crate) gate: GateKind,
}

impl KernelSpec for AveragePool2dBackward {
    fn shader(&self) -> Shader {
        let files = [wgsl!("pool_windows.wgsl"), wgsl!("average_pool2d_backward.wgsl"), self.gate.file()];
        let own = self.gate.constants(1, self.dims.channels).with("OUT", 1 + self.gate.bindings());
        self.dims.shader(&files, self.dims.batch * self.dims.in_image(), own)
    }

    fn cost(&self) -> Cost {
        self.dims.cost()
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        self.for_each_image(&mut io, |dy, dx, gate_input, at| self.spread(dy, dx, gate_input, at));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        self.for_each_image(&mut io, |dy, dx, gate_input, at| {
            compiled!(level, self.spread(dy, dx, gate_input, at));
        });
    }
}

impl AveragePool2dBackward {
    /// Calls `each(dy, dx, gate_input, at)` for each image in parallel; `gate_input` is the whole batch, in which the image
    /// starts at element `at`.
    fn for_each_image<F: Real>(&self, io: &mut Io<'_, F>, each: impl Fn(&[F], &mut [F], View<'_, F>, usize) + Sync) {
        let d = &self.dims;
        let (dy, dx, gate_input) = (io.input(0), io.output(0), io.inputs[1]);
        let images = dx.par_chunks_mut(d.in_image()).zip(dy.par_chunks(d.out_image())).enumerate();
        images.for_each(|(image, (dx, dy))| each(dy, dx, gate_input, image * d.in_image()));
    }

    /// The gradient w.r.t. one image's input: each window's gradient in equal shares; then the gate, in whose input the image
    /// begins at element `at`.
    #[inline(always)]
    fn spread<F: Real>(&self, dy: &[F], dx: &mut [F], gate_input: View<'_, F>, at: usize) {
        let d = &self.dims;
        dx.fill(F::ZERO);
        for (pixel, dy) in dy.chunks_exact(d.channels).enumerate() {
            let (oy, ox) = (pixel / d.w.output, pixel % d.w.output);
            let count = F::from_f64(count(d, oy, ox) as f64);
            d.for_each_tap(oy, ox, |_, at| {
                dx[at..].iter_mut().zip(dy).for_each(|(dx, dy)| *dx += *dy / count);
            });
        }
        self.gate.apply(dx, gate_input, at);
    }
}
