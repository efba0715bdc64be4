//! Winograd's F(2x2, 3x3) and F(4x4, 3x3) (Lavin and Gray 2016): fewer multiplications than the direct convolution needs. An output tile
//! is some pixels, or the 2x2 pool windows over them; `conv2d/winograd/mod.rs` has the formulas. The gradient w.r.t. the input is the
//! same, over the output's gradient by the kernel turned round.
//!
//! Larger tiles where rounding may replace an exact zero: in gradients, and in a forward pass with neither bias nor ReLU, as before a
//! batch normalisation. Through a ReLU, noise in place of the zeros over an empty background would open half of its gates, and all
//! gradients of the biases, which begin at zero, would differ from Keras's.

mod outputs;
mod product;
mod tile;
mod tiling;
mod weights;

use crate::kernels::conv2d::dims::Dims;
use crate::kernels::gate::GateKind;
use crate::plan::Io;
use crate::simd::{SimdLevel, with_scratch};
use outputs::{Maxima, Output, Pixels};
use product::Convolution;
use rayon::prelude::*;
use tile::{KERNEL, Tile, Tile2, Tile4};
use tiling::{Tiling, Weights};
pub(in crate::kernels::conv2d) use weights::backward_weights;

/// Output pixels per task, if there are enough images: so many that few of the last group's tiles are missing.
const MIN_PIXELS: usize = 1024;
/// Tasks, if there are enough images.
const MIN_TASKS: usize = 8;

/// Whether the kernels compute these sizes: channels fill whole vectors.
pub(in crate::kernels::conv2d) fn supports(d: &Dims, level: SimdLevel) -> bool {
    let Dims { batch: _, h, w, c_in, c_out, groups, bias, pool_h, pool_w } = *d;
    let square = [h, w].iter().all(|axis| axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1);
    let pooled = [pool_h, pool_w].iter().all(|axis| axis.kernel == 2 && axis.stride == 2) && bias;
    let channels = [c_in, c_out].iter().all(|c| c.is_multiple_of(level.vector_width()));
    square && (pooled || is_alone(d)) && channels && groups == 1
}

/// Whether a sum in the forward pass over inputs of zero has to be exactly zero.
fn keeps_zeros(d: &Dims, relu: bool) -> bool {
    relu || d.bias
}

/// Multiplications of the forward pass as a share of those of the direct sums.
pub(in crate::kernels::conv2d) fn share(d: &Dims, relu: bool) -> f64 {
    if keeps_zeros(d, relu) { share_of::<Tile2>() } else { GRADIENT_SHARE }
}

/// As [`share`], of the gradients.
pub(in crate::kernels::conv2d) const GRADIENT_SHARE: f64 = share_of::<Tile4>();

const fn share_of<T: Tile>() -> f64 {
    T::LEN as f64 / (T::OUTPUT * T::OUTPUT * KERNEL * KERNEL) as f64
}

/// Cost of the forward pass.
pub(in crate::kernels::conv2d) fn cost(d: &Dims) -> f64 {
    with_transforms(d, share(d, false))
}

/// Cost of the gradients.
pub(in crate::kernels::conv2d) fn gradient_cost(d: &Dims) -> f64 {
    with_transforms(d, GRADIENT_SHARE)
}

/// The transforms cost as much as the products of some further channels.
fn with_transforms(d: &Dims, share: f64) -> f64 {
    const TRANSFORMS: f64 = 8.0;
    share * (1.0 + TRANSFORMS / d.c_in.min(d.c_out) as f64)
}

/// As [`supports`], without a pool.
pub(in crate::kernels::conv2d) fn supports_alone(d: &Dims, level: SimdLevel) -> bool {
    is_alone(d) && supports(d, level)
}

/// Whether there is no pool.
fn is_alone(d: &Dims) -> bool {
    d.window_len() == 1
}

impl<T: Tile> Tiling<T> {
    /// The transformed weights w [3, 3, c_in, c_out], as one packed matrix for each element of a tile.
    fn transform_weights(&self, level: SimdLevel, w: &[f32], u: &mut [f32]) {
        // A task for each panel and vector of inputs.
        let inputs = level.vector_width();
        let len = inputs * self.panels.width;
        let elements = u.chunks_exact_mut(self.panels.len(self.c_in));
        let mut elements: Vec<_> = elements.map(|u| u.chunks_exact_mut(len)).collect();
        let tasks = 0..self.panels.count() * self.c_in / inputs;
        let tasks: Vec<Vec<_>> = tasks.map(|_| elements.iter_mut().filter_map(Iterator::next).collect()).collect();
        tasks.into_par_iter().enumerate().for_each(|(task, u)| {
            let (panel, first) = (task * inputs / self.c_in, task * inputs % self.c_in);
            level.run(Weights { tiling: self, w, u, cols: self.panels.cols_of(panel), first });
        });
    }

