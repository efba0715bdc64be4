//! Gradient w.r.t. the weights of a first layer, with few input channels. SIMD lanes are filters, and each (tap, input
//! channel) has one accumulator register per block of filters.

use super::padding::{first_pixels, padded, padded_len, padded_size};
#[cfg(target_arch = "x86_64")]
use super::permute;
use super::pool;
use crate::kernels::conv2d::dims::Dims;
use crate::plan::Io;
use crate::simd::{SimdLevel, load, with_scratch};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// Images per task, at least. The size of a task does not depend on the number of threads, so the order of additions,
/// and with it every bit of the result, does not either.
const MIN_IMAGES: usize = 4;
/// Floats of the partial sums of all tasks together, at most, unless a single task needs more.
const MAX_SUMS: usize = 1 << 22;
/// Largest patch (kh * kw * c_in): a 15x15 kernel is faster with this kernel, a 27x27 kernel as a matrix product.
const MAX_PATCH_LEN: usize = 256;
/// Patch elements whose sums are accumulated in registers at once.
const TERMS: usize = 9;

/// Whether the kernel supports these sizes. With more channels or larger kernels the matrix product is faster.
pub(in crate::kernels::conv2d) fn supports(d: &Dims) -> bool {
    let Dims { batch: _, h, w, c_in, c_out: _, groups, bias: _, pool_h, pool_w } = *d;
    let patch_len = h.kernel * w.kernel * c_in;
    let windows = matches!(pool_h.kernel * pool_w.kernel, 1 | pool::WINDOW_LEN);
    groups == 1 && c_in <= 4 && patch_len <= MAX_PATCH_LEN && windows
}

/// Whether a permutation can select the input pixels.
#[cfg(target_arch = "x86_64")]
pub(in crate::kernels::conv2d) fn permutes(d: &Dims, level: SimdLevel) -> bool {
    matches!(level, SimdLevel::Avx512(_)) && permute::supports(d)
}

/// As on x86-64, where AVX-512 has the permutation.
#[cfg(not(target_arch = "x86_64"))]
pub(in crate::kernels::conv2d) fn permutes(_: &Dims, _: SimdLevel) -> bool {
    false
}

/// SIMD variant of `Conv2dBackwardWeights` with split-K 1.
pub(in crate::kernels::conv2d) fn backward_weights(d: &Dims, level: SimdLevel, mut io: Io<'_, f32>) {
    let (x, dy, out) = (io.input(0), io.input(1), io.output(0));
    let pixels = first_pixels(d);
    let offsets = offsets(d);
    let cols = d.c_out.next_multiple_of(level.vector_width());
    // A task's partial sums: [offsets, cols] for the weights, then [cols] for the bias.
    let partial_len = (offsets.len() + 1) * cols;
    let images = d.batch.div_ceil((MAX_SUMS / partial_len).max(1)).max(MIN_IMAGES);
    with_scratch([d.batch.div_ceil(images) * partial_len], |[partials]| {
        let images = x.par_chunks(images * d.in_image()).zip(dy.par_chunks(images * d.out_image()));
        partials.par_chunks_exact_mut(partial_len).zip(images).for_each(|(sums, (x, dy))| {
            sums.fill(0.0);
            with_scratch([padded_len(d)], |[scratch]| {
                for (x, dy) in x.chunks_exact(d.in_image()).zip(dy.chunks_exact(d.out_image())) {
                    let x = padded(d, 0, x, scratch);
                    match level {
                        #[cfg(target_arch = "x86_64")]
                        SimdLevel::Avx512(simd) if permute::supports(d) => {
                            permute::add_image(d, simd, &pixels, x, dy, sums);
                        }
                        _ => level.run(Image { d, pixels: &pixels, offsets: &offsets, x, dy, sums }),
                    }
                }
            });
        });
        out.fill(0.0);
        for sums in partials.chunks_exact(partial_len) {
            // The bias sums come last, after those of the offsets that only pad the last block of terms.
            let rows = (0..d.patch_len()).chain([offsets.len()]);
            for (row, out) in rows.zip(out.chunks_exact_mut(d.c_out)) {
                out.iter_mut().zip(&sums[row * cols..]).for_each(|(total, sum)| *total += *sum);
            }
        }
    });
}

/// Offset in floats of each patch element (ky, kx, i) from the patch's first element in the padded image, padded with
/// zeros to a multiple of [`TERMS`].
fn offsets(d: &Dims) -> Vec<usize> {
    let row = padded_size(d)[1] * d.c_in;
    let run = d.w.kernel * d.c_in;
    let at = |term: usize| {
        let (ky, kx, i) = (term / run, term % run / d.c_in, term % d.c_in);
        ky * d.h.dilation * row + kx * d.w.dilation * d.c_in + i
    };
    let mut offsets: Vec<usize> = (0..d.patch_len()).map(at).collect();
    offsets.resize(offsets.len().next_multiple_of(TERMS), 0);
    offsets
}

/// Adds one image's contribution to `sums`, [offsets and the bias, cols].
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
            for (group, offsets) in self.offsets.as_chunks::<TERMS>().0.iter().enumerate() {
                let first = group * TERMS * blocks + block;
                let mut total = [simd.splat_f32s(0.0); TERMS];
                let mut total_bias = simd.splat_f32s(0.0);
                for (dy, pixels) in self.dy.chunks_exact(d.c_out).zip(self.pixels.as_chunks::<P>().0) {
                    let tagged = load(simd, &dy[filters.clone()]);
                    let (value, window_offset) = split_low_bits(simd, tagged, d.offset_mask());
                    total_bias = simd.add_f32s(total_bias, value);
                    for (p, pixel) in pixels.iter().enumerate() {
                        let is_argmax = simd.equal_u32s(window_offset, simd.splat_u32s(p as u32));
                        let value = simd.select_f32s(is_argmax, value, simd.splat_f32s(0.0));
                        let x = &self.x[pixel * d.c_in..];
                        for (total, offset) in total.iter_mut().zip(offsets) {
                            *total = simd.mul_add_e_f32s(value, simd.splat_f32s(x[*offset]), *total);
                        }
                    }
                }
                for (t, total) in total.into_iter().enumerate() {
                    let sum = &mut sums[first + t * blocks];
                    *sum = simd.add_f32s(*sum, total);
                }
                if first == block {
                    sums[bias + block] = simd.add_f32s(sums[bias + block], total_bias);
                }
            }
        }
    }
}

/// SIMD variant of `Real::split_low_bits`: the gradient and the argmax of a tagged gradient.
#[inline(always)]
fn split_low_bits<S: Simd>(simd: S, tagged: S::f32s, mask: u32) -> (S::f32s, S::u32s) {
    let bits = simd.transmute_u32s_f32s(tagged);
    let value = simd.and_u32s(bits, simd.splat_u32s(!mask));
    (simd.transmute_f32s_u32s(value), simd.and_u32s(bits, simd.splat_u32s(mask)))
}
