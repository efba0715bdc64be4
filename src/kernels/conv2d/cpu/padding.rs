//! Images with their zero padding.

use crate::kernels::conv2d::dims::Dims;
use crate::kernels::matrix::pad_block;

/// Height and width of an image with its zero padding: all the pixels that the convolution reads.
pub(super) fn padded_size(d: &Dims) -> [usize; 2] {
    [d.h, d.w].map(|axis| axis.padded())
}

/// For each row of one image (see [`Dims`]), the index in the padded image of the pixel under the kernel's first tap.
pub(super) fn first_pixels(d: &Dims) -> Vec<usize> {
    let [_, width] = padded_size(d);
    let at = |(_, oy, ox): (usize, usize, usize)| oy * d.h.stride * width + ox * d.w.stride;
    (0..d.image_windows() * d.window_len()).map(|row| at(d.pixel(row))).collect()
}

/// The channels of `group` of `x` [h, w, c_in] with their zero padding, copied to `scratch` ([`padded_len`] floats); `x` itself if
/// there is neither padding nor another group.
pub(super) fn padded<'a>(d: &Dims, group: usize, x: &'a [f32], scratch: &'a mut [f32]) -> &'a [f32] {
    if !d.is_padded() && d.groups == 1 {
        return x;
    }
    let [_, width] = padded_size(d);
    let channels = d.group_in();
    if d.groups == 1 {
        pad_block(x, d.w.input * channels, scratch, width * channels, [d.h.pad, d.w.pad * channels]);
        return scratch;
    }
    scratch.fill(0.0);
    for (y, x) in x.chunks_exact(d.w.input * d.c_in).enumerate() {
        let to = &mut scratch[((y + d.h.pad) * width + d.w.pad) * channels..][..d.w.input * channels];
        for (to, x) in to.chunks_exact_mut(channels).zip(x.chunks_exact(d.c_in)) {
            to.copy_from_slice(&x[group * channels..][..channels]);
        }
    }
    scratch
}

/// Floats of scratch that [`padded`] needs.
pub(super) fn padded_len(d: &Dims) -> usize {
    match d.is_padded() || d.groups > 1 {
        true => padded_size(d).iter().product::<usize>() * d.group_in(),
        false => 0,
    }
}
