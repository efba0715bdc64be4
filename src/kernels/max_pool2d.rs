//! MaxPooling2D: the layer, its forward kernel, which also stores the argmax, and its backward kernel, which reads it.

use super::gate::Gate;
use super::{Gradients, LayerContext, LayerSpec, Padding, Pair, Record, WindowAxis, image_shape};
use crate::error::Result;
use crate::plan::{
    BufferSlice, Cost, Io, KernelSpec, Recorder, Shader, View, argmax_file, elementwise_grid, output_file,
};
use crate::real::Real;
use crate::simd::{SimdLevel, load, store, store_u32s};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// The maximum of each pool window, channel by channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxPooling2D {
    /// Height and width of a window, in pixels (default 2x2).
    #[serde(default = "two")]
    pub pool_size: Pair,
    /// Vertical and horizontal distance between windows, in pixels; `None` means `pool_size`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strides: Option<Pair>,
    /// Padding at the border of the image.
    #[serde(default)]
    pub padding: Padding,
}

fn two() -> Pair {
    2.into()
}

impl MaxPooling2D {
    /// Adjacent windows of `pool_size`, without padding.
    pub fn new(pool_size: impl Into<Pair>) -> Self {
        Self { pool_size: pool_size.into(), strides: None, padding: Padding::Valid }
    }

    /// The same layer with `strides` between windows.
    #[must_use]
    pub fn strides(self, strides: impl Into<Pair>) -> Self {
        Self { strides: Some(strides.into()), ..self }
    }

    /// The same layer with `padding`.
    #[must_use]
    pub fn padding(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }

    pub(super) fn dims(&self, batch: usize, input: &[usize]) -> Result<Dims> {
        let [h, w, channels] = image_shape("MaxPooling2D", input)?;
        let strides = self.strides.unwrap_or(self.pool_size);
        Ok(Dims {
            batch,
            h: WindowAxis::new(h, self.pool_size.h, strides.h, self.padding)?,
            w: WindowAxis::new(w, self.pool_size.w, strides.w, self.padding)?,
            channels,
        })
    }
}

impl LayerSpec for MaxPooling2D {
    fn kind(&self) -> &'static str {
        "MaxPooling2D"
    }

    fn base_name(&self) -> &'static str {
        "max_pooling2d"
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let d = self.dims(1, input)?;
        Ok(vec![d.h.output, d.w.output, d.channels])
    }
}

impl Record for MaxPooling2D {
    fn forward(&self, recorder: &mut Recorder, ctx: &LayerContext<'_>, y: BufferSlice) -> Vec<BufferSlice> {
        let dims = self.dims(ctx.batch, ctx.input).expect("the shape was inferred before");
        let argmax = recorder.words(format!("{} argmax", ctx.name), y.len);
        recorder.dispatch(format!("{} forward", ctx.name), MaxPool2dForward { dims }, &[ctx.x], &[y, argmax]);
        vec![argmax]
    }

    fn backward(&self, recorder: &mut Recorder, ctx: &LayerContext<'_>, saved: &[BufferSlice], gradients: &Gradients) {
        let Some(dx) = gradients.dx else { return };
        let dims = self.dims(ctx.batch, ctx.input).expect("the shape was inferred before");
        let kernel = MaxPool2dBackward { dims, gate: dx.gate };
        recorder.dispatch(
            format!("{} backward", ctx.name),
            kernel,
            &[gradients.dy, saved[0], dx.gate_input],
            &[dx.slot],
        );
    }
}

/// Sizes of a pooling layer for a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dims {
    batch: usize,
    pub(super) h: WindowAxis,
    pub(super) w: WindowAxis,
    channels: usize,
}

impl Dims {
    /// Elements of one image's input.
    fn in_image(&self) -> usize {
        self.h.input * self.w.input * self.channels
    }
    /// Elements of one image's output.
    fn out_image(&self) -> usize {
        self.h.output * self.w.output * self.channels
    }

