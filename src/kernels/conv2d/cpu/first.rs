//! The weights gradient of a layer of few input channels: vectors of filters, one sum a tap and channel.

use super::{first_pixels, padded, padded_len, padded_size, pool};
use crate::kernels::conv2d::dims::Dims;
use crate::plan::Io;
use crate::simd::{SimdLevel, load, with_scratch};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// Images that a task takes, at least; fixed, so that the bits are the same for any number of threads.
const IMAGES: usize = 4;
/// Sums of all tasks, if one has fewer.
const SUMS: usize = 1 << 22;
/// Terms of a kernel, at most: a 15x15 is faster so, a 27x27 by products of matrices.
const MAX_WINDOW: usize = 256;
/// Sums that are kept in registers at once.
const TERMS: usize = 9;

/// Whether the kernel takes these sizes; with more channels, or larger kernels, the products of matrices win.
pub(in crate::kernels::conv2d) fn supports(d: &Dims) -> bool {
    d.c_in <= 4 && d.patch_len() <= MAX_WINDOW && matches!(d.window_len(), 1 | pool::WINDOW_LEN)
}

/// As `Conv2dBackwardWeights` in one split.
pub(in crate::kernels::conv2d) fn backward_weights(d: &Dims, level: SimdLevel, mut io: Io<'_, f32>) {
    let (x, dy, out) = (io.input(0), io.input(1), io.output(0));
    let pixels = first_pixels(d);
    let offsets = offsets(d);
    let cols = d.c_out.next_multiple_of(level.vector_width());
    // The sums of a task, [offsets and one for the bias, cols].
    let part = (offsets.len() + 1) * cols;
    let images = d.batch.div_ceil((SUMS / part).max(1)).max(IMAGES);
    with_scratch([d.batch.div_ceil(images) * part], |[parts]| {
        let images = x.par_chunks(images * d.in_image()).zip(dy.par_chunks(images * d.out_image()));
        parts.par_chunks_exact_mut(part).zip(images).for_each(|(sums, (x, dy))| {
            sums.fill(0.0);
            with_scratch([padded_len(d)], |[scratch]| {
                for (x, dy) in x.chunks_exact(d.in_image()).zip(dy.chunks_exact(d.out_image())) {
                    let x = padded(d, x, scratch);
                    match level {
                        #[cfg(target_arch = "x86_64")]
                        SimdLevel::Avx512(simd) if super::patch::supports(d) => {
                            super::patch::add_image(d, simd, &pixels, x, dy, sums);
                        }
                        _ => level.run(Image { d, pixels: &pixels, offsets: &offsets, x, dy, sums }),
                    }
                }
            });
        });
        out.fill(0.0);
        for sums in parts.chunks_exact(part) {
            // The bias's sums are the last, after the offsets that only fill up a block of terms.
            let rows = (0..d.patch_len()).chain([offsets.len()]);
            for (row, out) in rows.zip(out.chunks_exact_mut(d.c_out)) {
                out.iter_mut().zip(&sums[row * cols..]).for_each(|(total, sum)| *total += *sum);
            }
        }
    });
}

/// Where each term of the kernel lies from its first pixel, in floats; filled up to whole blocks of [`TERMS`].
fn offsets(d: &Dims) -> Vec<usize> {
    let row = padded_size(d)[1] * d.c_in;
    let run = d.w.kernel * d.c_in;
    let mut offsets: Vec<usize> = (0..d.patch_len()).map(|term| term / run * row + term % run).collect();
    offsets.resize(offsets.len().next_multiple_of(TERMS), 0);
    offsets
}

/// Adds one image's products to `sums`.
struct Image<'a> {
    d: &'a Dims,
    pixels: &'a [usize],
    offsets: &'a [usize],
    x: &'a [f32],
    dy: &'a [f32],
    sums: &'a mut [f32],
}

impl WithSimd for Image<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.d.window_len() {
            1 => self.add::<S, 1>(simd),
            _ => self.add::<S, { pool::WINDOW_LEN }>(simd),
        }
    }
}

impl Image<'_> {
    #[inline(always)]
    fn add<S: Simd, const P: usize>(self, simd: S) {
        let d = self.d;
        let blocks = d.c_out.div_ceil(S::F32_LANES);
        let sums = S::as_mut_simd_f32s(self.sums).0;
        let bias = self.offsets.len() * blocks;
        for block in 0..blocks {
            let filters = block * S::F32_LANES..d.c_out.min((block + 1) * S::F32_LANES);
            for (at, offsets) in self.offsets.as_chunks::<TERMS>().0.iter().enumerate() {
                let at = at * TERMS * blocks + block;
                let mut total = [simd.splat_f32s(0.0); TERMS];
                let mut total_bias = simd.splat_f32s(0.0);
                for (dy, pixels) in self.dy.chunks_exact(d.c_out).zip(self.pixels.as_chunks::<P>().0) {
                    let packed = load(simd, &dy[filters.clone()]);
                    let (value, window_offset) = split_low_bits(simd, packed, d.offset_mask());
                    total_bias = simd.add_f32s(total_bias, value);
                    for (p, pixel) in pixels.iter().enumerate() {
                        let here = simd.equal_u32s(window_offset, simd.splat_u32s(p as u32));
                        let value = simd.select_f32s(here, value, simd.splat_f32s(0.0));
                        let x = &self.x[pixel * d.c_in..];
                        for (total, offset) in total.iter_mut().zip(offsets) {
                            *total = simd.mul_add_e_f32s(value, simd.splat_f32s(x[*offset]), *total);
                        }
                    }
                }
                for (t, total) in total.into_iter().enumerate() {
                    let sum = &mut sums[at + t * blocks];
                    *sum = simd.add_f32s(*sum, total);
                }
                if at == block {
                    sums[bias + block] = simd.add_f32s(sums[bias + block], total_bias);
                }
            }
        }
    }
}

/// As `Real::split_low_bits`.
#[inline(always)]
fn split_low_bits<S: Simd>(simd: S, packed: S::f32s, mask: u32) -> (S::f32s, S::u32s) {
    let bits = simd.transmute_u32s_f32s(packed);
    let value = simd.and_u32s(bits, simd.splat_u32s(!mask));
    (simd.transmute_f32s_u32s(value), simd.and_u32s(bits, simd.splat_u32s(mask)))
}
