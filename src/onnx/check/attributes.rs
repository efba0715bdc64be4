//! Attributes of a node.

use crate::error::{Result, usage};
use crate::onnx::message::{Attribute, FLOAT, INT, INTS};
use std::collections::HashMap;

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Float(f32),
    Int(i64),
    Ints(Vec<i64>),
}

/// The attributes of a node by name.
#[derive(Debug, Default)]
pub(super) struct Attributes(HashMap<String, Value>);

/// The attributes of an operator that are known here; none if the operator is not.
fn known(op: &str) -> Option<&'static [&'static str]> {
    Some(match op {
        "Add" | "Sub" | "Mul" | "Div" | "Min" | "Max" | "LessOrEqual" | "Where" | "PRelu" | "Clip" | "MatMul"
        | "Gemm" | "Identity" | "Neg" | "Relu" | "Sigmoid" | "Tanh" | "Erf" | "Softplus" | "Sqrt" | "Reshape"
        | "Pad" | "GlobalMaxPool" | "GlobalAveragePool" => &[],
        "LeakyRelu" | "Elu" => &["alpha"],
        "Selu" => &["alpha", "gamma"],
        "HardSigmoid" => &["alpha", "beta"],
        "Softmax" | "Flatten" | "Concat" => &["axis"],
        "Transpose" => &["perm"],
        "ReduceMean" => &["axes", "keepdims"],
        "BatchNormalization" => &["epsilon"],
        "LayerNormalization" => &["axis", "epsilon"],
        "Conv" => &["kernel_shape", "strides", "pads", "dilations", "group"],
        "MaxPool" => &["kernel_shape", "strides", "pads"],
        "AveragePool" => &["kernel_shape", "strides", "pads", "count_include_pad"],
        _ => return None,
    })
}

impl Attributes {
    /// Those of a node of the operator `op`.
    pub(super) fn new(op: &str, attributes: Vec<Attribute>) -> Result<Self> {
        let Some(known) = known(op) else { return Err(usage!("the operator is not known here")) };
        let mut values = HashMap::new();
        for Attribute { name, f, i, ints, r#type } in attributes {
            let name = name.unwrap_or_default();
            if !known.contains(&name.as_str()) {
                return Err(usage!("the attribute `{name}` is not known here"));
            }
            let value = match (r#type, f, i) {
                (Some(FLOAT), Some(f), None) => Value::Float(f),
                (Some(INT), None, Some(i)) => Value::Int(i),
                (Some(INTS), None, None) => Value::Ints(ints),
                (other, ..) => {
                    return Err(usage!("the attribute `{name}` is of type {other:?}, or has no value of it"));
                }
            };
            if values.insert(name.clone(), value).is_some() {
                return Err(usage!("two attributes `{name}`"));
            }
        }
        Ok(Self(values))
    }

    /// A number that has to be there.
    pub(super) fn float(&self, name: &str) -> Result<f64> {
        match self.0.get(name) {
            Some(Value::Float(f)) => Ok(f64::from(*f)),
            other => Err(usage!("the attribute `{name}` is {other:?}; expected a number")),
        }
    }

    /// A whole number that has to be there.
    pub(super) fn int(&self, name: &str) -> Result<i64> {
        match self.0.get(name) {
            Some(Value::Int(i)) => Ok(*i),
            other => Err(usage!("the attribute `{name}` is {other:?}; expected a whole number")),
        }
    }

    /// Whole numbers of at least 0, `N` of them.
    pub(super) fn sizes<const N: usize>(&self, name: &str) -> Result<[usize; N]> {
        let all = self.list(name)?;
        let sizes: Option<Vec<usize>> = all.iter().map(|i| usize::try_from(*i).ok().filter(|n| *n < 1 << 30)).collect();
        let sizes = sizes.and_then(|sizes| sizes.try_into().ok());
        sizes.ok_or_else(|| usage!("the attribute `{name}` is {all:?}; expected {N} sizes"))
    }

    /// Whole numbers.
    pub(super) fn list(&self, name: &str) -> Result<&[i64]> {
        match self.0.get(name) {
            Some(Value::Ints(ints)) => Ok(ints),
            other => Err(usage!("the attribute `{name}` is {other:?}; expected a list")),
        }
    }

    /// An axis of a tensor of `rank` axes; negative ones count from the last.
    pub(super) fn axis(&self, name: &str, rank: usize) -> Result<usize> {
        axis(self.int(name)?, rank)
    }
}

/// The index of `axis` among `rank`; negative ones count from the last.
pub(super) fn axis(axis: i64, rank: usize) -> Result<usize> {
    let index = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
    let index = usize::try_from(index).ok().filter(|index| *index < rank);
    index.ok_or_else(|| usage!("axis {axis} of {rank}"))
}
