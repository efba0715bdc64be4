//! RandomTranslation: in training, images are shifted.

use super::args::builders;
use super::layer::{Inferred, Layer, Saved, Site};
use super::resampled::{
    Factor, FillMode, Interpolation, axes, check_fill_value, record_backward, record_forward, resampled_shape, sampling,
};
use crate::error::Result;
use crate::kernels::GradientOut;
use crate::kernels::resample::{Axis, Rule};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

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
        let sampling = sampling(self.fill_mode, self.fill_value, self.interpolation);
        let rules = [self.height_factor, self.width_factor].map(|factor| {
            let shares = factor.range();
            (shares != [0.0; 2]).then_some(Rule::Shift { shares, sampling })
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
        check_fill_value("RandomTranslation", self.fill_value)?;
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
