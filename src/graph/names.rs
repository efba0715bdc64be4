//! Names of layers, as Keras makes them.

use std::collections::{HashMap, HashSet};

/// Keras's base name for a class: `max_pooling2d` for `MaxPooling2D`.
pub(super) fn snake_case(kind: &str) -> String {
    let chars: Vec<char> = kind.chars().collect();
    let mut name = String::new();
    for (i, c) in chars.iter().enumerate() {
        let begins_word = c.is_uppercase()
            && i > 0
            && (chars[i - 1].is_lowercase() || chars.get(i + 1).is_some_and(|next| next.is_lowercase()));
        if begins_word {
            name.push('_');
        }
        name.extend(c.to_lowercase());
    }
    name
}

/// Gives out names that are not taken: `conv2d`, `conv2d_1`, ...
#[derive(Debug, Default)]
pub(super) struct Namer {
    taken: HashSet<String>,
    counts: HashMap<String, usize>,
}

impl Namer {
    /// Keeps `name` from being given out; false if it is taken already.
    pub(super) fn take(&mut self, name: &str) -> bool {
        self.taken.insert(name.to_owned())
    }

    /// The next free name for a layer of this class.
    pub(super) fn next(&mut self, kind: &str) -> String {
        let base = snake_case(kind);
        loop {
            let count = self.counts.entry(base.clone()).or_default();
            let name = if *count == 0 { base.clone() } else { format!("{base}_{count}") };
            *count += 1;
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_keras() {
        let names = ["Conv2D", "MaxPooling2D", "DepthwiseConv2D", "BatchNormalization", "ReLU", "Dense", "Add"];
        let expected = ["conv2d", "max_pooling2d", "depthwise_conv2d", "batch_normalization", "re_lu", "dense", "add"];
        assert_eq!(names.map(snake_case), expected);
        let mut namer = Namer::default();
        assert!(namer.take("dense_1") && !namer.take("dense_1"));
        assert_eq!(["Dense"; 3].map(|kind| namer.next(kind)), ["dense", "dense_2", "dense_3"]);
    }
}
