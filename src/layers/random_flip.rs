//! RandomFlip: in training, half of the images are mirrored.

use super::layer::{Inferred, Layer, Saved, Site};
use super::resampled::{axes, record_backward, record_forward, resampled_shape};
use crate::error::Result;
use crate::kernels::GradientOut;
use crate::kernels::resample::{Axis, Rule};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// What is mirrored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlipMode {
    /// Left and right.
    Horizontal,
    /// Top and bottom.
    Vertical,
    /// Both at once: the image is turned by 180 degrees.
    #[default]
    HorizontalAndVertical,
}

/// In training each image is mirrored with probability 1/2; without effect in inference. The draws are a function of seed, update, layer
/// and image. As in Keras an image has one draw: with both axes, both are mirrored or neither.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomFlip {
    /// `horizontal`, `vertical` or `horizontal_and_vertical` (default).
    pub mode: FlipMode,
}

impl RandomFlip {
    /// Mirrors along the axes of `mode`.
    pub fn new(mode: FlipMode) -> Self {
        Self { mode }
    }

    fn axes(self, site: &Site<'_>) -> Vec<Axis> {
        let along = |other| (self.mode != other).then_some(Rule::Flip);
        axes(site, [along(FlipMode::Horizontal), along(FlipMode::Vertical)], true)
    }
}

impl Layer for RandomFlip {
    fn kind(&self) -> &'static str {
        "RandomFlip"
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        Ok(Inferred::output(resampled_shape("RandomFlip", inputs)?))
    }

    fn forward(&self, r: &mut Recorder, site: &Site<'_>, mode: Mode) -> Saved {
        record_forward(r, site, &self.axes(site), mode)
    }

    fn backward(&self, r: &mut Recorder, site: &Site<'_>, _: &Saved, dy: BufferSlice, dx: &[Option<GradientOut>]) {
        record_backward(r, site, &self.axes(site), dy, dx);
    }

    fn supports_gates(&self) -> bool {
        true
    }
}
