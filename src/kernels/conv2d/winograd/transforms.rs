//! Winograd transforms of the weights, the input, the output and the gradient w.r.t. the input.

use super::matrices::{A_T, B, B_T, G, TILE_LEN, transform};
use crate::kernels::conv2d::dims::Dims;
use crate::kernels::conv2d::reference::pool;
use crate::kernels::gate::GateKind;
use crate::kernels::window::WindowAxis;
use crate::plan::{
    ArgmaxStore, Constants, Cost, Io, KernelSpec, Shader, constants, elementwise_grid, output_file, wgsl,
};
use crate::real::Real;
use rayon::prelude::*;

/// `u = G w G^T` for each channel pair. Input: weights (w [3, 3, c_in, c_out], ..); output: u [16, c_in, c_out].
#[derive(Debug, Clone, Copy)]
pub(super) struct WeightsTransform {
    pub(super) dims: Dims,
}

impl KernelSpec for WeightsTransform {
    fn shader(&self) -> Shader {
        let pairs = self.dims.c_in * self.dims.c_out;
        let files = vec![wgsl!("winograd_weights.wgsl")];
        shader(&self.dims, files, pairs / 4, 0, constants! { PAIRS: pairs })
    }

    fn cost(&self) -> Cost {
        cost(self.dims.c_in * self.dims.c_out, [9 + TILE_LEN, 66])
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let (weights, u) = (io.input(0), io.output(0));
        let pairs = self.dims.c_in * self.dims.c_out;
        for pair in 0..pairs {
            let g = std::array::from_fn(|r| std::array::from_fn(|c| weights[(r * 3 + c) * pairs + pair]));
            scatter(u, pairs, pair, &transform(&G, &g));
        }
    }
}

/// `v = B^T d B`, d being the 4x4 inputs under each pool window. Input: x [n, h, w, c_in]; output:
/// v [16, windows, c_in].
#[derive(Debug, Clone, Copy)]
pub(super) struct InputTransform {
    pub(super) dims: Dims,
}

impl KernelSpec for InputTransform {
    fn shader(&self) -> Shader {
        let d = &self.dims;
        let files = vec![wgsl!("winograd_input.wgsl")];
        shader(d, files, d.batch * d.pool_h.output * d.c_in / 4, d.pool_w.output, Constants::new())
    }

    fn cost(&self) -> Cost {
        cost(self.dims.windows() * self.dims.c_in, [4 + TILE_LEN, 32])
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let d = &self.dims;
        let (x, v) = (io.input(0), io.output(0));
        let matrix_len = d.windows() * d.c_in;
        for index in 0..matrix_len {
            let (window, i) = (index / d.c_in, index % d.c_in);
            let pixel = |r, c| pixel(d, window, r, c).map_or(F::ZERO, |pixel| x[pixel * d.c_in + i]);
            let patch = std::array::from_fn(|r| std::array::from_fn(|c| pixel(r, c)));
            scatter(v, matrix_len, index, &transform(&B_T, &patch));
        }
    }
}

/// `y = act(max(A^T m A) + b)` for each pool window, and the argmax.
///
/// Inputs: m [16, windows, c_out], weights (.., b `[c_out]`); outputs: y [windows, c_out], argmax (u32, same shape).
#[derive(Debug, Clone, Copy)]
pub(super) struct OutputTransform {
    pub(super) dims: Dims,
    pub(super) relu: bool,
    /// Whether the argmax is an output.
    pub(super) argmax: bool,
}

impl KernelSpec for OutputTransform {
    fn shader(&self) -> Shader {
        let d = &self.dims;
        let files = vec![
            wgsl!("winograd_output.wgsl"),
            wgsl!("pooled_output.wgsl"),
            output_file(true),
            ArgmaxStore::new(self.argmax, true).file(),
        ];
        let own = constants! { RELU: self.relu, OUT: 2u32, ARGMAX: 3u32 };
        shader(d, files, d.windows() * d.c_out / 4, 0, own)
    }

    fn cost(&self) -> Cost {
        cost(self.dims.windows() * self.dims.c_out, [TILE_LEN + 2, 29])
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let d = &self.dims;
        let (m, weights, y) = (io.input(0), io.input(1), io.output(0));
        let argmax = io.optional_chunks_u32(1, d.windows(), d.c_out);
        let (_, bias) = d.split_weights(weights);
        let windows = y.par_chunks_mut(d.c_out).zip(argmax);
        windows.enumerate().for_each(|(window, (y, argmax))| {
            let mut sums = vec![F::ZERO; 4 * d.c_out];
            for o in 0..d.c_out {
                let tile = gather(m, d.windows() * d.c_out, window * d.c_out + o);
                for (window_offset, sum) in transform(&A_T, &tile).as_flattened().iter().enumerate() {
                    sums[window_offset * d.c_out + o] = *sum;
                }
            }
            pool(d, self.relu, &sums, bias, y, argmax);
        });
    }
}

