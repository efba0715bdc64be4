//! Gates: the derivative of the activation before a kernel, applied where its gradient is written. Twin of
//! `shaders/gate.wgsl`.

use crate::kernels::maximum::through_relu;
use crate::plan::{BufferSlice, Constants, View, constants, wgsl};
use crate::real::Real;
use crate::simd::{SimdLevel, compiled};

/// What happens to the gradient w.r.t. a layer's output before the layer's own backward pass.
///
/// The kernel that writes this gradient, in the layer that consumes the output, can apply the gate as it stores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Gate {
    /// The gradient stays as it is.
    #[default]
    None,
    /// The derivative of ReLU: zero where the output is neither positive nor NaN.
    Relu {
        /// The layer's output.
        output: BufferSlice,
    },
    /// The layer is a convolution fused with its pool, which takes tagged gradients: in the low mantissa bits of each, the
    /// argmax of its window, so that one load yields both, with a relative error of 2^-22 under a 2x2 pool and of 2^-19 under the largest.
    /// Zero where the ReLU was inactive.
    Argmax {
        /// The argmax of each window.
        argmax: BufferSlice,
        /// The bits that window offsets take.
        mask: u32,
    },
}

/// A gate without its buffer, as kernels know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GateKind {
    None,
    Relu,
    Argmax { mask: u32 },
}

/// Where a gradient w.r.t. an input is written, and through which gate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GradientOut {
    /// The gradient, of the input's shape.
    pub(crate) to: BufferSlice,
    /// The gate of the input's producer.
    pub(crate) gate: Gate,
}

impl GradientOut {
    /// `inputs` and the buffer that the gate reads, as the inputs of a dispatch.
    pub(crate) fn inputs(&self, inputs: &[BufferSlice]) -> Vec<BufferSlice> {
        inputs.iter().copied().chain(self.gate.input()).collect()
    }
}

/// The file with `apply_gate` for kernels that have no binding left: of a ReLU whose output is their own input x, or none.
pub(crate) fn own_gate_file(gated: bool) -> &'static str {
    match gated {
        true => wgsl!("gate_of_input.wgsl"),
        false => GateKind::None.file(),
    }
}

/// In an argmax buffer: the ReLU is inactive, no gradient flows.
pub(crate) const INACTIVE: u32 = 256;

impl Gate {
    pub(crate) fn kind(self) -> GateKind {
        match self {
            Self::None => GateKind::None,
            Self::Relu { .. } => GateKind::Relu,
            Self::Argmax { mask, .. } => GateKind::Argmax { mask },
        }
    }

    /// The buffer that the gate reads.
    pub(crate) fn input(self) -> Option<BufferSlice> {
        match self {
            Self::None => None,
            Self::Relu { output } => Some(output),
            Self::Argmax { argmax, .. } => Some(argmax),
        }
    }
}

impl GateKind {
    /// The file with `apply_gate`.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::None => wgsl!("gate_none.wgsl"),
            _ => wgsl!("gate.wgsl"),
        }
    }

    /// Buffers that the gate binds, at `binding` and before the kernel's output.
    pub(crate) fn bindings(self) -> usize {
        usize::from(self != Self::None)
    }

    /// The constants of [`Self::file`], for rows of `cols` elements.
    pub(crate) fn constants(self, binding: usize, cols: usize) -> Constants {
        let mask = match self {
            Self::None => return Constants::new(),
            Self::Relu => 0,
            Self::Argmax { mask } => mask,
        };
        constants! {
            GATE: binding,
            RELU_GATE: self == Self::Relu,
            GATE_MASK: mask,
            GATE_BY_4: cols.is_multiple_of(4),
        }
    }

    /// Applies the gate to `dx`, which is element `first` and the following ones of the gradient; `gate_input` is what the gate
    /// reads, whole.
    #[inline(always)]
    pub(crate) fn apply<F: Real>(self, dx: &mut [F], gate_input: View<'_, F>, first: usize) {
        match (self, gate_input) {
            (Self::None, _) => {}
            (Self::Relu, View::Float(y)) => {
                for (dx, y) in dx.iter_mut().zip(&y[first..]) {
                    *dx = through_relu(*dx, *y);
                }
            }
            (Self::Argmax { mask }, View::U32(argmax)) => {
                for (dx, argmax) in dx.iter_mut().zip(&argmax[first..]) {
                    *dx = if *argmax > mask { F::ZERO } else { dx.with_low_bits(mask, *argmax) };
                }
            }
            (gate, _) => panic!("{gate:?} got a buffer of the wrong type"),
        }
    }

    /// As [`Self::apply`], compiled for `level`.
    pub(crate) fn apply_simd(self, level: SimdLevel, dx: &mut [f32], gate_input: View<'_, f32>, first: usize) {
        compiled!(level, self.apply(dx, gate_input, first));
    }
}
