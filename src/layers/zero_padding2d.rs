//! ZeroPadding2D: a border of zeros around each image.

use super::args::image_shape;
use super::layer::{Inferred, Layer, Saved, Site};
use crate::error::Result;
use crate::kernels::GradientOut;
use crate::kernels::pad2d::{Border, Pad2d, Pad2dBackward};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// A border of zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZeroPadding2D {
    /// [[top, bottom], [left, right]] in pixels; in a model file also one number, or [height, width] for both sides
    /// (default 1).
    #[serde(default = "one", deserialize_with = "borders")]
    pub padding: [[usize; 2]; 2],
}

fn one() -> [[usize; 2]; 2] {
    [[1; 2]; 2]
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number, [height, width] or [[top, bottom], [left, right]]")]
enum Borders {
    All(usize),
    Axes([usize; 2]),
    Sides([[usize; 2]; 2]),
}

fn borders<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<[[usize; 2]; 2], D::Error> {
    Ok(match Borders::deserialize(deserializer)? {
        Borders::All(n) => [[n; 2]; 2],
        Borders::Axes([h, w]) => [[h; 2], [w; 2]],
        Borders::Sides(sides) => sides,
    })
}

impl ZeroPadding2D {
    /// A border of [[top, bottom], [left, right]] pixels.
    pub fn new(padding: [[usize; 2]; 2]) -> Self {
        Self { padding }
    }

    fn border(&self, batch: usize, input: [usize; 3]) -> Border {
        let [[top, bottom], [left, right]] = self.padding;
        Border { batch, input, pixels: [top, bottom, left, right] }
    }

    fn border_at(&self, site: &Site<'_>) -> Border {
        let input = image_shape("ZeroPadding2D", &site.input_shapes()).expect("the shape was inferred before");
        self.border(site.batch, input)
    }
}

impl Layer for ZeroPadding2D {
    fn kind(&self) -> &'static str {
        "ZeroPadding2D"
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        const MAX: usize = 1 << 16;
        let input = image_shape("ZeroPadding2D", inputs)?;
        if let Some(n) = self.padding.iter().flatten().find(|n| **n > MAX) {
            return Err(crate::error::usage!("ZeroPadding2D: a border of {n} pixels; at most {MAX}"));
        }
        let [h, w] = self.border(1, input).output();
        Ok(Inferred::output([h, w, input[2]]))
    }

    fn forward(&self, r: &mut Recorder, site: &Site<'_>, _: Mode) -> Saved {
        let kernel = Pad2d { border: self.border_at(site) };
        r.dispatch(format!("{} forward", site.name), kernel, &[site.x()], &[site.output.slice]);
        Saved::default()
    }

    fn backward(&self, r: &mut Recorder, site: &Site<'_>, _: &Saved, dy: BufferSlice, dx: &[Option<GradientOut>]) {
        let [Some(dx)] = dx else { return };
        let kernel = Pad2dBackward { border: self.border_at(site), gate: dx.gate.kind() };
        r.dispatch(format!("{} backward", site.name), kernel, &dx.inputs(&[dy]), &[dx.to]);
    }

    fn supports_gates(&self) -> bool {
        true
    }
}
