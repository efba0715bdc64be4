//! The arguments of a layer as a text has them.

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

/// An object in which no key is twice.
pub(crate) struct Arguments(pub(crate) Map<String, Value>);

impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Arguments;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a layer")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Arguments, A::Error> {
                let mut arguments = Map::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    if arguments.contains_key(&key) {
                        return Err(A::Error::custom(format!("duplicate field `{key}`")));
                    }
                    arguments.insert(key, value);
                }
                Ok(Arguments(arguments))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}
