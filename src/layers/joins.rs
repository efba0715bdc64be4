//! Subtract, Multiply, Average, Maximum: several tensors, element by element; smaller ones are broadcast. A sum is in [`super::Add`].

use super::layer::{Inferred, Layer, Saved, Site};
use crate::error::{Result, usage};
use crate::kernels::join::{Broadcast, Join, JoinGradient, JoinSums, Operation};
use crate::kernels::{GradientOut, record_split_k};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// Declares the layers: `operation(n, last)` is what joins what was joined so far with the next of `n` inputs.
macro_rules! joins {
    ($($(#[doc = $doc:literal])* $layer:ident: $max:expr, $operation:expr),* $(,)?) => { $(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $layer {}

        impl Layer for $layer {
            fn kind(&self) -> &'static str {
                stringify!($layer)
            }

            fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
                infer(self.kind(), $max, inputs)
            }

            fn forward(&self, r: &mut Recorder, site: &Site<'_>, _: Mode) -> Saved {
                record_forward(r, site, $operation)
            }

            fn backward(
                &self,
                r: &mut Recorder,
                site: &Site<'_>,
                _: &Saved,
                dy: BufferSlice,
                dx: &[Option<GradientOut>],
            ) {
                record_backward(r, site, $operation, dy, dx);
            }
        }
    )* };
}

joins! {
    /// `x_1 - x_2`.
    Subtract: 2, |_, _| Operation::Subtract,
    /// `x_1 x_2 ...`, in the order of the inputs.
    Multiply: usize::MAX, |_, _| Operation::Multiply,
    /// The mean of the inputs.
    Average: usize::MAX, |n, last| Operation::Add { scale: if last { 1.0 / n as f64 } else { 1.0 } },
    /// The largest of the inputs, the first of equals; NaN if one is.
    Maximum: usize::MAX, |_, _| Operation::Maximum,
}

/// The shape of a join of inputs of these shapes, of which there are at most `max`: axes count from the last, an axis of 1 or a missing
/// one is broadcast.
pub(super) fn infer(kind: &str, max: usize, inputs: &[&[usize]]) -> Result<Inferred> {
    let [first, others @ ..] = inputs else { return Err(usage!("{kind} takes at least two inputs, it has 0")) };
    match inputs.len() {
        n if max == 2 && n != 2 => return Err(usage!("{kind} takes two inputs, it has {n}")),
        1 => return Err(usage!("{kind} takes at least two inputs, it has 1")),
        _ => {}
    }
    let mut output = first.to_vec();
    for other in others {
        let shape = joined(&output, other).ok_or_else(|| {
            usage!("{kind} takes inputs whose axes, from the last, are equal or 1; it has {output:?} and {other:?}")
        })?;
        if let Some(from) = [&output[..], other].into_iter().find(|from| Broadcast::new(from, &shape).is_none()) {
            return Err(usage!("{kind}: {from:?} to {shape:?}: broadcast axes may alternate with others twice"));
        }
        output = shape;
    }
    Ok(Inferred::output(output))
}

/// The shape of a join of two tensors, if they can be joined.
fn joined(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let extent = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis]);
    let extents = (0..rank).map(|axis| match [extent(a, axis), extent(b, axis)] {
        [a, b] if a == b || b == 1 => Some(a),
        [1, b] => Some(b),
        _ => None,
    });
    extents.collect()
}

/// One of the joins of two that a layer consists of.
pub(super) struct Pair {
    /// What was joined so far, and the next input.
    pub(super) operands: [BufferSlice; 2],
    pub(super) broadcasts: [Broadcast; 2],
    pub(super) to: BufferSlice,
}

impl Pair {
    /// Records the gradient w.r.t. operand `which`, 0 or 1: for one that is broadcast, sums over the elements that it was broadcast to.
    pub(super) fn record_gradient(
        &self,
        r: &mut Recorder,
        label: &str,
        operation: Operation,
        which: usize,
        dy: BufferSlice,
        to: BufferSlice,
    ) {
        let (count, second, target) = (dy.len, which == 1, self.broadcasts[which]);
        let ([a, b], broadcasts) = match operation.gradient_reads_operands() {
            true => (self.operands, self.broadcasts),
            false => ([dy; 2], [Broadcast::NONE; 2]),
        };
        if target == Broadcast::NONE {
            r.dispatch(label, JoinGradient { count, operation, broadcasts, second }, &[a, b, dy], &[to]);
        } else {
            let kernel = JoinSums { count, operation, broadcasts, target, second };
            record_split_k(r, label, kernel.splits(), kernel, &[a, b, dy], to, None);
        }
    }
}

/// The joins of two, in order: each into a buffer of its own, but the last into the output.
pub(super) fn pairs(r: &mut Recorder, site: &Site<'_>) -> Vec<Pair> {
    let (mut so_far, mut shape) = (site.x(), site.inputs[0].shape.to_vec());
    let mut all = Vec::with_capacity(site.inputs.len() - 1);
    for (i, input) in site.inputs.iter().enumerate().skip(1) {
        let to_shape = joined(&shape, input.shape).expect("the shape was inferred before");
        let to = match i + 1 == site.inputs.len() {
            true => site.output.slice,
            false => r.floats(format!("{} partial {i}", site.name), site.batch * to_shape.iter().product::<usize>()),
        };
        let broadcasts = [&shape, input.shape].map(|from| broadcast(from, &to_shape));
        all.push(Pair { operands: [so_far, input.slice], broadcasts, to });
        (so_far, shape) = (to, to_shape);
    }
    all
}

/// How a tensor of shape `from` is broadcast to `to`.
pub(super) fn broadcast(from: &[usize], to: &[usize]) -> Broadcast {
    Broadcast::new(from, to).expect("the shapes were checked before")
}

/// The label of the forward dispatch of pair `i`.
pub(super) fn forward_label(site: &Site<'_>, i: usize) -> String {
    if i == 0 { format!("{} forward", site.name) } else { format!("{} forward {}", site.name, i + 1) }
}

fn record_forward(r: &mut Recorder, site: &Site<'_>, operation: fn(usize, bool) -> Operation) -> Saved {
    let n = site.inputs.len();
    for (i, Pair { operands, broadcasts, to }) in pairs(r, site).into_iter().enumerate() {
        let kernel = Join { count: to.len, operation: operation(n, i + 2 == n), broadcasts };
        r.dispatch(forward_label(site, i), kernel, &operands, &[to]);
    }
    Saved::default()
}

/// From the last input to the first, with the gradient w.r.t. what was joined so far.
fn record_backward(
    r: &mut Recorder,
    site: &Site<'_>,
    operation: fn(usize, bool) -> Operation,
    dy: BufferSlice,
    dx: &[Option<GradientOut>],
) {
    let n = site.inputs.len();
    let mut so_far_gradient = dy;
    for (i, pair) in (1..n).zip(pairs(r, site)).rev() {
        let operation = operation(n, i + 1 == n);
        if let Some(dx) = dx[i] {
            let label = format!("{} backward {i}", site.name);
            pair.record_gradient(r, &label, operation, 1, so_far_gradient, dx.to);
        }
        // Of the first input it is the gradient that is asked for; else the one to go on with.
        let of = if i == 1 { "0".to_owned() } else { format!("partial {}", i - 1) };
        let to = match (i, dx[0]) {
            (1, None) => return,
            (1, Some(dx)) => dx.to,
            _ => r.floats(format!("{} {of} gradient", site.name), pair.operands[0].len),
        };
        pair.record_gradient(r, &format!("{} backward {of}", site.name), operation, 0, so_far_gradient, to);
        so_far_gradient = to;
    }
}
