//! The shape of a model's images.

use super::object::{Object, check_dtype, plain};
use crate::error::{Result, usage};
use crate::graph::culprit::shown;
use serde_json::{Map, Value};

/// Axes of an input beside the batch's, none where they are left to the data.
pub(super) type Axes = Vec<Option<usize>>;

/// Height, width and channels, as far as they are fixed.
type Image = [Option<usize>; 3];

/// The input of an InputLayer, if it says one.
///
/// # Errors
/// If it asks for what is not there: another dtype, sparse or ragged tensors.
pub(super) fn of_layer(layer: &Object<'_>) -> Result<Option<Axes>> {
    for (key, value) in layer.config {
        match key.as_str() {
            "name" | "batch_shape" | "batch_input_shape" | "input_shape" | "shape" | "batch_size" => {}
            "dtype" => check_dtype(value)?,
            _ if value.is_null() || value == false => {}
            _ => return Err(usage!("{key} = {} is not supported", shown(value))),
        }
    }
    of_config(layer.config)
}

/// The shape that a layer's configuration names for the model's input, as the first of a Sequential model may.
pub(super) fn of_config(config: &Map<String, Value>) -> Result<Option<Axes>> {
    let with_batch = ["batch_shape", "batch_input_shape", "build_input_shape"];
    let found = with_batch.iter().map(|key| (*key, 1)).chain([("input_shape", 0), ("shape", 0)]);
    for (key, skip) in found {
        if let Some(value) = config.get(key).filter(|value| !value.is_null()) {
            return axes(key, value, skip).map(Some);
        }
    }
    Ok(None)
}

/// The shape that a model was built for, beside its configuration.
pub(super) fn of_build(model: &Object<'_>) -> Result<Option<Axes>> {
    match model.get("build_config").and_then(|config| config.get("input_shape")).filter(|shape| !shape.is_null()) {
        Some(shape) => axes("build_config.input_shape", shape, 1).map(Some),
        None => Ok(None),
    }
}

fn axes(key: &str, value: &Value, skip: usize) -> Result<Axes> {
    let wrong = || usage!("{key} = {}; it must be a list of sizes", shown(value));
    let plain = plain(value);
    let axis = |axis: &Value| match axis {
        Value::Null => Ok(None),
        size => size.as_u64().and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0).map(Some).ok_or_else(wrong),
    };
    let all = plain.as_array().ok_or_else(wrong)?.iter().map(axis).collect::<Result<Axes>>()?;
    Ok(all.get(skip..).ok_or_else(wrong)?.to_vec())
}

/// Images as this project has them, [height, width, channels], and the shape under which the model sees them where that is another.
///
/// # Errors
/// If the model takes no images.
pub(super) fn images(axes: Option<Axes>) -> Result<(Image, Option<Vec<i64>>)> {
    let Some(axes) = axes else { return Ok(([None; 3], None)) };
    let known: Option<Vec<i64>> = axes.iter().map(|axis| axis.and_then(|n| i64::try_from(n).ok())).collect();
    match (axes[..].try_into(), &axes[..], known) {
        (Ok(image), ..) => Ok((image, None)),
        (_, [h, w], Some(shape)) => Ok(([*h, *w, Some(1)], Some(shape))),
        (_, [_], Some(shape)) => Ok(([None; 3], Some(shape))),
        _ => Err(usage!("the input is {axes:?}; it must be [height, width, channels], [height, width] or one axis")),
    }
}
