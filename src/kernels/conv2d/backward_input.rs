//! The gradient w.r.t. the input as one kernel: `dx = conv_transpose(dy, w)`, then the gate. On adapters the tiled matrix product
//! of `shaders/conv2d_backward_input.wgsl`.

use super::dims::Dims;
use super::{cpu, reference};
use crate::kernels::gate::GateKind;
use crate::kernels::tile::{TileShader, Tiles, dy_file, weights_file};
use crate::plan::{Cost, Io, KernelSpec, Profile, Shader, constants, wgsl};
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

/// Phases of a gradient through strides, at most: beyond, most sums have a term or none.
const MAX_PHASES: usize = 16;

/// Phases along each axis (see `shaders/conv2d_backward_input.wgsl`): as many as the strides are long, so that no product is one with a
/// zero between the strides. One where that is not supported.
fn phases(d: &Dims) -> [usize; 2] {
    let is_supported = d.groups == 1 && [d.h, d.w].iter().all(|axis| axis.dilation == 1);
    let strides = [d.h.stride, d.w.stride];
    if is_supported && strides.iter().product::<usize>() <= MAX_PHASES { strides } else { [1; 2] }
}

/// The matrix product on adapters.
pub(super) fn tiles(d: &Dims, profile: Profile) -> Tiles {
    let [down, across] = phases(d);
    let rows = d.batch * d.h.input.div_ceil(down) * d.w.input.div_ceil(across);
    let taps = d.h.kernel.div_ceil(down) * d.w.kernel.div_ceil(across);
    let tiles = Tiles::new(rows, d.group_in(), taps * d.group_out(), profile);
    if down * across > 1 { tiles.phased(down * across) } else { tiles.grouped(d.groups) }
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
        let [down, across] = phases(&self.dims);
        let taps_across = self.dims.w.kernel.div_ceil(across);
        let phase_constants = constants! { DY: 0u32, PHASES_Y: down, PHASES_X: across, TAPS_X: taps_across };
        let constants = self.dims.constants().and(self.gate.constants(2, self.dims.group_in())).and(phase_constants);
        let files = [
            weights_file(by_4),
            dy_file(by_4),
            wgsl!("conv2d_backward_input.wgsl"),
            wgsl!("tagged_gradient.wgsl"),
            self.gate.file(),
            wgsl!("tile_backward_input.wgsl"),
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
