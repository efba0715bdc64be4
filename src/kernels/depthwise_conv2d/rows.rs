//! Shaders that take several pixels of a row in one invocation, so that each pixel under a row of taps is loaded once for all of them:
//! for one filter a channel, channels that divide by four, and kernels and images that are not too wide.

use super::dims::Dims;
use crate::kernels::tile::MAX_ITERATIONS;
use crate::kernels::window::WindowAxis;
use crate::plan::{Constants, LANES_FILE, Shader, constants, elementwise_grid, output_file};

/// Pixels of an invocation.
const PIXELS: usize = 4;
/// Pixels under a row of taps for all of them, at most: they stay in registers.
const MAX_SPAN: usize = 16;
/// Pixels of a row of the output, at most: a split of the gradient w.r.t. the weights is of whole rows.
const MAX_WIDTH: usize = MAX_ITERATIONS / 4;

/// Where such a shader reads, and the pixels that it goes through.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    dims: &'a Dims,
    /// Height and width of the image that is read through the kernel, of the other one, and the padding of the former.
    from: [usize; 2],
    to: [usize; 2],
    pad: [usize; 2],
    turned: bool,
}

impl<'a> Rows<'a> {
    /// For the forward pass and the gradient w.r.t. the weights; none if the sizes do not suit.
    pub(super) fn new(dims: &'a Dims) -> Option<Self> {
        let Dims { h, w, .. } = dims;
        let small = span(w) <= MAX_SPAN && w.output <= MAX_WIDTH;
        let suits = dims.multiplier == 1 && dims.channels.is_multiple_of(4) && small;
        let (from, to, pad) = ([h.input, w.input], [h.output, w.output], [h.pad, w.pad]);
        suits.then_some(Self { dims, from, to, pad, turned: false })
    }

    /// For the gradient w.r.t. the input, at stride 1: a convolution of dy with the kernel turned round.
    pub(super) fn turned(dims: &'a Dims) -> Option<Self> {
        let rows = Self::new(dims).filter(|_| [dims.h, dims.w].iter().all(|axis| axis.stride == 1))?;
        let pad = [dims.h, dims.w].map(|axis| axis.extent() - 1 - axis.pad);
        Some(Self { from: rows.to, to: rows.from, pad, turned: true, ..rows })
    }

    /// Runs of pixels in a row.
    pub(super) fn runs(&self) -> usize {
        self.to[1].div_ceil(PIXELS)
    }

    /// Runs of pixels in the batch.
    pub(super) fn all_runs(&self) -> usize {
        self.dims.batch * self.to[0] * self.runs()
    }

    /// The shader of `files`, with an invocation for each of `units` and four channels.
    pub(super) fn shader(&self, files: &[&'static str], units: usize, iterations: usize, own: Constants) -> Shader {
        let d = self.dims;
        let count = units * d.channels / 4;
        let (grid, grid_x) = elementwise_grid(count);
        let constants = constants! {
            COUNT: count,
            PIXELS: PIXELS,
            RUNS: self.runs(),
            SPAN: span(&d.w),
            TURNED: self.turned,
            BATCH: d.batch,
            FROM_H: self.from[0],
            FROM_W: self.from[1],
            TO_H: self.to[0],
            TO_W: self.to[1],
            C: d.channels,
            KH: d.h.kernel,
            KW: d.w.kernel,
            SY: d.h.stride,
            SX: d.w.stride,
            DILATION_Y: d.h.dilation,
            DILATION_X: d.w.dilation,
            PAD_Y: self.pad[0],
            PAD_X: self.pad[1],
            BIAS: d.bias,
        };
        let files = [&[LANES_FILE], files, &[output_file(true)]].concat();
        Shader { files, constants: constants.and(grid_x).and(own), grid, iterations, uses_step: false }
    }
}

/// Pixels under a row of taps, for the pixels of an invocation.
fn span(axis: &WindowAxis) -> usize {
    (PIXELS - 1) * axis.stride + axis.extent()
}
