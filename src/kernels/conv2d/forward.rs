//! `y = act(conv(x, w) + b)`; twin of `shaders/conv2d_forward.wgsl`.

use super::Dims;
use crate::kernels::tile::{Part, Tiles, bias_and_relu};
use crate::plan::{Cost, Io, KernelSpec, Shader};
use crate::real::{MatMul, Real, Strided};
use rayon::prelude::*;

/// Inputs: x [n, h, w, c_in], weights (w [kh, kw, c_in, c_out], b `[c_out]`); outputs: y [n, oh, ow, c_out].
#[derive(Debug, Clone, Copy)]
pub(super) struct Conv2dForward {
    pub(super) dims: Dims,
    pub(super) tiles: Tiles,
    pub(super) relu: bool,
}

impl KernelSpec for Conv2dForward {
    fn shader(&self) -> Shader {
        let mut constants = self.dims.constants();
        constants.push(("RELU?", u64::from(self.relu)));
        self.tiles.shader(Part::Forward, include_str!("../../../shaders/conv2d_forward.wgsl"), &constants)
    }

    fn cost(&self) -> Cost {
        let d = &self.dims;
        d.cost([d.batch * d.in_image(), d.batch * d.out_image(), (d.window() + 1) * d.c_out])
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let d = &self.dims;
        let (x, weights, y) = (io.input(0), io.input(1), io.output(0));
        let (w, b) = weights.split_at(d.window() * d.c_out);
        let size = MatMul { m: d.y.output * d.x.output, k: d.window(), n: d.c_out };
        let images = y.par_chunks_mut(d.out_image()).zip(x.par_chunks(d.in_image()));
        images.for_each_init(
            || vec![F::ZERO; size.m * size.k],
            |patches, (y, x)| {
                d.im2col(x, 0..size.m, patches);
                F::matmul(size, Strided::rows(patches, size.k), Strided::rows(w, size.n), F::ZERO, y);
                bias_and_relu(y, b, self.relu);
            },
        );
    }
}
