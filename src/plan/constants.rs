//! Typed constants of a shader.

use std::collections::BTreeMap;

/// The value of a WGSL constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// `u32`.
    U32(u32),
    /// `bool`.
    Bool(bool),
    /// `f32`.
    F32(f32),
    /// `array<f32, n>`.
    F32s(Vec<f32>),
}

impl From<u32> for Constant {
    fn from(value: u32) -> Self {
        Self::U32(value)
    }
}

impl From<usize> for Constant {
    /// # Panics
    /// If the value exceeds 32 bits, in which shaders count.
    fn from(value: usize) -> Self {
        Self::U32(u32::try_from(value).expect("sizes that shaders see fit 32 bits"))
    }
}

impl From<bool> for Constant {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f32> for Constant {
    fn from(value: f32) -> Self {
        Self::F32(value)
    }
}

impl From<Vec<f32>> for Constant {
    fn from(values: Vec<f32>) -> Self {
        Self::F32s(values)
    }
}

/// Named constants that are declared before the files of a shader.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Constants(Vec<(&'static str, Constant)>);

impl Constants {
    /// No constants yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// These constants and `name`.
    ///
    /// # Panics
    /// If there is a constant of this name already: one of the two would be lost.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Constant>) -> Self {
        assert!(self.0.iter().all(|(known, _)| *known != name), "constant {name} is given twice");
        self.0.push((name, value.into()));
        self
    }

    /// These constants and all of `others`.
    ///
    /// # Panics
    /// If both have a constant of one name.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        others.0.into_iter().fold(self, |all, (name, value)| all.with(name, value))
    }

    /// Their declarations in WGSL.
    pub fn declarations(&self) -> String {
        let line = |(name, value): &(&str, Constant)| match value {
            Constant::U32(value) => format!("const {name} = {value}u;\n"),
            Constant::Bool(value) => format!("const {name} = {value};\n"),
            // Rust prints the shortest decimal that reads back as the same f32.
            Constant::F32(value) => format!("const {name} = {value:?}f;\n"),
            Constant::F32s(values) => {
                let listed: Vec<String> = values.iter().map(|value| format!("{value:?}f")).collect();
                format!("const {name} = array<f32, {}>({});\n", values.len(), listed.join(", "))
            }
        };
        self.0.iter().map(line).collect()
    }

    /// The constants of type `u32`, which may bound a loop that is unrolled.
    pub fn bounds(&self) -> BTreeMap<&'static str, u64> {
        let bound = |(name, value): &(&'static str, Constant)| match value {
            Constant::U32(value) => Some((*name, u64::from(*value))),
            _ => None,
        };
        self.0.iter().filter_map(bound).collect()
    }
}

/// `constants! { ROWS: rows, PADDED: false }`: constants by name.
macro_rules! constants {
    ($($name:ident: $value:expr),* $(,)?) => {
        $crate::plan::Constants::new()$(.with(stringify!($name), $value))*
    };
}
pub(crate) use constants;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_its_declaration() {
        let all = Constants::new()
            .with("ROWS", 3usize)
            .and(Constants::new().with("OPEN", true).with("EPSILON", 1e-7f32).with("W", vec![1.0, 0.5]));
        assert_eq!(
            all.declarations(),
            "const ROWS = 3u;\nconst OPEN = true;\nconst EPSILON = 1e-7f;\nconst W = array<f32, 2>(1.0f, 0.5f);\n"
        );
        assert_eq!(all.bounds(), BTreeMap::from([("ROWS", 3)]));
    }

    #[test]
    #[should_panic(expected = "constant ROWS is given twice")]
    fn a_name_given_twice_panics() {
        let _ = Constants::new().with("ROWS", 3usize).and(Constants::new().with("ROWS", 4usize));
    }
}
