//! The gradient w.r.t. the input as one kernel: `dx = conv_transpose(dy, w)`, then the gate. On adapters the tiled matrix product
//! of `shaders/conv2d_backward_input.wgsl`.

use super::dims::Dims;
use super::{cpu, reference};
use crate::kernels::gate::GateKind;
use crate::kernels::tile::{TileShader, Tiles, dy_file, weights_file};
use crate::plan::{Cost, Io, KernelSpec, Shader, constants};
use crate::real::Real;
use crate::simd::SimdLevel;

/// How [`Conv2dBackwardInput`] computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// Tiles of an implicit matrix product, on adapters.
    Tiles,
    /// A matrix product and col2im, on the CPU.
    Im2col,
    /// Lists of the gradients that are not zero, through a pool, on the CPU.
    Sparse,
    /// Winograd's F(4x4, 3x3), without a pool, on the CPU.
    Winograd,
}

/// Inputs: dy [n, oh, ow, c_out] or, with a pool, the tagged gradient [n, pool_oh, pool_ow, c_out]; weights
/// (w [kh, kw, c_in / groups, c_out], ..); what the gate reads, shaped like dx. Output: dx [n, h, w, c_in] after the gate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conv2dBackwardInput {
    pub(super) dims: Dims,
    pub(super) tiles: Tiles,
    pub(super) gate: GateKind,
    pub(super) method: Method,
}

impl KernelSpec for Conv2dBackwardInput {
    fn shader(&self) -> Shader {
        let by_4 = self.dims.group_out().is_multiple_of(4);
        let constants =
            self.dims.constants().and(self.gate.constants(2, self.dims.group_in())).and(constants! { DY: 0u32 });
        let files = [
            weights_file(by_4),
            dy_file(by_4),
            include_str!("../../../shaders/conv2d_backward_input.wgsl"),
            include_str!("../../../shaders/tagged_gradient.wgsl"),
            self.gate.file(),
            include_str!("../../../shaders/tile_backward_input.wgsl"),
        ];
        self.tiles.shader(TileShader { files: &files, out: 2 + self.gate.bindings(), constants })
    }

    fn cost(&self) -> Cost {
        let share = match self.method {
            Method::Sparse => 1.0 / self.dims.window_len() as f64,
            Method::Winograd => cpu::winograd::GRADIENT_SHARE,
            Method::Tiles | Method::Im2col => 1.0,
        };
        reference::input_cost(&self.dims, self.gate).scaled(share)
    }

    fn run<F: Real>(&self, io: Io<'_, F>) {
        reference::backward_input(&self.dims, self.gate, io);
    }

    fn run_simd(&self, level: SimdLevel, io: Io<'_, f32>) {
        match self.method {
            Method::Sparse => cpu::sparse::backward_input(&self.dims, self.gate, level, io),
            Method::Winograd => cpu::winograd::backward_input(&self.dims, self.gate, level, io),
            Method::Tiles | Method::Im2col => self.run(io),
        }
    }
}
