//! Reference implementations of the convolution's passes by im2col and matrix products, for f32 and f64: the CPU twins of all
//! kernels of a pass.

use super::dims::Dims;
use crate::kernels::gate::{GateKind, INACTIVE};
use crate::kernels::matrix::{bias_and_relu, copy_block, sum_rows};
use crate::plan::{Cost, Io};
use crate::real::is_better;
use crate::real::{MatMul, Real, Strided};
use rayon::prelude::*;
use std::ops::Range;

/// Chunks of rows that are summed in parallel. The number is fixed, so that the order of additions, and with it every
/// bit of the result, does not depend on the number of threads.
const CHUNKS: usize = 8;
/// Rows per im2col block: few enough for the patches to stay in the L2 cache.
const PIXELS: usize = 128;

/// Counts each operand as read or written once.
pub(super) fn forward_cost(d: &Dims) -> Cost {
    let argmax = if d.window_len() > 1 { 2 } else { 1 };
    d.cost([d.batch * d.in_image(), argmax * d.batch * d.out_image(), d.weights_rows() * d.c_out])
}

/// Counts each operand as read or written once.
pub(super) fn weights_cost(d: &Dims) -> Cost {
    d.cost([d.batch * d.in_image(), d.batch * d.out_image(), d.weights_rows() * d.c_out])
}

/// Counts each operand as read or written once.
pub(super) fn input_cost(d: &Dims, gate: GateKind) -> Cost {
    d.cost([d.batch * d.in_image() * (1 + gate.bindings()), d.batch * d.out_image(), d.patch_len() * d.c_out])
}

/// The reference implementation of every forward kernel with these inputs and outputs.
pub(super) fn forward<F: Real>(d: &Dims, relu: bool, mut io: Io<'_, F>) {
    let (x, weights, y) = (io.input(0), io.input(1), io.output(0));
    let (w, b) = d.split_weights(weights);
    let size = MatMul { m: d.image_windows() * d.window_len(), k: d.patch_len(), n: d.group_out() };
    let convolve = |patches: &mut [F], x: &[F], group: usize, sums: &mut [F]| {
        let patches = patches_of(d, x, group, 0..size.m, patches);
        let w = Strided { data: &w[group * size.n..], row_stride: d.c_out, col_stride: 1 };
        F::matmul(size, Strided::rows(patches, size.k), w, false, sums, 1);
    };
    let patches = || vec![F::ZERO; if d.is_pointwise() { 0 } else { size.m * size.k }];
    if d.window_len() == 1 {
        let scratch = || (patches(), vec![F::ZERO; if d.groups > 1 { size.m * size.n } else { 0 }]);
        let images = y.par_chunks_mut(d.out_image()).zip(x.par_chunks(d.in_image()));
        images.for_each_init(scratch, |(patches, sums), (y, x)| {
            if d.groups == 1 {
                convolve(patches, x, 0, y);
            } else {
                for group in 0..d.groups {
                    convolve(patches, x, group, sums);
                    copy_block(sums, size.n, y, d.c_out, [0, group * size.n]);
                }
            }
            bias_and_relu(y, d.c_out, b, relu);
        });
        return;
    }
    let argmax = io.optional_chunks_u32(1, d.batch, d.out_image());
    y.par_chunks_mut(d.out_image()).zip(x.par_chunks(d.in_image())).zip(argmax).for_each_init(
        || (patches(), vec![F::ZERO; size.m * size.n]),
        |(patches, sums), ((y, x), argmax)| {
            convolve(patches, x, 0, sums);
            pool(d, relu, sums, b, y, argmax);
        },
    );
}

/// The patches of `rows` for the channels of `group`: [rows, patch], made in `scratch` where they are not in `x` as they are.
fn patches_of<'a, F: Real>(d: &Dims, x: &'a [F], group: usize, rows: Range<usize>, scratch: &'a mut [F]) -> &'a [F] {
    if d.is_pointwise() {
        return &x[rows.start * d.c_in..rows.end * d.c_in];
    }
    d.im2col(x, group, rows, scratch);
    scratch
}

/// The gradients of `rows`, [rows, c_out], made in `scratch` where `tagged` holds those of pool windows.
fn gradients_of<'a, F: Real>(d: &Dims, tagged: &'a [F], rows: Range<usize>, scratch: &'a mut [F]) -> &'a [F] {
    if d.window_len() == 1 {
        return &tagged[rows.start * d.c_out..rows.end * d.c_out];
    }
    d.unpool(tagged, rows, scratch);
    scratch
}

