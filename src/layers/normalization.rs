//! Normalization: each channel to mean 0 and variance 1 by numbers that the model or its weights give.

use super::args::{in_f32, single};
use super::layer::{Inferred, Init, Layer, Saved, Site, TensorSpec};
use super::layer_normalization::Axes;
use crate::error::{Number, Result, usage};
use crate::kernels::GradientOut;
use crate::kernels::norm::{BatchNormalize, Given, MIN_DEVIATION, Statistics};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// One number for all channels, or one for each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number or a list of numbers")]
pub enum Numbers {
    /// For all channels.
    One(f64),
    /// Lists of numbers, in all one, or as many as there are channels.
    Several(Vec<Self>),
}

impl Numbers {
    fn push_to(&self, all: &mut Vec<f64>) {
        match self {
            Self::One(number) => all.push(*number),
            Self::Several(numbers) => numbers.iter().for_each(|number| number.push_to(all)),
        }
    }

    /// A number for each of `channels`.
    fn of_channels(&self, name: &str, channels: usize) -> Result<Vec<f64>> {
        let mut all = Vec::new();
        self.push_to(&mut all);
        if let Some(number) = all.iter().find(|number| !in_f32(**number)) {
            return Err(usage!("Normalization: {name} is {}; it must be a number that f32 can hold", Number(*number)));
        }
        match all.len() {
            1 => Ok(vec![all[0]; channels]),
            n if n == channels => Ok(all),
            n => Err(usage!(
                "Normalization: {name} has {n} numbers; it must have one, or {channels}, one for each channel"
            )),
        }
    }
}

impl From<f64> for Numbers {
    fn from(number: f64) -> Self {
        Self::One(number)
    }
}

impl<const N: usize> From<[f64; N]> for Numbers {
    fn from(numbers: [f64; N]) -> Self {
        Self::Several(numbers.into_iter().map(Self::One).collect())
    }
}

/// `y = (x - mean) / max(sqrt(variance), 1e-7)` for each channel, the last axis; with `invert`, `y = mean + x max(sqrt(variance), 1e-7)`.
/// A model that begins with it takes pixels from 0 to 255, others from 0 to 1.
///
/// Without arguments, mean and variance are state, `mean` and `variance`, as Keras's `adapt()` computes them, with its `count`, which has no
/// effect: part of the weights, and until these are set 0 and 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalization {
    /// The axis of the channels: -1, the last (default), or its number, counted with the batch. An empty list is Keras's None: one
    /// mean and one variance for all.
    #[serde(default = "last")]
    pub axis: Axes,
    /// The mean of each channel, with `variance`; without both, they are state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<Numbers>,
    /// The variance of each channel, with `mean`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variance: Option<Numbers>,
    /// Whether the layer undoes the normalization (default false).
    #[serde(default)]
    pub invert: bool,
}

fn last() -> Axes {
    Axes::One(-1)
}

impl Normalization {
    /// By a mean and a variance that are among the weights.
    pub fn adapted() -> Self {
        Self { axis: last(), mean: None, variance: None, invert: false }
    }

    /// By this mean and this variance.
    pub fn new(mean: impl Into<Numbers>, variance: impl Into<Numbers>) -> Self {
        Self { mean: Some(mean.into()), variance: Some(variance.into()), ..Self::adapted() }
    }

    /// Whether mean and variance are state.
    pub(crate) fn is_adapted(&self) -> bool {
        self.mean.is_none() && self.variance.is_none()
    }

    fn axes(&self) -> &[i64] {
        match &self.axis {
            Axes::One(axis) => std::slice::from_ref(axis),
            Axes::Several(axes) => axes,
        }
    }

    /// Mean and variance of each of `channels`; none if they are state.
    ///
    /// # Errors
    /// If there is only one of the two, or they are not as many numbers, or no variances.
    pub(crate) fn moments(&self, channels: usize) -> Result<Option<[Vec<f64>; 2]>> {
        let (mean, variance) = match (&self.mean, &self.variance) {
            (None, None) => return Ok(None),
            (Some(mean), Some(variance)) => (mean, variance),
            (Some(_), None) => return Err(usage!("Normalization: mean without variance; give both, or neither")),
            (None, Some(_)) => return Err(usage!("Normalization: variance without mean; give both, or neither")),
        };
        let mean = mean.of_channels("mean", channels)?;
        let variance = variance.of_channels("variance", channels)?;
        if let Some(variance) = variance.iter().find(|variance| **variance < 0.0) {
            return Err(usage!("Normalization: variance is {}; it must be at least 0", Number(*variance)));
        }
        Ok(Some([mean, variance]))
    }

