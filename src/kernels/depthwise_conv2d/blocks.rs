//! Shaders that take a block of pixels in one invocation, so that each pixel under their taps is loaded once for all of them: for one
//! filter a channel or one channel, outputs that divide by four, and kernels that are not too wide.

use super::dims::Dims;
use crate::kernels::gate::GateKind;
use crate::kernels::tile::{MAX_ITERATIONS, weights_file};
use crate::kernels::window::WindowAxis;
use crate::plan::{Constants, LANES_FILE, Shader, constants, elementwise_grid, output_file, wgsl};

/// Pixels of a row of an invocation.
const PIXELS: usize = 4;
/// Rows of pixels of an invocation, the best first.
const LINES: [usize; 3] = [4, 2, 1];
/// Pixels under the taps along an axis, at most: a row of them stays in registers.
const MAX_SPAN: usize = 16;
/// Statements of the sums with all loops copied out, at most, where an invocation takes several rows: more take seconds to compile.
const MAX_STATEMENTS: usize = 900;
/// Pixels of a row of the output, at most: a split of the gradient w.r.t. the weights is of whole rows.
const MAX_WIDTH: usize = MAX_ITERATIONS / 4;

/// Which pixels are read along an axis: for pixel `to` and a tap, number (to step + tap dilation + offset) / apart - back.
#[derive(Debug, Clone, Copy)]
struct Reach {
    /// Pixels of the image that is read through the kernel, and of the other one.
    from: usize,
    to: usize,
    step: usize,
    apart: usize,
    offset: usize,
    back: usize,
}

impl Reach {
    fn forward(axis: &WindowAxis) -> Self {
        Self { from: axis.input, to: axis.output, step: axis.stride, apart: 1, offset: 0, back: axis.pad }
    }

    /// With the taps in reverse order.
    fn backward(axis: &WindowAxis) -> Self {
        let last = axis.extent() - 1;
        let back = last.saturating_sub(axis.pad).div_ceil(axis.stride);
        let offset = axis.pad + back * axis.stride - last;
        Self { from: axis.output, to: axis.input, step: 1, apart: axis.stride, offset, back }
    }

    /// Pixels under the taps of `pixels` neighbours.
    fn span(&self, axis: &WindowAxis, pixels: usize) -> usize {
        ((pixels - 1) * self.step + axis.extent() - 1 + self.offset) / self.apart + 1
    }
}

/// Whether the forward pass and the gradient w.r.t. the weights are computed so.
pub(crate) fn takes_rows(dims: &Dims) -> bool {
    Blocks::rows(dims).is_some()
}

/// The pixels that such a shader goes through, and where it reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks<'a> {
    dims: &'a Dims,
    /// Along the height, and along the width.
    reach: [Reach; 2],
    /// Whether the taps are read in reverse order.
    reversed: bool,
    /// Rows of pixels of an invocation.
    lines: usize,
}

impl<'a> Blocks<'a> {
    /// For the forward pass; none if the sizes do not suit.
    pub(super) fn forward(dims: &'a Dims) -> Option<Self> {
        Self::best(dims, [&dims.h, &dims.w].map(Reach::forward), false)
    }

    /// For the gradient w.r.t. the input: at strides that divide the pixels of an invocation, so that these lie between the strides alike.
    pub(super) fn backward_input(dims: &'a Dims) -> Option<Self> {
        Self::best(dims, [&dims.h, &dims.w].map(Reach::backward), true).filter(|_| dims.multiplier == 1)
    }

    /// For the gradient w.r.t. the weights, whose invocations sum a row of taps over rows of pixels.
    pub(super) fn rows(dims: &'a Dims) -> Option<Self> {
        let rows = Self { lines: 1, ..Self::forward(dims)? };
        (dims.w.output <= MAX_WIDTH).then_some(rows)
    }

