//! BatchNormalization: each channel to mean 0 and variance 1 over the batch, then scaled and shifted.

use super::args::single;
use super::layer::{Inferred, Init, Layer, Saved, Site, TensorSpec};
use super::own_gate::record_gated;
use crate::error::{Number, Result, usage};
use crate::kernels::GradientOut;
use crate::kernels::columns::Columns;
use crate::kernels::norm::{
    Affine, BatchNormBackward, BatchNormalize, MergeMoments, MergeSums, Moments, NormSums, Statistics,
};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// `y = (x - mean) / sqrt(variance + epsilon) gamma + beta` for each channel, the last axis (Ioffe and Szegedy 2015).
///
/// In training mean and variance (biased) are those of the batch, over all images and pixels, and the state moves towards them:
/// `moving = moving momentum + batch (1 - momentum)`. In inference the state takes their place. The parameters are `gamma` and `beta`,
/// the state is `moving_mean` and `moving_variance`, each `[channels]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchNormalization {
    /// The axis of the channels: -1, the last (default), or its number, counted with the batch.
    pub axis: i64,
    /// Share of the moving averages that a batch leaves, from 0 to 1 (default 0.99).
    pub momentum: f64,
    /// What is added to the variance (default 1e-3).
    pub epsilon: f64,
    /// Whether there is a `beta` (default true).
    pub center: bool,
    /// Whether there is a `gamma` (default true).
    pub scale: bool,
}

impl Default for BatchNormalization {
    fn default() -> Self {
        Self { axis: -1, momentum: 0.99, epsilon: 1e-3, center: true, scale: true }
    }
}

impl BatchNormalization {
    /// Keras's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    fn columns(site: &Site<'_>) -> Columns {
        let (cols, pixels) = site.inputs[0].shape.split_last().expect("the shape was inferred before");
        let pixels: usize = pixels.iter().product();
        Columns::new(site.batch * pixels, *cols, pixels)
    }

    fn affine(&self, cols: usize) -> Affine {
        Affine { center: self.center, scale: self.scale, len: cols }
    }

    /// The parameters as the input of a dispatch, if there are any.
    fn parameters<'s>(&self, slice: &'s BufferSlice) -> &'s [BufferSlice] {
        if self.center || self.scale { std::slice::from_ref(slice) } else { &[] }
    }

    /// The moments of the batch, [4, channels].
    fn moments(r: &mut Recorder, site: &Site<'_>) -> BufferSlice {
        r.floats(format!("{} moments", site.name), 4 * Self::columns(site).cols)
    }
}

impl Layer for BatchNormalization {
    fn kind(&self) -> &'static str {
        "BatchNormalization"
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        let input = single("BatchNormalization", inputs)?;
        let Self { axis, momentum, epsilon, center, scale } = *self;
        if axis != -1 && axis != input.len() as i64 {
            return Err(usage!(
                "BatchNormalization: axis {axis} of an input of {input:?}; only the last, -1 or {}, is supported",
                input.len()
            ));
        }
        if !(0.0..=1.0).contains(&momentum) {
            return Err(usage!("BatchNormalization: momentum is {}; it must be from 0 to 1", Number(momentum)));
        }
        check_epsilon("BatchNormalization", epsilon)?;
        let channels = input.last().copied().ok_or_else(|| usage!("BatchNormalization: an input without axes"))?;
        let tensor = |name, init| TensorSpec { name, shape: vec![channels], init };
        let parameters = [scale.then(|| tensor("gamma", Init::Ones)), center.then(|| tensor("beta", Init::Zeros))];
        let state = vec![tensor("moving_mean", Init::Zeros), tensor("moving_variance", Init::Ones)];
        let parameters = parameters.into_iter().flatten().collect();
        Ok(Inferred { parameters, state, ..Inferred::output(input) })
    }

    fn forward(&self, r: &mut Recorder, site: &Site<'_>, mode: Mode) -> Saved {
        self.record_forward(r, site, mode, false);
        Saved::default()
    }

    fn backward(&self, r: &mut Recorder, site: &Site<'_>, _: &Saved, dy: BufferSlice, dx: &[Option<GradientOut>]) {
        self.record_backward(r, site, false, dy, dx);
    }

    fn supports_gates(&self) -> bool {
        true
    }
}

