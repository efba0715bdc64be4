//! `dw = correlate(x, dy)`, `db = sum of dy`; CPU twin of `shaders/conv2d_backward_weights.wgsl`.

use super::cpu;
use super::dims::Dims;
use crate::kernels::tile::{TileShader, Tiles, dy_file, sum_rows};
use crate::plan::{Cost, Io, KernelSpec, Shader};
use crate::real::{MatMul, Real, Strided};
use crate::simd::SimdLevel;
use rayon::prelude::*;
use std::ops::Range;

/// Chunks of rows that are summed in parallel. The number is fixed, so that the order of additions, and with it every
/// bit of the result, does not depend on the number of threads.
const CHUNKS: usize = 8;
/// Rows per im2col block: few enough for the patches to stay in the L2 cache.
const PIXELS: usize = 128;

/// Inputs: x [n, h, w, c_in]; dy [n, oh, ow, c_out] or, with a pool, the tagged gradient [n, pool_oh, pool_ow, c_out].
/// Output: for each split of the sum over rows, dw [kh, kw, c_in, c_out] followed by db `[c_out]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conv2dBackwardWeights {
    pub(super) dims: Dims,
    pub(super) tiles: Tiles,
}

impl KernelSpec for Conv2dBackwardWeights {
    fn shader(&self) -> Shader {
        let files = [
            include_str!("../../../shaders/conv2d_backward_weights.wgsl"),
            dy_file(self.dims.c_out.is_multiple_of(4)),
            include_str!("../../../shaders/conv2d_pixels.wgsl"),
            include_str!("../../../shaders/tagged_gradient.wgsl"),
            include_str!("../../../shaders/tile_backward_weights.wgsl"),
        ];
        let mut constants = self.dims.constants();
        constants.push(("DY", 1));
        self.tiles.shader(&TileShader { files: &files, out: 2, constants: &constants })
    }

    fn cost(&self) -> Cost {
        cost(&self.dims).scaled_for_cpu(self.tiles.profile, cpu::backward_share(&self.dims))
    }

    fn run<F: Real>(&self, io: Io<'_, F>) {
        run(&self.dims, self.tiles.k_per_split(), io);
    }

    fn run_simd(&self, level: SimdLevel, io: Io<'_, f32>) {
        match &self.dims {
            _ if self.tiles.split_k > 1 => self.run(io),
            d if cpu::first::supports(d) => cpu::first::backward_weights(d, level, io),
            d if cpu::sparse::supports(d, level) => cpu::sparse::backward_weights(d, level, io),
            _ => self.run(io),
        }
    }
}

/// Counts each operand as read or written once.
pub(super) fn cost(d: &Dims) -> Cost {
    d.cost([d.batch * d.in_image(), d.batch * d.out_image(), (d.patch_len() + 1) * d.c_out])
}

/// The reference implementation of every weights gradient kernel with these inputs and outputs. A split sums
/// `per_split` rows.
pub(super) fn run<F: Real>(d: &Dims, per_split: usize, mut io: Io<'_, F>) {
    let (x, dy, out) = (io.input(0), io.input(1), io.output(0));
    for (split, block) in out.chunks_exact_mut((d.patch_len() + 1) * d.c_out).enumerate() {
        let end = d.rows().min((split + 1) * per_split);
        let range = (split * per_split).min(end)..end;
        let chunk = range.len().div_ceil(CHUNKS).max(1);
        let starts: Vec<usize> = range.clone().step_by(chunk).collect();
        let sums: Vec<Vec<F>> =
            starts.into_par_iter().map(|start| sum_over(d, x, dy, start..end.min(start + chunk))).collect();
        block.fill(F::ZERO);
        for sum in &sums {
            for (total, partial) in block.iter_mut().zip(sum) {
                *total += *partial;
            }
        }
    }
}

/// dw [kh, kw, c_in, c_out] followed by db `[c_out]`, summed over the rows of `range`.
fn sum_over<F: Real>(d: &Dims, x: &[F], tagged: &[F], range: Range<usize>) -> Vec<F> {
    let (m, n) = (d.patch_len(), d.c_out);
    let mut sum = vec![F::ZERO; (m + 1) * n];
    let (dw, db) = sum.split_at_mut(m * n);
    let mut patches = vec![F::ZERO; PIXELS * m];
    let mut dy = vec![F::ZERO; range.len() * n];
    d.unpool(tagged, range.clone(), &mut dy);
    for start in range.clone().step_by(PIXELS) {
        let pixels = start..range.end.min(start + PIXELS);
        let size = MatMul { m, k: pixels.len(), n };
        d.im2col(x, pixels, &mut patches);
        let dy = &dy[(start - range.start) * n..];
        F::matmul(size, Strided::transposed(&patches, m), Strided::rows(dy, n), true, dw, 1);
    }
    sum_rows(&dy, n, db);
    sum
}
