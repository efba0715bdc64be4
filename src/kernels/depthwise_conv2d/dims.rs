//! Sizes of a depthwise convolution.

use crate::error::{Result, usage};
use crate::kernels::window::WindowAxis;
use crate::plan::{Constants, Cost, LANES_FILE, Shader, constants, elementwise_grid, output_file};
use crate::real::Real;

/// Sizes of a depthwise convolution over a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dims {
    pub(crate) batch: usize,
    pub(crate) h: WindowAxis,
    pub(crate) w: WindowAxis,
    /// Input channels.
    pub(crate) channels: usize,
    /// Filters of each channel: outputs `c multiplier` to `(c + 1) multiplier - 1` are those of channel c.
    pub(crate) multiplier: usize,
    /// Whether the weights end with a bias.
    pub(crate) bias: bool,
}

impl Dims {
    /// Windows `h` and `w` over images of `channels` channels.
    ///
    /// # Errors
    /// If there is no filter, or too many.
    pub(crate) fn new(
        batch: usize,
        [h, w]: [WindowAxis; 2],
        channels: usize,
        multiplier: usize,
        bias: bool,
    ) -> Result<Self> {
        const MAX: usize = 1 << 20;
        if multiplier == 0 || multiplier > MAX {
            return Err(usage!("depth_multiplier is {multiplier}; it must be 1 to {MAX}"));
        }
        Ok(Self { batch, h, w, channels, multiplier, bias })
    }

    /// Shape of one image's output.
    pub(crate) fn output(&self) -> [usize; 3] {
        [self.h.output, self.w.output, self.outputs()]
    }
    /// Output channels.
    pub(super) fn outputs(&self) -> usize {
        self.channels * self.multiplier
    }
    /// Taps of the kernel.
    pub(super) fn taps(&self) -> usize {
        self.h.kernel * self.w.kernel
    }
    /// Rows of the weights as a matrix of rows of `outputs`: taps, and the bias if there is one.
    pub(super) fn weights_rows(&self) -> usize {
        self.taps() + usize::from(self.bias)
    }
    /// Elements of one image's input.
    pub(super) fn in_image(&self) -> usize {
        self.h.input * self.w.input * self.channels
    }
    /// Elements of one image's output.
    pub(super) fn out_image(&self) -> usize {
        self.out_pixels() * self.outputs()
    }
    /// Pixels of one image's output.
    pub(super) fn out_pixels(&self) -> usize {
        self.h.output * self.w.output
    }

    /// A multiplication and an addition for each tap and output; `moved` are the elements read or written.
    pub(super) fn cost(&self, moved: usize) -> Cost {
        let flops = 2.0 * (self.batch * self.out_image() * self.taps()) as f64;
        Cost { flops, dense_flops: flops, bytes: 4.0 * moved as f64 }
    }

    /// The shader of `files` over `count` elements in rows of `row` channels, four per invocation where four divides the row, else one;
    /// `own` are the constants of this kernel alone.
    pub(super) fn shader(
        &self,
        files: &[&'static str],
        [count, row]: [usize; 2],
        iterations: usize,
        own: Constants,
    ) -> Shader {
        let by_4 = row.is_multiple_of(4);
        let lanes = if by_4 { 4 } else { 1 };
        let (grid, grid_x) = elementwise_grid(count / lanes);
        let constants = constants! {
            COUNT: count,
            LANES: lanes,
            BY_4: by_4,
            BATCH: self.batch,
            H: self.h.input,
            W: self.w.input,
            C: self.channels,
            MULTIPLIER: self.multiplier,
            OH: self.h.output,
            OW: self.w.output,
            KH: self.h.kernel,
            KW: self.w.kernel,
            SY: self.h.stride,
            SX: self.w.stride,
            DILATION_Y: self.h.dilation,
            DILATION_X: self.w.dilation,
            PAD_Y: self.h.pad,
            PAD_X: self.w.pad,
            BIAS: self.bias,
        };
        let files = [&[LANES_FILE], files, &[output_file(by_4)]].concat();
        Shader { files, constants: constants.and(grid_x).and(own), grid, iterations, uses_step: false }
    }

    /// Calls `visit(tap, pixel of one image's input)` for each tap of output pixel `pixel` of an image that is inside the image, in
    /// order.
    pub(super) fn for_each_tap(&self, pixel: usize, mut visit: impl FnMut(usize, usize)) {
        let (oy, ox) = (pixel / self.w.output, pixel % self.w.output);
        for ky in 0..self.h.kernel {
            for kx in 0..self.w.kernel {
                if let Some((iy, ix)) = self.h.at(oy, ky).zip(self.w.at(ox, kx)) {
                    visit(ky * self.w.kernel + kx, iy * self.w.input + ix);
                }
            }
        }
    }

    /// The bias, none without one.
    pub(super) fn bias_of<'a, F: Real>(&self, weights: &'a [F]) -> Option<&'a [F]> {
        self.bias.then(|| &weights[self.taps() * self.outputs()..][..self.outputs()])
    }
}
