//! From a layer's configuration to the layer: every argument is taken over, has no effect here, or is refused.

use super::activation::{self, Activation};
use super::initializer::{self, Initializer};
use super::object::{Object, check_dtype, plain};
use crate::error::{Result, usage};
use crate::graph::culprit::{culprit, reason_against, shown};
use crate::hint::{did_you_mean, with_hint};
use crate::layers::AnyLayer;
use serde_json::{Map, Value};

/// A layer with what cannot be said by its own arguments.
#[derive(Debug)]
pub(super) struct Read<'a> {
    pub(super) layer: AnyLayer,
    /// A layer that stands for its activation.
    pub(super) activation: Option<&'a Value>,
    /// By prefix of the argument: `kernel` of `kernel_initializer`.
    pub(super) initializers: Vec<(String, Initializer)>,
}

/// Reads the layer that `object` describes.
///
/// # Errors
/// If the class is not known, or an argument is not supported.
pub(super) fn read<'a>(object: &Object<'a>) -> Result<Read<'a>> {
    let kind = object.class;
    if kind == "Lambda" {
        return Err(usage!("Lambda layers hold Python code, which is never executed"));
    }
    let Some(known) = AnyLayer::arguments(kind) else {
        if kind.starts_with("Random") {
            let random: Vec<&str> = AnyLayer::KINDS.iter().copied().filter(|kind| kind.starts_with("Random")).collect();
            return Err(usage!("{kind} is not supported; of such layers there are {}", random.join(", ")));
        }
        return Err(usage!("{kind} is not supported{}", did_you_mean(kind, AnyLayer::KINDS.iter().copied())));
    };
    object.check_module()?;
    let mut arguments = Map::from_iter([("type".to_owned(), kind.into())]);
    let (mut activation, mut initializers) = (None, Vec::new());
    for (key, value) in object.config {
        let key = renamed(kind, key);
        let refused = || {
            let reason = reason_against(key).map_or_else(String::new, |reason| format!("; {reason}"));
            usage!("{key} = {} is not supported{reason}", shown(value))
        };
        match key {
            "name" | "batch_shape" | "batch_input_shape" | "autocast" => {}
            // Draws follow from the run's seed.
            "seed" if kind.starts_with("Random") || kind.contains("Dropout") => {}
            "trainable" if value == true => {}
            "trainable" => return Err(refused()),
            "dtype" => check_dtype(value)?,
            "activation" if known.contains(&key) => match activation::read(key, value)? {
                Activation::Named(name) => drop(arguments.insert(key.to_owned(), name.into())),
                Activation::Layer(layer) => {
                    activation = Some(layer);
                    arguments.insert(key.to_owned(), "linear".into());
                }
            },
            _ if value.is_null() => {}
            _ if known.contains(&key) => drop(arguments.insert(key.to_owned(), argument(kind, key, value))),
            _ if key.ends_with("_initializer") => {
                let prefix = key.trim_end_matches("_initializer").to_owned();
                initializers.extend(initializer::read(key, value)?.map(|initializer| (prefix, initializer)));
            }
            _ if is_neutral(key, &plain(value)) => {}
            _ if is_keras_argument(key) => return Err(refused()),
            _ => {
                return Err(usage!("unknown argument `{key}`{}", did_you_mean(key, known.iter().copied())));
            }
        }
    }
    Ok(Read { layer: deserialize(arguments)?, activation, initializers })
}

/// The value of an argument in the form that the layer takes here.
fn argument(kind: &str, key: &str, value: &Value) -> Value {
    let value = plain(value);
    match (kind, key, value.as_array().map(Vec::as_slice)) {
        // In Keras 2 the one axis is a list.
        ("BatchNormalization", "axis", Some([axis])) => axis.clone(),
        _ => value,
    }
}

/// The name of an argument in Keras 3.
fn renamed<'a>(kind: &str, key: &'a str) -> &'a str {
    match (kind, key) {
        ("LeakyReLU", "alpha") => "negative_slope",
        _ => key,
    }
}

/// Whether an argument that the layer has not here says only what holds anyway.
fn is_neutral(key: &str, value: &Value) -> bool {
    let all = |n: i64| match value {
        Value::Array(items) => items.iter().all(|item| *item == n),
        item => *item == n,
    };
    match key {
        "data_format" => value == "channels_last",
        "groups" | "dilation_rate" | "depth_multiplier" => all(1),
        "use_bias" => value == true,
        "axis" => all(-1),
        "synchronized" | "renorm" | "rms_scaling" | "keepdims" | "ragged" | "sparse" => value == false,
        // Of no effect without `renorm`, and in Keras 2 a choice of implementation.
        "renorm_momentum" | "fused" => true,
        _ => false,
    }
}

/// Whether Keras has the argument, so that its name is no misspelling.
fn is_keras_argument(key: &str) -> bool {
    let known = [
        "data_format",
        "groups",
        "dilation_rate",
        "depth_multiplier",
        "use_bias",
        "axis",
        "synchronized",
        "renorm",
        "rms_scaling",
        "keepdims",
        "ragged",
        "sparse",
        "noise_shape",
        "renorm_clipping",
        "quantization_config",
        "lora_rank",
        "lora_alpha",
        "activity_regularizer",
        "interpolation",
        "fill_mode",
    ];
    known.contains(&key) || key.ends_with("_regularizer") || key.ends_with("_constraint")
}

/// The layer of these arguments; an error names the one that is wrong.
fn deserialize(arguments: Map<String, Value>) -> Result<AnyLayer> {
    let read = |arguments: Map<String, Value>| AnyLayer::try_from(arguments).map_err(|e| e.to_string());
    let Err(error) = read(arguments.clone()) else { return read(arguments).map_err(|e| usage!("{e}")) };
    let without = |key: &str| {
        let mut others = arguments.clone();
        others.remove(key);
        read(others).err()
    };
    match culprit(arguments.keys().map(String::as_str), &error, without) {
        Some(key) if !error.contains(&format!("`{key}`")) => {
            Err(usage!("{key} = {}: {}", shown(&arguments[key]), with_hint(&error)))
        }
        _ => Err(usage!("{}", with_hint(&error))),
    }
}
