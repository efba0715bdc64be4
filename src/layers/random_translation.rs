//! RandomTranslation: in training, images are shifted.

use super::args::{builders, in_f32};
use super::layer::{Inferred, Layer, Saved, Site};
use super::resampled::{Factor, axes, record_backward, record_forward, resampled_shape};
use crate::error::{Number, Result, usage};
use crate::kernels::GradientOut;
use crate::kernels::resample::{Axis, Fill, Rule};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// What stands where an image is shifted away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FillMode {
    /// `fill_value`.
    Constant,
    /// The pixel at the edge.
    Nearest,
    /// The image reflected at its edge: dcba|abcd|dcba.
    #[default]
    Reflect,
    /// The image again: abcd|abcd|abcd.
    Wrap,
}

/// What stands between two pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// The nearer of the two.
    Nearest,
    /// Their mean, weighted by the distances.
    #[default]
    Bilinear,
}

/// In training each image is shifted by its own share of its height and of its width, both uniform; without effect in inference. The draws
/// are a function of seed, update, layer and image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomTranslation {
    /// Share of the height by which an image goes down, or up where it is negative: [lowest, highest] from -1 to 1, or a number f for
    /// [-f, f].
    pub height_factor: Factor,
    /// The same of the width, to the right.
    pub width_factor: Factor,
    /// `constant`, `nearest`, `reflect` (default) or `wrap`.
    #[serde(default)]
    pub fill_mode: FillMode,
    /// The value of pixels outside with `constant` (default 0).
    #[serde(default)]
    pub fill_value: f64,
    /// `nearest` or `bilinear` (default).
    #[serde(default)]
    pub interpolation: Interpolation,
}

builders!(RandomTranslation { fill_mode: FillMode, fill_value: f64, interpolation: Interpolation });

impl RandomTranslation {
    /// By these shares of height and width, reflected at the edges.
    pub fn new(height_factor: impl Into<Factor>, width_factor: impl Into<Factor>) -> Self {
        let (height_factor, width_factor) = (height_factor.into(), width_factor.into());
        let (fill_mode, interpolation) = (FillMode::default(), Interpolation::default());
        Self { height_factor, width_factor, fill_mode, fill_value: 0.0, interpolation }
    }

    fn axes(&self, site: &Site<'_>) -> Vec<Axis> {
        let fill = match self.fill_mode {
            FillMode::Constant => Fill::Constant(self.fill_value),
            FillMode::Nearest => Fill::Nearest,
            FillMode::Reflect => Fill::Reflect,
            FillMode::Wrap => Fill::Wrap,
        };
        let nearest = self.interpolation == Interpolation::Nearest;
        let rules = [self.height_factor, self.width_factor].map(|factor| {
            let shares = factor.range();
            (shares != [0.0; 2]).then_some(Rule::Shift { shares, fill, nearest })
        });
        axes(site, rules, false)
    }
}

impl Layer for RandomTranslation {
    fn kind(&self) -> &'static str {
        "RandomTranslation"
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        self.height_factor.check("RandomTranslation", "height_factor")?;
        self.width_factor.check("RandomTranslation", "width_factor")?;
        if !in_f32(self.fill_value) {
            return Err(usage!(
                "RandomTranslation: fill_value is {}; it must be a number that f32 can hold",
                Number(self.fill_value)
            ));
        }
        Ok(Inferred::output(resampled_shape("RandomTranslation", inputs)?))
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
