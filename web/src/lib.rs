//! gpu-cnn in a browser page: what its Web Worker calls.

mod engine;
mod images;

pub use engine::Engine;
pub use images::Images;

use wasm_bindgen::prelude::*;

/// Panics say on the console where they were.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
}
