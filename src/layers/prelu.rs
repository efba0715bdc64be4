//! PReLU: a rectifier that learns its slopes below zero.

use super::args::single;
use super::layer::{Inferred, Init, Layer, Saved, Site, TensorSpec};
use super::own_gate::record_gated;
use crate::error::{Result, usage};
use crate::kernels::prelu::{Prelu, PreluBackward, PreluSums, Slopes};
use crate::kernels::{GradientOut, record_split_k};
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// x, below zero `alpha x` (He et al. 2015). The parameter `alpha` starts at zero; it has the input's shape, with 1 for axes along which
/// it is shared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PReLU {
    /// Axes along which alpha is shared, counted from 1, as the batch is axis 0: [1, 2] for one slope a channel (default none).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared_axes: Option<Vec<usize>>,
}

impl PReLU {
    /// A slope for each element of an image.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same layer with slopes shared along `axes`, counted from 1.
    #[must_use]
    pub fn shared_axes(self, axes: impl Into<Vec<usize>>) -> Self {
        Self { shared_axes: Some(axes.into()) }
    }

    fn is_shared(&self, axis: usize) -> bool {
        self.shared_axes.as_ref().is_some_and(|axes| axes.contains(&(axis + 1)))
    }

    /// A batch of `input` as [shared, own, shared, own] axes, or none if they alternate more often.
    fn slopes(&self, batch: usize, input: &[usize]) -> Option<Slopes> {
        let mut extents = [batch, 1, 1, 1];
        let mut at = 0usize;
        for (axis, extent) in input.iter().enumerate() {
            // Axes of one element are as good as shared.
            if *extent > 1 && self.is_shared(axis) != at.is_multiple_of(2) {
                at += 1;
            }
            *extents.get_mut(at)? *= extent;
        }
        let [a, b, c, d] = extents;
        // Without shared axes in between, the own ones are one.
        Some(if c == 1 { Slopes { a, b: 1, c, d: b * d } } else { Slopes { a, b, c, d } })
    }

    fn slopes_at(&self, site: &Site<'_>) -> Slopes {
        self.slopes(site.batch, site.inputs[0].shape).expect("the axes were checked before")
    }
}

impl Layer for PReLU {
    fn kind(&self) -> &'static str {
        "PReLU"
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        let input = single("PReLU", inputs)?;
        let shared = self.shared_axes.as_deref().unwrap_or_default();
        if let Some(axis) = shared.iter().find(|axis| **axis == 0 || **axis > input.len()) {
            return Err(usage!(
                "PReLU: shared_axes has {axis}; an input of {input:?} has the axes 1 to {}",
                input.len()
            ));
        }
        if self.slopes(1, input).is_none() {
            return Err(usage!(
                "PReLU: shared_axes {shared:?} of an input of {input:?}; shared and other axes may alternate three times"
            ));
        }
        let shape = input.iter().enumerate().map(|(axis, extent)| if self.is_shared(axis) { 1 } else { *extent });
        let parameters = vec![TensorSpec { name: "alpha", shape: shape.collect(), init: Init::Zeros }];
        Ok(Inferred { parameters, ..Inferred::output(input) })
    }

    fn forward(&self, r: &mut Recorder, site: &Site<'_>, _: Mode) -> Saved {
        let kernel = Prelu { slopes: self.slopes_at(site) };
        r.dispatch(format!("{} forward", site.name), kernel, &[site.x(), site.parameters], &[site.output.slice]);
        Saved::default()
    }

    fn backward(&self, r: &mut Recorder, site: &Site<'_>, _: &Saved, dy: BufferSlice, dx: &[Option<GradientOut>]) {
        let (name, x, slopes) = (site.name, site.x(), self.slopes_at(site));
        let sums = PreluSums { slopes, batch: site.batch };
        record_split_k(r, &format!("{name} backward weights"), sums.chunks(), sums, &[x, dy], site.gradients, None);
        if let [Some(dx)] = dx {
            record_gated(r, site, *dx, |r, to, gated| {
                let kernel = PreluBackward { slopes, gated };
                r.dispatch(format!("{name} backward input"), kernel, &[x, dy, site.parameters], &[to]);
            });
        }
    }

    fn supports_gates(&self) -> bool {
        true
    }
}
