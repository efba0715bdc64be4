//! The names of a struct's fields, as its deserializer asks for them.

use serde::Deserialize;
use serde::de::value::Error;
use serde::de::{Deserializer, Error as _, Visitor};

/// Names of the fields of `T` in files; empty for what is no struct.
pub(super) fn fields_of<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    let mut found: &'static [&'static str] = &[];
    // Never succeeds, since there is no input: the names are what is asked for.
    let _ = T::deserialize(Fields(&mut found));
    found
}

struct Fields<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(Error::custom("no input"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("no input"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use crate::layers::AnyLayer;

    #[test]
    fn every_layer_tells_its_arguments() {
        assert_eq!(AnyLayer::arguments("Dropout"), Some(&["rate"][..]));
        assert_eq!(AnyLayer::arguments("Flatten"), Some(&[][..]));
        assert!(AnyLayer::arguments("Conv2D").expect("a layer").contains(&"kernel_size"));
        assert_eq!(AnyLayer::arguments("Lambda"), None);
        let all = AnyLayer::KINDS.iter().filter(|kind| AnyLayer::arguments(kind).is_some());
        assert_eq!(all.count(), AnyLayer::KINDS.len());
    }
}
