//! The batch of an update that could not be made, as a safetensors file.

use super::RunFolder;
use super::names::BATCH;
use crate::data::Split;
use crate::error::{Error, Result};
use crate::trainer::{NotFinite, Origin};
use safetensors::tensor::{Dtype, TensorView, serialize};
use std::collections::HashMap;
use std::path::PathBuf;

impl RunFolder {
    /// Writes the batch of an update that could not be made; returns its file.
    pub(crate) fn write_batch(&self, found: &NotFinite, data: &Split) -> Result<PathBuf> {
        self.write(BATCH, &to_bytes(found, data)?).map(|()| self.path.join(BATCH))
    }
}

/// The images of the update as `images` [n, height, width, channels] u8, `labels` [n] u8 and `indices` [n] u32, their numbers among the
/// training images; in the metadata where the numbers stopped to be finite.
fn to_bytes(found: &NotFinite, data: &Split) -> Result<Vec<u8>> {
    let failed = |e| Error::Data(format!("cannot lay out the batch: {e}"));
    let count = found.images.len();
    let of_batch = || found.images.iter().map(|index| *index as usize);
    let images: Vec<u8> = of_batch().flat_map(|index| data.pixels_of(index)).copied().collect();
    let labels: Vec<u8> = of_batch().map(|index| data.labels[index]).collect();
    let indices: Vec<u8> = found.images.iter().flat_map(|index| index.to_le_bytes()).collect();
    let shape = [&[count], &data.image[..]].concat();
    let tensors = [
        ("images", TensorView::new(Dtype::U8, shape, &images).map_err(failed)?),
        ("labels", TensorView::new(Dtype::U8, vec![count], &labels).map_err(failed)?),
        ("indices", TensorView::new(Dtype::U32, vec![count], &indices).map_err(failed)?),
    ];
    let NotFinite { epoch, step, update, loss, origin, .. } = found;
    let mut metadata = vec![
        ("epoch", epoch.to_string()),
        ("step", step.to_string()),
        ("update", update.to_string()),
        ("loss", loss.to_string()),
    ];
    match origin {
        Some(Origin::Dispatch { label, layer, kernel, value }) => {
            metadata.extend([("dispatch", label.clone()), ("kernel", kernel.clone()), ("value", value.to_string())]);
            metadata.extend(layer.iter().map(|layer| ("layer", layer.clone())));
        }
        Some(Origin::Weight { tensor, value }) => {
            metadata.extend([("weight", tensor.clone()), ("value", value.to_string())]);
        }
        None => {}
    }
    let metadata: HashMap<String, String> = metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    serialize(tensors, Some(metadata)).map_err(failed)
}