    /// Convolves the images in `x`.
    fn convolve(&self, level: SimdLevel, x: &[f32], u: &[f32], output: impl Output) {
        let lens = [Self::group_len(self.c_in), Self::group_len(self.panels.len(1)), self.input[1] * self.c_in];
        with_scratch(lens, |scratch| level.run(Convolution { tiling: self, x, u, scratch, output }));
    }

    /// Images of a task, of a batch of `batch`.
    fn images(&self, batch: usize) -> usize {
        MIN_PIXELS.div_ceil(self.count() * T::OUTPUT * T::OUTPUT).min(batch.div_ceil(MIN_TASKS))
    }
}

/// SIMD variant of `Conv2dForward`. The argmax is not written if no backward pass follows.
pub(in crate::kernels::conv2d) fn forward(d: &Dims, relu: bool, level: SimdLevel, io: Io<'_, f32>) {
    match keeps_zeros(d, relu) {
        true => forward_by::<Tile2>(d, relu, level, io),
        false => forward_by::<Tile4>(d, relu, level, io),
    }
}

fn forward_by<T: Tile>(d: &Dims, relu: bool, level: SimdLevel, mut io: Io<'_, f32>) {
    let (x, weights, y) = (io.input(0), io.input(1), io.output(0));
    let (w, bias) = d.split_weights(weights);
    // Through a pool, the pixels of whole windows.
    let output = match is_alone(d) {
        true => [d.h.output, d.w.output],
        false => [2 * d.pool_h.output, 2 * d.pool_w.output],
    };
    let sizes = [[d.h.input, d.w.input], [d.h.pad, d.w.pad], output];
    let tiling = Tiling::<T>::new(level, [d.c_in, d.c_out], sizes);
    let images = tiling.images(d.batch);
    let argmax = io.optional_chunks_u32(1, d.batch.div_ceil(images), images * d.out_image());
    with_scratch([T::LEN * tiling.panels.len(d.c_in)], |[u]| {
        tiling.transform_weights(level, w, u);
        let (y, x) = (y.par_chunks_mut(images * d.out_image()), x.par_chunks(images * d.in_image()));
        y.zip(x).zip(argmax).for_each(|((y, x), argmax)| match is_alone(d) {
            true => tiling.convolve(level, x, u, Pixels { relu, bias, y }),
            false => tiling.convolve(level, x, u, Maxima { relu, bias, y, argmax }),
        });
    });
}

/// SIMD variant of `Conv2dBackwardInput` without a pool.
pub(in crate::kernels::conv2d) fn backward_input(d: &Dims, gate: GateKind, level: SimdLevel, mut io: Io<'_, f32>) {
    let (dy, weights, dx) = (io.input(0), io.input(1), io.output(0));
    let gate_input = io.inputs[2];
    let sizes = [[d.h.output, d.w.output], [2 - d.h.pad, 2 - d.w.pad], [d.h.input, d.w.input]];
    let tiling = Tiling::<Tile4>::new(level, [d.c_out, d.c_in], sizes);
    let images = tiling.images(d.batch);
    let lens = [Tile4::LEN * tiling.panels.len(d.c_out), d.taps() * d.c_in * d.c_out];
    with_scratch(lens, |[u, turned]| {
        turn(d, weights, turned);
        tiling.transform_weights(level, turned, u);
        let tasks = dx.par_chunks_mut(images * d.in_image()).zip(dy.par_chunks(images * d.out_image()));
        tasks.enumerate().for_each(|(task, (dx, dy))| {
            tiling.convolve(level, dy, u, Pixels { relu: false, bias: &[], y: &mut *dx });
            gate.apply_simd(level, dx, gate_input, task * images * d.in_image());
        });
    });
}

/// The kernel of the gradient w.r.t. the input, [taps in reverse order, c_out, c_in].
fn turn(d: &Dims, weights: &[f32], turned: &mut [f32]) {
    let len = d.c_in * d.c_out;
    turned.par_chunks_exact_mut(len).enumerate().for_each(|(tap, turned)| {
        let w = &weights[(d.taps() - 1 - tap) * len..][..len];
        for (o, turned) in turned.chunks_exact_mut(d.c_in).enumerate() {
            turned.iter_mut().zip(w[o..].iter().step_by(d.c_out)).for_each(|(to, w)| *to = *w);
        }
    });
}
