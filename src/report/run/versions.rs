//! When and by what a run is made, as its description says.

use serde_json::{Value, json};
use std::time::SystemTime;

/// The present time, to the second.
pub(super) fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// The versions of this program and of the crates that generate GPU code, from Cargo.lock.
pub(crate) fn versions() -> Value {
    let lock = include_str!("../../../Cargo.lock");
    let of = |name: &str| {
        let entry = lock.split_once(&format!("name = \"{name}\"\nversion = \""));
        entry.and_then(|(_, rest)| rest.split_once('"')).map(|(version, _)| version)
    };
    json!({ "gpu-cnn": env!("CARGO_PKG_VERSION"), "wgpu": of("wgpu"), "naga": of("naga") })
}
