//! Whether an update may be made: not where the loss or a gradient is infinite or NaN. Nothing is read back: the flag stays on the
//! device, behind the gradients, where every kernel of the update looks first.

use super::flagged::FlaggedGradients;
use crate::plan::{BufferSlice, Cost, Io, KernelSpec, Recorder, STEP_FILE, Shader, constants, grid, wgsl};
use crate::real::Real;
use crate::simd::{SimdLevel, compiled};
use rayon::prelude::*;

/// Invocations of a workgroup.
const LANES: usize = 64;
/// Floats that a workgroup takes at least, sixteen for each invocation.
const MIN_FLOATS: usize = 16 * LANES;
/// Workgroups that scan the gradients, at most.
const MAX_GROUPS: usize = 64;

/// Records the flag of the update that takes `gradients`, of a batch whose loss is in `metrics`. `skipped`, [batches_per_upload], has a 1
/// for each step whose update was skipped. With `stays`, all later updates are skipped, too.
pub(crate) fn record_update_check(
    r: &mut Recorder,
    gradients: FlaggedGradients,
    metrics: BufferSlice,
    skipped: BufferSlice,
    stays: bool,
) {
    let scan = ScanGradients::new(gradients.count);
    let partial = r.floats("gradients not finite", scan.invocations());
    r.dispatch("check gradients", scan, &[gradients.gradients()], &[partial]);
    let check = CheckUpdate { partials: scan.invocations(), stays };
    r.dispatch("check update", check, &[partial, metrics], &[gradients.flag(), skipped]);
}

/// Whether one of the gradients that an invocation takes is infinite or NaN: 1, else 0. Inputs: g `[count]`; outputs: partial
/// `[invocations]`.
#[derive(Debug, Clone, Copy)]
struct ScanGradients {
    /// A multiple of four.
    count: usize,
    groups: usize,
}

impl ScanGradients {
    fn new(count: usize) -> Self {
        Self { count, groups: count.div_ceil(MIN_FLOATS).clamp(1, MAX_GROUPS) }
    }

    fn invocations(&self) -> usize {
        self.groups * LANES
    }

    fn mark<F: Real>(&self, g: &[F], partial: &mut [F]) {
        partial.fill(F::ZERO);
        for (i, _) in g.iter().enumerate().filter(|(_, g)| !g.to_f64().is_finite()) {
            partial[i / 4 % self.invocations()] = F::ONE;
        }
    }
}

fn flag<F: Real>(is_set: bool) -> F {
    if is_set { F::ONE } else { F::ZERO }
}

impl KernelSpec for ScanGradients {
    fn shader(&self) -> Shader {
        let (grid, grid_x) = grid(self.groups);
        let own = constants! { COUNT: self.count, INVOCATIONS: self.invocations() };
        Shader {
            files: vec![wgsl!("scan_gradients.wgsl")],
            constants: own.and(grid_x),
            grid,
            iterations: self.count.div_ceil(4 * self.invocations()),
            uses_step: false,
        }
    }

    fn cost(&self) -> Cost {
        let count = self.count as f64;
        Cost { flops: 0.0, dense_flops: 0.0, bytes: 4.0 * count }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        self.mark(io.input(0), io.output(0));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let (g, partial) = (io.input(0), io.output(0));
        let is_bad = |g: &[f32]| compiled!(level, largest_bits(g)) >= f32::INFINITY.to_bits();
        match g.par_chunks(super::CHUNK).any(is_bad) {
            true => self.mark(g, partial),
            false => partial.fill(0.0),
        }
    }
}

/// The largest of the bits without sign; those of NaN are above those of infinity, which are above all others.
#[inline(always)]
fn largest_bits(g: &[f32]) -> u32 {
    g.iter().fold(0, |largest, g| largest.max(g.to_bits() & 0x7fff_ffff))
}

/// The flag of an update. Inputs: partial `[partials]`, metrics [batches_per_upload, 2]; outputs: flag `[1..]`, skipped
/// [batches_per_upload].
#[derive(Debug, Clone, Copy)]
struct CheckUpdate {
    /// A multiple of four.
    partials: usize,
    /// Whether a flag that is set stays.
    stays: bool,
}

impl KernelSpec for CheckUpdate {
    fn shader(&self) -> Shader {
        Shader {
            files: vec![STEP_FILE, wgsl!("check_update.wgsl")],
            constants: constants! { PARTIALS: self.partials, STAYS: self.stays },
            grid: [1, 1, 1],
            iterations: self.partials.div_ceil(4 * LANES) + LANES,
            uses_step: true,
        }
    }

    fn cost(&self) -> Cost {
        Cost { flops: 0.0, dense_flops: 0.0, bytes: 4.0 * self.partials as f64 }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let index = io.step.batch_index as usize;
        let (partial, metrics) = (io.input(0), io.input(1));
        let (update, skipped) = (io.output(0), io.output(1));
        let is_bad = partial.iter().any(|found| *found != F::ZERO) || !metrics[2 * index].to_f64().is_finite();
        update[0] = flag(is_bad || (self.stays && update[0] != F::ZERO));
        skipped[index] = update[0];
    }
}
