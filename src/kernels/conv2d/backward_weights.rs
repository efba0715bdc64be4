//! `dw = correlate(x, dy)`, `db = sum of dy`; twin of `shaders/conv2d_backward_weights.wgsl`.

use super::Dims;
use crate::kernels::tile::{Part, Tiles, sum_rows};
use crate::plan::{Cost, Io, KernelSpec, Shader};
use crate::real::{MatMul, Real, Strided};
use rayon::prelude::*;
use std::ops::Range;

/// Parts of a sum that threads take; fixed, so that the bits are the same for any number of threads.
const PARTS: usize = 8;
/// Output pixels whose windows are laid out at a time: few enough to stay in the second-level cache.
const PIXELS: usize = 128;

/// Inputs: x [n, h, w, c_in], dy [n, oh, ow, c_out]; outputs: (dw [kh, kw, c_in, c_out], db `[c_out]`), once a split.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conv2dBackwardWeights {
    pub(super) dims: Dims,
    pub(super) tiles: Tiles,
}

impl KernelSpec for Conv2dBackwardWeights {
    fn shader(&self) -> Shader {
        self.tiles.shader(
            Part::BackwardWeights,
            include_str!("../../../shaders/conv2d_backward_weights.wgsl"),
            &self.dims.constants(),
        )
    }

    fn cost(&self) -> Cost {
        let d = &self.dims;
        d.cost([d.batch * d.in_image(), d.batch * d.out_image(), (d.window() + 1) * d.c_out])
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let d = &self.dims;
        let (x, dy, out) = (io.input(0), io.input(1), io.output(0));
        let per_split = self.tiles.k_per_split();
        for (split, block) in out.chunks_exact_mut((d.window() + 1) * d.c_out).enumerate() {
            let end = d.out_pixels().min((split + 1) * per_split);
            let range = (split * per_split).min(end)..end;
            let part = range.len().div_ceil(PARTS).max(1);
            let starts: Vec<usize> = range.clone().step_by(part).collect();
            let sums: Vec<Vec<F>> =
                starts.into_par_iter().map(|start| self.sum_over(x, dy, start..end.min(start + part))).collect();
            block.fill(F::ZERO);
            for sum in &sums {
                for (total, part) in block.iter_mut().zip(sum) {
                    *total += *part;
                }
            }
        }
    }
}

impl Conv2dBackwardWeights {
    /// (dw, db) summed over the output pixels of `range`.
    fn sum_over<F: Real>(&self, x: &[F], dy: &[F], range: Range<usize>) -> Vec<F> {
        let d = &self.dims;
        let (m, n) = (d.window(), d.c_out);
        let mut sum = vec![F::ZERO; (m + 1) * n];
        let (dw, db) = sum.split_at_mut(m * n);
        let mut patches = vec![F::ZERO; PIXELS * m];
        for start in range.clone().step_by(PIXELS) {
            let pixels = start..range.end.min(start + PIXELS);
            let size = MatMul { m, k: pixels.len(), n };
            d.im2col(x, pixels.clone(), &mut patches);
            F::matmul(size, Strided::transposed(&patches, m), Strided::rows(&dy[pixels.start * n..], n), F::ONE, dw);
        }
        sum_rows(&dy[range.start * n..range.end * n], n, db);
        sum
    }
}
