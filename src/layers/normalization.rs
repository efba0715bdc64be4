//! Normalization: each channel to mean 0 and variance 1 by numbers that the model gives.

use super::args::{in_f32, single};
use super::layer::{Inferred, Layer, Saved, Site};
use super::layer_normalization::Axes;
use crate::error::{Result, usage};
use crate::kernels::GradientOut;
use crate::kernels::norm::{BatchNormalize, Statistics};
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
            return Err(usage!("Normalization: {name} is {number}; it must be a number that f32 can hold"));
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalization {
    /// The axis of the channels: -1, the last (default), or its number, counted with the batch. An empty list is Keras's None: one
    /// mean and one variance for all.
    #[serde(default = "last")]
    pub axis: Axes,
    /// The mean of each channel; must be given.
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
    /// By this mean and this variance.
    pub fn new(mean: impl Into<Numbers>, variance: impl Into<Numbers>) -> Self {
        Self { axis: last(), mean: Some(mean.into()), variance: Some(variance.into()), invert: false }
    }

    /// Subtrahend, factor and summand of each of `channels`.
    fn coefficients(&self, channels: usize) -> Result<[Vec<f64>; 3]> {
        // Keras's `backend.epsilon()`.
        const SMALLEST_DEVIATION: f64 = 1e-7;
        let (Some(mean), Some(variance)) = (&self.mean, &self.variance) else {
            return Err(usage!(
                "Normalization: no mean and variance; give both as arguments, such as mean = 72.9 and variance = 8100.0: those that adapt() \
                 computes are not in the model's file"
            ));
        };
        let mean = mean.of_channels("mean", channels)?;
        let variance = variance.of_channels("variance", channels)?;
        if let Some(variance) = variance.iter().find(|variance| **variance < 0.0) {
            return Err(usage!("Normalization: variance is {variance}; it must be at least 0"));
        }
        let deviations = variance.iter().map(|variance| variance.sqrt().max(SMALLEST_DEVIATION));
        let none = vec![0.0; channels];
        Ok(match self.invert {
            false => [mean, deviations.map(|deviation| 1.0 / deviation).collect(), none],
            true => [none, deviations.collect(), mean],
        })
    }

    fn kernel(&self, site: &Site<'_>, with_constants: bool) -> BatchNormalize {
        let cols = *site.output.shape.last().expect("the shape was inferred before");
        let [mean, scale, shift] = self.coefficients(cols).expect("the numbers were checked before");
        let none = vec![0.0; cols];
        let constants = if with_constants { [mean, scale, shift] } else { [none.clone(), scale, none] };
        let rows = site.output.slice.len / cols;
        BatchNormalize { rows, cols, statistics: Statistics::Constant(constants), relu: false }
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
        let axes = match &self.axis {
            Axes::One(axis) => std::slice::from_ref(axis),
            Axes::Several(axes) => axes,
        };
        if !(axes.is_empty() || axes == [-1] || axes == [input.len() as i64]) {
            return Err(usage!(
                "Normalization: axis {axes:?} of an input of {input:?}; only the last, -1 or {}, is supported",
                input.len()
            ));
        }
        if channels > MAX_CHANNELS {
            return Err(usage!("Normalization: {channels} channels; at most {MAX_CHANNELS}"));
        }
        self.coefficients(if axes.is_empty() { 1 } else { channels })?;
        Ok(Inferred::output(input))
    }

    fn forward(&self, r: &mut Recorder, site: &Site<'_>, _: Mode) -> Saved {
        r.dispatch(format!("{} forward", site.name), self.kernel(site, true), &[site.x()], &[site.output.slice]);
        Saved::default()
    }

    fn backward(&self, r: &mut Recorder, site: &Site<'_>, _: &Saved, dy: BufferSlice, dx: &[Option<GradientOut>]) {
        let [Some(dx)] = dx else { return };
        r.dispatch(format!("{} backward", site.name), self.kernel(site, false), &[dy], &[dx.to]);
    }
}
