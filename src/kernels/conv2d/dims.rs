//! Sizes of a convolution and of the max pool it may be fused with; im2col, col2im and unpooling over them.

use crate::error::{Result, usage};
use crate::kernels::window::WindowAxis;
use crate::plan::{Constants, Cost, constants};
use crate::real::Real;
use std::ops::Range;

/// Sizes of a convolution and of its pool. A row is one output pixel that the pool reads; rows are ordered by (image,
/// pool window, window offset), where a window offset is the index of a pixel inside its pool window, row-major.
/// Without a pool each window is a single pixel, so rows are the output pixels in order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dims {
    pub(super) batch: usize,
    pub(super) h: WindowAxis,
    pub(super) w: WindowAxis,
    pub(super) c_in: usize,
    pub(super) c_out: usize,
    /// Blocks of channels that do not see each other.
    pub(super) groups: usize,
    /// Whether the weights end with a bias.
    pub(super) bias: bool,
    /// Pool windows over the convolution's output; 1x1 windows without a pool.
    pub(super) pool_h: WindowAxis,
    pub(super) pool_w: WindowAxis,
}

/// Largest pool window in pixels: the rows of a window must fit into one tile of the matrix product.
const MAX_WINDOW_LEN: usize = 32;

impl Dims {
    /// A convolution without a pool, with windows `h` and `w` over images of `c_in` channels.
    ///
    /// # Errors
    /// If there is no filter, or the groups do not divide both numbers of channels.
    pub(crate) fn new(
        batch: usize,
        [h, w]: [WindowAxis; 2],
        [c_in, c_out]: [usize; 2],
        groups: usize,
        bias: bool,
    ) -> Result<Self> {
        if c_out == 0 {
            return Err(usage!("Conv2D needs at least 1 filter"));
        }
        if groups == 0 || !c_in.is_multiple_of(groups) || !c_out.is_multiple_of(groups) {
            return Err(usage!("{groups} groups must divide both the input's {c_in} channels and the {c_out} filters"));
        }
        let (pool_h, pool_w) = (WindowAxis::pixels(h.output), WindowAxis::pixels(w.output));
        Ok(Self { batch, h, w, c_in, c_out, groups, bias, pool_h, pool_w })
    }

    /// The same convolution fused with a pool over its output, or none if the two cannot be fused: pool windows must not
    /// overlap, must not be padded, and must have 2 to 32 pixels; the channels must be one group.
    pub(crate) fn pooled(self, pool_h: WindowAxis, pool_w: WindowAxis) -> Option<Self> {
        let disjoint = |axis: WindowAxis| axis.stride >= axis.kernel && !axis.is_padded();
        let fusible =
            disjoint(pool_h) && disjoint(pool_w) && (2..=MAX_WINDOW_LEN).contains(&(pool_h.kernel * pool_w.kernel));
        (fusible && self.groups == 1).then_some(Self { pool_h, pool_w, ..self })
    }

    /// Shape of one image's output before the pool.
    pub(crate) fn output(&self) -> [usize; 3] {
        [self.h.output, self.w.output, self.c_out]
    }

