//! The gradient w.r.t. weights and bias: `shaders/depthwise_conv2d_backward_weights.wgsl`.

use super::blocks::Blocks;
use super::cpu;
use super::dims::Dims;
use crate::kernels::split_k::record_split_k;
use crate::kernels::tile::MAX_ITERATIONS;
use crate::plan::{BufferSlice, Cost, Io, KernelSpec, Recorder, Shader, constants, wgsl};
use crate::real::Real;
use crate::simd::SimdLevel;
use rayon::prelude::*;

/// Output pixels of a split, at least: with fewer the second pass costs more than the parallelism gains.
const MIN_PIXELS: usize = 64;
/// Invocations for each tile that the profile asks for.
const INVOCATIONS_PER_TILE: usize = 64;

/// Records the gradient w.r.t. weights and bias, laid out as them, from x [n, h, w, c] and dy [n, oh, ow, c m].
pub(crate) fn record_backward_weights(r: &mut Recorder, label: &str, dims: Dims, [x, dy, gradients]: [BufferSlice; 3]) {
    let pixels = dims.batch * dims.out_pixels();
    let lanes = if dims.outputs().is_multiple_of(4) { 4 } else { 1 };
    // Splits are of whole rows of pixels where an invocation takes several at a time.
    let (units, unit) = match Blocks::rows(&dims) {
        Some(_) => (tap_rows(&dims), dims.w.output),
        None => (dims.weights_rows(), 1),
    };
    let invocations = units * dims.outputs() / lanes;
    let wanted = (r.profile.min_tiles * INVOCATIONS_PER_TILE).div_ceil(invocations);
    let splits = match r.profile.min_tiles {
        0 => 1,
        _ => wanted.min(pixels / MIN_PIXELS).max(pixels.div_ceil(MAX_ITERATIONS / 2)).max(1),
    };
    let per_split = pixels.div_ceil(splits).next_multiple_of(unit);
    let splits = pixels.div_ceil(per_split);
    let kernel = BackwardWeights { dims, per_split, splits };
    record_split_k(r, label, splits, kernel, &[x, dy], gradients, None);
}

/// Inputs: x [n, h, w, c], dy [n, oh, ow, c m]; outputs: for each split of the output pixels, dw [kh, kw, c, m], with a bias
/// followed by db `[c m]`.
#[derive(Debug, Clone, Copy)]
struct BackwardWeights {
    dims: Dims,
    /// Output pixels of the batch that a split sums.
    per_split: usize,
    splits: usize,
}

/// Rows of taps, and the bias if there is one.
fn tap_rows(dims: &Dims) -> usize {
    dims.h.kernel + usize::from(dims.bias)
}

impl KernelSpec for BackwardWeights {
    fn shader(&self) -> Shader {
        let d = &self.dims;
        if let Some(rows) = Blocks::rows(d) {
            let files = [wgsl!("depthwise_conv2d_backward_weights_rows.wgsl")];
            let rows_per_split = self.per_split / d.w.output;
            let own = constants! { ROWS_PER_SPLIT: rows_per_split, BIAS: d.bias, OUT: 2u32 };
            let iterations = rows_per_split * (1 + rows.runs());
            return rows.shader(&files, self.splits * tap_rows(d), iterations, own);
        }
        let files = [wgsl!("depthwise_conv2d_input.wgsl"), wgsl!("depthwise_conv2d_backward_weights.wgsl")];
        let own = constants! { ROWS: d.weights_rows(), PER_SPLIT: self.per_split, OUT: 2u32 };
        d.shader(&files, [self.splits * d.weights_rows() * d.outputs(), d.outputs()], self.per_split, own)
    }

    fn cost(&self) -> Cost {
        let d = &self.dims;
        d.cost(d.batch * (d.in_image() + d.out_image()) + self.splits * d.weights_rows() * d.outputs())
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let d = &self.dims;
        let (x, dy, out) = (io.input(0), io.input(1), io.output(0));
        let splits =
            out.par_chunks_mut(d.weights_rows() * d.outputs()).zip(dy.par_chunks(self.per_split * d.outputs()));
        splits.enumerate().for_each(|(split, (out, dy))| {
            out.fill(F::ZERO);
            let (dw, db) = out.split_at_mut(d.taps() * d.outputs());
            for (i, dy) in dy.chunks_exact(d.outputs()).enumerate() {
                let pixel = split * self.per_split + i;
                let x = &x[pixel / d.out_pixels() * d.in_image()..];
                d.for_each_tap(pixel % d.out_pixels(), |tap, at| {
                    let (x, dw) = (&x[at * d.channels..], &mut dw[tap * d.outputs()..]);
                    for (o, dy) in dy.iter().enumerate() {
                        dw[o] += x[o / d.multiplier] * *dy;
                    }
                });
                db.iter_mut().zip(dy).for_each(|(db, dy)| *db += *dy);
            }
        });
    }

    fn run_simd(&self, level: SimdLevel, io: Io<'_, f32>) {
        match self.splits {
            1 => cpu::backward_weights(&self.dims, level, io),
            _ => self.run(io),
        }
    }
}
