//! The maxima of windows, or the minima.

use super::dims::Dims;
use crate::kernels::maximum::better;
use crate::plan::{ArgmaxStore, Cost, Io, KernelSpec, Shader, constants, wgsl};
use crate::real::{Real, is_better};
use crate::simd::{SimdLevel, load, store, store_u32s};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// Inputs: x [n, h, w, c]; outputs: y [n, oh, ow, c] and, where a backward pass follows, the argmax (u32, same shape).
#[derive(Debug, Clone, Copy)]
pub(crate) struct MaxPool2dForward {
    pub(crate) dims: Dims,
    /// Whether the argmax is an output.
    pub(crate) argmax: bool,
    /// Minima instead: those of x are minus the maxima of -x.
    pub(crate) min: bool,
}

impl KernelSpec for MaxPool2dForward {
    fn shader(&self) -> Shader {
        let argmax = ArgmaxStore::new(self.argmax, self.dims.channels.is_multiple_of(4)).file();
        let files = [wgsl!("max_pool2d_forward.wgsl"), argmax];
        let own = constants! { OUT: 1u32, ARGMAX: 2u32, MIN: self.min };
        self.dims.shader(&files, self.dims.batch * self.dims.out_image(), own)
    }

    fn cost(&self) -> Cost {
        self.dims.cost()
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        self.for_each_image(&mut io, |x, y, argmax| pool(&self.dims, self.min, x, y, argmax));
    }

    fn run_simd(&self, level: SimdLevel, mut io: Io<'_, f32>) {
        self.for_each_image(&mut io, |x, y, argmax| level.run(Pool { d: &self.dims, min: self.min, x, y, argmax }));
    }
}

impl MaxPool2dForward {
    fn for_each_image<F: Real>(&self, io: &mut Io<'_, F>, pool: impl Fn(&[F], &mut [F], Option<&mut [u32]>) + Sync) {
        let d = &self.dims;
        let (x, y) = (io.input(0), io.output(0));
        let argmax = io.optional_chunks_u32(1, d.batch, d.out_image());
        let images = y.par_chunks_mut(d.out_image()).zip(argmax);
        images.zip(x.par_chunks(d.in_image())).for_each(|((y, argmax), x)| pool(x, y, argmax));
    }
}

/// The maxima of one image's windows and, if wanted, the window offset of the first occurrence of each.
fn pool<F: Real>(d: &Dims, min: bool, x: &[F], y: &mut [F], mut argmax: Option<&mut [u32]>) {
    for (pixel, y) in y.chunks_exact_mut(d.channels).enumerate() {
        let mut found = false;
        d.for_each_tap(pixel / d.w.output, pixel % d.w.output, |window_offset, at| {
            for (c, (best, value)) in y.iter_mut().zip(&x[at..]).enumerate() {
                let better = if min { is_better(-*value, -*best) } else { is_better(*value, *best) };
                if !found || better {
                    *best = *value;
                    if let Some(argmax) = &mut argmax {
                        argmax[pixel * d.channels + c] = window_offset;
                    }
                }
            }
            found = true;
        });
    }
}

/// The SIMD variant of [`pool`], one vector of channels at a time.
struct Pool<'a> {
    d: &'a Dims,
    min: bool,
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
        let signed = |value: S::f32s| if self.min { simd.neg_f32s(value) } else { value };
        for (pixel, y) in self.y.chunks_exact_mut(d.channels).enumerate() {
            for first in (0..d.channels).step_by(S::F32_LANES) {
                let channels = first..d.channels.min(first + S::F32_LANES);
                let mut best = None;
                d.for_each_tap(pixel / d.w.output, pixel % d.w.output, |window_offset, at| {
                    let value = signed(load(simd, &self.x[at..][channels.clone()]));
                    best = Some(match best {
                        None => (value, simd.splat_u32s(window_offset)),
                        Some(best) => better(simd, best, value, window_offset),
                    });
                });
                let (value, window_offset) = best.expect("a window has a pixel inside the image");
                store(simd, &mut y[channels.clone()], [signed(value)]);
                if let Some(argmax) = &mut self.argmax {
                    store_u32s(simd, &mut argmax[pixel * d.channels..][channels], [window_offset]);
                }
            }
        }
    }
}
