//! Predictions in JSON.

use super::prediction::{Guess, Predicted, PredictionHead};
use crate::error::{Error, Result, usage};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::json;

/// A picture.
#[derive(Serialize)]
struct Line<'a> {
    file: String,
    /// Of a path that is no UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    file_base64: Option<String>,
    inverted: bool,
    predictions: Vec<Cell<'a>>,
}

#[derive(Serialize)]
struct Cell<'a> {
    class: usize,
    name: Option<&'a str>,
    probability: f32,
}

/// The document up to the first picture.
pub(super) fn json_start(head: &PredictionHead) -> Result<String> {
    let PredictionHead { weights, device, image, class_names, .. } = head;
    let head = json!({ "weights": weights, "device": device, "image": image, "class_names": class_names });
    let text = serde_json::to_string_pretty(&head).map_err(not_serialized)?;
    Ok(format!("{},\n  \"pictures\": [\n", text.trim_end_matches("\n}")))
}

/// A picture on a line, with those classes of it, of which `names` has some.
pub(super) fn json_line(picture: &Predicted, guesses: &[Guess], names: &[String]) -> Result<String> {
    let cells = guesses.iter().map(|guess| Cell {
        class: guess.class,
        name: names.get(guess.class).map(String::as_str),
        probability: guess.probability,
    });
    let is_text = picture.path.to_str().is_some();
    let line = Line {
        file: picture.path.to_string_lossy().into_owned(),
        file_base64: (!is_text).then(|| STANDARD.encode(picture.path.as_os_str().as_encoded_bytes())),
        inverted: picture.is_inverted,
        predictions: cells.collect(),
    };
    serde_json::to_string(&line).map_err(not_serialized)
}

fn not_serialized(e: serde_json::Error) -> Error {
    usage!("cannot serialize to JSON: {e}")
}
