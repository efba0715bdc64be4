//! A trained model from the bytes of a file.

use crate::error::{Result, usage};
use crate::graph::{Layout, Model, ModelFile, parse_weights, weights_of};
use std::path::Path;

/// The model of a file of weights, safetensors or Keras's, and its weights, laid out as [`crate::Graph::weights`] says. `name` is the file's.
///
/// # Errors
/// If the file holds no model with its weights, or one that does not take images of shape `image` of so many classes.
pub(super) fn trained(bytes: Vec<u8>, name: &str, image: [usize; 3], classes: usize) -> Result<(Model, Vec<f32>)> {
    let path = Path::new(name);
    let mut weights = parse_weights(bytes.clone(), path)?;
    let (model, layout) = match weights.model.take() {
        Some(model) => (model, Layout::default()),
        None if weights.has_model => {
            let file = ModelFile::from_bytes(bytes, path)?;
            let layout = file.layout.clone();
            (file.build(image)?, layout)
        }
        None => return Err(usage!("{name} holds weights, and no model that they are of")),
    };
    let graph = model.graph()?;
    if graph.input != image || graph.classes() < classes {
        return Err(usage!(
            "the model of {name} takes images of {:?} and has {} classes; the images here are {image:?}, of {classes}",
            graph.input,
            graph.classes()
        ));
    }
    weights.name_by_layer(&layout, &graph, path)?;
    let values = weights_of(&weights, &graph, path)?;
    Ok((model, values))
}
