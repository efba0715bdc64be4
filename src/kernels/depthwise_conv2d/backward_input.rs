//! The gradient w.r.t. the input: `shaders/depthwise_conv2d_backward_input.wgsl`.

use super::blocks::Blocks;
use super::cpu;
use super::dims::Dims;
use crate::kernels::gate::{GateKind, GradientOut};
use crate::kernels::tile::weights_file;
use crate::plan::{BufferSlice, Cost, Io, KernelSpec, Recorder, Shader, wgsl};
use crate::real::Real;
use crate::simd::SimdLevel;
use rayon::prelude::*;

/// Records the gradient w.r.t. the input from dy [n, oh, ow, c m] and the weights.
pub(crate) fn record_backward_input(
    r: &mut Recorder,
    label: &str,
    dims: Dims,
    [dy, weights]: [BufferSlice; 2],
    dx: GradientOut,
) {
    r.dispatch(label, BackwardInput { dims, gate: dx.gate.kind() }, &dx.inputs(&[dy, weights]), &[dx.to]);
}

/// Inputs: dy [n, oh, ow, c m], weights (w [kh, kw, c, m], ..), what the gate reads; outputs: dx [n, h, w, c] after the gate.
#[derive(Debug, Clone, Copy)]
struct BackwardInput {
    dims: Dims,
    gate: GateKind,
}

impl KernelSpec for BackwardInput {
    fn shader(&self) -> Shader {
        let d = &self.dims;
        if let Some(blocks) = Blocks::backward_input(d) {
            return blocks.sums([false; 2], self.gate);
        }
        let files = [
            weights_file(d.outputs().is_multiple_of(4)),
            wgsl!("depthwise_conv2d_backward_input.wgsl"),
            self.gate.file(),
        ];
        let own = self.gate.constants(2, d.channels).with("OUT", 2 + self.gate.bindings());
        let iterations = d.h.kernel * (1 + d.w.kernel * (1 + d.multiplier));
        d.shader(&files, [d.batch * d.in_image(), d.channels], iterations, own)
    }

    fn cost(&self) -> Cost {
        let d = &self.dims;
        d.cost(d.batch * ((1 + self.gate.bindings()) * d.in_image() + d.out_image()) + d.taps() * d.outputs())
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let d = &self.dims;
        let (dy, weights, dx, gate_input) = (io.input(0), io.input(1), io.output(0), io.inputs[2]);
        let images = dx.par_chunks_mut(d.in_image()).zip(dy.par_chunks(d.out_image()));
        images.enumerate().for_each(|(image, (dx, dy))| {
            dx.fill(F::ZERO);
            for (pixel, dy) in dy.chunks_exact(d.outputs()).enumerate() {
                d.for_each_tap(pixel, |tap, at| {
                    let (dx, w) = (&mut dx[at * d.channels..], &weights[tap * d.outputs()..]);
                    for (o, dy) in dy.iter().enumerate() {
                        dx[o / d.multiplier] += *dy * w[o];
                    }
                });
            }
            self.gate.apply(dx, gate_input, image * d.in_image());
        });
    }

    fn run_simd(&self, level: SimdLevel, io: Io<'_, f32>) {
        cpu::backward_input(&self.dims, self.gate, level, io);
    }
}
