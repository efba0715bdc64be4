//! What layers that move the pixels of images in training have in common: arguments, and how axes are recorded one after the other.

use super::args::{image_shape, in_f32};
use super::layer::{Saved, Site};
use crate::error::{Number, Result, usage};
use crate::kernels::elementwise::Sum;
use crate::kernels::random::stream_of;
use crate::kernels::resample::{Axis, Fill, MAX_LEN, Resample, ResampleBackward, Rule, Sampling};
use crate::kernels::{Gate, GradientOut};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// A number f, for [-f, f], or [lowest, highest].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number or [lowest, highest]")]
pub enum Factor {
    /// Its negative to it.
    Symmetric(f64),
    /// From the lower to the higher.
    Between([f64; 2]),
}

impl From<f64> for Factor {
    fn from(factor: f64) -> Self {
        Self::Symmetric(factor)
    }
}

impl From<[f64; 2]> for Factor {
    fn from(ends: [f64; 2]) -> Self {
        Self::Between(ends)
    }
}

impl Factor {
    /// [lowest, highest].
    pub(super) fn range(self) -> [f64; 2] {
        match self {
            Self::Symmetric(factor) => [-factor.abs(), factor.abs()],
            Self::Between([a, b]) => [a.min(b), a.max(b)],
        }
    }

    /// # Errors
    /// If an end is not from -1 to 1.
    pub(super) fn check(self, kind: &str, name: &str) -> Result<()> {
        let ends = match self {
            Self::Symmetric(factor) => [factor; 2],
            Self::Between(ends) => ends,
        };
        match ends.into_iter().find(|end| !(-1.0..=1.0).contains(end)) {
            Some(end) => Err(usage!("{kind}: {name} has {}; it must be from -1 to 1", Number(end))),
            None => Ok(()),
        }
    }
}

/// What stands where there is nothing of an image.
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

/// How values are read between the pixels of an axis and outside of it.
pub(super) fn sampling(fill_mode: FillMode, fill_value: f64, interpolation: Interpolation) -> Sampling {
    let fill = match fill_mode {
        FillMode::Constant => Fill::Constant(fill_value),
        FillMode::Nearest => Fill::Nearest,
        FillMode::Reflect => Fill::Reflect,
        FillMode::Wrap => Fill::Wrap,
    };
    Sampling { fill, nearest: interpolation == Interpolation::Nearest }
}

/// # Errors
/// If f32 cannot hold the value.
pub(super) fn check_fill_value(kind: &str, fill_value: f64) -> Result<()> {
    match in_f32(fill_value) {
        true => Ok(()),
        false => Err(usage!("{kind}: fill_value is {}; it must be a number that f32 can hold", Number(fill_value))),
    }
}

/// The shape of images whose axes can be resampled.
pub(super) fn resampled_shape(kind: &str, inputs: &[&[usize]]) -> Result<[usize; 3]> {
    let shape = image_shape(kind, inputs)?;
    match shape[..2].iter().find(|len| **len > MAX_LEN) {
        Some(len) => Err(usage!("{kind}: an image of {len} pixels along an axis; at most {MAX_LEN}")),
        None => Ok(shape),
    }
}

/// The axes of a batch at `site` by their rules, height then width; each has its own draws, or the first of the image with `one_draw`.
pub(super) fn axes(site: &Site<'_>, rules: [Option<Rule>; 2], one_draw: bool) -> Vec<Axis> {
    let [h, w, c] = site.output.shape.try_into().expect("the shape was inferred before");
    let (batch, stream) = (site.batch, stream_of(site.name));
    let shapes = [[1, h, w * c], [h, w, c]].into_iter().zip([0, u32::from(!one_draw)]);
    let axis = |((shape, draw), rule): (_, Option<Rule>)| rule.map(|rule| Axis { batch, shape, rule, stream, draw });
    shapes.zip(rules).filter_map(axis).collect()
}

/// Records the axes in training, and a copy in inference.
pub(super) fn record_forward(r: &mut Recorder, site: &Site<'_>, axes: &[Axis], mode: Mode) -> Saved {
    let (label, output) = (format!("{} forward", site.name), site.output.slice);
    match (mode, axes) {
        (Mode::Train, [axis]) => r.dispatch(label, Resample { axis: *axis }, &[site.x()], &[output]),
        (Mode::Train, [height, width]) => {
            let between = r.floats(format!("{} height", site.name), output.len);
            r.dispatch(format!("{label} height"), Resample { axis: *height }, &[site.x()], &[between]);
            r.dispatch(format!("{label} width"), Resample { axis: *width }, &[between], &[output])
        }
        _ => r.dispatch(label, Sum::copy(output.len), &[site.x()], &[output]),
    };
    Saved::default()
}

/// Records the gradient w.r.t. the input of [`record_forward`] in training.
pub(super) fn record_backward(
    r: &mut Recorder,
    site: &Site<'_>,
    axes: &[Axis],
    dy: BufferSlice,
    dx: &[Option<GradientOut>],
) {
    let [Some(dx)] = dx else { return };
    let (label, gate) = (format!("{} backward", site.name), dx.gate.kind());
    match axes {
        [] => {
            let copy = Sum { gate, ..Sum::copy(dy.len) };
            r.dispatch(label, copy, &dx.inputs(&[dy]), &[dx.to])
        }
        [axis] => r.dispatch(label, ResampleBackward { axis: *axis, gate }, &dx.inputs(&[dy]), &[dx.to]),
        [height, width, ..] => {
            let between = r.floats(format!("{} width gradient", site.name), dy.len);
            let first = ResampleBackward { axis: *width, gate: Gate::None.kind() };
            r.dispatch(format!("{label} width"), first, &[dy], &[between]);
            let second = ResampleBackward { axis: *height, gate };
            r.dispatch(format!("{label} height"), second, &dx.inputs(&[between]), &[dx.to])
        }
    };
}