    /// Number of kernel taps, kh * kw.
    pub(super) fn taps(&self) -> usize {
        self.h.kernel * self.w.kernel
    }
    /// Input channels of a group.
    pub(super) fn group_in(&self) -> usize {
        self.c_in / self.groups
    }
    /// Filters of a group.
    pub(super) fn group_out(&self) -> usize {
        self.c_out / self.groups
    }
    /// Input elements that one output element reads, kh * kw * c_in / groups: the K of the equivalent matrix product.
    pub(super) fn patch_len(&self) -> usize {
        self.taps() * self.group_in()
    }
    /// Rows of the weights as a matrix: those of the kernel, and the bias if there is one.
    pub(super) fn weights_rows(&self) -> usize {
        self.patch_len() + usize::from(self.bias)
    }
    /// Kernel and bias, which is empty if there is none.
    pub(super) fn split_weights<'a, F>(&self, weights: &'a [F]) -> (&'a [F], &'a [F]) {
        weights[..self.weights_rows() * self.c_out].split_at(self.patch_len() * self.c_out)
    }
    /// Whether there is nothing but a kernel over all channels and a bias: neither groups nor dilation.
    pub(super) fn is_plain(&self) -> bool {
        self.groups == 1 && self.bias && self.h.dilation == 1 && self.w.dilation == 1
    }
    /// Whether each output pixel reads one input pixel, in the same order: the input is the matrix of patches.
    pub(super) fn is_pointwise(&self) -> bool {
        let one = |axis: &WindowAxis| axis.kernel == 1 && axis.stride == 1;
        one(&self.h) && one(&self.w) && self.groups == 1 && self.window_len() == 1
    }
    /// The same convolution over the channels of one group.
    pub(super) fn group(&self) -> Self {
        Self { c_in: self.group_in(), c_out: self.group_out(), groups: 1, ..*self }
    }
    /// Output pixels in one pool window; 1 without a pool.
    pub(super) fn window_len(&self) -> usize {
        self.pool_h.kernel * self.pool_w.kernel
    }
    /// Mask of the low mantissa bits that hold a window offset in a tagged gradient; 0 without a pool.
    pub(crate) fn offset_mask(&self) -> u32 {
        self.window_len().next_power_of_two() as u32 - 1
    }
    /// Pool windows in one image.
    pub(super) fn image_windows(&self) -> usize {
        self.pool_h.output * self.pool_w.output
    }
    /// Pool windows in the whole batch.
    pub(super) fn windows(&self) -> usize {
        self.batch * self.image_windows()
    }
    /// Output pixels that the pool reads, over the whole batch.
    pub(super) fn rows(&self) -> usize {
        self.windows() * self.window_len()
    }
    /// Elements in one image's input, h * w * c_in.
    pub(super) fn in_image(&self) -> usize {
        self.h.input * self.w.input * self.c_in
    }
    /// Elements in one image's output after the pool.
    pub(super) fn out_image(&self) -> usize {
        self.image_windows() * self.c_out
    }

    /// Whether any kernel window reaches into the zero padding.
    pub(super) fn is_padded(&self) -> bool {
        self.h.is_padded() || self.w.is_padded()
    }

    /// The sizes as shader constants.
    pub(super) fn constants(&self) -> Constants {
        constants! {
            BATCH: self.batch,
            H: self.h.input,
            W: self.w.input,
            C_IN: self.c_in,
            C_OUT: self.c_out,
            KH: self.h.kernel,
            KW: self.w.kernel,
            SY: self.h.stride,
            SX: self.w.stride,
            PAD_Y: self.h.pad,
            PAD_X: self.w.pad,
            DILATION_Y: self.h.dilation,
            DILATION_X: self.w.dilation,
            GROUP_IN: self.group_in(),
            GROUP_OUT: self.group_out(),
            BIAS: self.bias,
            WINDOW_LEN: self.window_len(),
            OFFSET_MASK: self.offset_mask(),
            POOL_H: self.pool_h.kernel,
            POOL_W: self.pool_w.kernel,
            POOL_SY: self.pool_h.stride,
            POOL_SX: self.pool_w.stride,
            POOL_OH: self.pool_h.output,
            POOL_OW: self.pool_w.output,
            PADDED: self.is_padded(),
            C_IN_BY_4: self.group_in().is_multiple_of(4),
            C_OUT_BY_4: self.group_out().is_multiple_of(4),
        }
    }

    /// Cost of a kernel that computes every row as a full dot product over its patch. Products with zero padding count.
    /// `moved`: elements read or written, per operand.
    pub(super) fn cost(&self, moved: [usize; 3]) -> Cost {
        let flops = 2.0 * (self.rows() * self.patch_len() * self.c_out) as f64;
        Cost { flops, dense_flops: self.dense_flops(), bytes: 4.0 * moved.iter().sum::<usize>() as f64 }
    }

    /// Floating point operations of one pass of the unfused direct convolution, over all output pixels.
    pub(super) fn dense_flops(&self) -> f64 {
        2.0 * (self.batch * self.h.output * self.w.output * self.patch_len() * self.c_out) as f64
    }

    /// The output pixel of `row` as (image, y, x).
    pub(super) fn pixel(&self, row: usize) -> (usize, usize, usize) {
        let (window, window_offset) = (row / self.window_len(), row % self.window_len());
        let (image, in_image) = (window / self.image_windows(), window % self.image_windows());
        let oy = in_image / self.pool_w.output * self.pool_h.stride + window_offset / self.pool_w.kernel;
        let ox = in_image % self.pool_w.output * self.pool_w.stride + window_offset % self.pool_w.kernel;
        (image, oy, ox)
    }

    /// Copies the input patches of `rows` for the channels of `group` from `x` [n, h, w, c_in] to `patches` [rows, taps, channels
    /// of the group]; elements in the zero padding become 0.
    pub(super) fn im2col<F: Real>(&self, x: &[F], group: usize, rows: Range<usize>, patches: &mut [F]) {
        let channels = self.group_in();
        self.for_each_tap(rows, |patch, source| {
            let patch = &mut patches[patch * channels..][..channels];
            match source {
                Some(pixel) => patch.copy_from_slice(&x[pixel * self.c_in + group * channels..][..channels]),
                None => patch.fill(F::ZERO),
            }
        });
    }

    /// Adds each element of one image's `patches` [rows, taps, channels of the group] to the element of `dx` [h, w, c_in] that
    /// [`Self::im2col`] reads it from: the adjoint of im2col.
    pub(super) fn col2im<F: Real>(&self, patches: &[F], group: usize, dx: &mut [F]) {
        let channels = self.group_in();
        self.for_each_tap(0..self.image_windows() * self.window_len(), |patch, source| {
            if let Some(pixel) = source {
                let from = &patches[patch * channels..][..channels];
                for (d, p) in dx[pixel * self.c_in + group * channels..][..channels].iter_mut().zip(from) {
                    *d += *p;
                }
            }
        });
    }

    /// Calls `visit(index, pixel)` for each (row, ky, kx) of `rows` in ascending order: `index` counts the calls,
    /// `pixel` is the index of the input pixel under that tap, or `None` in the zero padding.
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

    /// Expands tagged gradients [windows, c_out] to `dy` [rows, c_out] for `rows`. In a tagged gradient the argmax of
    /// the window is stored in the low mantissa bits (see [`crate::kernels::Gate`]); the pixel at that window offset receives the
    /// gradient, all others 0.
    pub(super) fn unpool<F: Real>(&self, tagged: &[F], rows: Range<usize>, dy: &mut [F]) {
        for (row, dy) in rows.zip(dy.chunks_exact_mut(self.c_out)) {
            let (window, window_offset) = (row / self.window_len(), (row % self.window_len()) as u32);
            for (dy, tagged) in dy.iter_mut().zip(&tagged[window * self.c_out..]) {
                let (value, argmax) = tagged.split_low_bits(self.offset_mask());
                *dy = if argmax == window_offset { value } else { F::ZERO };
            }
        }
    }
}
