//! RandomZoom: in training, images are zoomed around their centres.

use super::args::builders;
use super::layer::{Inferred, Layer, Saved, Site};
use super::resampled::{
    Factor, FillMode, Interpolation, axes, check_fill_value, record_backward, record_forward, resampled_shape, sampling,
};
use crate::error::{Number, Result, usage};
use crate::kernels::GradientOut;
use crate::kernels::resample::{Axis, Rule};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// In training each image becomes smaller or larger around its centre, by a uniform draw for its height and one for its width; without
/// effect in inference. The draws are a function of seed, update, layer and image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomZoom {
    /// What the height shows more of, as a share of itself: 0.5 shows 1.5 times as much, so things become smaller, -0.5 half of it;
    /// [lowest, highest] from above -1 to 1, or a number f for [-f, f].
    pub height_factor: Factor,
    /// The same of the width; without it, each image's width is zoomed as its height.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width_factor: Option<Factor>,
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

builders!(RandomZoom { fill_mode: FillMode, fill_value: f64, interpolation: Interpolation });

impl RandomZoom {
    /// By this share of height and width alike, reflected at the edges.
    pub fn new(height_factor: impl Into<Factor>) -> Self {
        let (fill_mode, interpolation) = (FillMode::default(), Interpolation::default());
        Self { height_factor: height_factor.into(), width_factor: None, fill_mode, fill_value: 0.0, interpolation }
    }

    /// With a draw of its own for the width, by this share.
    pub fn width_factor(self, factor: impl Into<Factor>) -> Self {
        Self { width_factor: Some(factor.into()), ..self }
    }

    fn axes(&self, site: &Site<'_>) -> Vec<Axis> {
        let sampling = sampling(self.fill_mode, self.fill_value, self.interpolation);
        let rules = [self.height_factor, self.width_factor.unwrap_or(self.height_factor)].map(|factor| {
            let zooms = factor.range().map(|end| 1.0 + end);
            (zooms != [1.0; 2]).then_some(Rule::Zoom { zooms, sampling })
        });
        axes(site, rules, self.width_factor.is_none())
    }
}

/// # Errors
/// If an end is not above -1, where nothing of an image would be left, and at most 1.
fn check(factor: Factor, name: &str) -> Result<()> {
    factor.check("RandomZoom", name)?;
    match factor.range() {
        [low, _] if low <= -1.0 => {
            Err(usage!("RandomZoom: {name} goes down to {}; it must stay above -1, where nothing is left", Number(low)))
        }
        _ => Ok(()),
    }
}

impl Layer for RandomZoom {
    fn kind(&self) -> &'static str {
        "RandomZoom"
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        check(self.height_factor, "height_factor")?;
        self.width_factor.map_or(Ok(()), |factor| check(factor, "width_factor"))?;
        check_fill_value("RandomZoom", self.fill_value)?;
        Ok(Inferred::output(resampled_shape("RandomZoom", inputs)?))
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
