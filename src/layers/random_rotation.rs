//! RandomRotation: in training, images are turned around their centres.

use super::args::builders;
use super::layer::{Inferred, Layer, Saved, Site};
use super::resampled::{
    Factor, FillMode, Interpolation, check_fill_value, record_backward, record_forward, resampled_shape, sampling,
};
use crate::error::Result;
use crate::kernels::GradientOut;
use crate::kernels::random::stream_of;
use crate::kernels::resample::{Rotate, RotateBackward, Rotation};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// In training each image is turned around its centre by an angle of its own, which is uniform; without effect in inference. The draws are a
/// function of seed, update, layer and image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomRotation {
    /// The angle as a share of a turn, counterclockwise: [lowest, highest] from -1 to 1, or a number f for [-f, f].
    pub factor: Factor,
    /// `constant`, `nearest`, `reflect` (default) or `wrap`.
    #[serde(default)]
    pub fill_mode: FillMode,
    /// `nearest` or `bilinear` (default).
    #[serde(default)]
    pub interpolation: Interpolation,
    /// The value of pixels outside with `constant` (default 0).
    #[serde(default)]
    pub fill_value: f64,
}

builders!(RandomRotation { fill_mode: FillMode, fill_value: f64, interpolation: Interpolation });

impl RandomRotation {
    /// By this share of a turn, reflected at the edges.
    pub fn new(factor: impl Into<Factor>) -> Self {
        let (fill_mode, interpolation) = (FillMode::default(), Interpolation::default());
        Self { factor: factor.into(), fill_mode, interpolation, fill_value: 0.0 }
    }

    /// None where no image is turned.
    fn rotation(&self, site: &Site<'_>) -> Option<Rotation> {
        let image = site.output.shape.try_into().expect("the shape was inferred before");
        let sampling = sampling(self.fill_mode, self.fill_value, self.interpolation);
        let turns = self.factor.range();
        let rotation = Rotation { batch: site.batch, image, turns, sampling, stream: stream_of(site.name) };
        (turns != [0.0; 2]).then_some(rotation)
    }
}

impl Layer for RandomRotation {
    fn kind(&self) -> &'static str {
        "RandomRotation"
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        self.factor.check("RandomRotation", "factor")?;
        check_fill_value("RandomRotation", self.fill_value)?;
        Ok(Inferred::output(resampled_shape("RandomRotation", inputs)?))
    }

    fn forward(&self, r: &mut Recorder, site: &Site<'_>, mode: Mode) -> Saved {
        match (mode, self.rotation(site)) {
            (Mode::Train, Some(rotation)) => {
                r.dispatch(format!("{} forward", site.name), Rotate { rotation }, &[site.x()], &[site.output.slice]);
                Saved::default()
            }
            _ => record_forward(r, site, &[], mode),
        }
    }

    fn backward(&self, r: &mut Recorder, site: &Site<'_>, _: &Saved, dy: BufferSlice, dx: &[Option<GradientOut>]) {
        match (self.rotation(site), dx) {
            (Some(rotation), [Some(dx)]) => {
                let kernel = RotateBackward { rotation, gate: dx.gate.kind() };
                r.dispatch(format!("{} backward", site.name), kernel, &dx.inputs(&[dy]), &[dx.to]);
            }
            _ => record_backward(r, site, &[], dy, dx),
        }
    }

    fn supports_gates(&self) -> bool {
        true
    }
}
