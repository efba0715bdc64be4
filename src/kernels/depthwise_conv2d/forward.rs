//! The forward pass: `shaders/depthwise_conv2d_forward.wgsl`.

use super::blocks::Blocks;
use super::cpu;
use super::dims::Dims;
use crate::kernels::gate::GateKind;
use crate::kernels::maximum::relu;
use crate::kernels::tile::weights_file;
use crate::plan::{BufferSlice, Cost, Io, KernelSpec, Recorder, Shader, constants, wgsl};
use crate::real::Real;
use crate::simd::SimdLevel;
use rayon::prelude::*;

/// Records `y = act(conv(x, w) + b)`: x [n, h, w, c], weights (w [kh, kw, c, m], maybe b `[c m]`), y [n, oh, ow, c m].
pub(crate) fn record_forward(r: &mut Recorder, label: &str, dims: Dims, relu: bool, [x, weights, y]: [BufferSlice; 3]) {
    r.dispatch(label, Forward { dims, relu }, &[x, weights], &[y]);
}

/// Inputs: x [n, h, w, c], weights (w [kh, kw, c, m], maybe b `[c m]`); outputs: y [n, oh, ow, c m].
#[derive(Debug, Clone, Copy)]
struct Forward {
    dims: Dims,
    relu: bool,
}

impl KernelSpec for Forward {
    fn shader(&self) -> Shader {
        let d = &self.dims;
        if let Some(blocks) = Blocks::forward(d) {
            return blocks.sums([d.bias, self.relu], GateKind::None);
        }
        let files = [
            weights_file(d.outputs().is_multiple_of(4)),
            wgsl!("depthwise_conv2d_input.wgsl"),
            wgsl!("depthwise_conv2d_forward.wgsl"),
        ];
        let own = constants! { RELU: self.relu, OUT: 2u32 };
        d.shader(&files, [d.batch * d.out_image(), d.outputs()], d.h.kernel * (1 + d.w.kernel), own)
    }

    fn cost(&self) -> Cost {
        let d = &self.dims;
        d.cost(d.batch * (d.in_image() + d.out_image()) + d.weights_rows() * d.outputs())
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let d = &self.dims;
        let (x, weights, y) = (io.input(0), io.input(1), io.output(0));
        y.par_chunks_mut(d.out_image()).zip(x.par_chunks(d.in_image())).for_each(|(y, x)| {
            for (pixel, y) in y.chunks_exact_mut(d.outputs()).enumerate() {
                y.fill(F::ZERO);
                d.for_each_tap(pixel, |tap, at| {
                    let (x, w) = (&x[at * d.channels..], &weights[tap * d.outputs()..]);
                    for (o, y) in y.iter_mut().enumerate() {
                        *y += x[o / d.multiplier] * w[o];
                    }
                });
                if let Some(bias) = d.bias_of(weights) {
                    y.iter_mut().zip(bias).for_each(|(y, bias)| *y += *bias);
                }
                if self.relu {
                    y.iter_mut().for_each(|y| *y = relu(*y));
                }
            }
        });
    }

    fn run_simd(&self, level: SimdLevel, io: Io<'_, f32>) {
        cpu::forward(&self.dims, self.relu, level, io);
    }
}
