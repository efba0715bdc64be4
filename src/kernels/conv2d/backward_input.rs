//! `dx = conv_transpose(dy, w)`; CPU twin of `shaders/conv2d_backward_input.wgsl`.

use super::cpu;
use super::dims::Dims;
use crate::kernels::gate::Gate;
use crate::kernels::tile::{TileShader, Tiles, dy_file, weights_file};
use crate::plan::{Cost, Io, KernelSpec, Shader};
use crate::real::{MatMul, Real, Strided};
use crate::simd::SimdLevel;
use rayon::prelude::*;

/// Inputs: dy [n, oh, ow, c_out] or, with a pool, the tagged gradient [n, pool_oh, pool_ow, c_out]; weights
/// (w [kh, kw, c_in, c_out], ..); the input of `gate`, shaped like dx. Output: dx [n, h, w, c_in] after the gate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conv2dBackwardInput {
    pub(super) dims: Dims,
    pub(super) tiles: Tiles,
    pub(super) gate: Gate,
}

impl KernelSpec for Conv2dBackwardInput {
    fn shader(&self) -> Shader {
        let mut constants = self.dims.constants();
        constants.extend(self.gate.constants(2, self.dims.c_in));
        constants.push(("DY", 0));
        let by_4 = self.dims.c_out.is_multiple_of(4);
        let files = [
            weights_file(by_4),
            dy_file(by_4),
            include_str!("../../../shaders/conv2d_backward_input.wgsl"),
            include_str!("../../../shaders/tagged_gradient.wgsl"),
            Gate::FILE,
            include_str!("../../../shaders/tile_backward_input.wgsl"),
        ];
        self.tiles.shader(&TileShader { files: &files, out: 3, constants: &constants })
    }

    fn cost(&self) -> Cost {
        let d = &self.dims;
        let gate_input = 1 + usize::from(self.gate != Gate::Linear);
        let cost = d.cost([d.batch * d.in_image() * gate_input, d.batch * d.out_image(), d.patch_len() * d.c_out]);
        cost.scaled_for_cpu(self.tiles.profile, cpu::backward_share(d))
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let d = &self.dims;
        let (dy, weights, dx) = (io.input(0), io.input(1), io.output(0));
        let size = MatMul { m: d.image_windows() * d.window_len(), k: d.c_out, n: d.patch_len() };
        let images = dx.par_chunks_mut(d.in_image()).zip(dy.par_chunks(d.out_image()));
        images.enumerate().for_each_init(
            || (vec![F::ZERO; size.m * size.n], vec![F::ZERO; size.m * size.k]),
            |(patches, pixels), (image, (dx, dy))| {
                d.unpool(dy, 0..size.m, pixels);
                F::matmul(size, Strided::rows(pixels, size.k), Strided::transposed(weights, size.k), false, patches, 1);
                dx.fill(F::ZERO);
                d.col2im(patches, dx);
                self.gate.apply_gate(dx, io.inputs[2], image * d.in_image());
            },
        );
    }

    fn run_simd(&self, level: SimdLevel, io: Io<'_, f32>) {
        match &self.dims {
            d if cpu::sparse::supports(d, level) => cpu::sparse::backward_input(d, self.gate, level, io),
            _ => self.run(io),
        }
    }
}
