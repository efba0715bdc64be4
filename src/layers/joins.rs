//! Subtract, Multiply, Average, Maximum: several tensors of one shape, element by element. A sum is in [`super::Add`].

use super::layer::{Inferred, Layer, Saved, Site};
use crate::error::{Result, usage};
use crate::kernels::GradientOut;
use crate::kernels::join::{Join, JoinGradient, Operation};
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

fn infer(kind: &str, max: usize, inputs: &[&[usize]]) -> Result<Inferred> {
    match inputs {
        [first, others @ ..] if !others.is_empty() && inputs.len() <= max => {
            match others.iter().find(|shape| *shape != first) {
                Some(other) => Err(usage!("{kind} takes inputs of one shape, it has {first:?} and {other:?}")),
                None => Ok(Inferred::output(*first)),
            }
        }
        _ if max == 2 => Err(usage!("{kind} takes two inputs, it has {}", inputs.len())),
        _ => Err(usage!("{kind} takes at least two inputs, it has {}", inputs.len())),
    }
}

/// What inputs 0 to `i` are joined to: a buffer of its own, except for the first and for all.
fn partial(r: &mut Recorder, site: &Site<'_>, i: usize) -> BufferSlice {
    match i {
        0 => site.x(),
        i if i + 1 == site.inputs.len() => site.output.slice,
        i => r.floats(format!("{} partial {i}", site.name), site.output.slice.len),
    }
}

fn record_forward(r: &mut Recorder, site: &Site<'_>, operation: fn(usize, bool) -> Operation) -> Saved {
    let n = site.inputs.len();
    for i in 1..n {
        let (so_far, to) = (partial(r, site, i - 1), partial(r, site, i));
        let kernel = Join { count: to.len, operation: operation(n, i + 1 == n) };
        let label = if i == 1 { "forward".to_owned() } else { format!("forward {i}") };
        r.dispatch(format!("{} {label}", site.name), kernel, &[so_far, site.inputs[i].slice], &[to]);
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
    for i in (1..n).rev() {
        let (a, b) = (partial(r, site, i - 1), site.inputs[i].slice);
        let record = |r: &mut Recorder, second: bool, to: BufferSlice, of: &str| {
            let kernel = JoinGradient { count: to.len, operation: operation(n, i + 1 == n), second };
            let label = format!("{} backward {of}", site.name);
            r.dispatch(label, kernel, &[a, b, so_far_gradient], &[to]);
        };
        if let Some(dx) = dx[i] {
            record(r, true, dx.to, &i.to_string());
        }
        // Of the first input it is the gradient that is asked for; else the one to go on with.
        let of = if i == 1 { "0".to_owned() } else { format!("partial {}", i - 1) };
        let to = match (i, dx[0]) {
            (1, None) => return,
            (1, Some(dx)) => dx.to,
            _ => r.floats(format!("{} {of} gradient", site.name), a.len),
        };
        record(r, false, to, &of);
        so_far_gradient = to;
    }
}