    /// The shader of `files` over `count` elements, with four channels per invocation if the channel count divides by
    /// four, else one; `own` are the constants of this kernel alone.
    fn shader(&self, files: &[&'static str], count: usize, own: &[(&'static str, u64)]) -> Shader {
        let by_4 = self.channels.is_multiple_of(4);
        let lane_channels = if by_4 { 4 } else { 1 };
        let (grid, grid_x) = elementwise_grid(count / lane_channels);
        let named = [
            ("COUNT", count),
            ("H", self.h.input),
            ("W", self.w.input),
            ("C", self.channels),
            ("OH", self.h.output),
            ("OW", self.w.output),
            ("PH", self.h.kernel),
            ("PW", self.w.kernel),
            ("SY", self.h.stride),
            ("SX", self.w.stride),
            ("PAD_Y", self.h.pad),
            ("PAD_X", self.w.pad),
            ("LANE_CHANNELS", lane_channels),
            ("C_BY_4?", usize::from(by_4)),
        ];
        let mut constants = named.map(|(name, value)| (name, value as u64)).to_vec();
        constants.push(grid_x);
        constants.extend_from_slice(own);
        let iterations = self.h.kernel * (1 + self.w.kernel);
        let files = [files, &[output_file(by_4)]].concat();
        Shader { files, constants, grid, iterations, uses_step: false }
    }

    /// One comparison or addition per element of each window.
    fn cost(&self) -> Cost {
        let (inputs, outputs) = (self.batch * self.in_image(), self.batch * self.out_image());
        let flops = (outputs * self.h.kernel * self.w.kernel) as f64;
        Cost { flops, dense_flops: flops, bytes: 4.0 * (inputs + 2 * outputs) as f64 }
    }
}

/// Inputs: x [n, h, w, c]; outputs: y [n, oh, ow, c], argmax of the same shape.
#[derive(Debug, Clone, Copy)]
struct MaxPool2dForward {
    dims: Dims,
}

impl KernelSpec for MaxPool2dForward {
    fn shader(&self) -> Shader {
        let argmax = argmax_file(self.dims.channels.is_multiple_of(4));
        let files = [include_str!("../../shaders/max_pool2d_forward.wgsl"), argmax];
        self.dims.shader(&files, self.dims.batch * self.dims.out_image(), &[("OUT", 1), ("ARGMAX", 2)])
    }

    fn cost(&self) -> Cost {
        self.dims.cost()
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        self.for_each_image(&mut io, |x, y, argmax| self.dims.pool(x, y, argmax));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        let trains = io.trains;
        self.for_each_image(&mut io, |x, y, argmax| {
            level.run(Pool { d: &self.dims, x, y, argmax: trains.then_some(argmax) });
        });
    }
}

impl MaxPool2dForward {
    fn for_each_image<F: Real>(&self, io: &mut Io<'_, F>, pool: impl Fn(&[F], &mut [F], &mut [u32]) + Sync) {
        let d = &self.dims;
        let (x, y, argmax) = (io.input(0), io.output(0), io.output_u32(1));
        let images = y.par_chunks_mut(d.out_image()).zip(argmax.par_chunks_mut(d.out_image()));
        images.zip(x.par_chunks(d.in_image())).for_each(|((y, argmax), x)| pool(x, y, argmax));
    }
}

/// The SIMD variant of [`Dims::pool`], one vector of channels at a time.
struct Pool<'a> {
    d: &'a Dims,
    x: &'a [f32],
    y: &'a mut [f32],
    /// None if no backward pass follows.
    argmax: Option<&'a mut [u32]>,
}

impl WithSimd for Pool<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let d = self.d;
        for (pixel, y) in self.y.chunks_exact_mut(d.channels).enumerate() {
            for first in (0..d.channels).step_by(S::F32_LANES) {
                let channels = first..d.channels.min(first + S::F32_LANES);
                let mut best = None;
                d.for_each_tap(pixel / d.w.output, pixel % d.w.output, |window_offset, at| {
                    let value = load(simd, &self.x[at..][channels.clone()]);
                    best = Some(match best {
                        None => (value, simd.splat_u32s(window_offset)),
                        Some(best) => greater(simd, best, value, window_offset),
                    });
                });
                let (value, window_offset) = best.expect("a window has a pixel inside the image");
                store(simd, &mut y[channels.clone()], [value]);
                if let Some(argmax) = &mut self.argmax {
                    store_u32s(simd, &mut argmax[pixel * d.channels..][channels], [window_offset]);
                }
            }
        }
    }
}

/// The elementwise maximum of `best`, found at `window_offset`, and `value`, found at window offset `at`; returned with
/// the window offset of each maximum. Ties keep `best`.
#[inline(always)]
pub(super) fn greater<S: Simd>(
    simd: S,
    (best, window_offset): (S::f32s, S::u32s),
    value: S::f32s,
    at: u32,
) -> (S::f32s, S::u32s) {
    let greater = simd.greater_than_f32s(value, best);
    let window_offset = simd.select_u32s(greater, simd.splat_u32s(at), window_offset);
    (simd.select_f32s(greater, value, best), window_offset)
}

impl Dims {
    /// The maxima of one image's windows, and their argmax.
    #[inline(always)]
    fn pool<F: Real>(&self, x: &[F], y: &mut [F], argmax: &mut [u32]) {
        let pixels = y.chunks_exact_mut(self.channels).zip(argmax.chunks_exact_mut(self.channels));
        for (pixel, (y, argmax)) in pixels.enumerate() {
            self.max_of_window(x, pixel / self.w.output, pixel % self.w.output, y, argmax);
        }
    }