/// Max pool over `sums` [windows, window_len, c_out], then bias and optional ReLU: `y` and `argmax` are [windows,
/// c_out]. The argmax is the window offset of the first maximum, or [`INACTIVE`] where the ReLU outputs 0. Bias and
/// ReLU are monotonic, so applying them after the maximum gives the same result with fewer operations.
pub(super) fn pool<F: Real>(d: &Dims, relu: bool, sums: &[F], bias: &[F], y: &mut [F], mut argmax: Option<&mut [u32]>) {
    let windows = sums.chunks_exact(d.window_len() * d.c_out);
    for (window, (sums, y)) in windows.zip(y.chunks_exact_mut(d.c_out)).enumerate() {
        for (c, y) in y.iter_mut().enumerate() {
            let (mut best, mut window_offset) = (sums[c], 0);
            for offset in 1..d.window_len() {
                let value = sums[offset * d.c_out + c];
                if is_better(value, best) {
                    (best, window_offset) = (value, offset as u32);
                }
            }
            let sum = bias.get(c).map_or(best, |b| best + *b);
            let inactive = relu && sum <= F::ZERO;
            *y = if inactive { F::ZERO } else { sum };
            if let Some(argmax) = &mut argmax {
                argmax[window * d.c_out + c] = if inactive { INACTIVE } else { window_offset };
            }
        }
    }
}

/// The reference implementation of every weights gradient kernel with these inputs and outputs. A split sums
/// `per_split` rows.
pub(super) fn backward_weights<F: Real>(d: &Dims, per_split: usize, mut io: Io<'_, F>) {
    let (x, dy, out) = (io.input(0), io.input(1), io.output(0));
    for (split, block) in out.chunks_exact_mut(d.weights_rows() * d.c_out).enumerate() {
        let end = d.rows().min((split + 1) * per_split);
        let range = (split * per_split).min(end)..end;
        let chunk = range.len().div_ceil(CHUNKS).max(1);
        let starts: Vec<usize> = range.clone().step_by(chunk).collect();
        let sums: Vec<Vec<F>> =
            starts.into_par_iter().map(|start| sum_over(d, x, dy, start..end.min(start + chunk))).collect();
        block.fill(F::ZERO);
        for sum in &sums {
            for (total, partial) in block.iter_mut().zip(sum) {
                *total += *partial;
            }
        }
    }
}

/// dw [kh, kw, c_in / groups, c_out], with a bias followed by db `[c_out]`, summed over the rows of `range`.
fn sum_over<F: Real>(d: &Dims, x: &[F], tagged: &[F], range: Range<usize>) -> Vec<F> {
    let (m, n) = (d.patch_len(), d.group_out());
    let mut sum = vec![F::ZERO; d.weights_rows() * d.c_out];
    let (dw, db) = sum.split_at_mut(m * d.c_out);
    let mut patches = vec![F::ZERO; PIXELS * m];
    let mut unpooled = vec![F::ZERO; if d.window_len() == 1 { 0 } else { range.len() * d.c_out }];
    let dy = gradients_of(d, tagged, range.clone(), &mut unpooled);
    let mut of_group = vec![F::ZERO; if d.groups > 1 { m * n } else { 0 }];
    for group in 0..d.groups {
        let product = if d.groups > 1 { &mut of_group[..] } else { &mut *dw };
        product.fill(F::ZERO);
        for start in range.clone().step_by(PIXELS) {
            let pixels = start..range.end.min(start + PIXELS);
            let size = MatMul { m, k: pixels.len(), n };
            let patches = patches_of(d, x, group, pixels, &mut patches);
            let dy = &dy[(start - range.start) * d.c_out + group * n..];
            let dy = Strided { data: dy, row_stride: d.c_out, col_stride: 1 };
            F::matmul(size, Strided::transposed(patches, m), dy, true, product, 1);
        }
        if d.groups > 1 {
            copy_block(&of_group, n, dw, d.c_out, [0, group * n]);
        }
    }
    sum_rows(dy, d.c_out, db);
    sum
}

/// The reference implementation of every input gradient kernel of one dispatch.
pub(super) fn backward_input<F: Real>(d: &Dims, gate: GateKind, mut io: Io<'_, F>) {
    let (dy, weights, dx) = (io.input(0), io.input(1), io.output(0));
    // For each group: gradients [rows, filters of the group] by the transposed weights of each tap [filters, channels].
    let size = MatMul { m: d.image_windows() * d.window_len(), k: d.group_out(), n: d.patch_len() };
    let images = dx.par_chunks_mut(d.in_image()).zip(dy.par_chunks(d.out_image()));
    images.enumerate().for_each_init(
        || {
            let patches = if d.is_pointwise() { 0 } else { size.m * size.n };
            let pixels = if d.window_len() == 1 { 0 } else { size.m * d.c_out };
            (vec![F::ZERO; patches], vec![F::ZERO; pixels])
        },
        |(patches, pixels), (image, (dx, dy))| {
            let pixels = gradients_of(d, dy, 0..size.m, pixels);
            if d.is_pointwise() {
                F::matmul(size, Strided::rows(pixels, size.k), Strided::transposed(weights, size.k), false, dx, 1);
                return gate.apply(dx, io.inputs[2], image * d.in_image());
            }
            dx.fill(F::ZERO);
            for group in 0..d.groups {
                let dy = Strided { data: &pixels[group * size.k..], row_stride: d.c_out, col_stride: 1 };
                let w = Strided { data: &weights[group * size.k..], row_stride: 1, col_stride: d.c_out };
                F::matmul(size, dy, w, false, patches, 1);
                d.col2im(patches, group, dx);
            }
            gate.apply(dx, io.inputs[2], image * d.in_image());
        },
    );
}
