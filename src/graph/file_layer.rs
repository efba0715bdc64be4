//! A layer as a TOML file has it: Keras's arguments, those among them that say how a tensor begins.

use super::FunctionalLayer;
use super::culprit::{culprit, reason_against, shown};
use super::keras::{Initializer, read_initializer};
use crate::error::{Result, usage};
use crate::hint::{with_hint, with_reason};
use serde::Deserialize;

/// The layer of a table with how its tensors begin, by the prefix of the argument (`kernel`); an error names the key that is wrong.
pub(super) fn layer_of(mut table: toml::Table) -> Result<(FunctionalLayer, Vec<(String, Initializer)>)> {
    let kind = table.get("type").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
    let mut initializers = Vec::new();
    for tensor in initialized_tensors(&kind) {
        let key = format!("{tensor}_initializer");
        let Some(value) = table.remove(&key) else { continue };
        if let Some(number) = not_finite(&value) {
            return Err(usage!("{key}: {number} is not a finite number"));
        }
        let value = serde_json::to_value(value).map_err(|e| usage!("{key}: {e}"))?;
        if !kind.ends_with("Conv2D") && (value == "dirac" || value == "whitening") {
            return Err(usage!("{key} = {}: only Conv2D starts so", shown(&value)));
        }
        initializers.extend(read_initializer(&key, &value)?.map(|how| (tensor.to_string(), how)));
    }
    Ok((read_layer(table, &kind)?, initializers))
}

/// A number in `value` that JSON cannot hold.
fn not_finite(value: &toml::Value) -> Option<f64> {
    match value {
        toml::Value::Float(number) => Some(*number).filter(|number| !number.is_finite()),
        toml::Value::Array(items) => items.iter().find_map(not_finite),
        toml::Value::Table(table) => table.values().find_map(not_finite),
        _ => None,
    }
}

/// The tensors of a layer that an argument of Keras says how to fill, `kernel` for `kernel_initializer`.
fn initialized_tensors(kind: &str) -> &'static [&'static str] {
    match kind {
        "Conv2D" | "Dense" => &["kernel", "bias"],
        "DepthwiseConv2D" => &["depthwise", "bias"],
        "SeparableConv2D" => &["depthwise", "pointwise", "bias"],
        "BatchNormalization" => &["gamma", "beta", "moving_mean", "moving_variance"],
        "LayerNormalization" => &["gamma", "beta"],
        "PReLU" => &["alpha"],
        _ => &[],
    }
}

/// `message`, with the arguments that are read before the others where it names those that there are.
fn with_initializers(message: &str, kind: &str) -> String {
    let message = message.trim_end();
    let keys = initialized_tensors(kind).iter().map(|tensor| format!(", `{tensor}_initializer`"));
    match message.starts_with("unknown field `") {
        true => format!("{message}{}", keys.collect::<String>()),
        false => message.to_owned(),
    }
}

fn read_layer(table: toml::Table, kind: &str) -> Result<FunctionalLayer> {
    let read =
        |table: toml::Table| FunctionalLayer::deserialize(table).map_err(|e| with_initializers(&e.to_string(), kind));
    let error = match read(table.clone()) {
        Ok(layer) => return Ok(layer),
        Err(error) => error,
    };
    let without =
        |key: &str| read(table.iter().filter(|(k, _)| *k != key).map(|(k, v)| (k.clone(), v.clone())).collect()).err();
    match culprit(table.keys().map(String::as_str), &error, without) {
        Some(key) if !error.contains(&format!("`{key}`")) => Err(usage!(
            "{key} = {}: {}",
            shown(&serde_json::to_value(&table[key]).unwrap_or_default()),
            with_hint(&error)
        )),
        _ => Err(usage!("{}", with_reason(&error, |key| reason_against(key).map(str::to_owned)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_initial_value_is_a_finite_number() {
        let read = |value: &str| {
            let config = format!("{{ class_name = \"Constant\", config = {{ value = {value} }} }}");
            let layer = format!("type = \"Dense\"\nunits = 2\nbias_initializer = {config}");
            layer_of(toml::from_str(&layer).expect("TOML"))
        };
        assert_eq!(read("0.5").expect("a number").1, [("bias".to_owned(), Initializer::Constant(0.5))]);
        let misspelt = "type = \"Dense\"\nunits = 2\nkernal_initializer = \"zeros\"";
        let error = layer_of(toml::from_str(misspelt).expect("TOML")).expect_err("misspelt").to_string();
        assert!(error.ends_with("did you mean `kernel_initializer`?"), "{error}");
        for value in ["nan", "-inf", "1e39"] {
            let error = read(value).expect_err(value).to_string();
            assert!(error.contains("bias_initializer"), "{error}");
        }
    }
}
