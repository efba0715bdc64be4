//! Winograd's F(2x2, 3x3) (Lavin and Gray 2016): 16 multiplications where the direct convolution needs 36. An output tile is a 2x2
//! pool window, or any 2x2 pixels of an output without a pool; `conv2d/winograd/mod.rs` has the formulas. The gradient w.r.t. the
//! input is the same, over the output's gradient by the kernel turned round.

mod outputs;
mod product;
mod tiling;
mod weights;

use crate::kernels::conv2d::dims::Dims;
use crate::kernels::conv2d::winograd::matrices::TILE_LEN;
use crate::kernels::gate::GateKind;
use crate::plan::Io;
use crate::simd::{SimdLevel, with_scratch};
use outputs::{Maxima, Output, Pixels};
use product::Convolution;
use rayon::prelude::*;
use tiling::{Tiling, Weights};
pub(in crate::kernels::conv2d) use weights::backward_weights;

/// Tiles per task, if there are enough images: so many that few of them are missing from the last group.
const MIN_TILES: usize = 192;
/// Tasks, if there are enough images.
const MIN_TASKS: usize = 8;
/// Multiplications as a share of those of the direct sums.
pub(in crate::kernels::conv2d) const SHARE: f64 = 16.0 / 36.0;

/// Whether the kernels compute these sizes: channels fill whole vectors.
pub(in crate::kernels::conv2d) fn supports(d: &Dims, level: SimdLevel) -> bool {
    let Dims { batch: _, h, w, c_in, c_out, groups, bias, pool_h, pool_w } = *d;
    let square = [h, w].iter().all(|axis| axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1);
    let pooled = [pool_h, pool_w].iter().all(|axis| axis.kernel == 2 && axis.stride == 2) && bias;
    let channels = [c_in, c_out].iter().all(|c| c.is_multiple_of(level.vector_width()));
    square && (pooled || is_alone(d)) && channels && groups == 1
}

/// The transforms cost as much as the products of this many further channels.
pub(in crate::kernels::conv2d) fn cost(d: &Dims) -> f64 {
    const TRANSFORMS: f64 = 8.0;
    SHARE * (1.0 + TRANSFORMS / d.c_in.min(d.c_out) as f64)
}

/// As [`supports`], without a pool.
pub(in crate::kernels::conv2d) fn supports_alone(d: &Dims, level: SimdLevel) -> bool {
    is_alone(d) && supports(d, level)
}

/// Whether there is no pool.
fn is_alone(d: &Dims) -> bool {
    d.window_len() == 1
}

impl Tiling {
    /// The transformed weights w [3, 3, c_in, c_out], as one packed matrix for each element of a tile.
    fn transform_weights(&self, level: SimdLevel, w: &[f32], u: &mut [f32]) {
        u.par_chunks_mut(self.panels.len(self.c_in)).enumerate().for_each(|(element, u)| {
            level.run(Weights { tiling: self, element, w, u });
        });
    }

    /// Convolves the images in `x`.
    fn convolve(&self, level: SimdLevel, x: &[f32], u: &[f32], output: impl Output) {
        let lens = [Self::group_len(self.c_in), Self::group_len(self.panels.len(1)), self.input[1] * self.c_in];
        with_scratch(lens, |scratch| level.run(Convolution { tiling: self, x, u, scratch, output }));
    }

    /// Images of a task, of a batch of `batch`.
    fn images(&self, batch: usize) -> usize {
        MIN_TILES.div_ceil(self.count()).min(batch.div_ceil(MIN_TASKS))
    }
}

/// SIMD variant of `Conv2dForward`. The argmax is not written if no backward pass follows.
pub(in crate::kernels::conv2d) fn forward(d: &Dims, relu: bool, level: SimdLevel, mut io: Io<'_, f32>) {
    let (x, weights, y) = (io.input(0), io.input(1), io.output(0));
    let (w, bias) = d.split_weights(weights);
    // Through a pool, the pixels of whole windows.
    let output = match is_alone(d) {
        true => [d.h.output, d.w.output],
        false => [2 * d.pool_h.output, 2 * d.pool_w.output],
    };
    let tiling = Tiling::new(level, [d.c_in, d.c_out], [[d.h.input, d.w.input], [d.h.pad, d.w.pad], output]);
    let images = tiling.images(d.batch);
    let argmax = io.optional_chunks_u32(1, d.batch.div_ceil(images), images * d.out_image());
    with_scratch([TILE_LEN * tiling.panels.len(d.c_in)], |[u]| {
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
    let tiling = Tiling::new(level, [d.c_out, d.c_in], sizes);
    let images = tiling.images(d.batch);
    let lens = [TILE_LEN * tiling.panels.len(d.c_out), d.taps() * d.c_in * d.c_out];
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
