//! `dx = gate conv_transposed(dy, w)`; twin of `shaders/conv2d_backward_input.wgsl`.

use super::Dims;
use crate::kernels::tile::{Part, Tiles, gate};
use crate::plan::{Cost, Io, KernelSpec, Shader};
use crate::real::{MatMul, Real, Strided};
use rayon::prelude::*;

/// Inputs: dy [n, oh, ow, c_out], weights (w [kh, kw, c_in, c_out], ..), x [n, h, w, c_in]; outputs: dx like x.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conv2dBackwardInput {
    pub(super) dims: Dims,
    pub(super) tiles: Tiles,
    /// Whether x is the output of a ReLU.
    pub(super) gate: bool,
}

impl KernelSpec for Conv2dBackwardInput {
    fn shader(&self) -> Shader {
        let mut constants = self.dims.constants();
        constants.push(("GATE?", u64::from(self.gate)));
        self.tiles.shader(Part::BackwardInput, include_str!("../../../shaders/conv2d_backward_input.wgsl"), &constants)
    }

    fn cost(&self) -> Cost {
        let d = &self.dims;
        d.cost([d.batch * d.in_image() * (1 + usize::from(self.gate)), d.batch * d.out_image(), d.window() * d.c_out])
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let d = &self.dims;
        let (dy, weights, x, dx) = (io.input(0), io.input(1), io.input(2), io.output(0));
        let size = MatMul { m: d.y.output * d.x.output, k: d.c_out, n: d.window() };
        let images = dx.par_chunks_mut(d.in_image()).zip(x.par_chunks(d.in_image())).zip(dy.par_chunks(d.out_image()));
        images.for_each_init(
            || vec![F::ZERO; size.m * size.n],
            |patches, ((dx, x), dy)| {
                F::matmul(size, Strided::rows(dy, size.k), Strided::transposed(weights, size.k), F::ZERO, patches);
                dx.fill(F::ZERO);
                d.col2im(patches, dx);
                if self.gate {
                    gate(dx, x);
                }
            },
        );
    }
}
