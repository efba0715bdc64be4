//! Keras's files.

use wasm_bindgen::prelude::*;

/// A `.keras` or `.h5` file with a model and its weights as a safetensors file, as the engine takes it. Where the model leaves the images'
/// shape open, it is `image`: height, width, channels.
///
/// # Errors
/// What of the file cannot be used.
#[wasm_bindgen]
pub fn safetensors_of(bytes: Vec<u8>, name: &str, image: &[usize]) -> Result<Vec<u8>, JsError> {
    let image = <[usize; 3]>::try_from(image).map_err(|_| JsError::new("images have height, width and channels"))?;
    Ok(gpu_cnn::page::safetensors_of(bytes, name, image)?)
}
