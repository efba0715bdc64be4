//! A trained model from the bytes of a file.

use crate::error::{Result, usage};
use crate::graph::{ImagesInfo, Model, ModelFile, Weights, parse_safetensors, parse_weights, save_weights, weights_of};
use std::path::Path;

/// The model of a safetensors file, or, where this host reads them, of one of Keras's, and its weights, laid out as
/// [`crate::Graph::weights`] says. `name` is the file's.
///
/// # Errors
/// If the file holds no model with its weights, or one that does not take images of shape `image` of so many classes.
pub(super) fn trained(bytes: Vec<u8>, name: &str, image: [usize; 3], classes: usize) -> Result<(Model, Vec<f32>)> {
    // In a browser what reads Keras's files is a module of its own: it is large.
    let (model, weights) = match cfg!(target_family = "wasm") {
        true => of_safetensors(parse_safetensors(&bytes, Path::new(name))?, name)?,
        false => of_any(bytes, name, image)?,
    };
    let graph = model.graph()?;
    if graph.input != image || graph.classes() < classes {
        return Err(usage!(
            "the model of {name} takes images of {:?} and has {} classes; the images here are {image:?}, of {classes}",
            graph.input,
            graph.classes()
        ));
    }
    Ok((model, weights))
}

/// A file of Keras's, or of weights with their model, as a safetensors file. Where the model leaves the images' shape open, it is `image`.
///
/// # Errors
/// If the file holds no model with its weights.
pub fn safetensors_of(bytes: Vec<u8>, name: &str, image: [usize; 3]) -> Result<Vec<u8>> {
    let (model, weights) = of_any(bytes, name, image)?;
    save_weights(&model, &model.graph()?, &weights, &ImagesInfo::default())
}

fn of_any(bytes: Vec<u8>, name: &str, image: [usize; 3]) -> Result<(Model, Vec<f32>)> {
    let path = Path::new(name);
    let mut weights = parse_weights(bytes.clone(), path)?;
    if !weights.has_model {
        return of_safetensors(weights, name);
    }
    let file = ModelFile::from_bytes(bytes, path)?;
    let (input, layout) = (file.input_or(image), file.layout.clone());
    let model = file.build(input)?;
    let graph = model.graph()?;
    weights.name_by_layer(&layout, &graph, path)?;
    let values = weights_of(&weights, &graph, path)?;
    Ok((model, values))
}

fn of_safetensors(mut weights: Weights, name: &str) -> Result<(Model, Vec<f32>)> {
    let Some(model) = weights.model.take() else {
        return Err(usage!("{name} holds weights, and no model that they are of"));
    };
    let values = weights_of(&weights, &model.graph()?, Path::new(name))?;
    Ok((model, values))
}
