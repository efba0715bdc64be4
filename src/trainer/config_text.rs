//! How settings are read: from options of the command line and from configuration files.

#[cfg(feature = "cli")]
use super::schedule::{Scaling, Schedule};
#[cfg(feature = "cli")]
use crate::layers::{Loss, OnNan};
use crate::layers::{Optimizer, in_f32};
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};

pub(super) const LEARNING_RATE: &str = "it must be a positive number that f32 can hold";

pub(super) fn is_learning_rate(value: f64) -> bool {
    in_f32(value) && value > 0.0
}

#[cfg(feature = "cli")]
pub(super) fn positive(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if is_learning_rate(value) => Ok(value),
        _ => Err(LEARNING_RATE.into()),
    }
}

/// The opposite of a switch.
#[cfg(feature = "cli")]
pub(super) fn not(text: &str) -> std::result::Result<bool, String> {
    text.parse::<bool>().map(|value| !value).map_err(|_| "it must be true or false".into())
}

#[cfg(feature = "cli")]
pub(super) fn schedule(name: &str) -> std::result::Result<Schedule, String> {
    Schedule::named(name).ok_or_else(|| format!("it must be {}", Schedule::NAMES.join(", ")))
}

#[cfg(feature = "cli")]
pub(super) fn scaling(name: &str) -> std::result::Result<Scaling, String> {
    Scaling::named(name).ok_or_else(|| format!("it must be {}", Scaling::NAMES.join(", ")))
}

#[cfg(feature = "cli")]
pub(super) fn loss(name: &str) -> std::result::Result<Loss, String> {
    Loss::named(name).ok_or_else(|| format!("it must be {}", Loss::NAMES.join(", ")))
}

#[cfg(feature = "cli")]
pub(super) fn on_nan(name: &str) -> std::result::Result<OnNan, String> {
    OnNan::named(name).ok_or_else(|| format!("it must be {}", OnNan::NAMES.join(" or ")))
}

#[cfg(feature = "cli")]
pub(super) fn optimizer(name: &str) -> std::result::Result<Optimizer, String> {
    Optimizer::named(name).ok_or_else(|| format!("it must be {}", Optimizer::NAMES.join(", ")))
}

/// Reads an optimizer's name, which has the defaults, or a table with its `type` and arguments.
pub(super) fn optimizer_or_name<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Optimizer, D::Error> {
    struct NameOrTable;

    impl<'de> Visitor<'de> for NameOrTable {
        type Value = Optimizer;

        fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
            write!(f, "an optimizer's name ({}), or a table with its `type` and arguments", Optimizer::NAMES.join(", "))
        }

        fn visit_str<E: serde::de::Error>(self, name: &str) -> std::result::Result<Optimizer, E> {
            Optimizer::named(name).ok_or_else(|| E::invalid_value(Unexpected::Str(name), &self))
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Optimizer, A::Error> {
            let mut settings = Vec::new();
            while let Some(setting) = map.next_entry()? {
                settings.push(setting);
            }
            Optimizer::of(settings).map_err(A::Error::custom)
        }
    }

    deserializer.deserialize_any(NameOrTable)
}