    /// Subtrahend, factor and summand of each of `channels`; none if mean and variance are state.
    fn coefficients(&self, channels: usize) -> Result<Option<[Vec<f64>; 3]>> {
        let Some([mean, variance]) = self.moments(channels)? else { return Ok(None) };
        let deviations = variance.iter().map(|variance| variance.sqrt().max(MIN_DEVIATION));
        let none = vec![0.0; channels];
        Ok(Some(match self.invert {
            false => [mean, deviations.map(|deviation| 1.0 / deviation).collect(), none],
            true => [none, deviations.collect(), mean],
        }))
    }

    /// Records the output of x, or if `of_gradient` the gradient w.r.t. the input of the output's.
    fn record(&self, r: &mut Recorder, site: &Site<'_>, of_gradient: bool, from: BufferSlice, to: BufferSlice) {
        let cols = *site.output.shape.last().expect("the shape was inferred before");
        // State is one number where there are no axes of channels.
        let cols = if self.is_adapted() && self.axes().is_empty() { 1 } else { cols };
        let statistics = match (self.coefficients(cols).expect("the numbers were checked before"), of_gradient) {
            (Some([mean, scale, shift]), false) => Statistics::Constant([mean, scale, shift]),
            (Some([_, scale, _]), true) => Statistics::Constant([vec![0.0; cols], scale, vec![0.0; cols]]),
            (None, false) => Statistics::Given(if self.invert { Given::Inverted } else { Given::Normalized }),
            (None, true) => Statistics::Given(if self.invert { Given::Multiplied } else { Given::Divided }),
        };
        let kernel = BatchNormalize { rows: site.output.slice.len / cols, cols, statistics, relu: false };
        let inputs: Vec<BufferSlice> = [from].into_iter().chain(site.state).collect();
        let pass = if of_gradient { "backward" } else { "forward" };
        r.dispatch(format!("{} {pass}", site.name), kernel, &inputs, &[to]);
    }
}

impl Layer for Normalization {
    fn kind(&self) -> &'static str {
        "Normalization"
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        // Three tables of numbers stand in the shader.
        const MAX_CHANNELS: usize = 4096;
        let input = single("Normalization", inputs)?;
        let channels = input.last().copied().ok_or_else(|| usage!("Normalization: an input without axes"))?;
        let axes = self.axes();
        if !(axes.is_empty() || axes == [-1] || axes == [input.len() as i64]) {
            return Err(usage!(
                "Normalization: axis {axes:?} of an input of {input:?}; only the last, -1 or {}, is supported",
                input.len()
            ));
        }
        let channels_of = if axes.is_empty() { 1 } else { channels };
        if self.coefficients(channels_of)?.is_none() {
            let shape = if axes.is_empty() { vec![] } else { vec![channels] };
            let tensor = |name, init| TensorSpec { name, shape: shape.clone(), init };
            let count = TensorSpec { name: "count", shape: vec![], init: Init::Zeros };
            let state = vec![tensor("mean", Init::Zeros), tensor("variance", Init::Ones), count];
            return Ok(Inferred { state, ..Inferred::output(input) });
        }
        if channels > MAX_CHANNELS {
            return Err(usage!("Normalization: {channels} channels; at most {MAX_CHANNELS}"));
        }
        Ok(Inferred::output(input))
    }

    fn forward(&self, r: &mut Recorder, site: &Site<'_>, _: Mode) -> Saved {
        self.record(r, site, false, site.x(), site.output.slice);
        Saved::default()
    }

    fn backward(&self, r: &mut Recorder, site: &Site<'_>, _: &Saved, dy: BufferSlice, dx: &[Option<GradientOut>]) {
        if let [Some(dx)] = dx {
            self.record(r, site, true, dy, dx.to);
        }
    }
}
