//! An update that was not made, since the loss or a gradient is infinite or NaN.

use crate::data::Split;
use crate::error::{Error, Result, usage};
use safetensors::tensor::{Dtype, TensorView, serialize};
use std::collections::HashMap;

/// An update that was not made, since the loss or a gradient is infinite or NaN.
#[derive(Debug, Clone, PartialEq)]
pub struct NotFinite {
    /// Number of the epoch, from 1.
    pub epoch: u64,
    /// Number of the step in the epoch, from 1.
    pub step: usize,
    /// Number of the update, from 1.
    pub update: u64,
    /// Loss of the step's batch.
    pub loss: f64,
    /// The images of the batches that share the update, by their numbers among the training images.
    pub images: Vec<u32>,
    /// Where the first number that is not finite came up when the batches were run again, a dispatch at a time; none if all were
    /// finite then.
    pub origin: Option<Origin>,
}

/// The first number that is not finite.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// A weight had it before the step.
    Weight {
        /// Name of the tensor.
        tensor: String,
        /// The number.
        value: f32,
    },
    /// A dispatch wrote it.
    Dispatch {
        /// Label of the dispatch.
        label: String,
        /// Its layer, or the layers that it computes as one; none for the loss and for sums over batches.
        layer: Option<String>,
        /// Its kernel, such as `conv2d::forward`.
        kernel: String,
        /// The number.
        value: f32,
    },
}

impl NotFinite {
    /// A sentence for an error.
    pub(super) fn describe(&self) -> String {
        let Self { epoch, step, loss, .. } = self;
        let what = match loss.is_finite() {
            true => format!("a gradient is not finite at epoch {epoch}, step {step}, where the loss is {loss}"),
            false => format!("the loss is {loss} at epoch {epoch}, step {step}"),
        };
        match &self.origin {
            Some(Origin::Weight { tensor, value }) => format!("{what}; before the step, `{tensor}` has {value}"),
            Some(Origin::Dispatch { label, layer, kernel, value }) => {
                let layer = layer.as_ref().map(|name| format!("layer `{name}`, ")).unwrap_or_default();
                format!(
                    "{what}; the first number that is not finite is {value}, from `{label}` ({layer}kernel {kernel})"
                )
            }
            None => {
                format!("{what}; when the step was run again, every number was finite: the device may compute wrongly")
            }
        }
    }

    /// A safetensors file of the images of the update: `images` `[n, height, width, channels]` u8, `labels` `[n]` u8 and `indices` `[n]` u32,
    /// their numbers among the training images; in the metadata where the first number comes from that is not finite.
    ///
    /// # Errors
    /// [`Error::Usage`] if `data` is not what was trained on and has fewer images.
    pub fn to_safetensors(&self, data: &Split) -> Result<Vec<u8>> {
        let failed = |e| Error::Data(format!("cannot lay out the batch: {e}"));
        let count = self.images.len();
        if let Some(image) = self.images.iter().find(|image| **image as usize >= data.len()) {
            return Err(usage!("image {image} of a data set with {} images", data.len()));
        }
        let of_batch = || self.images.iter().map(|index| *index as usize);
        let images: Vec<u8> = of_batch().flat_map(|index| data.pixels_of(index)).copied().collect();
        let labels: Vec<u8> = of_batch().map(|index| data.labels[index]).collect();
        let indices: Vec<u8> = self.images.iter().flat_map(|index| index.to_le_bytes()).collect();
        let shape = [&[count], &data.image[..]].concat();
        let tensors = [
            ("images", TensorView::new(Dtype::U8, shape, &images).map_err(failed)?),
            ("labels", TensorView::new(Dtype::U8, vec![count], &labels).map_err(failed)?),
            ("indices", TensorView::new(Dtype::U32, vec![count], &indices).map_err(failed)?),
        ];
        let NotFinite { epoch, step, update, loss, origin, .. } = self;
        let mut metadata = vec![
            ("epoch", epoch.to_string()),
            ("step", step.to_string()),
            ("update", update.to_string()),
            ("loss", loss.to_string()),
        ];
        match origin {
            Some(Origin::Dispatch { label, layer, kernel, value }) => {
                metadata.extend([
                    ("dispatch", label.clone()),
                    ("kernel", kernel.clone()),
                    ("value", value.to_string()),
                ]);
                metadata.extend(layer.iter().map(|layer| ("layer", layer.clone())));
            }
            Some(Origin::Weight { tensor, value }) => {
                metadata.extend([("weight", tensor.clone()), ("value", value.to_string())]);
            }
            None => {}
        }
        let metadata: HashMap<String, String> =
            metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        serialize(tensors, Some(metadata)).map_err(failed)
    }
}
