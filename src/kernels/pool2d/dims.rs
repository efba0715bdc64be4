//! Sizes of a pool, and the pixels of its windows.

use crate::error::Result;
use crate::kernels::window::{Padding, WindowAxis};
use crate::plan::{Constants, Cost, LANES_FILE, Shader, constants, elementwise_grid, output_file};

/// Sizes of a pooling layer for a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dims {
    pub(super) batch: usize,
    pub(crate) h: WindowAxis,
    pub(crate) w: WindowAxis,
    pub(super) channels: usize,
}

impl Dims {
    /// Windows of `pool` pixels over `input` [h, w, c].
    ///
    /// # Errors
    /// If the window does not fit.
    pub(crate) fn new(
        batch: usize,
        input: [usize; 3],
        pool: [usize; 2],
        strides: [usize; 2],
        padding: Padding,
    ) -> Result<Self> {
        let h = WindowAxis::new(input[0], pool[0], strides[0], padding)?;
        let w = WindowAxis::new(input[1], pool[1], strides[1], padding)?;
        Ok(Self { batch, h, w, channels: input[2] })
    }

    /// One window, the whole image, over `input` [h, w, c].
    pub(crate) fn whole(batch: usize, [h, w, channels]: [usize; 3]) -> Self {
        Self { batch, h: WindowAxis::whole(h), w: WindowAxis::whole(w), channels }
    }

    /// Shape of one image's output.
    pub(crate) fn output(&self) -> [usize; 3] {
        [self.h.output, self.w.output, self.channels]
    }

    /// Elements of one image's input.
    pub(super) fn in_image(&self) -> usize {
        self.h.input * self.w.input * self.channels
    }
    /// Elements of one image's output.
    pub(super) fn out_image(&self) -> usize {
        self.h.output * self.w.output * self.channels
    }

    /// The shader of `files` over `count` elements, with four channels per invocation if the channel count divides by
    /// four, else one; `own` are the constants of this kernel alone.
    pub(super) fn shader(&self, files: &[&'static str], count: usize, own: Constants) -> Shader {
        let by_4 = self.channels.is_multiple_of(4);
        let lane_channels = if by_4 { 4 } else { 1 };
        let (grid, grid_x) = elementwise_grid(count / lane_channels);
        let constants = constants! {
            COUNT: count,
            H: self.h.input,
            W: self.w.input,
            C: self.channels,
            OH: self.h.output,
            OW: self.w.output,
            PH: self.h.kernel,
            PW: self.w.kernel,
            SY: self.h.stride,
            SX: self.w.stride,
            PAD_Y: self.h.pad,
            PAD_X: self.w.pad,
            LANE_CHANNELS: lane_channels,
            C_BY_4: by_4,
        };
        let constants = constants.and(grid_x).and(own);
        let iterations = self.h.kernel * (1 + self.w.kernel);
        let files = [&[LANES_FILE], files, &[output_file(by_4)]].concat();
        Shader { files, constants, grid, iterations, uses_step: false }
    }

    /// One comparison or addition per element of each window.
    pub(super) fn cost(&self) -> Cost {
        let (inputs, outputs) = (self.batch * self.in_image(), self.batch * self.out_image());
        let flops = (outputs * self.h.kernel * self.w.kernel) as f64;
        Cost { flops, dense_flops: flops, bytes: 4.0 * (inputs + 2 * outputs) as f64 }
    }

    /// Calls `visit(window offset, index of the pixel's first channel)` for each pixel of the window of output pixel
    /// (`oy`, `ox`) that is inside the image.
    #[inline(always)]
    pub(super) fn for_each_tap(&self, oy: usize, ox: usize, mut visit: impl FnMut(u32, usize)) {
        for ky in 0..self.h.kernel {
            for kx in 0..self.w.kernel {
                if let Some((iy, ix)) = self.h.at(oy, ky).zip(self.w.at(ox, kx)) {
                    visit((ky * self.w.kernel + kx) as u32, (iy * self.w.input + ix) * self.channels);
                }
            }
        }
    }
}
