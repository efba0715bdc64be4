//! Shaders that take a block of pixels in one invocation, so that each pixel under their taps is loaded once for all of them: for one
//! filter a channel or one channel, outputs that divide by four, and kernels that are not too large.

use super::dims::Dims;
use crate::kernels::tile::MAX_ITERATIONS;
use crate::kernels::window::WindowAxis;
use crate::plan::{Constants, LANES_FILE, Shader, constants, elementwise_grid, output_file};

/// Pixels of a row of an invocation.
const PIXELS: usize = 4;
/// Rows of pixels of an invocation, the best first.
const LINES: [usize; 3] = [4, 2, 1];
/// Pixels under the taps along an axis, at most: a row of them stays in registers.
const MAX_SPAN: usize = 16;
/// Statements of the sums with all loops unrolled, at most, where an invocation takes several rows.
const MAX_STATEMENTS: usize = 900;
/// Pixels of a row of the output, at most: a split of the gradient w.r.t. the weights is of whole rows.
const MAX_WIDTH: usize = MAX_ITERATIONS / 4;

/// The shader file of the image that is read and of an invocation's pixels.
pub(super) const BLOCK: &str = include_str!("../../../shaders/depthwise_conv2d_block.wgsl");

/// Where such a shader reads, and the pixels that it goes through; of pairs, the first is along the height.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks<'a> {
    dims: &'a Dims,
    /// Sizes of the image that is read through the kernel, and of the other one.
    from: [usize; 2],
    to: [usize; 2],
    /// Rows of pixels of an invocation.
    lines: usize,
    /// Pixels under the taps of an invocation's pixels.
    span: [usize; 2],
    /// In a gradient w.r.t. the input, those before the one that stands where the invocation's first pixel does.
    before: [usize; 2],
}

impl<'a> Blocks<'a> {
    /// For the forward pass; none if the sizes do not suit.
    pub(super) fn forward(dims: &'a Dims) -> Option<Self> {
        LINES.into_iter().map(|lines| Self::under_taps(dims, lines)).find(Self::suits)
    }

    /// For the gradient w.r.t. the weights, whose invocations sum a row of taps over rows of pixels.
    pub(super) fn rows(dims: &'a Dims) -> Option<Self> {
        Some(Self::under_taps(dims, 1)).filter(|rows| rows.suits() && dims.w.output <= MAX_WIDTH)
    }

    /// Pixels of the output, each of which reads those under its taps.
    fn under_taps(dims: &'a Dims, lines: usize) -> Self {
        let Dims { h, w, .. } = dims;
        let span = |axis: &WindowAxis, pixels: usize| (pixels - 1) * axis.stride + axis.extent();
        let (from, to) = ([h.input, w.input], [h.output, w.output]);
        Self { dims, from, to, lines, span: [span(h, lines), span(w, PIXELS)], before: [0; 2] }
    }

    /// For the gradient w.r.t. the input: at strides that divide the pixels of an invocation, so that these lie between the strides alike.
    pub(super) fn backward_input(dims: &'a Dims) -> Option<Self> {
        let Dims { h, w, .. } = dims;
        let (from, to) = ([h.output, w.output], [h.input, w.input]);
        let before = [h, w].map(|axis| (axis.extent() - 1).saturating_sub(axis.pad).div_ceil(axis.stride));
        let span = |axis: &WindowAxis, pixels: usize, before| (pixels - 1 + axis.pad) / axis.stride + before + 1;
        let block = |lines| {
            let span = [span(h, lines, before[0]), span(w, PIXELS, before[1])];
            Self { dims, from, to, lines, span, before }
        };
        let suits =
            |lines: &usize| dims.multiplier == 1 && lines.is_multiple_of(h.stride) && PIXELS.is_multiple_of(w.stride);
        LINES.into_iter().filter(suits).map(block).find(Self::suits)
    }

    fn suits(&self) -> bool {
        let d = self.dims;
        let is_simple = (d.multiplier == 1 || d.channels == 1) && d.outputs().is_multiple_of(4);
        let statements = self.span[0] * self.lines * d.taps() * PIXELS;
        let fits = self.span.iter().all(|span| *span <= MAX_SPAN);
        is_simple && fits && (self.lines == 1 || statements <= MAX_STATEMENTS)
    }

    /// Runs of pixels in a row.
    pub(super) fn runs(&self) -> usize {
        self.to[1].div_ceil(PIXELS)
    }

    /// Blocks of an image, one above the other.
    fn down(&self) -> usize {
        self.to[0].div_ceil(self.lines)
    }

    /// Blocks of the batch.
    pub(super) fn all(&self) -> usize {
        self.dims.batch * self.down() * self.runs()
    }

    /// The shader of `files`, with an invocation for each of `units` and four channels.
    pub(super) fn shader(&self, files: &[&'static str], units: usize, iterations: usize, own: Constants) -> Shader {
        let d = self.dims;
        let count = units * d.outputs() / 4;
        let (grid, grid_x) = elementwise_grid(count);
        let constants = constants! {
            COUNT: count,
            PIXELS: PIXELS,
            LINES: self.lines,
            OUTPUTS: self.lines * PIXELS,
            RUNS: self.runs(),
            DOWN: self.down(),
            SPAN_Y: self.span[0],
            SPAN_X: self.span[1],
            BEFORE_Y: self.before[0],
            BEFORE_X: self.before[1],
            BATCH: d.batch,
            FROM_H: self.from[0],
            FROM_W: self.from[1],
            TO_H: self.to[0],
            TO_W: self.to[1],
            C: d.outputs(),
            KH: d.h.kernel,
            KW: d.w.kernel,
            TAPS: d.taps(),
            SY: d.h.stride,
            SX: d.w.stride,
            DILATION_Y: d.h.dilation,
            DILATION_X: d.w.dilation,
            PAD_Y: d.h.pad,
            PAD_X: d.w.pad,
            BIAS: d.bias,
        };
        let source = match d.channels {
            1 => include_str!("../../../shaders/depthwise_conv2d_source_single.wgsl"),
            _ => include_str!("../../../shaders/depthwise_conv2d_source_by_4.wgsl"),
        };
        let files = [&[LANES_FILE, source], files, &[output_file(true)]].concat();
        Shader { files, constants: constants.and(grid_x).and(own), grid, iterations, uses_step: false }
    }
}