    /// The gradient w.r.t. one image's input: each window's gradient is added to the pixel of its argmax.
    #[inline(always)]
    fn unpool<F: Real>(&self, dy: &[F], argmax: &[u32], dx: &mut [F]) {
        dx.fill(F::ZERO);
        let pixels = dy.chunks_exact(self.channels).zip(argmax.chunks_exact(self.channels));
        for (pixel, (dy, argmax)) in pixels.enumerate() {
            self.for_each_tap(pixel / self.w.output, pixel % self.w.output, |window_offset, at| {
                for ((dx, dy), argmax) in dx[at..][..self.channels].iter_mut().zip(dy).zip(argmax) {
                    *dx += if *argmax == window_offset { *dy } else { F::ZERO };
                }
            });
        }
    }

    /// Calls `visit(window offset, index of the pixel's first channel)` for each pixel of the window of output pixel
    /// (`oy`, `ox`) that is inside the image.
    #[inline(always)]
    fn for_each_tap(&self, oy: usize, ox: usize, mut visit: impl FnMut(u32, usize)) {
        for ky in 0..self.h.kernel {
            for kx in 0..self.w.kernel {
                if let Some((iy, ix)) = self.h.at(oy, ky).zip(self.w.at(ox, kx)) {
                    visit((ky * self.w.kernel + kx) as u32, (iy * self.w.input + ix) * self.channels);
                }
            }
        }
    }

    /// The maximum in the window of output pixel (`oy`, `ox`) and the window offset of its first occurrence, for all
    /// channels.
    #[inline(always)]
    fn max_of_window<F: Real>(&self, x: &[F], oy: usize, ox: usize, y: &mut [F], argmax: &mut [u32]) {
        let mut found = false;
        self.for_each_tap(oy, ox, |window_offset, at| {
            for ((best, argmax), value) in y.iter_mut().zip(argmax.iter_mut()).zip(&x[at..][..self.channels]) {
                let better = !found || *value > *best;
                *best = if better { *value } else { *best };
                *argmax = if better { window_offset } else { *argmax };
            }
            found = true;
        });
    }
}

/// Inputs: dy [n, oh, ow, c], argmax of the same shape, the gate's input [n, h, w, c] (see [`Gate`]); outputs: dx
/// [n, h, w, c].
#[derive(Debug, Clone, Copy)]
struct MaxPool2dBackward {
    dims: Dims,
    gate: Gate,
}

impl KernelSpec for MaxPool2dBackward {
    fn shader(&self) -> Shader {
        let files = [include_str!("../../shaders/max_pool2d_backward.wgsl"), Gate::FILE];
        let mut constants = self.gate.constants(2, self.dims.channels).to_vec();
        constants.push(("OUT", 3));
        self.dims.shader(&files, self.dims.batch * self.dims.in_image(), &constants)
    }

    fn cost(&self) -> Cost {
        self.dims.cost()
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        self.for_each_image(&mut io, |dy, argmax, dx, gate_input, at| {
            self.dims.unpool(dy, argmax, dx);
            self.gate.apply_gate(dx, gate_input, at);
        });
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        self.for_each_image(&mut io, |dy, argmax, dx, gate_input, at| {
            level.run(Unpool { kernel: self, dy, argmax, dx, gate_input, at });
        });
    }
}

impl MaxPool2dBackward {
    /// Calls `unpool(dy, argmax, dx, gate_input, at)` for each image in parallel. The first three are slices of that
    /// image; `gate_input` is the whole batch, in which the image starts at element `at`.
    fn for_each_image<F: Real>(
        &self,
        io: &mut Io<'_, F>,
        unpool: impl Fn(&[F], &[u32], &mut [F], View<'_, F>, usize) + Sync,
    ) {
        let d = &self.dims;
        let (dy, argmax, dx, gate_input) = (io.input(0), io.input_u32(1), io.output(0), io.inputs[2]);
        let grads = dy.par_chunks(d.out_image()).zip(argmax.par_chunks(d.out_image()));
        let images = dx.par_chunks_mut(d.in_image()).zip(grads).enumerate();
        images.for_each(|(image, (dx, (dy, argmax)))| unpool(dy, argmax, dx, gate_input, image * d.in_image()));
    }
}

/// The SIMD variant of [`MaxPool2dBackward`] for one image.
struct Unpool<'a> {
    kernel: &'a MaxPool2dBackward,
    dy: &'a [f32],
    argmax: &'a [u32],
    dx: &'a mut [f32],
    gate_input: View<'a, f32>,
    /// Index of the image's first element in `gate_input`.
    at: usize,
}

impl WithSimd for Unpool<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.kernel.dims.unpool(self.dy, self.argmax, self.dx);
        self.kernel.gate.apply_gate(self.dx, self.gate_input, self.at);
    }
}
