//! The convolution's kernels by vector instructions: the same sums as their plain twins, in registers.
//!
//! Forward by direct convolution ([`direct`]) or Winograd's algorithm ([`winograd`]); the gradients through a pool walk its
//! windows by the position of their maximum and skip zeros ([`sparse`]); a first layer of few channels has its own
//! weights gradient ([`first`]).

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

/// Products of the forward pass here, as a share of the direct sums'.
pub(super) fn forward_share(d: &Dims) -> f64 {
    if winograd::is_profitable(d) { 16.0 / 36.0 } else { 1.0 }
}

/// Products of a gradient through a pool, as a share of the dense sums': one position of each window.
pub(super) fn backward_share(d: &Dims) -> f64 {
    1.0 / d.window_len() as f64
}

/// What a convolution reads around a image of `d`: height and width with the border.
fn padded_size(d: &Dims) -> [usize; 2] {
    [d.h, d.w].map(|axis| (axis.pad + axis.input).max((axis.output - 1) * axis.stride + axis.kernel))
}

/// The first pixel under the kernel for each row of one image (see [`Dims`]), in the padded image.
fn first_pixels(d: &Dims) -> Vec<usize> {
    let [_, width] = padded_size(d);
    let at = |(_, oy, ox): (usize, usize, usize)| oy * d.h.stride * width + ox * d.w.stride;
    (0..d.image_windows() * d.window_len()).map(|row| at(d.pixel(row))).collect()
}

/// `x`: [h, w, c_in] with its border of zeros, in `room`; `x` itself if it has none.
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

/// Floats of the room that [`padded`] needs.
fn padded_len(d: &Dims) -> usize {
    if d.is_padded() { padded_size(d).iter().product::<usize>() * d.c_in } else { 0 }
}

/// The index of a pool in parts of `len` words, or as many times none, where there is no pool or nobody will read it.
fn argmax_parts<'a>(io: &mut Io<'a, f32>, parts: usize, len: usize) -> Vec<Option<&'a mut [u32]>> {
    if io.trains && io.outputs.len() > 1 {
        io.output_u32(1).chunks_mut(len).map(Some).collect()
    } else {
        (0..parts).map(|_| None).collect()
    }
}
