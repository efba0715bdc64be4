//! Sizes of a convolution and of the pool it may be fused with.

use crate::kernels::WindowAxis;
use crate::kernels::gate::Gate;
use crate::plan::Cost;
use crate::real::Real;
use std::ops::Range;

/// Sizes of a convolution. Rows are the output pixels that are needed, in the order (image, window of the pool, position
/// in it); without a pool a window is one pixel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dims {
    pub(super) batch: usize,
    pub(super) h: WindowAxis,
    pub(super) w: WindowAxis,
    pub(super) c_in: usize,
    pub(super) c_out: usize,
    /// Windows over the output; of one pixel without a pool.
    pub(super) pool_h: WindowAxis,
    pub(super) pool_w: WindowAxis,
}

impl Dims {
    pub(super) fn taps(&self) -> usize {
        self.h.kernel * self.w.kernel
    }
    /// Inputs of one output.
    pub(super) fn patch_len(&self) -> usize {
        self.taps() * self.c_in
    }
    pub(super) fn in_pixels(&self) -> usize {
        self.batch * self.h.input * self.w.input
    }
    /// Pixels of a window of the pool.
    pub(super) fn window_len(&self) -> usize {
        self.pool_h.kernel * self.pool_w.kernel
    }
    /// The bits in which a position fits; none without a pool.
    pub(super) fn offset_mask(&self) -> u32 {
        self.window_len().next_power_of_two() as u32 - 1
    }
    /// How layers above hand their gradient to this one.
    pub(super) fn gate(&self) -> Gate {
        Gate::Argmax { mask: self.offset_mask() }
    }
    /// Windows of the pool in one image.
    pub(super) fn image_windows(&self) -> usize {
        self.pool_h.output * self.pool_w.output
    }
    pub(super) fn windows(&self) -> usize {
        self.batch * self.image_windows()
    }
    pub(super) fn rows(&self) -> usize {
        self.windows() * self.window_len()
    }
    /// Floats of one image's input.
    pub(super) fn in_image(&self) -> usize {
        self.h.input * self.w.input * self.c_in
    }
    /// Floats of one image's output, after the pool.
    pub(super) fn out_image(&self) -> usize {
        self.image_windows() * self.c_out
    }

    pub(super) fn is_padded(&self) -> bool {
        self.h.is_padded() || self.w.is_padded()
    }

    pub(super) fn constants(&self) -> Vec<(&'static str, u64)> {
        let named = [
            ("BATCH", self.batch),
            ("H", self.h.input),
            ("W", self.w.input),
            ("C_IN", self.c_in),
            ("C_OUT", self.c_out),
            ("KH", self.h.kernel),
            ("KW", self.w.kernel),
            ("SY", self.h.stride),
            ("SX", self.w.stride),
            ("PAD_Y", self.h.pad),
            ("PAD_X", self.w.pad),
            ("WINDOW_LEN", self.window_len()),
            ("OFFSET_MASK", self.offset_mask() as usize),
            ("POOL_H", self.pool_h.kernel),
            ("POOL_W", self.pool_w.kernel),
            ("POOL_SY", self.pool_h.stride),
            ("POOL_SX", self.pool_w.stride),
            ("POOL_OH", self.pool_h.output),
            ("POOL_OW", self.pool_w.output),
            ("PADDED?", usize::from(self.is_padded())),
            ("C_IN_BY_4?", usize::from(self.c_in.is_multiple_of(4))),
            ("C_OUT_BY_4?", usize::from(self.c_out.is_multiple_of(4))),
        ];
        named.map(|(name, value)| (name, value as u64)).to_vec()
    }

    /// The work of a kernel that multiplies every needed output with its window; a window may reach over the border, and
    /// the multiplications there count as done.
    pub(super) fn cost(&self, moved: [usize; 3]) -> Cost {
        let flops = 2.0 * (self.rows() * self.patch_len() * self.c_out) as f64;
        Cost { flops, dense_flops: self.dense_flops(), bytes: 4.0 * moved.iter().sum::<usize>() as f64 }
    }

    /// What the plain convolution takes for one pass.
    pub(super) fn dense_flops(&self) -> f64 {
        2.0 * (self.batch * self.h.output * self.w.output * self.patch_len() * self.c_out) as f64
    }

    /// Image, row and column of output pixel `row`.
    pub(super) fn pixel(&self, row: usize) -> (usize, usize, usize) {
        let (window, window_offset) = (row / self.window_len(), row % self.window_len());
        let (image, in_image) = (window / self.image_windows(), window % self.image_windows());
        let oy = in_image / self.pool_w.output * self.pool_h.stride + window_offset / self.pool_w.kernel;
        let ox = in_image % self.pool_w.output * self.pool_w.stride + window_offset % self.pool_w.kernel;
        (image, oy, ox)
    }

    /// `patches`: [rows, taps, c_in], the windows of `x`: [n, h, w, c_in] at the output pixels of `rows`, zero outside
    /// the image.
    pub(super) fn im2col<F: Real>(&self, x: &[F], rows: Range<usize>, patches: &mut [F]) {
        self.for_each_tap(rows, |patch, source| {
            let patch = &mut patches[patch * self.c_in..][..self.c_in];
            match source {
                Some(pixel) => patch.copy_from_slice(&x[pixel * self.c_in..][..self.c_in]),
                None => patch.fill(F::ZERO),
            }
        });
    }

    /// Adds each patch element of one image to the input element it came from: the adjoint of [`Self::im2col`].
    pub(super) fn col2im<F: Real>(&self, patches: &[F], dx: &mut [F]) {
        self.for_each_tap(0..self.image_windows() * self.window_len(), |patch, source| {
            if let Some(pixel) = source {
                let from = &patches[patch * self.c_in..][..self.c_in];
                for (d, p) in dx[pixel * self.c_in..][..self.c_in].iter_mut().zip(from) {
                    *d += *p;
                }
            }
        });
    }

    /// Calls `visit(place of (row, ky, kx), input pixel under it)` over `rows` in ascending order.
    fn for_each_tap(&self, rows: Range<usize>, mut visit: impl FnMut(usize, Option<usize>)) {
        let mut patch = 0;
        for row in rows {
            let (image, oy, ox) = self.pixel(row);
            for ky in 0..self.h.kernel {
                let line = self.h.at(oy, ky).map(|y| (image * self.h.input + y) * self.w.input);
                for kx in 0..self.w.kernel {
                    visit(patch, line.zip(self.w.at(ox, kx)).map(|(line, x)| line + x));
                    patch += 1;
                }
            }
        }
    }

    /// The gradients of the output pixels of `rows`, [rows, c_out], from packed ones, [windows, c_out] (see [`Gate`]).
    pub(super) fn unpool<F: Real>(&self, packed: &[F], rows: Range<usize>, dy: &mut [F]) {
        for (row, dy) in rows.zip(dy.chunks_exact_mut(self.c_out)) {
            let (window, window_offset) = (row / self.window_len(), (row % self.window_len()) as u32);
            for (dy, packed) in dy.iter_mut().zip(&packed[window * self.c_out..]) {
                let (value, at) = packed.split_low_bits(self.offset_mask());
                *dy = if at == window_offset { value } else { F::ZERO };
            }
        }
    }
}