    fn best(dims: &'a Dims, reach: [Reach; 2], reversed: bool) -> Option<Self> {
        let block = |lines| Self { dims, reach, reversed, lines };
        LINES.into_iter().map(block).find(Self::is_profitable)
    }

    fn is_profitable(&self) -> bool {
        let (d, [down, across]) = (self.dims, &self.reach);
        let is_simple = (d.multiplier == 1 || d.channels == 1) && d.outputs().is_multiple_of(4);
        let [height, width] = self.span();
        let statements = height * self.lines * d.taps() * PIXELS;
        let is_small = height <= MAX_SPAN && statements <= MAX_STATEMENTS && self.lines.is_multiple_of(down.apart);
        is_simple && width <= MAX_SPAN && PIXELS.is_multiple_of(across.apart) && (self.lines == 1 || is_small)
    }

    /// Pixels under the taps of an invocation's pixels.
    fn span(&self) -> [usize; 2] {
        let (d, [down, across]) = (self.dims, &self.reach);
        [down.span(&d.h, self.lines), across.span(&d.w, PIXELS)]
    }

    /// Runs of pixels in a row.
    pub(super) fn runs(&self) -> usize {
        self.reach[1].to.div_ceil(PIXELS)
    }

    /// The shader of the sums: the bias if `bias`, then ReLU if `relu`, then the gate. Bindings: what is read, weights, what the gate reads, out.
    pub(super) fn sums(&self, [bias, relu]: [bool; 2], gate: GateKind) -> Shader {
        let (d, [down, across]) = (self.dims, &self.reach);
        let blocks = down.to.div_ceil(self.lines);
        let (sums, iterations) = match self.lines {
            1 => (wgsl!("depthwise_conv2d_rows.wgsl"), d.h.kernel),
            _ => (wgsl!("depthwise_conv2d_blocks.wgsl"), 0),
        };
        let files = [weights_file(true), gate.file(), wgsl!("depthwise_conv2d_block.wgsl"), sums];
        let own = constants! {
            OUT: 2 + gate.bindings(),
            LINES: self.lines,
            OUTPUTS: self.lines * PIXELS,
            DOWN: blocks,
            SPAN_Y: self.span()[0],
            APART_Y: down.apart,
            APART_X: across.apart,
            OFFSET_Y: down.offset,
            OFFSET_X: across.offset,
            TAPS: d.taps(),
            REVERSED: self.reversed,
            BIAS: bias,
            RELU: relu,
        };
        let own = own.and(gate.constants(2, d.outputs()));
        self.shader(&files, d.batch * blocks * self.runs(), iterations, own)
    }

    /// The shader of `files`, with an invocation for each of `units` and four channels.
    pub(super) fn shader(&self, files: &[&'static str], units: usize, iterations: usize, own: Constants) -> Shader {
        let (d, [down, across]) = (self.dims, &self.reach);
        let count = units * d.outputs() / 4;
        let (grid, grid_x) = elementwise_grid(count);
        let constants = constants! {
            COUNT: count,
            PIXELS: PIXELS,
            RUNS: self.runs(),
            SPAN_X: self.span()[1],
            BATCH: d.batch,
            FROM_H: down.from,
            FROM_W: across.from,
            TO_H: down.to,
            TO_W: across.to,
            STEP_Y: down.step,
            STEP_X: across.step,
            BACK_Y: down.back,
            BACK_X: across.back,
            C: d.outputs(),
            KH: d.h.kernel,
            KW: d.w.kernel,
            DILATION_Y: d.h.dilation,
            DILATION_X: d.w.dilation,
        };
        let source = match d.channels {
            1 => wgsl!("depthwise_conv2d_source_single.wgsl"),
            _ => wgsl!("depthwise_conv2d_source_by_4.wgsl"),
        };
        let files = [&[LANES_FILE, source], files, &[output_file(true)]].concat();
        Shader { files, constants: constants.and(grid_x).and(own), grid, iterations, uses_step: false }
    }
}
