//! The gradients of a convolution through its pool: of each window, one position per filter receives a gradient, and only
//! where the ReLU was open. Those that are not zero are listed; each adds its multiple of a patch of x to the weights'
//! gradient, and of a patch of weights to the input's. Sums stay in registers, one vector of input channels a tap.

mod input;
mod weights;

pub(in crate::kernels::conv2d) use input::backward_input;
pub(in crate::kernels::conv2d) use weights::backward_weights;

use crate::kernels::conv2d::dims::Dims;
use crate::simd::SimdLevel;
use bytemuck::{Pod, Zeroable};

/// A gradient that is not zero, and where it belongs: in the padded image, or among the filters.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Entry {
    at: u32,
    value: f32,
}

/// Floats that an entry takes.
const ENTRY: usize = 2;

/// Whether the kernels take these sizes.
pub(in crate::kernels::conv2d) fn supports(d: &Dims, level: SimdLevel) -> bool {
    d.window_len() > 1 && matches!(d.w.kernel, 2..=5 | 7) && 2 * d.c_in >= level.vector_width()
}

/// `$f::<S, rows, width>(..)` for the block of a kernel's taps that is summed at once: all of a 3x3, else a row.
macro_rules! by_block {
    ($d:expr, $f:ident($($arg:expr),*)) => {
        match ($d.h.kernel, $d.w.kernel) {
            (3, 3) => $f::<S, 3, 3>($($arg),*),
            (_, 2) => $f::<S, 1, 2>($($arg),*),
            (_, 3) => $f::<S, 1, 3>($($arg),*),
            (_, 4) => $f::<S, 1, 4>($($arg),*),
            (_, 5) => $f::<S, 1, 5>($($arg),*),
            (_, 7) => $f::<S, 1, 7>($($arg),*),
            (_, width) => unreachable!("a kernel {width} wide"),
        }
    };
}
use by_block;