/// `dx = sum over the windows of B dv B^T`, then the gate. Inputs: dv [16, windows, c_in], the input of `gate` (shaped
/// like dx); output: dx [n, h, w, c_in].
#[derive(Debug, Clone, Copy)]
pub(super) struct BackwardInput {
    pub(super) dims: Dims,
    pub(super) gate: GateKind,
}

impl KernelSpec for BackwardInput {
    fn shader(&self) -> Shader {
        let d = &self.dims;
        let own = self.gate.constants(1, d.c_in).with("OUT", 1 + self.gate.bindings());
        let files = vec![wgsl!("winograd_backward_input.wgsl"), self.gate.file(), wgsl!("out_vec4.wgsl")];
        shader(d, files, d.batch * d.c_in / 4, self.iterations(), own)
    }

    fn cost(&self) -> Cost {
        cost(self.dims.windows() * self.dims.c_in, [TILE_LEN + 4, 44])
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let d = &self.dims;
        let (dv, dx) = (io.input(0), io.output(0));
        dx.par_chunks_mut(d.in_image()).enumerate().for_each(|(image, dx)| {
            dx.fill(F::ZERO);
            for window in image * d.image_windows()..(image + 1) * d.image_windows() {
                for i in 0..d.c_in {
                    let tile = transform(&B, &gather(dv, d.windows() * d.c_in, window * d.c_in + i));
                    for (element, value) in tile.as_flattened().iter().enumerate() {
                        if let Some(pixel) = pixel(d, window, element / 4, element % 4) {
                            dx[pixel * d.c_in + i - image * d.in_image()] += *value;
                        }
                    }
                }
            }
            self.gate.apply(dx, io.inputs[1], image * d.in_image());
        });
    }
}

impl BackwardInput {
    /// Loop iterations of the shader: one per window and per row of windows, then one per row of pixels and per pixel
    /// that no window covers.
    pub(super) fn iterations(&self) -> usize {
        let d = &self.dims;
        let covered = |axis: WindowAxis, pool: WindowAxis| axis.input.min(2 * pool.output + 2 - axis.pad);
        let rest = d.h.input * d.w.input - covered(d.h, d.pool_h) * covered(d.w, d.pool_w);
        d.image_windows() + d.pool_h.output + d.h.input + rest
    }
}

/// Index of the input pixel (r, c) of the 4x4 inputs under a window, or `None` in the zero padding.
fn pixel(d: &Dims, window: usize, r: usize, c: usize) -> Option<usize> {
    let (image, in_image) = (window / d.image_windows(), window % d.image_windows());
    let inside = |tile: usize, offset: usize, pad: usize, size: usize| {
        (2 * tile + offset).checked_sub(pad).filter(|i| *i < size)
    };
    let y = inside(in_image / d.pool_w.output, r, d.h.pad, d.h.input)?;
    let x = inside(in_image % d.pool_w.output, c, d.w.pad, d.w.input)?;
    Some((image * d.h.input + y) * d.w.input + x)
}

/// Writes element (r, c) of a tile to element `index` of matrix 4 r + c of the batch.
fn scatter<F: Real>(matrices: &mut [F], matrix_len: usize, index: usize, tile: &[[F; 4]; 4]) {
    for (i, value) in tile.as_flattened().iter().enumerate() {
        matrices[i * matrix_len + index] = *value;
    }
}

/// Reads a tile: the inverse of [`scatter`].
fn gather<F: Real>(matrices: &[F], matrix_len: usize, index: usize) -> [[F; 4]; 4] {
    std::array::from_fn(|r| std::array::from_fn(|c| matrices[(r * 4 + c) * matrix_len + index]))
}

/// A shader with `count` invocations, each of which processes four channels.
fn shader(d: &Dims, files: Vec<&'static str>, count: usize, iterations: usize, own: Constants) -> Shader {
    let (grid, grid_x) = elementwise_grid(count);
    let constants = d.constants().and(constants! { COUNT: count, WINDOWS: d.windows() }).and(grid_x).and(own);
    Shader { files, constants, grid, iterations, uses_step: false }
}

/// Cost of a transform over `count` tiles: elements read or written, and floating point operations, per tile.
fn cost(count: usize, [moved, flops]: [usize; 2]) -> Cost {
    Cost { flops: (count * flops) as f64, dense_flops: 0.0, bytes: 4.0 * (count * moved) as f64 }
}
