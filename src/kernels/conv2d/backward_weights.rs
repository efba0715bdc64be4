//! The gradient w.r.t. weights and bias as one kernel: `dw = correlate(x, dy)`, `db = sum of dy`. On adapters the tiled matrix
//! product of `shaders/conv2d_backward_weights.wgsl`.

use super::dims::Dims;
use super::{cpu, reference};
use crate::kernels::tile::{TileShader, Tiles, dy_file, x_file};
use crate::plan::{Cost, Io, KernelSpec, Shader, constants, wgsl};
use crate::real::Real;
use crate::simd::SimdLevel;

/// How [`Conv2dBackwardWeights`] computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// Tiles of an implicit matrix product, on adapters.
    Tiles,
    /// im2col and a matrix product, on the CPU.
    Im2col,
    /// Vectors of filters, one sum per tap and input channel: for few input channels, on the CPU.
    FewChannels,
    /// As `FewChannels`, the input pixel selected by a permutation: 3x3 over one channel under a 2x2 pool, with AVX-512.
    Permute,
    /// Lists of the gradients that are not zero, through a pool, on the CPU.
    Sparse,
    /// Winograd's F(4x4, 3x3), without a pool, on the CPU.
    Winograd,
}

/// Inputs: x [n, h, w, c_in]; dy [n, oh, ow, c_out] or, with a pool, the tagged gradient [n, pool_oh, pool_ow, c_out].
/// Output: for each split of the sum over rows, dw [kh, kw, c_in / groups, c_out], with a bias followed by db `[c_out]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conv2dBackwardWeights {
    pub(super) dims: Dims,
    pub(super) tiles: Tiles,
    pub(super) method: Method,
}

impl KernelSpec for Conv2dBackwardWeights {
    fn shader(&self) -> Shader {
        let files = [
            wgsl!("conv2d_backward_weights.wgsl"),
            x_file(self.dims.group_in().is_multiple_of(4)),
            dy_file(self.dims.group_out().is_multiple_of(4)),
            wgsl!("conv2d_pixels.wgsl"),
            wgsl!("tagged_gradient.wgsl"),
            wgsl!("tile_backward_weights.wgsl"),
        ];
        let constants = self.dims.constants().and(constants! { DY: 1u32 });
        self.tiles.shader(TileShader { files: &files, out: 2, constants })
    }

    fn cost(&self) -> Cost {
        let share = match self.method {
            Method::Permute | Method::Sparse => 1.0 / self.dims.window_len() as f64,
            Method::Winograd => cpu::winograd::GRADIENT_SHARE,
            Method::Tiles | Method::Im2col | Method::FewChannels => 1.0,
        };
        reference::weights_cost(&self.dims).scaled(share)
    }

    fn run<F: Real>(&self, io: Io<'_, F>) {
        reference::backward_weights(&self.dims, self.tiles.k_per_split(), io);
    }

    fn run_simd(&self, level: SimdLevel, io: Io<'_, f32>) {
        match self.method {
            Method::FewChannels | Method::Permute => cpu::few_channels::backward_weights(&self.dims, level, io),
            Method::Sparse => cpu::sparse::backward_weights(&self.dims, level, io),
            Method::Winograd => cpu::winograd::backward_weights(&self.dims, level, io),
            Method::Tiles | Method::Im2col => self.run(io),
        }
    }
}
