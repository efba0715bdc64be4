//! SIMD forms: lanes are channels, and the weights of some taps at a time stay in registers. The gradient w.r.t. the input is the same
//! sum over the output's gradient, spread to the strides and padded, with the taps in reverse order.

use super::dims::Dims;
use super::sums::{Correlation, WeightSums};
use crate::kernels::gate::GateKind;
use crate::kernels::matrix::pad_block;
use crate::plan::Io;
use crate::simd::{SimdLevel, with_scratch};
use rayon::prelude::*;

/// Images of a task of the gradient w.r.t. the weights: does not depend on the number of threads, so that the order of additions, and
/// with it every bit of the result, does not either.
const IMAGES: usize = 4;

/// SIMD form of the forward kernel.
pub(super) fn forward(d: &Dims, relu: bool, level: SimdLevel, mut io: Io<'_, f32>) {
    let (x, weights, y) = (io.input(0), io.input(1), io.output(0));
    let (w, bias) = (&weights[..d.taps() * d.outputs()], d.bias_of(weights));
    let (pixels, offsets) = (first_pixels(d), offsets(d, padded_size(d)[1]));
    y.par_chunks_mut(d.out_image()).zip(x.par_chunks(d.in_image())).for_each(|(y, x)| {
        with_scratch([padded_len(d)], |[scratch]| {
            let x = padded(d, x, scratch);
            let c = d.outputs();
            level.run(Correlation { pixels: &pixels, offsets: &offsets, c, x, w, bias, relu, y });
        });
    });
}

/// SIMD form of the kernel for the gradient w.r.t. the input.
pub(super) fn backward_input(d: &Dims, gate: GateKind, level: SimdLevel, mut io: Io<'_, f32>) {
    let (dy, weights, dx, gate_input) = (io.input(0), io.input(1), io.output(0), io.inputs[2]);
    let c = d.outputs();
    let [height, width] = [d.h, d.w].map(|axis| axis.input + axis.extent() - 1);
    let pixels: Vec<usize> = (0..d.h.input * d.w.input).map(|i| (i / d.w.input * width + i % d.w.input) * c).collect();
    let offsets = offsets(d, width);
    // Of the first output pixel; never before the first of the padded ones.
    let [top, left] = [d.h, d.w].map(|axis| axis.extent() - 1 - axis.pad);
    with_scratch([d.taps() * c], |[reversed]| {
        for (to, w) in reversed.chunks_exact_mut(c).zip(weights[..d.taps() * c].chunks_exact(c).rev()) {
            to.copy_from_slice(w);
        }
        let w = &*reversed;
        let images = dx.par_chunks_mut(d.in_image()).zip(dy.par_chunks(d.out_image()));
        images.enumerate().for_each(|(image, (dx, dy))| {
            let sums_len = if d.multiplier == 1 { 0 } else { pixels.len() * c };
            with_scratch([height * width * c, sums_len], |[spread, sums]| {
                if [d.h, d.w].iter().all(|axis| axis.stride == 1) {
                    pad_block(dy, d.w.output * c, spread, width * c, [top, left * c]);
                } else {
                    spread.fill(0.0);
                    scatter(d, dy, spread, [top, left], width);
                }
                let y = if d.multiplier == 1 { &mut *dx } else { &mut *sums };
                let x = &*spread;
                level.run(Correlation { pixels: &pixels, offsets: &offsets, c, x, w, bias: None, relu: false, y });
                if d.multiplier > 1 {
                    dx.iter_mut().zip(sums.chunks_exact(d.multiplier)).for_each(|(dx, of)| *dx = of.iter().sum());
                }
                gate.apply_simd(level, dx, gate_input, image * d.in_image());
            });
        });
    });
}

