//! Reshape: the same elements under another shape.

use super::args::single;
use super::layer::{Inferred, Layer, Saved, Site};
use crate::error::{Result, usage};
use crate::kernels::GradientOut;
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// The input under the shape `target_shape`, in row-major order: a view, nothing is computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reshape {
    /// The shape of one image's output; one axis may be -1, which stands for what is left.
    pub target_shape: Vec<i64>,
}

impl Reshape {
    /// The shape `target_shape`, of which one axis may be -1.
    pub fn new(target_shape: impl Into<Vec<i64>>) -> Self {
        Self { target_shape: target_shape.into() }
    }
}

impl Layer for Reshape {
    fn kind(&self) -> &'static str {
        "Reshape"
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        let input = single("Reshape", inputs)?;
        let target = &self.target_shape;
        let wrong = || usage!("Reshape: an input of {input:?} cannot have the shape {target:?}");
        let open = target.iter().filter(|axis| **axis == -1).count();
        if open > 1 || target.is_empty() || target.iter().any(|axis| *axis == 0 || *axis < -1) {
            return Err(usage!("Reshape: target_shape is {target:?}; its axes must be at least 1, one may be -1"));
        }
        let size: usize = input.iter().product();
        let given = target.iter().filter(|axis| **axis > 0).try_fold(1usize, |n, axis| n.checked_mul(*axis as usize));
        let given = given.filter(|given| size.is_multiple_of(*given)).ok_or_else(wrong)?;
        if open == 0 && given != size {
            return Err(wrong());
        }
        let axis = |axis: &i64| if *axis == -1 { size / given } else { *axis as usize };
        Ok(Inferred::output(target.iter().map(axis).collect::<Vec<_>>()))
    }

    fn forward(&self, _: &mut Recorder, _: &Site<'_>, _: Mode) -> Saved {
        Saved::default()
    }

    fn backward(&self, _: &mut Recorder, _: &Site<'_>, _: &Saved, _: BufferSlice, _: &[Option<GradientOut>]) {}

    fn is_view(&self) -> bool {
        true
    }
}
