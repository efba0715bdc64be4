//! SIMD variants of the convolution kernels. They compute the same sums as the reference implementations, but
//! accumulate in registers.
//!
//! The forward pass is a direct convolution ([`direct`]) or Winograd's algorithm ([`winograd`]). The gradients through
//! a pool touch only the pixel at each window's argmax and skip zeros ([`sparse`]). A first layer with few input
//! channels has its own kernel for the gradient w.r.t. the weights ([`first`]).

pub(super) mod direct;
pub(super) mod first;
mod panels;
#[cfg(target_arch = "x86_64")]
mod patch;
mod pool;
pub(super) mod sparse;
pub(super) mod winograd;

use super::dims::Dims;
use crate::plan::Io;

/// Multiplications of the CPU forward pass, as a fraction of those of the direct convolution.
pub(super) fn forward_share(d: &Dims) -> f64 {
    if winograd::is_profitable(d) { 16.0 / 36.0 } else { 1.0 }
}

/// Multiplications of a gradient through a pool, as a fraction of the dense ones: only one pixel of each window has a
/// gradient.
pub(super) fn backward_share(d: &Dims) -> f64 {
    1.0 / d.window_len() as f64
}

/// Height and width of an image with its zero padding: all the pixels that the convolution reads.
fn padded_size(d: &Dims) -> [usize; 2] {
    [d.h, d.w].map(|axis| (axis.pad + axis.input).max((axis.output - 1) * axis.stride + axis.kernel))
}

/// For each row of one image (see [`Dims`]), the index in the padded image of the pixel under the kernel's first tap.
fn first_pixels(d: &Dims) -> Vec<usize> {
    let [_, width] = padded_size(d);
    let at = |(_, oy, ox): (usize, usize, usize)| oy * d.h.stride * width + ox * d.w.stride;
    (0..d.image_windows() * d.window_len()).map(|row| at(d.pixel(row))).collect()
}

/// `x` [h, w, c_in] with its zero padding, copied to `scratch` ([`padded_len`] floats); `x` itself if there is no
/// padding.
fn padded<'a>(d: &Dims, x: &'a [f32], scratch: &'a mut [f32]) -> &'a [f32] {
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
fn padded_len(d: &Dims) -> usize {
    if d.is_padded() { padded_size(d).iter().product::<usize>() * d.c_in } else { 0 }
}

/// The argmax output in chunks of `len` elements; `count` times `None` if there is no pool or no backward pass follows.
fn argmax_chunks<'a>(io: &mut Io<'a, f32>, count: usize, len: usize) -> Vec<Option<&'a mut [u32]>> {
    if io.trains && io.outputs.len() > 1 {
        io.output_u32(1).chunks_mut(len).map(Some).collect()
    } else {
        (0..count).map(|_| None).collect()
    }
}
