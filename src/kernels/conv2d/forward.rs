//! The forward pass as one kernel: `y = act(conv(x, w) + b)`, optionally max-pooled. On adapters the tiled matrix product of
//! `shaders/conv2d_forward.wgsl`.

use super::dims::Dims;
use super::{cpu, reference};
use crate::kernels::tile::{TileShader, Tiles, weights_file, x_file};
use crate::plan::{ArgmaxStore, Cost, Io, KernelSpec, Profile, Shader, constants, wgsl};
use crate::real::Real;
use crate::simd::SimdLevel;

/// How [`Conv2dForward`] computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// Tiles of an implicit matrix product, on adapters.
    Tiles,
    /// im2col and a matrix product, on the CPU.
    Im2col,
    /// Sums in registers, on the CPU.
    Direct,
    /// Winograd's algorithm, on the CPU.
    Winograd,
}

/// Inputs: x [n, h, w, c_in], weights (w [kh, kw, c_in / groups, c_out], then maybe b `[c_out]`). Output: y [n, oh, ow, c_out]. Fused
/// with a pool: the pooled y [n, pool_oh, pool_ow, c_out] and, where a backward pass follows, the argmax (u32, same shape).
#[derive(Debug, Clone, Copy)]
pub(super) struct Conv2dForward {
    pub(super) dims: Dims,
    pub(super) relu: bool,
    /// Whether the argmax is an output.
    pub(super) argmax: bool,
    pub(super) method: Method,
    pub(super) profile: Profile,
}

impl KernelSpec for Conv2dForward {
    fn shader(&self) -> Shader {
        let d = &self.dims;
        let by_4 = d.group_out().is_multiple_of(4);
        let mut constants = d.constants().and(constants! { RELU: self.relu });
        let mut files = vec![
            wgsl!("conv2d_forward.wgsl"),
            x_file(d.group_in().is_multiple_of(4)),
            weights_file(by_4),
            wgsl!("conv2d_pixels.wgsl"),
            wgsl!("tile_weights.wgsl"),
        ];
        match d.window_len() {
            1 => files.push(wgsl!("tile_forward.wgsl")),
            _ => {
                constants = constants.with("ARGMAX", 3u32);
                files.extend([
                    wgsl!("tile_forward_pooled.wgsl"),
                    wgsl!("pooled_output.wgsl"),
                    ArgmaxStore::new(self.argmax, by_4).file(),
                ]);
            }
        }
        let tiles = Tiles::new(d.rows(), d.group_out(), d.patch_len(), self.profile).grouped(d.groups);
        let tiles = Tiles { rows_per_output: d.window_len(), ..tiles };
        tiles.shader(TileShader { files: &files, out: 2, constants })
    }

    fn cost(&self) -> Cost {
        let share = if self.method == Method::Winograd { cpu::winograd::share(&self.dims, self.relu) } else { 1.0 };
        reference::forward_cost(&self.dims).scaled(share)
    }

    fn run<F: Real>(&self, io: Io<'_, F>) {
        reference::forward(&self.dims, self.relu, io);
    }

    fn run_simd(&self, level: SimdLevel, io: Io<'_, f32>) {
        match self.method {
            Method::Direct => cpu::direct::forward(&self.dims, self.relu, level, io),
            Method::Winograd => cpu::winograd::forward(&self.dims, self.relu, level, io),
            Method::Tiles | Method::Im2col => self.run(io),
        }
    }
}