/// A normalisation and the ReLU after it as one; made by the graph where the two can be fused. The backward pass computes the ReLU's
/// input again from x, which it reads anyway, so that no gate has to read the output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchNormalizationRelu(pub(crate) BatchNormalization);

impl Layer for BatchNormalizationRelu {
    fn kind(&self) -> &'static str {
        self.0.kind()
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        self.0.infer(inputs)
    }

    fn forward(&self, r: &mut Recorder, site: &Site<'_>, mode: Mode) -> Saved {
        self.0.record_forward(r, site, mode, true);
        Saved::default()
    }

    fn backward(&self, r: &mut Recorder, site: &Site<'_>, _: &Saved, dy: BufferSlice, dx: &[Option<GradientOut>]) {
        self.0.record_backward(r, site, true, dy, dx);
    }

    fn supports_gates(&self) -> bool {
        true
    }
}

impl BatchNormalization {
    fn record_forward(&self, r: &mut Recorder, site: &Site<'_>, mode: Mode, relu: bool) {
        let (name, x, output) = (site.name, site.x(), site.output.slice);
        let state = site.state.expect("the layer has state");
        let columns = Self::columns(site);
        let affine = self.affine(columns.cols);
        let normalize = |statistics| BatchNormalize { rows: columns.rows, cols: columns.cols, statistics, relu };
        let parameters = self.parameters(&site.parameters);
        match mode {
            Mode::Train => {
                let moments = Self::moments(r, site);
                let kernel = Moments { columns };
                let partial = r.floats(format!("{name} partial moments"), kernel.len());
                r.dispatch(format!("{name} forward moments"), kernel, &[x], &[partial]);
                let Self { epsilon, momentum, .. } = *self;
                let merge = MergeMoments { columns, affine, epsilon, momentum };
                let inputs = [&[partial], parameters].concat();
                r.dispatch(format!("{name} forward moments merge"), merge, &inputs, &[moments, state]);
                r.dispatch(format!("{name} forward"), normalize(Statistics::Batch), &[x, moments], &[output]);
            }
            Mode::Infer => {
                let kernel = normalize(Statistics::Moving { affine, epsilon: self.epsilon });
                r.dispatch(format!("{name} forward"), kernel, &[&[x, state], parameters].concat(), &[output]);
            }
        }
    }

    fn record_backward(
        &self,
        r: &mut Recorder,
        site: &Site<'_>,
        relu: bool,
        dy: BufferSlice,
        dx: &[Option<GradientOut>],
    ) {
        let (name, x) = (site.name, site.x());
        let columns = Self::columns(site);
        let affine = self.affine(columns.cols);
        let moments = Self::moments(r, site);
        // The gradient w.r.t. the input needs both sums, whichever parameters there are.
        let sums = NormSums { columns, affine: Affine { center: true, scale: true, ..affine }, per_row: false, relu };
        let partial = r.floats(format!("{name} partial gradients"), sums.len());
        r.dispatch(format!("{name} backward weights"), sums, &[x, dy, moments], &[partial]);
        let coefficients = r.floats(format!("{name} coefficients"), 5 * columns.cols);
        let outputs = [&[coefficients], self.parameters(&site.gradients)].concat();
        let merge = MergeSums { columns, affine };
        r.dispatch(format!("{name} backward weights merge"), merge, &[partial, moments], &outputs);
        if let [Some(dx)] = dx {
            record_gated(r, site, *dx, |r, to, gated| {
                let kernel = BatchNormBackward { columns, relu, gated };
                r.dispatch(format!("{name} backward input"), kernel, &[x, dy, coefficients], &[to]);
            });
        }
    }
}

/// Whether the kernels can add `epsilon` to a variance of zero.
pub(super) fn check_epsilon(kind: &str, epsilon: f64) -> Result<()> {
    let as_f32 = epsilon as f32;
    match as_f32 > 0.0 && as_f32.is_normal() {
        true => Ok(()),
        false => Err(usage!("{kind}: epsilon is {}; it must be a positive number that f32 can hold", Number(epsilon))),
    }
}
