//! The weights gradient through a 2x2 pool by shuffles; `shaders/conv2d_pool_backward_weights_select.wgsl`.

use super::backward_weights;
use super::dims::Dims;
use crate::kernels::LayerContext;
use crate::kernels::tile::{dy_file, record_split_k};
use crate::plan::{BufferSlice, Cost, Io, KernelSpec, MatmulCore, Profile, Recorder, Shader, output_file};
use crate::real::Real;

/// Filters of a workgroup: eight lanes of four.
const FILTERS: usize = 32;
/// Windows of the pool whose products are written out together.
const UNROLL: usize = 4;
/// Windows that a split takes at least.
const MIN_WINDOWS: usize = 64;
/// Workgroups that make more splits useless.
const ENOUGH_WORKGROUPS: usize = 32;
/// Windows that a split takes at most, so that its loop stays short enough for every adapter.
const MAX_WINDOWS: usize = 1 << 17;

/// As [`backward_weights::Conv2dBackwardWeights`] under a 2x2 pool. The pixels that a window's four positions and the taps of
/// a row can touch, two rows of four, lie in eight lanes; every filter picks its own by the position of its maximum.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conv2dPoolSelectWeights {
    dims: Dims,
    split_k: usize,
}

/// Whether the kernel takes these sizes, on subgroups of eight.
pub(super) fn supports(d: &Dims, profile: Profile) -> bool {
    let pool = [d.pool_h, d.pool_w].iter().all(|axis| axis.kernel == 2 && axis.stride == 2);
    let conv = d.h.stride == 1 && d.w.stride == 1 && d.w.kernel <= 3;
    let channels = d.c_in < 4 || d.c_in.is_multiple_of(4);
    profile.core == MatmulCore::Subgroup && pool && conv && channels
}

/// Records it, with a second pass where the sum is split.
pub(super) fn record(recorder: &mut Recorder, ctx: &LayerContext<'_>, dims: Dims, dy: BufferSlice) {
    let mut kernel = Conv2dPoolSelectWeights { dims, split_k: 1 };
    let most = dims.windows().div_ceil(MIN_WINDOWS);
    let wanted = ENOUGH_WORKGROUPS.div_ceil(kernel.workgroups()).min(most).max(dims.windows().div_ceil(MAX_WINDOWS));
    kernel.split_k = wanted;
    kernel.split_k = dims.windows().div_ceil(kernel.windows_per_split());
    let label = format!("{} backward weights", ctx.name);
    record_split_k(recorder, &label, kernel.split_k, kernel, &[ctx.x, dy], ctx.grads, None);
}

impl Conv2dPoolSelectWeights {
    /// Input channels and kernel rows of a workgroup: up to four channels of up to three rows.
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

    fn windows_per_split(&self) -> usize {
        self.dims.windows().div_ceil(self.split_k).next_multiple_of(UNROLL)
    }
}

impl KernelSpec for Conv2dPoolSelectWeights {
    fn shader(&self) -> Shader {
        let d = &self.dims;
        let [channels, rows] = self.block();
        let by_4 = d.c_out.is_multiple_of(4);
        let mut constants = d.constants();
        constants.extend([
            ("OUT", 2),
            ("DY", 1),
            ("COLS", d.c_out as u64),
            ("COLS_BY_4?", u64::from(by_4)),
            ("K", d.rows() as u64),
            ("WINDOWS", d.windows() as u64),
            ("WINDOWS_PER_SPLIT", self.windows_per_split() as u64),
            ("CHANNELS", channels as u64),
            ("FOURS", channels.div_ceil(4) as u64),
            ("LANES_OF_FOUR", channels.min(4) as u64),
            ("KERNEL_ROWS", rows as u64),
            ("PAIRS", (rows / 2 + 1) as u64),
            ("ROW_BLOCKS", d.h.kernel.div_ceil(rows) as u64),
            ("ROWS", (d.patch_len() + 1) as u64),
            ("SUMS", (rows * d.w.kernel * channels) as u64),
            ("UNROLL", UNROLL as u64),
        ]);
        let inputs = match d.c_in {
            ..4 => include_str!("../../../shaders/select_few.wgsl"),
            _ => include_str!("../../../shaders/select_by_4.wgsl"),
        };
        let files = vec![
            inputs,
            dy_file(by_4),
            include_str!("../../../shaders/conv2d_pool_backward_weights_select.wgsl"),
            include_str!("../../../shaders/tagged_gradient.wgsl"),
            include_str!("../../../shaders/tile_backward_weights.wgsl"),
            output_file(by_4),
        ];
        let iterations = self.windows_per_split() / UNROLL;
        Shader { files, constants, grid: self.grid().map(|n| n as u32), iterations, uses_step: false }
    }

    /// A quarter of the products of the dense sum.
    fn cost(&self) -> Cost {
        let cost = backward_weights::cost(&self.dims);
        Cost { flops: cost.flops / 4.0, ..cost }
    }

    fn run<F: Real>(&self, io: Io<'_, F>) {
        backward_weights::run(&self.dims, self.windows_per_split() * self.dims.window_len(), io);
    }
}
