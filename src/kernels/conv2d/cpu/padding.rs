//! Images with their zero padding.

use crate::kernels::conv2d::dims::Dims;

/// Height and width of an image with its zero padding: all the pixels that the convolution reads.
pub(super) fn padded_size(d: &Dims) -> [usize; 2] {
    [d.h, d.w].map(|axis| (axis.pad + axis.input).max((axis.output - 1) * axis.stride + axis.kernel))
}

/// For each row of one image (see [`Dims`]), the index in the padded image of the pixel under the kernel's first tap.
pub(super) fn first_pixels(d: &Dims) -> Vec<usize> {
    let [_, width] = padded_size(d);
    let at = |(_, oy, ox): (usize, usize, usize)| oy * d.h.stride * width + ox * d.w.stride;
    (0..d.image_windows() * d.window_len()).map(|row| at(d.pixel(row))).collect()
}

/// `x` [h, w, c_in] with its zero padding, copied to `scratch` ([`padded_len`] floats); `x` itself if there is no
/// padding.
pub(super) fn padded<'a>(d: &Dims, x: &'a [f32], scratch: &'a mut [f32]) -> &'a [f32] {
    if !d.is_padded() {
        return x;
    }
    let [_, width] = padded_size(d);
    scratch.fill(0.0);
    let row = d.w.input * d.c_in;
    for (y, x) in x.chunks_exact(row).enumerate() {
        scratch[((y + d.h.pad) * width + d.w.pad) * d.c_in..][..row].copy_from_slice(x);
    }
    scratch
}

/// Floats of scratch that [`padded`] needs.
pub(super) fn padded_len(d: &Dims) -> usize {
    if d.is_padded() { padded_size(d).iter().product::<usize>() * d.c_in } else { 0 }
}
