//! Weights of classes in the loss of training.

use super::args::in_f32;
use crate::error::{Number, Result, usage};
use serde::de::{Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The factor by which the loss of an image of each class counts; 1 for a class that is not named (Keras's `class_weight` of `fit`). The
/// loss stays the sum over the batch divided by its images, whatever the weights are. On the command line `0=1.5,3=0.2`; in a file a
/// list, or a table from class to weight.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ClassWeights(BTreeMap<u8, f64>);

impl ClassWeights {
    /// These weights, each of a class; of a class that comes twice the last.
    pub fn new(weights: impl IntoIterator<Item = (u8, f64)>) -> Self {
        Self(weights.into_iter().collect())
    }

    /// Weights by which all classes of `labels` together count the same: the number of images over those of the class, over the number of
    /// classes, as scikit-learn's `balanced` has it. A class without an image has none.
    pub fn balanced(labels: &[u8]) -> Self {
        let mut images = BTreeMap::new();
        labels.iter().for_each(|label| *images.entry(*label).or_insert(0_usize) += 1);
        let mean = labels.len() as f64 / images.len().max(1) as f64;
        Self::new(images.into_iter().map(|(class, images)| (class, mean / images as f64)))
    }

    /// The weights of the classes 0 to `classes` - 1.
    pub(crate) fn of(&self, classes: usize) -> Vec<f32> {
        (0..classes)
            .map(|class| u8::try_from(class).map_or(1.0, |class| *self.0.get(&class).unwrap_or(&1.0)) as f32)
            .collect()
    }

    /// The highest class that has a weight.
    pub(crate) fn last(&self) -> Option<usize> {
        self.0.last_key_value().map(|(class, _)| usize::from(*class))
    }

    /// Whether no image of a model of `classes` classes counts.
    pub(crate) fn are_zero(&self, classes: usize) -> bool {
        self.of(classes).iter().all(|weight| *weight == 0.0)
    }

    pub(super) fn check(&self) -> Result<()> {
        match self.0.iter().find(|(_, weight)| !in_f32(**weight) || **weight < 0.0) {
            Some((class, weight)) => Err(usage!(
                "a class_weight of {} for class {class}; it must be at least 0, and a number that f32 can hold",
                Number(*weight)
            )),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ClassWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs: Vec<String> = self.0.iter().map(|(class, weight)| format!("{class}={weight:.4}")).collect();
        f.write_str(&pairs.join(","))
    }
}

impl FromStr for ClassWeights {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let pair = |item: &str| {
            let (class, weight) = item.split_once('=')?;
            Some((class.trim().parse().ok()?, weight.trim().parse().ok()?))
        };
        let mut weights = BTreeMap::new();
        for item in text.split(',') {
            let (class, weight) =
                pair(item).ok_or_else(|| format!("`{item}` is no weight of a class, such as 3=0.2"))?;
            if weights.insert(class, weight).is_some() {
                return Err(format!("class {class} has two weights"));
            }
        }
        Ok(Self(weights))
    }
}

impl<'de> Deserialize<'de> for ClassWeights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let mut weights = BTreeMap::new();
        for (class, weight) in WrittenWeights::deserialize(deserializer)?.pairs() {
            let number = class
                .parse()
                .map_err(|_| D::Error::invalid_value(Unexpected::Str(&class), &"the number of a class"))?;
            if weights.insert(number, weight).is_some() {
                return Err(D::Error::custom(format!("class {class} has two weights")));
            }
        }
        Ok(Self(weights))
    }
}

/// Weights of classes as files have them.
#[derive(Debug)]
pub(crate) enum WrittenWeights {
    /// From class 0 on.
    List(Vec<f64>),
    /// From class, by number or name, to weight: all, if there are several of a class.
    Table(Vec<(String, f64)>),
}

impl WrittenWeights {
    /// Each with its class.
    pub(crate) fn pairs(self) -> Vec<(String, f64)> {
        match self {
            Self::List(weights) => (0_usize..).map(|class| class.to_string()).zip(weights).collect(),
            Self::Table(pairs) => pairs,
        }
    }
}

impl<'de> Deserialize<'de> for WrittenWeights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct ListOrTable;

        impl<'de> Visitor<'de> for ListOrTable {
            type Value = WrittenWeights;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("weights of classes, as a list or as a table from class to weight")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<WrittenWeights, A::Error> {
                let mut weights = Vec::new();
                while let Some(weight) = list.next_element()? {
                    weights.push(weight);
                }
                Ok(WrittenWeights::List(weights))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> std::result::Result<WrittenWeights, A::Error> {
                let mut weights = Vec::new();
                while let Some(pair) = table.next_entry()? {
                    weights.push(pair);
                }
                Ok(WrittenWeights::Table(weights))
            }
        }

        deserializer.deserialize_any(ListOrTable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_read_from_options_lists_and_tables() {
        let expected = ClassWeights::new([(0, 1.5), (3, 0.2)]);
        assert_eq!("0=1.5, 3=0.2".parse(), Ok(expected.clone()));
        assert_eq!(serde_json::from_str::<ClassWeights>(r#"{"0": 1.5, "3": 0.2}"#).expect("a map"), expected);
        let text = serde_json::to_string(&expected).expect("serialises");
        assert_eq!(serde_json::from_str::<ClassWeights>(&text).expect("reads back"), expected);
        let list = serde_json::from_str::<ClassWeights>("[2, 1, 0.5]").expect("a list");
        assert_eq!((list.of(4), expected.of(4)), (vec![2.0, 1.0, 0.5, 1.0], vec![1.5, 1.0, 1.0, 0.2]));
        let balanced = ClassWeights::balanced(&[0, 2, 2, 0, 0, 0, 2, 7]);
        assert_eq!(balanced, ClassWeights::new([(0, 8.0 / 12.0), (2, 8.0 / 9.0), (7, 8.0 / 3.0)]));
        for wrong in ["", "1", "1=x", "x=1", "300=1", "1=2,1=3", "-1=2"] {
            assert!(wrong.parse::<ClassWeights>().is_err(), "{wrong}");
        }
        for wrong in [r#"{"a": 1}"#, r#"{"300": 1}"#, r#"["a"]"#, "3", r#"{"1": 2, "01": 3}"#] {
            assert!(serde_json::from_str::<ClassWeights>(wrong).is_err(), "{wrong}");
        }
        for weight in [-1.0, f64::NAN, f64::INFINITY, 1e39] {
            assert!(ClassWeights::new([(1, weight)]).check().is_err(), "{weight}");
        }
    }
}
