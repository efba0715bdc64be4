//! LayerNormalization: each image, or each pixel's channels, to mean 0 and variance 1, then scaled and shifted.

use super::args::{builders, single};
use super::batch_normalization::check_epsilon;
use super::layer::{Inferred, Init, Layer, Saved, Site, TensorSpec};
use super::own_gate::record_gated;
use crate::error::{Result, usage};
use crate::kernels::columns::Columns;
use crate::kernels::norm::{Affine, LayerNorm, LayerNormBackward, NormSums, Rows};
use crate::kernels::{GradientOut, record_split_k};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// One axis or several; negative ones count from the last, others with the batch, which is axis 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected an axis or a list of axes")]
pub enum Axes {
    /// One axis.
    One(i64),
    /// Several axes.
    Several(Vec<i64>),
}

impl From<i64> for Axes {
    fn from(axis: i64) -> Self {
        Self::One(axis)
    }
}

impl<const N: usize> From<[i64; N]> for Axes {
    fn from(axes: [i64; N]) -> Self {
        Self::Several(axes.to_vec())
    }
}

/// `y = (x - mean) / sqrt(variance + epsilon) gamma + beta`, with mean and variance (biased) over the axes `axis` of each image (Ba, Kiros
/// and Hinton 2016). The parameters are `gamma` and `beta`, of the shape of these axes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LayerNormalization {
    /// The axes that are normalised together: the last (default -1), or the last several, such as [1, 2, 3] of an image.
    pub axis: Axes,
    /// What is added to the variance (default 1e-3).
    pub epsilon: f64,
    /// Whether there is a `beta` (default true).
    pub center: bool,
    /// Whether there is a `gamma` (default true).
    pub scale: bool,
}

impl Default for LayerNormalization {
    fn default() -> Self {
        Self { axis: Axes::One(-1), epsilon: 1e-3, center: true, scale: true }
    }
}

impl LayerNormalization {
    /// Keras's defaults: over the last axis.
    pub fn new() -> Self {
        Self::default()
    }

    /// The axes of `input` that are normalised: the last ones.
    pub(crate) fn normalized<'i>(&self, input: &'i [usize]) -> Result<&'i [usize]> {
        let given = match &self.axis {
            Axes::One(axis) => std::slice::from_ref(axis),
            Axes::Several(axes) => axes,
        };
        let rank = input.len() as i64;
        let mut axes: Vec<i64> = given.iter().map(|axis| if *axis < 0 { axis + rank + 1 } else { *axis }).collect();
        axes.sort_unstable();
        let first = rank - axes.len() as i64 + 1;
        match axes.iter().copied().eq(first..=rank) && first >= 1 && !axes.is_empty() {
            true => Ok(&input[first as usize - 1..]),
            false => Err(usage!(
                "LayerNormalization: axis {given:?} of an input of {input:?}; they must be its last axes, such as -1 or {:?}",
                (1..=rank).collect::<Vec<_>>()
            )),
        }
    }

    fn rows(&self, site: &Site<'_>) -> Rows {
        let input = site.inputs[0].shape;
        let cols = self.normalized(input).expect("the axes were checked before").iter().product();
        let affine = Affine { center: self.center, scale: self.scale, len: cols };
        let per_image = input.iter().product::<usize>() / cols;
        Rows { rows: site.batch * per_image, cols, affine, epsilon: self.epsilon }
    }

    /// Means and reciprocals of deviations, [2, rows].
    fn statistics(r: &mut Recorder, site: &Site<'_>, rows: &Rows) -> BufferSlice {
        r.floats(format!("{} statistics", site.name), 2 * rows.rows)
    }
}

builders!(LayerNormalization { axis: impl Into<Axes> });

impl Layer for LayerNormalization {
    fn kind(&self) -> &'static str {
        "LayerNormalization"
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        let input = single("LayerNormalization", inputs)?;
        let shape = self.normalized(input)?;
        check_epsilon("LayerNormalization", self.epsilon)?;
        let tensor = |name, init| TensorSpec { name, shape: shape.to_vec(), init };
        let parameters =
            [self.scale.then(|| tensor("gamma", Init::Ones)), self.center.then(|| tensor("beta", Init::Zeros))];
        Ok(Inferred { parameters: parameters.into_iter().flatten().collect(), ..Inferred::output(input) })
    }

    fn forward(&self, r: &mut Recorder, site: &Site<'_>, _: Mode) -> Saved {
        let rows = self.rows(site);
        let statistics = Self::statistics(r, site, &rows);
        let parameters = (self.center || self.scale).then_some(site.parameters);
        let inputs: Vec<BufferSlice> = [site.x()].into_iter().chain(parameters).collect();
        let label = format!("{} forward", site.name);
        r.dispatch(label, LayerNorm { rows }, &inputs, &[site.output.slice, statistics]);
        Saved::default()
    }

    fn backward(&self, r: &mut Recorder, site: &Site<'_>, _: &Saved, dy: BufferSlice, dx: &[Option<GradientOut>]) {
        let (name, x, rows) = (site.name, site.x(), self.rows(site));
        if self.center || self.scale {
            let columns = Columns::new(rows.rows, rows.cols, rows.rows / site.batch);
            let sums = NormSums { columns, affine: rows.affine, per_row: true, relu: false };
            let statistics = Self::statistics(r, site, &rows);
            let label = format!("{name} backward weights");
            record_split_k(r, &label, sums.chunks(), sums, &[x, dy, statistics], site.gradients, None);
        }
        if let [Some(dx)] = dx {
            record_gated(r, site, *dx, |r, to, gated| {
                let inputs: Vec<BufferSlice> =
                    [x, dy].into_iter().chain(self.scale.then_some(site.parameters)).collect();
                r.dispatch(format!("{name} backward input"), LayerNormBackward { rows, gated }, &inputs, &[to]);
            });
        }
    }

    fn supports_gates(&self) -> bool {
        true
    }
}
