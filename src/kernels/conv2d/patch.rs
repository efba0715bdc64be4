//! Fused forward pass (convolution and pool) for few input channels; `shaders/conv2d_pool_forward_patch.wgsl`.

use super::dims::Dims;
use super::passes::ForwardPass;
use super::reference;
use crate::kernels::tile::{GROUP_ONE, weights_file, x_file};
use crate::plan::{
    ArgmaxStore, Cost, Io, KernelSpec, MatmulCore, Profile, Recorder, Shader, Target, constants, grid, output_file,
    wgsl,
};
use crate::real::Real;

/// Values per lane, at most: the eight lanes of a subgroup together hold the input patch under one pool window.
const MAX_LOADS: usize = 4;
/// Products per pool window and filter, at most. The loops over them are unrolled, and the kernel's body has to fit
/// into the instruction cache.
const MAX_PRODUCTS: usize = 128;
/// Filters per workgroup: eight lanes with four filters each.
const FILTERS: usize = 32;

/// Computes the same as [`super::forward::Conv2dForward`] with a pool. The input patch under a pool window is held in up to
/// [`MAX_LOADS`] registers of each of the eight lanes, and lanes read each other's values by subgroup shuffle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conv2dPoolPatchForward {
    pub(super) dims: Dims,
    pub(super) relu: bool,
    /// Whether the argmax is an output.
    pub(super) argmax: bool,
}

/// Whether the kernel supports these sizes; it needs subgroups of eight lanes.
pub(super) fn supports(d: &Dims, profile: &Profile) -> bool {
    // Any number of filters, any batch.
    let Dims { batch: _, h, w, c_in, c_out: _, groups: _, bias: _, pool_h, pool_w } = *d;
    let window_len = pool_h.kernel * pool_w.kernel;
    let few = patch_len(d) <= 8 * MAX_LOADS && window_len * h.kernel * w.kernel * c_in <= MAX_PRODUCTS;
    profile.target == Target::Adapter && profile.core == MatmulCore::Subgroup && window_len > 1 && few && d.is_plain()
}

/// Records the kernel.
pub(super) fn record(r: &mut Recorder, pass: &ForwardPass<'_>) {
    let ForwardPass { name, dims, relu, x, weights, y, argmax } = *pass;
    let kernel = Conv2dPoolPatchForward { dims, relu, argmax: argmax.is_some() };
    let outputs: Vec<_> = [y].into_iter().chain(argmax).collect();
    r.dispatch(format!("{name} forward"), kernel, &[x, weights], &outputs);
}

/// Shape of the input patch under one pool window: [height, width, channels].
fn patch(d: &Dims) -> [usize; 3] {
    let side = |pool: usize, stride: usize, kernel: usize| (pool - 1) * stride + kernel;
    [side(d.pool_h.kernel, d.h.stride, d.h.kernel), side(d.pool_w.kernel, d.w.stride, d.w.kernel), d.c_in]
}

/// Elements of the input patch under one pool window.
fn patch_len(d: &Dims) -> usize {
    patch(d).iter().product()
}

impl KernelSpec for Conv2dPoolPatchForward {
    fn shader(&self) -> Shader {
        let d = &self.dims;
        let by_4 = d.c_out.is_multiple_of(4);
        let blocks = d.c_out.div_ceil(FILTERS);
        let (grid, grid_x) = grid(d.batch * d.pool_h.output * blocks);
        let constants = constants! {
            RELU: self.relu,
            OUT: 2u32,
            ARGMAX: 3u32,
            COLS: d.c_out,
            COLS_BY_4: by_4,
            ROW_LEN: d.c_out,
            K: d.patch_len(),
            BLOCKS: blocks,
            PATCH_W: patch(d)[1],
            PATCH: patch_len(d),
            LOADS: patch_len(d).div_ceil(8),
        };
        let constants = d.constants().and(constants).and(grid_x);
        let files = vec![
            wgsl!("conv2d_pool_forward_patch.wgsl"),
            x_file(false),
            weights_file(by_4),
            wgsl!("tile_weights.wgsl"),
            wgsl!("pooled_output.wgsl"),
            output_file(by_4),
            GROUP_ONE,
            ArgmaxStore::new(self.argmax, by_4).file(),
        ];
        Shader { files, constants, grid, iterations: d.pool_w.output, uses_step: false }
    }

    fn cost(&self) -> Cost {
        reference::forward_cost(&self.dims)
    }

    fn run<F: Real>(&self, io: Io<'_, F>) {
        reference::forward(&self.dims, self.relu, io);
    }
}
