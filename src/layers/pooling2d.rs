//! MaxPooling2D, MinPooling2D, AveragePooling2D: one number for each window, channel by channel.

use super::args::{Padding, Pair, builders, image_shape};
use super::layer::{Inferred, Layer, Saved, Site};
use crate::error::Result;
use crate::kernels::GradientOut;
use crate::kernels::pool2d::{AveragePool2dBackward, AveragePool2dForward, Dims, MaxPool2dBackward, MaxPool2dForward};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// What becomes of the pixels of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reduction {
    Max,
    Min,
    Average,
}

/// Declares the pooling layers, which differ in their name and their [`Reduction`].
macro_rules! pooling2d {
    ($($(#[doc = $doc:literal])* $layer:ident: $reduction:ident),* $(,)?) => { $(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $layer {
            /// Height and width of a window, in pixels (default 2x2).
            #[serde(default = "two")]
            pub pool_size: Pair,
            /// Vertical and horizontal distance between windows, in pixels; `None` means `pool_size`.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub strides: Option<Pair>,
            /// Padding at the border of the image.
            #[serde(default)]
            pub padding: Padding,
        }

        impl $layer {
            /// Adjacent windows of `pool_size`, without padding.
            pub fn new(pool_size: impl Into<Pair>) -> Self {
                Self { pool_size: pool_size.into(), strides: None, padding: Padding::Valid }
            }

            /// The same layer with `strides` between windows.
            #[must_use]
            pub fn strides(self, strides: impl Into<Pair>) -> Self {
                Self { strides: Some(strides.into()), ..self }
            }

            /// Sizes over a batch of images of shape `input`.
            pub(super) fn dims(&self, batch: usize, input: [usize; 3]) -> Result<Dims> {
                let strides = self.strides.unwrap_or(self.pool_size);
                Dims::new(batch, input, self.pool_size.into(), strides.into(), self.padding)
            }

            fn dims_at(&self, site: &Site<'_>) -> Dims {
                let input = image_shape(stringify!($layer), &site.input_shapes());
                input.and_then(|input| self.dims(site.batch, input)).expect("the shape was inferred before")
            }
        }

        builders!($layer { padding: Padding });

        impl Layer for $layer {
            fn kind(&self) -> &'static str {
                stringify!($layer)
            }

            fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
                Ok(Inferred::output(self.dims(1, image_shape(self.kind(), inputs)?)?.output()))
            }

            fn forward(&self, r: &mut Recorder, site: &Site<'_>, mode: Mode) -> Saved {
                record_forward(r, site, self.dims_at(site), Reduction::$reduction, mode)
            }

            fn backward(
                &self,
                r: &mut Recorder,
                site: &Site<'_>,
                _: &Saved,
                dy: BufferSlice,
                dx: &[Option<GradientOut>],
            ) {
                record_backward(r, site, self.dims_at(site), Reduction::$reduction, dy, dx);
            }

            fn supports_gates(&self) -> bool {
                true
            }
        }
    )* };
}

pooling2d! {
    /// The maximum of each pool window, channel by channel; NaN if the window holds one.
    MaxPooling2D: Max,
    /// The minimum of each pool window, channel by channel; NaN if the window holds one. Keras has no such layer.
    MinPooling2D: Min,
    /// The mean of each pool window, channel by channel, over its pixels inside the image.
    AveragePooling2D: Average,
}

fn two() -> Pair {
    2.into()
}

/// Label of the argmax of each window, which the backward pass reads.
fn argmax_label(site: &Site<'_>) -> String {
    format!("{} argmax", site.name)
}

pub(super) fn record_forward(r: &mut Recorder, site: &Site<'_>, dims: Dims, reduction: Reduction, mode: Mode) -> Saved {
    let (label, y) = (format!("{} forward", site.name), site.output.slice);
    match reduction {
        Reduction::Average => {
            r.dispatch(label, AveragePool2dForward { dims }, &[site.x()], &[y]);
        }
        Reduction::Max | Reduction::Min => {
            let argmax = (mode == Mode::Train).then(|| r.u32s(argmax_label(site), y.len));
            let outputs: Vec<BufferSlice> = [y].into_iter().chain(argmax).collect();
            let kernel = MaxPool2dForward { dims, argmax: argmax.is_some(), min: reduction == Reduction::Min };
            r.dispatch(label, kernel, &[site.x()], &outputs);
        }
    }
    Saved::default()
}

pub(super) fn record_backward(
    r: &mut Recorder,
    site: &Site<'_>,
    dims: Dims,
    reduction: Reduction,
    dy: BufferSlice,
    dx: &[Option<GradientOut>],
) {
    let [Some(dx)] = dx else { return };
    let (label, gate) = (format!("{} backward", site.name), dx.gate.kind());
    match reduction {
        Reduction::Average => {
            r.dispatch(label, AveragePool2dBackward { dims, gate }, &dx.inputs(&[dy]), &[dx.to]);
        }
        Reduction::Max | Reduction::Min => {
            let argmax = r.u32s(argmax_label(site), dy.len);
            r.dispatch(label, MaxPool2dBackward { dims, gate }, &dx.inputs(&[dy, argmax]), &[dx.to]);
        }
    }
}
