//! Keras's serialised objects: a class and its configuration.

use crate::error::{Result, usage};
use crate::graph::culprit::shown;
use serde_json::{Map, Value};

/// `{"class_name": ..., "config": {...}}`, with what stands beside these.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object<'a> {
    pub(super) class: &'a str,
    pub(super) config: &'a Map<String, Value>,
    whole: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    /// `value` as an object of a class, if it is one.
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        let whole = value.as_object()?;
        Some(Self { class: whole.get("class_name")?.as_str()?, config: whole.get("config")?.as_object()?, whole })
    }

    /// What stands beside the class under `key`.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.whole.get(key)
    }

    /// The name, from beside the class or from the configuration.
    pub(super) fn name(&self) -> Option<&'a str> {
        self.whole.get("name").or_else(|| self.config.get("name"))?.as_str()
    }

    /// Whether it is a model rather than a layer.
    pub(super) fn is_model(&self) -> bool {
        ["Sequential", "Functional", "Model"].contains(&self.class)
    }

    /// # Errors
    /// If the class is not Keras's own, whatever it is called.
    pub(super) fn check_module(&self) -> Result<()> {
        let text = |key| self.whole.get(key).and_then(Value::as_str);
        let is_own = |module: &str| {
            ["keras", "tf_keras", "tensorflow", "builtins"].contains(&module.split('.').next().unwrap_or_default())
        };
        if let Some(module) = text("module").filter(|module| !is_own(module)) {
            return Err(usage!("the class is of the module `{module}`; custom objects are not supported"));
        }
        // A class of the user's own has no module, whatever it is called.
        let has_no_module = self.whole.get("module").is_some_and(Value::is_null);
        match text("registered_name").filter(|name| has_no_module || name.contains('>')) {
            Some(name) => Err(usage!("the class is registered as `{name}`; custom objects are not supported")),
            None => Ok(()),
        }
    }
}

/// `value` with Keras's tuples as lists.
pub(super) fn plain(value: &Value) -> Value {
    match value {
        Value::Object(map) if map.get("class_name").and_then(Value::as_str) == Some("__tuple__") => {
            let items = map.get("items").or_else(|| map.get("config")?.get("value"));
            items.map_or(Value::Null, plain)
        }
        Value::Array(items) => items.iter().map(plain).collect(),
        other => other.clone(),
    }
}

/// Mixed precision is taken for what its variables are, float32; here it computes in that, too.
///
/// # Errors
/// If `value`, the dtype of a layer, is not one whose variables are float32.
pub(super) fn check_dtype(value: &Value) -> Result<()> {
    let name = match Object::of(value) {
        // DTypePolicy, in Keras 2 Policy.
        Some(policy) => policy.config.get("name").and_then(Value::as_str),
        None => value.as_str(),
    };
    match name {
        Some("float32" | "mixed_float16" | "mixed_bfloat16") => Ok(()),
        _ if value.is_null() => Ok(()),
        Some(other) => Err(usage!("dtype = \"{other}\" is not supported; only float32 is")),
        None => Err(usage!("dtype = {} is not supported; only float32 is", shown(value))),
    }
}

/// # Errors
/// If a model of this version of Keras means something else by a name than Keras 3.
pub(super) fn check_version(version: Option<&str>, config: &str) -> Result<()> {
    match version.filter(|version| version.starts_with("2.") && config.contains("\"hard_sigmoid\"")) {
        Some(version) => Err(usage!(
            "the model is of Keras {version}, whose hard_sigmoid is another function than Keras 3's; it is not supported"
        )),
        None => Ok(()),
    }
}
