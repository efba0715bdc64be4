//! MaxPooling2D: the maximum of each window, channel by channel.

use super::args::{Padding, Pair, image_shape};
use super::layer::{Inferred, Layer, Saved, Site};
use crate::error::Result;
use crate::kernels::GradientOut;
use crate::kernels::pool2d::{Dims, MaxPool2dBackward, MaxPool2dForward};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// The maximum of each pool window, channel by channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxPooling2D {
    /// Height and width of a window, in pixels (default 2x2).
    #[serde(default = "two")]
    pub pool_size: Pair,
    /// Vertical and horizontal distance between windows, in pixels; `None` means `pool_size`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strides: Option<Pair>,
    /// Padding at the border of the image.
    #[serde(default)]
    pub padding: Padding,
}

fn two() -> Pair {
    2.into()
}

impl MaxPooling2D {
    /// Adjacent windows of `pool_size`, without padding.
    pub fn new(pool_size: impl Into<Pair>) -> Self {
        Self { pool_size: pool_size.into(), strides: None, padding: Padding::Valid }
    }

    /// The same layer with `strides` between windows.
    #[must_use]
    pub fn strides(self, strides: impl Into<Pair>) -> Self {
        Self { strides: Some(strides.into()), ..self }
    }

    /// The same layer with `padding`.
    #[must_use]
    pub fn padding(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }

    /// Sizes over a batch of images of shape `input`.
    pub(super) fn dims(&self, batch: usize, input: [usize; 3]) -> Result<Dims> {
        let strides = self.strides.unwrap_or(self.pool_size);
        Dims::new(batch, input, self.pool_size.into(), strides.into(), self.padding)
    }

    fn dims_at(&self, site: &Site<'_>) -> Dims {
        let input = image_shape("MaxPooling2D", &site.input_shapes());
        input.and_then(|input| self.dims(site.batch, input)).expect("the shape was inferred before")
    }
}

/// Label of the argmax of each window, which the backward pass reads.
fn argmax_label(site: &Site<'_>) -> String {
    format!("{} argmax", site.name)
}

impl Layer for MaxPooling2D {
    fn kind(&self) -> &'static str {
        "MaxPooling2D"
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        Ok(Inferred::output(self.dims(1, image_shape("MaxPooling2D", inputs)?)?.output()))
    }

    fn forward(&self, r: &mut Recorder, site: &Site<'_>, mode: Mode) -> Saved {
        let (dims, y) = (self.dims_at(site), site.output.slice);
        let argmax = (mode == Mode::Train).then(|| r.u32s(argmax_label(site), y.len));
        let outputs: Vec<BufferSlice> = [y].into_iter().chain(argmax).collect();
        let kernel = MaxPool2dForward { dims, argmax: argmax.is_some() };
        r.dispatch(format!("{} forward", site.name), kernel, &[site.x()], &outputs);
        Saved::default()
    }

    fn backward(&self, r: &mut Recorder, site: &Site<'_>, _: &Saved, dy: BufferSlice, dx: &[Option<GradientOut>]) {
        let [Some(dx)] = dx else { return };
        let argmax = r.u32s(argmax_label(site), dy.len);
        let kernel = MaxPool2dBackward { dims: self.dims_at(site), gate: dx.gate.kind() };
        r.dispatch(format!("{} backward", site.name), kernel, &dx.inputs(&[dy, argmax]), &[dx.to]);
    }

    fn supports_gates(&self) -> bool {
        true
    }
}
