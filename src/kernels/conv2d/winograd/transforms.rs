//! The transforms of weights, input, output and input gradient.

use super::{A_T, B, B_T, G, PLANES, transform};
use crate::kernels::WindowAxis;
use crate::kernels::conv2d::dims::Dims;
use crate::kernels::conv2d::forward::pool;
use crate::kernels::gate::Gate;
use crate::plan::{Cost, Io, KernelSpec, Shader, argmax_file, elementwise_grid, output_file};
use crate::real::Real;
use rayon::prelude::*;

/// `u = G w G^T`; inputs: weights (w [3, 3, c_in, c_out], ..); outputs: u [planes, c_in, c_out].
#[derive(Debug, Clone, Copy)]
pub(super) struct WeightsTransform {
    pub(super) dims: Dims,
}

impl KernelSpec for WeightsTransform {
    fn shader(&self) -> Shader {
        let pairs = self.dims.c_in * self.dims.c_out;
        let files = vec![include_str!("../../../../shaders/winograd_weights.wgsl")];
        shader(&self.dims, files, pairs / 4, 0, &[("PAIRS", pairs as u64)])
    }

    fn cost(&self) -> Cost {
        cost(self.dims.c_in * self.dims.c_out, [9 + PLANES, 66])
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

/// `v = B^T x B` under each window; inputs: x [n, h, w, c_in]; outputs: v [planes, windows, c_in].
#[derive(Debug, Clone, Copy)]
pub(super) struct InputTransform {
    pub(super) dims: Dims,
}

impl KernelSpec for InputTransform {
    fn shader(&self) -> Shader {
        let d = &self.dims;
        let files = vec![include_str!("../../../../shaders/winograd_input.wgsl")];
        shader(d, files, d.batch * d.pool_h.output * d.c_in / 4, d.pool_w.output, &[])
    }

    fn cost(&self) -> Cost {
        cost(self.dims.windows() * self.dims.c_in, [4 + PLANES, 32])
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let d = &self.dims;
        let (x, v) = (io.input(0), io.output(0));
        let plane = d.windows() * d.c_in;
        for at in 0..plane {
            let (window, i) = (at / d.c_in, at % d.c_in);
            let pixel = |r, c| pixel(d, window, r, c).map_or(F::ZERO, |pixel| x[pixel * d.c_in + i]);
            let patch = std::array::from_fn(|r| std::array::from_fn(|c| pixel(r, c)));
            scatter(v, plane, at, &transform(&B_T, &patch));
        }
    }
}

/// `y = act(max of A^T m A + b)` of each window, and which of the four it was.
///
/// Inputs: m [planes, windows, c_out], weights (.., b `[c_out]`); outputs: y [windows, c_out], index like y.
#[derive(Debug, Clone, Copy)]
pub(super) struct OutputTransform {
    pub(super) dims: Dims,
    pub(super) relu: bool,
}

impl KernelSpec for OutputTransform {
    fn shader(&self) -> Shader {
        let d = &self.dims;
        let files = vec![
            include_str!("../../../../shaders/winograd_output.wgsl"),
            include_str!("../../../../shaders/pooled_output.wgsl"),
            output_file(true),
            argmax_file(true),
        ];
        let own = [("RELU?", u64::from(self.relu)), ("OUT", 2), ("ARGMAX", 3)];
        shader(d, files, d.windows() * d.c_out / 4, 0, &own)
    }

    fn cost(&self) -> Cost {
        cost(self.dims.windows() * self.dims.c_out, [PLANES + 2, 29])
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let d = &self.dims;
        let (m, weights, y, argmax) = (io.input(0), io.input(1), io.output(0), io.output_u32(1));
        let bias = &weights[d.patch_len() * d.c_out..];
        let windows = y.par_chunks_mut(d.c_out).zip(argmax.par_chunks_mut(d.c_out));
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

/// `dx = sum over the windows of B dv B^T`; inputs: dv [planes, windows, c_in], what `below` sees; outputs: dx [n, h, w, c_in].
#[derive(Debug, Clone, Copy)]
pub(super) struct BackwardInput {
    pub(super) dims: Dims,
    pub(super) gate: Gate,
}

impl KernelSpec for BackwardInput {
    fn shader(&self) -> Shader {
        let d = &self.dims;
        let mut own = self.gate.constants(1, d.c_in).to_vec();
        own.push(("OUT", 2));
        let files = vec![
            include_str!("../../../../shaders/winograd_backward_input.wgsl"),
            Gate::FILE,
            include_str!("../../../../shaders/out_vec4.wgsl"),
        ];
        shader(d, files, d.batch * d.c_in / 4, self.iterations(), &own)
    }

    fn cost(&self) -> Cost {
        cost(self.dims.windows() * self.dims.c_in, [PLANES + 4, 44])
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let d = &self.dims;
        let (dv, dx) = (io.input(0), io.output(0));
        dx.par_chunks_mut(d.in_image()).enumerate().for_each(|(image, dx)| {
            dx.fill(F::ZERO);
            for window in image * d.image_windows()..(image + 1) * d.image_windows() {
                for i in 0..d.c_in {
                    let tile = transform(&B, &gather(dv, d.windows() * d.c_in, window * d.c_in + i));
                    for (at, value) in tile.as_flattened().iter().enumerate() {
                        if let Some(pixel) = pixel(d, window, at / 4, at % 4) {
                            dx[pixel * d.c_in + i - image * d.in_image()] += *value;
                        }
                    }
                }
            }
            self.gate.apply_gate(dx, io.inputs[1], image * d.in_image());
        });
    }
}

impl BackwardInput {
    /// One a window and a row of windows, then one a row of pixels and a pixel that no window covers.
    pub(super) fn iterations(&self) -> usize {
        let d = &self.dims;
        let covered = |axis: WindowAxis, pool: WindowAxis| axis.input.min(2 * pool.output + 2 - axis.pad);
        let rest = d.h.input * d.w.input - covered(d.h, d.pool_h) * covered(d.w, d.pool_w);
        d.image_windows() + d.pool_h.output + d.h.input + rest
    }
}

/// The input pixel (r, c) of the 4x4 under a window, if it is inside the image.
fn pixel(d: &Dims, window: usize, r: usize, c: usize) -> Option<usize> {
    let (image, at) = (window / d.image_windows(), window % d.image_windows());
    let inside =
        |first: usize, by: usize, pad: usize, size: usize| (2 * first + by).checked_sub(pad).filter(|i| *i < size);
    let y = inside(at / d.pool_w.output, r, d.h.pad, d.h.input)?;
    let x = inside(at % d.pool_w.output, c, d.w.pad, d.w.input)?;
    Some((image * d.h.input + y) * d.w.input + x)
}

/// Writes a tile: element (r, c) to plane 4 r + c.
fn scatter<F: Real>(planes: &mut [F], plane: usize, at: usize, tile: &[[F; 4]; 4]) {
    for (i, value) in tile.as_flattened().iter().enumerate() {
        planes[i * plane + at] = *value;
    }
}

fn gather<F: Real>(planes: &[F], plane: usize, at: usize) -> [[F; 4]; 4] {
    std::array::from_fn(|r| std::array::from_fn(|c| planes[(r * 4 + c) * plane + at]))
}

/// `count` invocations of four channels each.
fn shader(d: &Dims, files: Vec<&'static str>, count: usize, iterations: usize, own: &[(&'static str, u64)]) -> Shader {
    let (grid, grid_x) = elementwise_grid(count);
    let mut constants = d.constants();
    constants.extend([("COUNT", count as u64), ("WINDOWS", d.windows() as u64), grid_x]);
    constants.extend_from_slice(own);
    Shader { files, constants, grid, iterations, uses_step: false }
}

/// Elements moved and operations done for each of `count`.
fn cost(count: usize, [moved, flops]: [usize; 2]) -> Cost {
    Cost { flops: (count * flops) as f64, dense_flops: 0.0, bytes: 4.0 * (count * moved) as f64 }
}
