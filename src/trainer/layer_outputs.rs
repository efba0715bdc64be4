//! What each layer makes of images.

use super::pass::Pass;
use super::session::Session;
use crate::backend::Device;
use crate::data::{Batches, Split};
use crate::error::{Result, usage};
use crate::graph::{Graph, RecordOptions};
use crate::plan::{BufferId, Plan, Profile, Program, Step};

/// What a layer makes of some images.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerOutput {
    /// Name of the layer.
    pub layer: String,
    /// Shape of one image's output: height, width, channels, or the number of units.
    pub shape: Vec<usize>,
    /// The outputs, [n, shape].
    pub values: Vec<f32>,
}

/// The outputs of the layers of `graph` for images given as bytes, [n, height, width, channels], as in a pass of inference with
/// `weights`, [`Graph::weights_len`] floats. Each layer has its own, also where training fuses several. Left out are layers that
/// compute nothing then, such as Flatten and Dropout, and of the last its softmax or sigmoid.
///
/// # Errors
/// If the bytes are not whole images, at least one, or there are not as many weights; those of the device.
pub async fn layer_outputs(graph: &Graph, weights: &[f32], device: &Device, pixels: &[u8]) -> Result<Vec<LayerOutput>> {
    let image = graph.input;
    let image_len: usize = image.iter().product();
    if pixels.is_empty() || !pixels.len().is_multiple_of(image_len) {
        return Err(usage!("{} bytes are not whole images of {image:?} = {image_len}", pixels.len()));
    }
    let mut viewer = LayerViewer::new(graph, device, pixels.len() / image_len).await?;
    viewer.set_weights(weights)?;
    Ok(viewer.view(pixels).await?.0)
}

/// A model on a device, to be looked into: each layer's output stays.
#[derive(Debug)]
pub(crate) struct LayerViewer {
    session: Session,
    graph: Graph,
    images: usize,
}

impl LayerViewer {
    /// Of `graph`, for `images` images at a time.
    ///
    /// # Errors
    /// If the device cannot hold it.
    pub(crate) async fn new(graph: &Graph, device: &Device, images: usize) -> Result<Self> {
        let mut options = RecordOptions::new(images, Profile { fuse: false, ..device.profile() });
        (options.loss, options.loss_settings.from_logits) = graph.loss_of_end();
        // Buffers are not shared: each layer's output stays.
        let session = Session::load(graph.record(&options)?, device).await?;
        Ok(Self { session, graph: graph.clone(), images })
    }

    /// Takes these weights, [`Graph::weights_len`] floats.
    ///
    /// # Errors
    /// If there are not as many; those of the device.
    pub(crate) fn set_weights(&mut self, weights: &[f32]) -> Result<()> {
        if weights.len() != self.graph.weights_len() {
            return Err(usage!("{} weights, the model has {}", weights.len(), self.graph.weights_len()));
        }
        let (parameters, state) = weights.split_at(self.graph.parameters_len);
        self.session.backend.write_f32(self.session.plan.host.parameters, 0, parameters)?;
        self.session.set_layer_state(state)
    }

    /// What the layers make of so many images as bytes, as [`layer_outputs`] says, and the model's outputs, [images, outputs].
    ///
    /// # Errors
    /// If there are not as many bytes; those of the device.
    pub(crate) async fn view(&mut self, pixels: &[u8]) -> Result<(Vec<LayerOutput>, Vec<f32>)> {
        let (image, images) = (self.graph.input, self.images);
        let len = images * image.iter().product::<usize>();
        if pixels.len() != len {
            return Err(usage!("{} bytes are not {images} images of {image:?}: {len} bytes", pixels.len()));
        }
        let split = Split { image, pixels: pixels.to_vec(), labels: vec![0; images] };
        let mut pass = Pass::new(Batches::in_order(&split, images), &[Program::Predict], usize::MAX).with_predictions();
        let mut predictions = Vec::new();
        while let Some(report) = pass.next(&mut self.session, |_| Step::default()).await? {
            predictions.extend(report.predictions);
        }
        let mut outputs = Vec::new();
        for node in &self.graph.nodes {
            if let Some(buffer) = output_of(&self.session.plan, &node.name) {
                let values = self.session.floats(buffer).await?;
                outputs.push(LayerOutput { layer: node.name.clone(), shape: node.output.clone(), values });
            }
        }
        Ok((outputs, predictions))
    }
}

/// The buffer with the outputs of layer `name`, after its activation.
fn output_of(plan: &Plan, name: &str) -> Option<BufferId> {
    let labelled = |label: String| plan.buffers.iter().position(|buffer| buffer.label == label).map(BufferId);
    labelled(format!("{name} activation output")).or_else(|| labelled(format!("{name} output")))
}
