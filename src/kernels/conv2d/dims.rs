//! Sizes of a convolution and of the pool it may be fused with.

use crate::kernels::Axis;
use crate::kernels::below::Below;
use crate::plan::Cost;
use crate::real::Real;
use std::ops::Range;

/// Sizes of a convolution. Rows are the output pixels that are needed, in the order (image, window of the pool, position
/// in it); without a pool a window is one pixel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dims {
    pub(super) batch: usize,
    pub(super) y: Axis,
    pub(super) x: Axis,
    pub(super) c_in: usize,
    pub(super) c_out: usize,
    /// Windows over the output; of one pixel without a pool.
    pub(super) pool_y: Axis,
    pub(super) pool_x: Axis,
}

impl Dims {
    pub(super) fn taps(&self) -> usize {
        self.y.window * self.x.window
    }
    /// Inputs of one output.
    pub(super) fn window(&self) -> usize {
        self.taps() * self.c_in
    }
    pub(super) fn in_pixels(&self) -> usize {
        self.batch * self.y.input * self.x.input
    }
    /// Pixels of a window of the pool.
    pub(super) fn positions(&self) -> usize {
        self.pool_y.window * self.pool_x.window
    }
    /// The bits in which a position fits; none without a pool.
    pub(super) fn position_mask(&self) -> u32 {
        self.positions().next_power_of_two() as u32 - 1
    }
    /// How layers above hand their gradient to this one.
    pub(super) fn below(&self) -> Below {
        Below::Pool { mask: self.position_mask() }
    }
    /// Windows of the pool in one image.
    pub(super) fn image_windows(&self) -> usize {
        self.pool_y.output * self.pool_x.output
    }
    pub(super) fn windows(&self) -> usize {
        self.batch * self.image_windows()
    }
    pub(super) fn rows(&self) -> usize {
        self.windows() * self.positions()
    }
    /// Floats of one image's input.
    pub(super) fn in_image(&self) -> usize {
        self.y.input * self.x.input * self.c_in
    }
    /// Floats of one image's output, after the pool.
    pub(super) fn out_image(&self) -> usize {
        self.image_windows() * self.c_out
    }

    pub(super) fn is_padded(&self) -> bool {
        self.y.is_padded() || self.x.is_padded()
    }

    pub(super) fn constants(&self) -> Vec<(&'static str, u64)> {
        let named = [
            ("BATCH", self.batch),
            ("H", self.y.input),
            ("W", self.x.input),
            ("C_IN", self.c_in),
            ("C_OUT", self.c_out),
            ("KH", self.y.window),
            ("KW", self.x.window),
            ("SY", self.y.stride),
            ("SX", self.x.stride),
            ("PAD_Y", self.y.pad),
            ("PAD_X", self.x.pad),
            ("POSITIONS", self.positions()),
            ("POSITION_MASK", self.position_mask() as usize),
            ("POOL_H", self.pool_y.window),
            ("POOL_W", self.pool_x.window),
            ("POOL_SY", self.pool_y.stride),
            ("POOL_SX", self.pool_x.stride),
            ("POOL_OH", self.pool_y.output),
            ("POOL_OW", self.pool_x.output),
            ("PADDED?", usize::from(self.is_padded())),
            ("C_IN_BY_4?", usize::from(self.c_in.is_multiple_of(4))),
            ("C_OUT_BY_4?", usize::from(self.c_out.is_multiple_of(4))),
        ];
        named.map(|(name, value)| (name, value as u64)).to_vec()
    }

    /// The work of a kernel that multiplies every needed output with its window; a window may reach over the border, and
    /// the multiplications there count as done.
    pub(super) fn cost(&self, moved: [usize; 3]) -> Cost {
        let flops = 2.0 * (self.rows() * self.window() * self.c_out) as f64;
        Cost { flops, dense_flops: self.dense_flops(), bytes: 4.0 * moved.iter().sum::<usize>() as f64 }
    }

    /// What the plain convolution takes for one pass.
    pub(super) fn dense_flops(&self) -> f64 {
        2.0 * (self.batch * self.y.output * self.x.output * self.window() * self.c_out) as f64
    }

    /// Image, row and column of output pixel `row`.
    pub(super) fn pixel(&self, row: usize) -> (usize, usize, usize) {
        let (window, position) = (row / self.positions(), row % self.positions());
        let (image, in_image) = (window / self.image_windows(), window % self.image_windows());
        let oy = in_image / self.pool_x.output * self.pool_y.stride + position / self.pool_x.window;
        let ox = in_image % self.pool_x.output * self.pool_x.stride + position % self.pool_x.window;
        (image, oy, ox)
    }

    /// `patches`: [rows, taps, c_in], the windows of `x`: [n, h, w, c_in] at the output pixels of `rows`, zero outside
    /// the picture.
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
        self.for_each_tap(0..self.image_windows() * self.positions(), |patch, source| {
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
            for ky in 0..self.y.window {
                let line = self.y.at(oy, ky).map(|y| (image * self.y.input + y) * self.x.input);
                for kx in 0..self.x.window {
                    visit(patch, line.zip(self.x.at(ox, kx)).map(|(line, x)| line + x));
                    patch += 1;
                }
            }
        }
    }

    /// The gradients of the output pixels of `rows`, [rows, c_out], from packed ones, [windows, c_out] (see [`Below`]).
    pub(super) fn unpool<F: Real>(&self, packed: &[F], rows: Range<usize>, dy: &mut [F]) {
        for (row, dy) in rows.zip(dy.chunks_exact_mut(self.c_out)) {
            let (window, position) = (row / self.positions(), (row % self.positions()) as u32);
            for (dy, packed) in dy.iter_mut().zip(&packed[window * self.c_out..]) {
                let (value, at) = packed.split_low_bits(self.position_mask());
                *dy = if at == position { value } else { F::ZERO };
            }
        }
    }
}