/// SIMD form of the kernel for the gradient w.r.t. the weights, without a split.
pub(super) fn backward_weights(d: &Dims, level: SimdLevel, mut io: Io<'_, f32>) {
    let (x, dy, out) = (io.input(0), io.input(1), io.output(0));
    let (pixels, offsets) = (first_pixels(d), offsets(d, padded_size(d)[1]));
    let (c, bias, len) = (d.outputs(), d.bias, d.weights_rows() * d.outputs());
    with_scratch([d.batch.div_ceil(IMAGES) * len], |[partials]| {
        let tasks = x.par_chunks(IMAGES * d.in_image()).zip(dy.par_chunks(IMAGES * d.out_image()));
        partials.par_chunks_exact_mut(len).zip(tasks).for_each(|(sums, (x, dy))| {
            sums.fill(0.0);
            with_scratch([padded_len(d)], |[scratch]| {
                for (x, dy) in x.chunks_exact(d.in_image()).zip(dy.chunks_exact(d.out_image())) {
                    let x = padded(d, x, scratch);
                    level.run(WeightSums { pixels: &pixels, offsets: &offsets, c, x, dy, bias, sums });
                }
            });
        });
        out.fill(0.0);
        for sums in partials.chunks_exact(len) {
            out.iter_mut().zip(sums).for_each(|(total, sum)| *total += *sum);
        }
    });
}

/// Copies the pixels of `dy` to every stride-th row and column of `to`, whose rows have `width` pixels, from `at` on.
fn scatter(d: &Dims, dy: &[f32], to: &mut [f32], [top, left]: [usize; 2], width: usize) {
    let c = d.outputs();
    for (pixel, dy) in dy.chunks_exact(c).enumerate() {
        let (oy, ox) = (pixel / d.w.output, pixel % d.w.output);
        to[((top + oy * d.h.stride) * width + left + ox * d.w.stride) * c..][..c].copy_from_slice(dy);
    }
}

/// Height and width of an image with its zero padding.
fn padded_size(d: &Dims) -> [usize; 2] {
    [d.h, d.w].map(|axis| axis.padded())
}

/// Whether the input is read as it is.
fn is_whole(d: &Dims) -> bool {
    d.multiplier == 1 && !d.h.is_padded() && !d.w.is_padded()
}

/// Floats of scratch that [`padded`] needs.
fn padded_len(d: &Dims) -> usize {
    if is_whole(d) { 0 } else { padded_size(d).iter().product::<usize>() * d.outputs() }
}

/// `x` [h, w, c] with its zero padding and each channel as often as it has filters, copied to `scratch`; `x` itself where that is the
/// same.
fn padded<'a>(d: &Dims, x: &'a [f32], scratch: &'a mut [f32]) -> &'a [f32] {
    if is_whole(d) {
        return x;
    }
    let c = d.outputs();
    let [_, width] = padded_size(d);
    if d.multiplier == 1 {
        pad_block(x, d.w.input * c, scratch, width * c, [d.h.pad, d.w.pad * c]);
        return scratch;
    }
    scratch.fill(0.0);
    for (y, x) in x.chunks_exact(d.w.input * d.channels).enumerate() {
        let to = &mut scratch[((y + d.h.pad) * width + d.w.pad) * c..][..d.w.input * c];
        to.chunks_exact_mut(d.multiplier).zip(x).for_each(|(to, x)| to.fill(*x));
    }
    scratch
}

/// For each output pixel, the index in the padded image of the element under the first tap.
fn first_pixels(d: &Dims) -> Vec<usize> {
    let [_, width] = padded_size(d);
    let at = |i: usize| i / d.w.output * d.h.stride * width + i % d.w.output * d.w.stride;
    (0..d.out_pixels()).map(|i| at(i) * d.outputs()).collect()
}

/// For each tap, the distance in elements from the first one in an image of `width` pixels.
fn offsets(d: &Dims, width: usize) -> Vec<usize> {
    let at = |tap: usize| tap / d.w.kernel * d.h.dilation * width + tap % d.w.kernel * d.w.dilation;
    (0..d.taps()).map(|tap| at(tap) * d.outputs()).collect()
}
