//! An activation as an argument: a name, or an object that stands for a function or a layer.

use super::object::Object;
use crate::error::{Result, usage};
use crate::graph::culprit::shown;
use serde_json::Value;

/// What follows a layer's own sum.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Activation<'a> {
    /// A function by its name.
    Named(&'a str),
    /// A layer of its own.
    Layer(&'a Value),
}

/// Reads the argument `key`.
pub(super) fn read<'a>(key: &str, value: &'a Value) -> Result<Activation<'a>> {
    let unsupported = || usage!("{key} = {} is not supported", shown(value));
    match value {
        Value::Null => Ok(Activation::Named("linear")),
        Value::String(name) => Ok(Activation::Named(name)),
        Value::Object(map) => match (map.get("class_name").and_then(Value::as_str), map.get("config")) {
            (Some("function"), Some(Value::String(name))) => Ok(Activation::Named(name)),
            (Some("__lambda__"), _) => Err(usage!("{key} is a Python function, which is never executed")),
            _ => Object::of(value).map(|_| Activation::Layer(value)).ok_or_else(unsupported),
        },
        _ => Err(unsupported()),
    }
}
