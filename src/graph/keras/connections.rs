//! From where a layer of a Functional model takes its inputs, in the forms of Keras 3 and 2.

use super::object::{Object, plain};
use crate::error::{Result, usage};
use crate::graph::culprit::shown;
use serde_json::Value;

/// Names of the layers whose outputs `layer` takes.
///
/// # Errors
/// If the layer is applied several times, or to another output than a layer's first.
pub(super) fn inputs(layer: &Object<'_>) -> Result<Vec<String>> {
    let nodes = layer.get("inbound_nodes").map(plain);
    match nodes.as_ref().and_then(Value::as_array).map(Vec::as_slice) {
        Some([node]) => of_node(node),
        Some([]) | None => Err(usage!("it takes no input")),
        // Keras 2 may leave out the list of nodes: ["conv", 0, 0, {}].
        Some([Value::String(_), ..]) => of_node(nodes.as_ref().unwrap_or(&Value::Null)),
        Some(nodes) => Err(usage!("it is applied {} times; shared layers are not supported", nodes.len())),
    }
}

fn of_node(node: &Value) -> Result<Vec<String>> {
    let mut found = Vec::new();
    match node {
        Value::Object(call) => {
            call.get("args").iter().try_for_each(|args| tensors(args, &mut found))?;
            for (name, value) in call.get("kwargs").and_then(Value::as_object).into_iter().flatten() {
                match name.as_str() {
                    "inputs" => tensors(value, &mut found)?,
                    // What held when the layer was called; Keras 3 itself replaces it by what it does: training, or inference.
                    "training" if value.is_boolean() => {}
                    _ if value.is_null() => {}
                    _ => return Err(usage!("it is called with {name} = {}, which is not supported", shown(value))),
                }
            }
        }
        Value::Array(list) if list.first().is_some_and(Value::is_string) => found.push(history(node)?),
        Value::Array(list) => {
            for tensor in list {
                found.push(history(tensor)?);
            }
        }
        _ => return Err(usage!("inbound_nodes has {}; it must be a list or an object", shown(node))),
    }
    match found.is_empty() {
        true => Err(usage!("it takes no input")),
        false => Ok(found),
    }
}

/// The tensors among a call's arguments, one by one or in lists.
fn tensors(value: &Value, found: &mut Vec<String>) -> Result<()> {
    match value {
        Value::Array(list) => list.iter().try_for_each(|value| tensors(value, found)),
        Value::Null => Ok(()),
        _ => match Object::of(value).filter(|object| object.class == "__keras_tensor__") {
            Some(tensor) => {
                found.push(history(tensor.config.get("keras_history").unwrap_or(&Value::Null))?);
                Ok(())
            }
            None => Err(usage!("it is called with {}; only tensors are supported", shown(value))),
        },
    }
}

/// The layer of [layer, call, output]; in Keras 2 a fourth has further arguments of the call.
fn history(value: &Value) -> Result<String> {
    let wrong = || usage!("{} is not [layer, call, output]", shown(value));
    let [Value::String(name), call, output, more @ ..] = value.as_array().ok_or_else(wrong)?.as_slice() else {
        return Err(wrong());
    };
    let more = more.iter().filter_map(Value::as_object).flatten().find(|(_, value)| !value.is_null());
    // Of several calls of a layer, in this model and in others, the file has those in this model: one.
    match (call.as_u64(), output.as_u64(), more) {
        (Some(_), Some(0), None) => Ok(name.clone()),
        (Some(_), Some(0), Some((key, value))) => {
            Err(usage!("it is called with {key} = {}, which is not supported", shown(value)))
        }
        (Some(_), Some(output), _) => Err(usage!("it takes output {output} of `{name}`; layers have one output")),
        _ => Err(wrong()),
    }
}

/// The one layer that `key` (`input_layers` or `output_layers`) of a Functional model names.
pub(super) fn end(model: &Object<'_>, key: &str) -> Result<String> {
    let ends = plain(model.config.get(key).unwrap_or(&Value::Null));
    let list: Vec<Value> = match &ends {
        Value::Array(list) if list.first().is_some_and(Value::is_string) => vec![ends.clone()],
        Value::Array(list) => list.clone(),
        Value::Object(named) => named.values().cloned().collect(),
        _ => Vec::new(),
    };
    match &list[..] {
        [one] => history(one),
        _ => Err(usage!("{} {key}; a model has one input and one output", list.len())),
    }
}
