//! The sizes that the kernels take.

use crate::kernels::conv2d::cpu::padding::padded_size;
use crate::kernels::conv2d::dims::Dims;
use crate::simd::SimdLevel;

/// Whether the kernels support these sizes, and at least half of a vector of input channels is used.
pub(in crate::kernels::conv2d) fn supports(d: &Dims, level: SimdLevel) -> bool {
    let Dims { batch: _, h: _, w, c_in, c_out: _, groups: _, bias: _, pool_h, pool_w } = *d;
    pool_h.kernel * pool_w.kernel > 1
        && matches!(w.kernel, 2..=5 | 7)
        && 2 * c_in >= level.vector_width()
        && d.is_plain()
}

/// Vectors of input channels that are summed at a time, a panel: two where the sums of a 3x3 kernel then fit into the registers. So
/// each entry is read, and the end of its list found, half as often.
pub(super) fn vectors_of_panel(d: &Dims, level: SimdLevel) -> usize {
    let is_3x3 = (d.h.kernel, d.w.kernel) == (3, 3);
    let is_even = d.c_in.div_ceil(level.vector_width()).is_multiple_of(2);
    if is_3x3 && is_even && level.vector_registers() >= 32 { 2 } else { 1 }
}

/// Floats of a panel of `lanes` channels of a padded image.
pub(super) fn panel_len(d: &Dims, lanes: usize) -> usize {
    padded_size(d).iter().product::<usize>() * lanes
}

/// Calls `$f::<S, ROWS, WIDTH>(..)` for the block of taps that is summed in registers at once: the whole of a 3x3
/// kernel, otherwise one kernel row, with so many vectors a tap.
macro_rules! by_block {
    ($d:expr, $vectors:expr, $f:ident($($arg:expr),*)) => {
        match ($d.h.kernel, $d.w.kernel, $vectors) {
            (3, 3, 2) if S::REGISTER_COUNT >= 32 => $f::<S, 3, 6>($($arg),*),
            (3, 3, 1) => $f::<S, 3, 3>($($arg),*),
            (_, 2, 1) => $f::<S, 1, 2>($($arg),*),
            (_, 3, 1) => $f::<S, 1, 3>($($arg),*),
            (_, 4, 1) => $f::<S, 1, 4>($($arg),*),
            (_, 5, 1) => $f::<S, 1, 5>($($arg),*),
            (_, 7, 1) => $f::<S, 1, 7>($($arg),*),
            (_, width, vectors) => unreachable!("unsupported kernel width {width} with {vectors} vectors a tap"),
        }
    };
}
pub(super) use by_block;
