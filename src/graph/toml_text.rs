//! A model as TOML, as people write it.

use super::Model;
use serde_json::{Map, Value};

impl Model {
    /// The layers as TOML, a table for each with its arguments, as [`Self::from_toml`] reads it. The images' shape is left to the data.
    pub fn to_toml(&self) -> String {
        let described = serde_json::to_value(self).unwrap_or_default();
        let layers = described["layers"].as_array().map_or(&[][..], Vec::as_slice);
        let tables = layers.iter().filter_map(Value::as_object).map(table);
        tables.collect::<Vec<_>>().join("\n")
    }
}

fn table(layer: &Map<String, Value>) -> String {
    let lines = layer.iter().filter_map(|(key, value)| Some(format!("{key} = {}\n", text(value)?)));
    ["[[layers]]\n".to_owned()].into_iter().chain(lines).collect()
}

/// A value in one line; none for null, which TOML has not.
fn text(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Array(items) => format!("[{}]", items.iter().filter_map(text).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entries = entries.iter().filter_map(|(key, value)| Some(format!("{key} = {}", text(value)?)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        // Strings of JSON are strings of TOML.
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Functional;
    use crate::graph::Preset;
    use crate::layers::{Activation, ActivationLayer, Add, Conv2D, Dense, Flatten, Padding};

    #[test]
    fn a_model_is_read_as_it_was_written() {
        let mut models: Vec<Model> = Preset::ALL.map(|preset| preset.build([28, 28, 1], 7)).to_vec();
        let functional = Functional::new([28, 28, 1])
            .add("a", Conv2D::new(4, [3, 5]).padding(Padding::Same), &["input"])
            .add("b", ActivationLayer::new(Activation::Relu), &["a"])
            .add("sum", Add {}, &["a", "b"])
            .add("flat", Flatten {}, &["sum"])
            .add("end", Dense::new(3).activation(Activation::Softmax), &["flat"]);
        models.push(functional.into());
        for model in models {
            let text = model.to_toml();
            assert_eq!(Model::from_toml(&text, [28, 28, 1]).expect(&text), model, "{text}");
        }
        let cnn = Preset::Cnn.build([28, 28, 1], 10).to_toml();
        assert!(cnn.starts_with("[[layers]]\ntype = \"Conv2D\"\nfilters = 64\nkernel_size = "), "{cnn}");
    }
}
