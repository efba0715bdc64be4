//! Gradient w.r.t. the weights of a first layer with AVX-512. The 4x4 patch of a single-channel image under a 2x2 pool
//! window fills one register; each filter selects its input for a tap by its argmax, with one permutation for 16
//! filters.

use super::padding::padded_size;
use crate::kernels::conv2d::dims::Dims;
use crate::simd::with_scratch;
use pulp::x86::V4;
use pulp::{Simd, WithSimd, bytemuck::cast, f32x16, u32x16};
use std::arch::x86_64::{__m512, __m512i};

/// Index of each tap of a 3x3 kernel in the row-major 4x4 patch.
const TAPS: [u32; 9] = [0, 1, 2, 4, 5, 6, 8, 9, 10];
/// Floats in a patch.
const PATCH: usize = 16;

/// Whether the kernel supports these sizes.
pub(super) fn supports(d: &Dims) -> bool {
    let Dims { batch: _, h, w, c_in, c_out, groups: _, bias: _, pool_h, pool_w } = *d;
    let kernel = [h, w].iter().all(|axis| axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1);
    let pool = [pool_h, pool_w].iter().all(|axis| axis.kernel == 2);
    kernel && pool && c_in == 1 && c_out.is_multiple_of(16)
}

/// Adds one image's contribution to `sums`, [taps and the bias, c_out]. `x` includes the zero padding; `dy` is the
/// tagged gradient [windows, c_out]; `pixels` is [`first_pixels`](super::first_pixels).
pub(super) fn add_image(d: &Dims, simd: V4, pixels: &[usize], x: &[f32], dy: &[f32], sums: &mut [f32]) {
    with_scratch([d.image_windows() * PATCH], |[patches]| {
        Simd::vectorize(simd, Image { d, simd, pixels, x, dy, patches, sums });
    });
}

struct Image<'a> {
    d: &'a Dims,
    simd: V4,
    pixels: &'a [usize],
    x: &'a [f32],
    dy: &'a [f32],
    /// Scratch for the patches, [windows, 16].
    patches: &'a mut [f32],
    sums: &'a mut [f32],
}

impl WithSimd for Image<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { d, simd, .. } = self;
        let width = padded_size(d)[1];
        let patches = self.patches.as_chunks_mut::<PATCH>().0;
        for (patch, pixels) in patches.iter_mut().zip(self.pixels.as_chunks::<4>().0) {
            for (row, patch) in patch.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                patch.copy_from_slice(&self.x[pixels[0] + row * width..][..4]);
            }
        }
        let dy = V4::as_simd_f32s(self.dy).0;
        let sums = V4::as_mut_simd_f32s(self.sums).0;
        let blocks = d.c_out / PATCH;
        for block in 0..blocks {
            let mut total = [simd.splat_f32s(0.0); TAPS.len()];
            let mut bias = simd.splat_f32s(0.0);
            for (patch, dy) in patches.iter().zip(dy.chunks_exact(blocks)) {
                let patch: f32x16 = cast(*patch);
                let bits = simd.transmute_u32s_f32s(dy[block]);
                let window_offset = simd.and_u32s(bits, simd.splat_u32s(3));
                let value = simd.transmute_f32s_u32s(simd.and_u32s(bits, simd.splat_u32s(!3)));
                bias = simd.add_f32s(bias, value);
                // Window offsets 0, 1, 2, 3 are the patch indices 0, 1, 4, 5.
                let first = simd.add_u32s(window_offset, simd.and_u32s(window_offset, simd.splat_u32s(2)));
                for (total, tap) in total.iter_mut().zip(TAPS) {
                    let picked = pick(simd, simd.add_u32s(first, simd.splat_u32s(tap)), patch);
                    *total = simd.mul_add_e_f32s(value, picked, *total);
                }
            }
            for (tap, total) in total.into_iter().chain([bias]).enumerate() {
                let sum = &mut sums[tap * blocks + block];
                *sum = simd.add_f32s(*sum, total);
            }
        }
    }
}

/// `patch[index]` for each lane.
#[inline(always)]
fn pick(simd: V4, index: u32x16, patch: f32x16) -> f32x16 {
    let picked: __m512 = simd.avx512f._mm512_permutexvar_ps(cast::<_, __m512i>(index), cast::<_, __m512>(patch));
    cast(picked)
}
