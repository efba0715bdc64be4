//! Flatten: all axes as one.

use super::args::single;
use super::layer::{Inferred, Layer, Saved, Site};
use crate::error::Result;
use crate::kernels::GradientOut;
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// The input as one axis, in row-major order: a view, nothing is computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flatten {}

impl Layer for Flatten {
    fn kind(&self) -> &'static str {
        "Flatten"
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        let input = single("Flatten", inputs)?;
        Ok(Inferred::output([input.iter().product::<usize>()]))
    }

    fn forward(&self, _: &mut Recorder, _: &Site<'_>, _: Mode) -> Saved {
        Saved::default()
    }

    fn backward(&self, _: &mut Recorder, _: &Site<'_>, _: &Saved, _: BufferSlice, _: &[Option<GradientOut>]) {}

    fn is_view(&self) -> bool {
        true
    }
}
