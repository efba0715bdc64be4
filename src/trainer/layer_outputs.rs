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
    if weights.len() != graph.weights_len() {
        return Err(usage!("{} weights, the model has {}", weights.len(), graph.weights_len()));
    }
    let n = pixels.len() / image_len;
    let mut options = RecordOptions::new(n, Profile { fuse: false, ..device.profile() });
    (options.loss, options.loss_settings.from_logits) = graph.loss_of_end();
    // Buffers are not shared: each layer's output stays.
    let mut session = Session::load(graph.record(&options)?, device).await?;
    let (parameters, state) = weights.split_at(graph.parameters_len);
    let (of_parameters, of_state) = (session.plan.host.parameters, session.plan.host.layer_state);
    session.backend.write_f32(of_parameters, 0, parameters)?;
    if let Some(buffer) = of_state {
        session.backend.write_f32(buffer, 0, state)?;
    }
    let split = Split { image, pixels: pixels.to_vec(), labels: vec![0; n] };
    let mut pass = Pass::new(Batches::in_order(&split, n), &[Program::Predict], usize::MAX).with_predictions();
    while pass.next(&mut session, |_| Step::default()).await?.is_some() {}
    let mut outputs = Vec::new();
    for node in &graph.nodes {
        if let Some(buffer) = output_of(&session.plan, &node.name) {
            let values = session.floats(buffer).await?;
            outputs.push(LayerOutput { layer: node.name.clone(), shape: node.output.clone(), values });
        }
    }
    Ok(outputs)
}

/// The buffer with the outputs of layer `name`, after its activation.
fn output_of(plan: &Plan, name: &str) -> Option<BufferId> {
    let labelled = |label: String| plan.buffers.iter().position(|buffer| buffer.label == label).map(BufferId);
    labelled(format!("{name} activation output")).or_else(|| labelled(format!("{name} output")))
}
