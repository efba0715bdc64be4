//! Concatenate: several tensors one after the other along an axis.

use super::layer::{Inferred, Layer, Saved, Site};
use crate::error::{Result, usage};
use crate::kernels::GradientOut;
use crate::kernels::elementwise::CopyRows;
use crate::plan::{BufferSlice, Mode, Recorder};
use serde::{Deserialize, Serialize};

/// The inputs one after the other along `axis`; all other axes have to agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concatenate {
    /// Axis as Keras counts: 0 is the batch, which cannot be joined here; -1 is the last.
    #[serde(default = "last")]
    pub axis: i64,
}

fn last() -> i64 {
    -1
}

impl Default for Concatenate {
    fn default() -> Self {
        Self { axis: last() }
    }
}

impl Concatenate {
    /// Joins along the last axis: the channels of images.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same layer along `axis`.
    #[must_use]
    pub fn axis(self, axis: i64) -> Self {
        Self { axis }
    }

    /// Index into the shape of one image.
    pub(crate) fn index(&self, rank: usize) -> Result<usize> {
        let from_batch = if self.axis < 0 { self.axis + rank as i64 + 1 } else { self.axis };
        match usize::try_from(from_batch) {
            Ok(axis) if (1..=rank).contains(&axis) => Ok(axis - 1),
            _ => Err(usage!("Concatenate along axis {} of inputs with {rank} axes beside the batch's", self.axis)),
        }
    }

    /// For each input, the copy from it into the output: rows are what lies before the axis.
    fn copies(&self, site: &Site<'_>) -> Vec<CopyRows> {
        let axis = self.index(site.output.shape.len()).expect("the shape was inferred before");
        let rows = site.batch * site.output.shape[..axis].iter().product::<usize>();
        let output_len = site.output.shape[axis..].iter().product();
        let mut offset = 0;
        let inputs = site.inputs.iter().map(|input| {
            let len = input.shape[axis..].iter().product();
            let copy = CopyRows { rows, len, from: [len, 0], to: [output_len, offset] };
            offset += len;
            copy
        });
        inputs.collect()
    }
}

impl Layer for Concatenate {
    fn kind(&self) -> &'static str {
        "Concatenate"
    }

    fn infer(&self, inputs: &[&[usize]]) -> Result<Inferred> {
        let [first, others @ ..] = inputs else {
            return Err(usage!("Concatenate takes at least two inputs, it has 0"));
        };
        if others.is_empty() {
            return Err(usage!("Concatenate takes at least two inputs, it has 1"));
        }
        let axis = self.index(first.len())?;
        let mut output = first.to_vec();
        for other in others {
            let fits = other.len() == first.len() && (0..first.len()).all(|i| i == axis || other[i] == first[i]);
            if !fits {
                return Err(usage!(
                    "Concatenate along axis {} takes inputs that agree in all other axes, it has {first:?} and {other:?}",
                    self.axis
                ));
            }
            output[axis] += other[axis];
        }
        Ok(Inferred::output(output))
    }

    fn forward(&self, r: &mut Recorder, site: &Site<'_>, _: Mode) -> Saved {
        for (i, (copy, input)) in self.copies(site).into_iter().zip(&site.inputs).enumerate() {
            r.dispatch(format!("{} forward {i}", site.name), copy, &[input.slice], &[site.output.slice]);
        }
        Saved::default()
    }

    fn backward(&self, r: &mut Recorder, site: &Site<'_>, _: &Saved, dy: BufferSlice, dx: &[Option<GradientOut>]) {
        for (i, (copy, dx)) in self.copies(site).into_iter().zip(dx).enumerate() {
            if let Some(dx) = dx {
                let copy = CopyRows { from: copy.to, to: copy.from, ..copy };
                r.dispatch(format!("{} backward {i}", site.name), copy, &[dy], &[dx.to]);
            }
        }
    }
}
