//! `y = act(conv(x, w) + b)`, optionally max-pooled; CPU twin of `shaders/conv2d_forward.wgsl`.

use super::cpu;
use super::dims::Dims;
use crate::kernels::gate::INACTIVE;
use crate::kernels::tile::{TileShader, Tiles, bias_and_relu, weights_file};
use crate::plan::{Cost, Io, KernelSpec, Profile, Shader, argmax_file};
use crate::real::{MatMul, Real, Strided};
use crate::simd::SimdLevel;
use rayon::prelude::*;

/// Inputs: x [n, h, w, c_in], weights (w [kh, kw, c_in, c_out], then b `[c_out]`). Output: y [n, oh, ow, c_out]. Fused
/// with a pool: the pooled y [n, pool_oh, pool_ow, c_out], and the argmax (u32, same shape) as a second output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conv2dForward {
    pub(super) dims: Dims,
    pub(super) relu: bool,
    pub(super) profile: Profile,
}

impl KernelSpec for Conv2dForward {
    fn shader(&self) -> Shader {
        let d = &self.dims;
        let mut constants = d.constants();
        constants.extend([("RELU?", u64::from(self.relu)), ("ARGMAX", 3)]);
        let mut files = vec![
            include_str!("../../../shaders/conv2d_forward.wgsl"),
            weights_file(d.c_out.is_multiple_of(4)),
            include_str!("../../../shaders/conv2d_pixels.wgsl"),
            include_str!("../../../shaders/tile_weights.wgsl"),
        ];
        match d.window_len() {
            1 => files.push(include_str!("../../../shaders/tile_forward.wgsl")),
            _ => files.extend([
                include_str!("../../../shaders/tile_forward_pooled.wgsl"),
                include_str!("../../../shaders/pooled_output.wgsl"),
                argmax_file(d.c_out.is_multiple_of(4)),
            ]),
        }
        let tiles = Tiles::new(d.rows(), d.c_out, d.patch_len(), self.profile);
        let tiles = Tiles { rows_per_output: d.window_len(), ..tiles };
        tiles.shader(&TileShader { files: &files, out: 2, constants: &constants })
    }

    fn cost(&self) -> Cost {
        cost(&self.dims).scaled_for_cpu(self.profile, cpu::forward_share(&self.dims))
    }

    fn run<F: Real>(&self, io: Io<'_, F>) {
        run(&self.dims, self.relu, io);
    }

    fn run_simd(&self, level: SimdLevel, io: Io<'_, f32>) {
        match &self.dims {
            d if cpu::winograd::supports(d, level) => cpu::winograd::forward(d, self.relu, level, io),
            d => cpu::direct::forward(d, self.relu, level, io),
        }
    }
}

/// Counts each operand as read or written once.
pub(super) fn cost(d: &Dims) -> Cost {
    let argmax = if d.window_len() > 1 { 2 } else { 1 };
    d.cost([d.batch * d.in_image(), argmax * d.batch * d.out_image(), (d.patch_len() + 1) * d.c_out])
}

/// The reference implementation of every forward kernel with these inputs and outputs.
pub(super) fn run<F: Real>(d: &Dims, relu: bool, mut io: Io<'_, F>) {
    let (x, weights, y) = (io.input(0), io.input(1), io.output(0));
    let (w, b) = weights.split_at(d.patch_len() * d.c_out);
    let size = MatMul { m: d.image_windows() * d.window_len(), k: d.patch_len(), n: d.c_out };
    let images = y.par_chunks_mut(d.out_image()).zip(x.par_chunks(d.in_image()));
    let convolve = |patches: &mut [F], x: &[F], sums: &mut [F]| {
        d.im2col(x, 0..size.m, patches);
        F::matmul(size, Strided::rows(patches, size.k), Strided::rows(w, size.n), false, sums, 1);
    };
    let patches = || vec![F::ZERO; size.m * size.k];
    if d.window_len() == 1 {
        images.for_each_init(patches, |patches, (y, x)| {
            convolve(patches, x, y);
            bias_and_relu(y, b, relu);
        });
        return;
    }
    let argmax = io.output_u32(1);
    images.zip(argmax.par_chunks_mut(d.out_image())).for_each_init(
        || (patches(), vec![F::ZERO; size.m * size.n]),
        |(patches, sums), ((y, x), argmax)| {
            convolve(patches, x, sums);
            pool(d, relu, sums, b, y, argmax);
        },
    );
}

/// Max pool over `sums` [windows, window_len, c_out], then bias and optional ReLU: `y` and `argmax` are [windows,
/// c_out]. The argmax is the window offset of the first maximum, or [`INACTIVE`] where the ReLU outputs 0. Bias and
/// ReLU are monotonic, so applying them after the maximum gives the same result with fewer operations.
pub(super) fn pool<F: Real>(d: &Dims, relu: bool, sums: &[F], bias: &[F], y: &mut [F], argmax: &mut [u32]) {
    let windows = sums.chunks_exact(d.window_len() * d.c_out);
    for ((sums, y), argmax) in windows.zip(y.chunks_exact_mut(d.c_out)).zip(argmax.chunks_exact_mut(d.c_out)) {
        for (c, ((y, argmax), b)) in y.iter_mut().zip(argmax).zip(bias).enumerate() {
            let (mut best, mut window_offset) = (sums[c], 0);
            for offset in 1..d.window_len() {
                let value = sums[offset * d.c_out + c];
                if value > best {
                    (best, window_offset) = (value, offset as u32);
                }
            }
            let sum = best + *b;
            let inactive = relu && sum <= F::ZERO;
            (*y, *argmax) = if inactive { (F::ZERO, INACTIVE) } else { (sum, window_offset) };
        }
    }
}
