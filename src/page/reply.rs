//! What a call answers.

use serde_json::{Value, json};

/// The answer to a call: JSON, and bytes that it refers to.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// An object.
    pub head: Value,
    /// Pixels as they are, floats as little-endian f32.
    pub bytes: Vec<u8>,
}

impl Reply {
    /// An answer without bytes.
    pub fn of(head: Value) -> Self {
        Self { head, bytes: Vec::new() }
    }

    /// Appends floats, and says where they begin: how many floats are before them.
    pub(super) fn push(&mut self, values: &[f32]) -> usize {
        let offset = self.bytes.len() / size_of::<f32>();
        self.bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        offset
    }
}

/// An object of a shape, a name and where the floats begin.
pub(super) fn tensor(name: &str, shape: &[usize], offset: usize) -> Value {
    json!({ "name": name, "shape": shape, "offset": offset })
}
