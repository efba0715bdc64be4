//! Gradient w.r.t. the weights through a 2x2 pool by subgroup shuffles;
//! `shaders/conv2d_pool_backward_weights_select.wgsl`.

use super::dims::Dims;
use super::passes::WeightsPass;
use super::reference;
use crate::kernels::split_k::record_split_k;
use crate::kernels::tile::{GROUP_ONE, dy_file, x_file};
use crate::plan::{Cost, Io, KernelSpec, MatmulCore, Profile, Recorder, Shader, Target, constants, output_file, wgsl};
use crate::real::Real;

/// Filters per workgroup: eight lanes with four filters each.
const FILTERS: usize = 32;
/// Pool windows per iteration; the loop over them is unrolled.
const UNROLL: usize = 4;
/// Pool windows per split, at least.
const MIN_WINDOWS: usize = 64;
/// Workgroups from which on a further split gains nothing.
const ENOUGH_WORKGROUPS: usize = 32;
/// Pool windows per split, at most: some adapters abort loops with too many iterations (see `Shader::iterations`).
const MAX_WINDOWS: usize = 1 << 17;

/// Computes the same as [`super::backward_weights::Conv2dBackwardWeights`] under a 2x2 pool. For one kernel row, the four
/// pixels of a window read at most 2x4 input pixels, which the eight lanes hold, one each; every filter selects its
/// input pixel by its argmax with a shuffle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conv2dPoolSelectWeights {
    dims: Dims,
    split_k: usize,
}

/// Whether the kernel supports these sizes; it needs subgroups of eight lanes.
pub(super) fn supports(d: &Dims, profile: &Profile) -> bool {
    let Dims { batch: _, h, w, c_in, c_out: _, groups: _, bias: _, pool_h, pool_w } = *d;
    let pool = [pool_h, pool_w].iter().all(|axis| axis.kernel == 2 && axis.stride == 2);
    let conv = h.stride == 1 && w.stride == 1 && w.kernel <= 3;
    let channels = c_in < 4 || c_in.is_multiple_of(4);
    profile.target == Target::Adapter
        && profile.core == MatmulCore::Subgroup
        && pool
        && conv
        && channels
        && d.is_plain()
}

/// Records the kernel and, if the sum over windows is split (split-K), a second pass that adds the partial sums.
pub(super) fn record(r: &mut Recorder, pass: &WeightsPass<'_>) {
    let WeightsPass { name, dims, x, dy, gradients } = *pass;
    let mut kernel = Conv2dPoolSelectWeights { dims, split_k: 1 };
    let max_splits = dims.windows().div_ceil(MIN_WINDOWS);
    kernel.split_k =
        ENOUGH_WORKGROUPS.div_ceil(kernel.workgroups()).min(max_splits).max(dims.windows().div_ceil(MAX_WINDOWS));
    kernel.split_k = dims.windows().div_ceil(kernel.windows_per_split());
    record_split_k(r, &format!("{name} backward weights"), kernel.split_k, kernel, &[x, dy], gradients, None);
}

impl Conv2dPoolSelectWeights {
    /// Input channels and kernel rows per workgroup: up to four channels, and all kernel rows of a kernel up to three
    /// high, else one.
    fn block(&self) -> [usize; 2] {
        let rows = self.dims.h.kernel;
        [self.dims.c_in.min(4), if rows <= 3 { rows } else { 1 }]
    }

    fn grid(&self) -> [usize; 3] {
        let [channels, rows] = self.block();
        let d = &self.dims;
        [d.c_out.div_ceil(FILTERS), d.c_in.div_ceil(channels), d.h.kernel.div_ceil(rows) * self.split_k]
    }

    fn workgroups(&self) -> usize {
        self.grid().iter().product()
    }

    /// Pool windows per split, a multiple of [`UNROLL`].
    fn windows_per_split(&self) -> usize {
        self.dims.windows().div_ceil(self.split_k).next_multiple_of(UNROLL)
    }
}

impl KernelSpec for Conv2dPoolSelectWeights {
    fn shader(&self) -> Shader {
        let d = &self.dims;
        let [channels, rows] = self.block();
        let by_4 = d.c_out.is_multiple_of(4);
        let constants = constants! {
            OUT: 2u32,
            DY: 1u32,
            COLS: d.c_out,
            COLS_BY_4: by_4,
            ROW_LEN: d.c_out,
            K: d.rows(),
            WINDOWS: d.windows(),
            WINDOWS_PER_SPLIT: self.windows_per_split(),
            CHANNELS: channels,
            FOURS: channels.div_ceil(4),
            LANES_OF_FOUR: channels.min(4),
            KERNEL_ROWS: rows,
            PAIRS: rows / 2 + 1,
            ROW_BLOCKS: d.h.kernel.div_ceil(rows),
            ROWS: d.weights_rows(),
            SUMS: rows * d.w.kernel * channels,
            UNROLL: UNROLL,
        };
        let constants = d.constants().and(constants);
        let inputs = match d.c_in {
            ..4 => wgsl!("select_few.wgsl"),
            _ => wgsl!("select_by_4.wgsl"),
        };
        let files = vec![
            inputs,
            x_file(d.c_in.is_multiple_of(4)),
            dy_file(by_4),
            wgsl!("conv2d_pool_backward_weights_select.wgsl"),
            wgsl!("tagged_gradient.wgsl"),
            wgsl!("tile_backward_weights.wgsl"),
            output_file(by_4),
            GROUP_ONE,
        ];
        let iterations = self.windows_per_split() / UNROLL;
        Shader { files, constants, grid: self.grid().map(|n| n as u32), iterations, uses_step: false }
    }

    /// Only one of the four pixels of each window has a gradient, so a quarter of the dense products remains.
    fn cost(&self) -> Cost {
        let cost = reference::weights_cost(&self.dims);
        cost.scaled(0.25)
    }

    fn run<F: Real>(&self, io: Io<'_, F>) {
        reference::backward_weights(&self.dims, self.windows_per_split() * self.dims.window_len(), io);
    }
}
