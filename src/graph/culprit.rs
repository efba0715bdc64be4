//! Which argument of a layer an error is about, and its value.

use std::fmt::Display;

/// The first of `keys` without which the error would not be `error`: `read` reads all but one key, and returns the error. None where
/// the error is about the whole.
pub(super) fn culprit<'a>(
    keys: impl IntoIterator<Item = &'a str>,
    error: &str,
    read: impl Fn(&str) -> Option<String>,
) -> Option<&'a str> {
    // No layer has as many arguments: reading the layer once for each key of a file takes quadratic time.
    const MAX_KEYS: usize = 64;
    // The type decides what all others mean.
    keys.into_iter().filter(|key| *key != "type").take(MAX_KEYS).find(|key| read(key).as_deref() != Some(error))
}

/// Why no layer has an argument of this name, although layers of Keras do.
pub(super) fn reason_against(key: &str) -> Option<&'static str> {
    match key {
        "seed" => Some("all draws follow from the run's seed"),
        "noise_shape" => Some("each element has a draw of its own; SpatialDropout2D has one for each channel"),
        "data_format" => Some("images are [height, width, channels], as with channels_last"),
        _ => None,
    }
}

/// `value` as it stands in a message: not longer than a line.
pub(super) fn shown(value: &impl Display) -> String {
    const MAX_CHARS: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
