//! What a pass of a convolution is recorded over: sizes and buffers, whatever the algorithm.

use super::dims::Dims;
use crate::kernels::gate::GradientOut;
use crate::plan::BufferSlice;

/// The forward pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ForwardPass<'a> {
    /// Begins the label of each dispatch.
    pub(crate) name: &'a str,
    pub(crate) dims: Dims,
    pub(crate) relu: bool,
    /// [n, h, w, c_in].
    pub(crate) x: BufferSlice,
    /// w [kh, kw, c_in / groups, c_out], then maybe b `[c_out]`.
    pub(crate) weights: BufferSlice,
    /// [n, oh, ow, c_out], after the pool if there is one.
    pub(crate) y: BufferSlice,
    /// Of the pool, shaped like y; none without a pool or where no backward pass follows.
    pub(crate) argmax: Option<BufferSlice>,
}

/// The gradient w.r.t. weights and bias.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WeightsPass<'a> {
    /// Begins the label of each dispatch.
    pub(crate) name: &'a str,
    pub(crate) dims: Dims,
    /// [n, h, w, c_in].
    pub(crate) x: BufferSlice,
    /// [n, oh, ow, c_out]; with a pool tagged (see [`crate::kernels::Gate`]).
    pub(crate) dy: BufferSlice,
    /// dw [kh, kw, c_in / groups, c_out], then maybe db `[c_out]`.
    pub(crate) gradients: BufferSlice,
}

/// The gradient w.r.t. the input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InputPass<'a> {
    /// Begins the label of each dispatch.
    pub(crate) name: &'a str,
    pub(crate) dims: Dims,
    /// w [kh, kw, c_in / groups, c_out], then maybe b `[c_out]`.
    pub(crate) weights: BufferSlice,
    /// [n, oh, ow, c_out]; with a pool tagged.
    pub(crate) dy: BufferSlice,
    /// [n, h, w, c_in].
    pub(crate) dx: GradientOut,
}
