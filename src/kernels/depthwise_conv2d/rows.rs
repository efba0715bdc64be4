//! Shaders that take several pixels of a row in one invocation, so that each pixel under a row of taps is loaded once for all of them:
//! for one filter a channel, channels that divide by four, and kernels and images that are not too wide.

use super::dims::Dims;
use crate::kernels::tile::MAX_ITERATIONS;
use crate::plan::{Constants, LANES_FILE, Shader, constants, elementwise_grid, output_file};

/// Pixels of an invocation.
const PIXELS: usize = 4;
/// Pixels under a row of taps for all of them, at most: they stay in registers.
const MAX_SPAN: usize = 16;
/// Pixels of a row of the output, at most: a split of the gradient w.r.t. the weights is of whole rows.
const MAX_WIDTH: usize = MAX_ITERATIONS / 4;

/// The shader file of the image that is read and of an invocation's pixels.
pub(super) const RUN: &str = include_str!("../../../shaders/depthwise_conv2d_run.wgsl");

/// Where such a shader reads, and the pixels that it goes through.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    dims: &'a Dims,
    /// Height and width of the image that is read through the kernel, and of the other one.
    from: [usize; 2],
    to: [usize; 2],
    /// Pixels under a row of taps for the pixels of an invocation.
    span: usize,
    /// In a gradient w.r.t. the input, those before the one that stands where the invocation's first pixel does.
    before: usize,
}

impl<'a> Rows<'a> {
    /// For the forward pass and the gradient w.r.t. the weights; none if the sizes do not suit.
    pub(super) fn new(dims: &'a Dims) -> Option<Self> {
        let Dims { h, w, .. } = dims;
        let span = (PIXELS - 1) * w.stride + w.extent();
        let suits = is_simple(dims) && span <= MAX_SPAN && w.output <= MAX_WIDTH;
        suits.then_some(Self { dims, from: [h.input, w.input], to: [h.output, w.output], span, before: 0 })
    }

    /// For the gradient w.r.t. the input: at strides that divide the pixels of an invocation, so that these lie between the strides alike.
    pub(super) fn backward(dims: &'a Dims) -> Option<Self> {
        let Dims { h, w, .. } = dims;
        let before = (w.extent() - 1).saturating_sub(w.pad).div_ceil(w.stride);
        let span = (PIXELS - 1 + w.pad) / w.stride + before + 1;
        let suits = is_simple(dims) && PIXELS.is_multiple_of(w.stride) && span <= MAX_SPAN;
        suits.then_some(Self { dims, from: [h.output, w.output], to: [h.input, w.input], span, before })
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
            SPAN: self.span,
            BEFORE: self.before,
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
            PAD_Y: d.h.pad,
            PAD_X: d.w.pad,
            BIAS: d.bias,
        };
        let files = [&[LANES_FILE], files, &[output_file(true)]].concat();
        Shader { files, constants: constants.and(grid_x).and(own), grid, iterations, uses_step: false }
    }
}

/// Whether each channel has one filter and channels divide by four.
fn is_simple(dims: &Dims) -> bool {
    dims.multiplier == 1 && dims.channels.is_multiple_of(4)
}
