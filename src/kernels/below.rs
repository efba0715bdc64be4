//! How a gradient goes on to the layer below; twin of `shaders/below.wgsl`.

use crate::plan::View;
use crate::real::Real;
use crate::simd::Vectors;
use pulp::{Simd, WithSimd};

/// What the layer below does with a gradient by its output before its own backward pass.
///
/// A convolution that was fused with its pool takes packed gradients: in the lowest bits of each lies the position of its
/// window's maximum, so that one load gives both, to a part in 2^22 under a 2x2 pool, in 2^19 under the largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Below {
    /// Takes it as it is.
    Linear,
    /// Zero where its output is not positive.
    Relu,
    /// Packed with the index of its forward pass.
    Pool {
        /// The bits that positions take.
        mask: u32,
    },
}

/// In an index: no position, the ReLU is shut.
pub(crate) const SHUT: u32 = 256;

impl Below {
    pub(crate) const FILE: &'static str = include_str!("../../shaders/below.wgsl");

    /// The constants of [`Self::FILE`], for rows of `cols` elements.
    pub(crate) fn constants(self, binding: u64, cols: usize) -> [(&'static str, u64); 5] {
        let mask = if let Self::Pool { mask } = self { mask } else { 0 };
        [
            ("BELOW", binding),
            ("RELU_BELOW?", u64::from(self == Self::Relu)),
            ("POOL_BELOW?", u64::from(matches!(self, Self::Pool { .. }))),
            ("BELOW_MASK", u64::from(mask)),
            ("BELOW_BY_4?", u64::from(cols.is_multiple_of(4))),
        ]
    }

    /// Turns `dx`, which starts at element `at`, into what goes on; `seen` is the layer's output or index.
    #[inline(always)]
    pub(crate) fn pass_down<F: Real>(self, dx: &mut [F], seen: View<'_, F>, at: usize) {
        match (self, seen) {
            (Self::Linear, _) => {}
            (Self::Relu, View::Real(y)) => {
                for (dx, y) in dx.iter_mut().zip(&y[at..]) {
                    *dx = if *y > F::ZERO { *dx } else { F::ZERO };
                }
            }
            (Self::Pool { mask }, View::Words(index)) => {
                for (dx, index) in dx.iter_mut().zip(&index[at..]) {
                    *dx = if *index > mask { F::ZERO } else { dx.with_low_bits(mask, *index) };
                }
            }
            (below, _) => panic!("{below:?} is shown the wrong kind of buffer"),
        }
    }

    /// As [`Self::pass_down`], by vector instructions.
    pub(crate) fn pass_down_fast(self, vectors: Vectors, dx: &mut [f32], seen: View<'_, f32>, at: usize) {
        vectors.run(PassDown { below: self, dx, seen, at });
    }
}

/// [`Below::pass_down`] by vector instructions.
struct PassDown<'a> {
    below: Below,
    dx: &'a mut [f32],
    seen: View<'a, f32>,
    at: usize,
}

impl WithSimd for PassDown<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.below.pass_down(self.dx, self.seen, self.at);
    }
}
