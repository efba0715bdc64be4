//! How a gradient goes on to the layer below; twin of `shaders/gate.wgsl`.

use crate::plan::View;
use crate::real::Real;
use crate::simd::SimdLevel;
use pulp::{Simd, WithSimd};

/// What the layer below does with a gradient by its output before its own backward pass.
///
/// A convolution that was fused with its pool takes packed gradients: in the lowest bits of each lies the position of its
/// window's maximum, so that one load gives both, to a part in 2^22 under a 2x2 pool, in 2^19 under the largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Takes it as it is.
    Linear,
    /// Zero where its output is not positive.
    Relu,
    /// Packed with the index of its forward pass.
    Argmax {
        /// The bits that positions take.
        mask: u32,
    },
}

/// In an index: no position, the ReLU is shut.
pub(crate) const INACTIVE: u32 = 256;

impl Gate {
    pub(crate) const FILE: &'static str = include_str!("../../shaders/gate.wgsl");

    /// The constants of [`Self::FILE`], for rows of `cols` elements.
    pub(crate) fn constants(self, binding: u64, cols: usize) -> [(&'static str, u64); 5] {
        let mask = if let Self::Argmax { mask } = self { mask } else { 0 };
        [
            ("GATE", binding),
            ("RELU_GATE?", u64::from(self == Self::Relu)),
            ("ARGMAX_GATE?", u64::from(matches!(self, Self::Argmax { .. }))),
            ("GATE_MASK", u64::from(mask)),
            ("GATE_BY_4?", u64::from(cols.is_multiple_of(4))),
        ]
    }

    /// Turns `dx`, which starts at element `at`, into what goes on; `seen` is the layer's output or index.
    #[inline(always)]
    pub(crate) fn apply_gate<F: Real>(self, dx: &mut [F], gate_input: View<'_, F>, at: usize) {
        match (self, gate_input) {
            (Self::Linear, _) => {}
            (Self::Relu, View::Float(y)) => {
                for (dx, y) in dx.iter_mut().zip(&y[at..]) {
                    *dx = if *y > F::ZERO { *dx } else { F::ZERO };
                }
            }
            (Self::Argmax { mask }, View::U32(argmax)) => {
                for (dx, argmax) in dx.iter_mut().zip(&argmax[at..]) {
                    *dx = if *argmax > mask { F::ZERO } else { dx.with_low_bits(mask, *argmax) };
                }
            }
            (gate, _) => panic!("{gate:?} is shown the wrong kind of buffer"),
        }
    }

    /// As [`Self::apply_gate`], by vector instructions.
    pub(crate) fn apply_gate_simd(self, level: SimdLevel, dx: &mut [f32], gate_input: View<'_, f32>, at: usize) {
        level.run(ApplyGate { gate: self, dx, gate_input, at });
    }
}

/// [`Gate::apply_gate`] by vector instructions.
struct ApplyGate<'a> {
    gate: Gate,
    dx: &'a mut [f32],
    gate_input: View<'a, f32>,
    at: usize,
}

impl WithSimd for ApplyGate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.gate.apply_gate(self.dx, self.gate_input, self.at);
    }
}
