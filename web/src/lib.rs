//! gpu-cnn in a browser page: what its Web Worker calls.

#[cfg(not(feature = "keras"))]
mod engine;
#[cfg(feature = "keras")]
mod keras;

#[cfg(not(feature = "keras"))]
pub use engine::{Page, Reply};
#[cfg(feature = "keras")]
pub use keras::safetensors_of;

use wasm_bindgen::prelude::*;

/// Panics say on the console where they were.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
}
