//! GlobalMaxPooling2D, GlobalAveragePooling2D: one number for each channel of an image.

use super::args::image_shape;
use super::layer::{Inferred, Layer, Saved, Site};
use super::pooling2d::{Reduction, record_backward, record_forward};
use crate::error::Result;
use crate::kernels::GradientOut;
use crate::kernels::pool2d::Dims;
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// Declares the layers, which differ in their name and their [`Reduction`].
macro_rules! global_pooling2d {
    ($($(#[doc = $doc:literal])* $layer:ident: $reduction:ident),* $(,)?) => { $(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $layer {
            /// Whether the output is [1, 1, channels] instead of `[channels]` (default).
            pub keepdims: bool,
        }

        impl Layer for $layer {
            fn kind(&self) -> &'static str {
                stringify!($layer)
            }

            fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
                let input = image_shape(self.kind(), inputs)?;
                let output = Dims::whole(1, input).output();
                Ok(Inferred::output(if self.keepdims { output.to_vec() } else { vec![input[2]] }))
            }

            fn forward(&self, r: &mut Recorder, site: &Site<'_>, mode: Mode) -> Saved {
                record_forward(r, site, dims_at(self, site), Reduction::$reduction, mode)
            }

            fn backward(
                &self,
                r: &mut Recorder,
                site: &Site<'_>,
                _: &Saved,
                dy: BufferSlice,
                dx: &[Option<GradientOut>],
            ) {
                record_backward(r, site, dims_at(self, site), Reduction::$reduction, dy, dx);
            }

            fn supports_gates(&self) -> bool {
                true
            }
        }
    )* };
}

global_pooling2d! {
    /// The maximum of each channel over the image; NaN if the channel holds one.
    GlobalMaxPooling2D: Max,
    /// The mean of each channel over the image.
    GlobalAveragePooling2D: Average,
}

fn dims_at(layer: &dyn Layer, site: &Site<'_>) -> Dims {
    let input = image_shape(layer.kind(), &site.input_shapes()).expect("the shape was inferred before");
    Dims::whole(site.batch, input)
}
