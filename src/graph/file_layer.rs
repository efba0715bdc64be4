//! A layer as a TOML file has it: Keras's arguments, those among them that say how a tensor begins.

use super::FunctionalLayer;
use super::culprit::{culprit, reason_against, shown};
use super::keras::{Initializer, read_initializer};
use crate::error::{Result, usage};
use crate::hint::{with_hint, with_reason};
use serde_json::{Map, Number, Value};

/// The layer of a table with how its tensors begin, by the prefix of the argument (`kernel`); an error names the key that is wrong.
pub(super) fn layer_of(table: toml::Table) -> Result<(FunctionalLayer, Vec<(String, Initializer)>)> {
    let mut table = object_of(table)?;
    let kind = table.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut initializers = Vec::new();
    for tensor in initialized_tensors(&kind) {
        let key = format!("{tensor}_initializer");
        let Some(value) = table.shift_remove(&key) else { continue };
        if !kind.ends_with("Conv2D") && (value == "dirac" || value == "whitening") {
            return Err(usage!("{key} = {}: only Conv2D starts so", shown(&value)));
        }
        initializers.extend(read_initializer(&key, &value)?.map(|how| (tensor.to_string(), how)));
    }
    Ok((read_layer(table, &kind)?, initializers))
}

/// What a table holds, as JSON.
fn object_of(table: toml::Table) -> Result<Map<String, Value>> {
    let value = |(key, value)| match json_of(value) {
        Ok(value) => Ok((key, value)),
        Err(number) => Err(usage!("{key}: {number} is not a finite number")),
    };
    table.into_iter().map(value).collect()
}

/// The same of a value; an error is a number that JSON cannot hold.
fn json_of(value: toml::Value) -> Result<Value, f64> {
    Ok(match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => Number::from_f64(number).ok_or(number)?.into(),
        toml::Value::Boolean(is_true) => is_true.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(items) => items.into_iter().map(json_of).collect::<Result<_, _>>()?,
        toml::Value::Table(table) => {
            let entry = |(key, value)| json_of(value).map(|value| (key, value));
            Value::Object(table.into_iter().map(entry).collect::<Result<_, _>>()?)
        }
    })
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

fn read_layer(table: Map<String, Value>, kind: &str) -> Result<FunctionalLayer> {
    let read = |table: Map<_, _>| FunctionalLayer::try_from(table).map_err(|e| with_initializers(&e.to_string(), kind));
    let error = match read(table.clone()) {
        Ok(layer) => return Ok(layer),
        Err(error) => error,
    };
    let without =
        |key: &str| read(table.iter().filter(|(k, _)| *k != key).map(|(k, v)| (k.clone(), v.clone())).collect()).err();
    match culprit(table.keys().map(String::as_str), &error, without) {
        Some(key) if !error.contains(&format!("`{key}`")) => {
            Err(usage!("{key} = {}: {}", shown(&table[key]), with_hint(&error)))
        }
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
