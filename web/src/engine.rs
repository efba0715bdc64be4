//! A model in training, and what a page asks of it.

use wasm_bindgen::prelude::*;

/// What answers the page's calls.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Page(gpu_cnn::page::Page);

/// The answer to a call.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Reply {
    head: String,
    bytes: Vec<u8>,
}

#[wasm_bindgen]
impl Page {
    /// Without a model.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// As `gpu_cnn::page::Page::call`: `head` is JSON.
    ///
    /// # Errors
    /// What cannot be done, and why.
    pub async fn call(&mut self, head: String, bytes: Vec<u8>) -> Result<Reply, JsError> {
        let reply = self.0.call(&head, bytes).await?;
        Ok(Reply { head: reply.head.to_string(), bytes: reply.bytes })
    }
}

#[wasm_bindgen]
impl Reply {
    /// JSON.
    #[wasm_bindgen(getter)]
    pub fn head(&self) -> String {
        self.head.clone()
    }

    /// What it refers to.
    #[wasm_bindgen(getter)]
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }
}
