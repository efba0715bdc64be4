//! The messages of an ONNX file, those fields of them that this project writes: tags and types as in onnx.proto, syntax proto2.
//!
//! Repeated integers are not packed, as proto2 has it, and single numbers are written even where they are zero: readers tell by their presence what an
//! attribute holds.

use prost::Message;

/// A whole file.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Model {
    #[prost(int64, optional, tag = "1")]
    pub(super) ir_version: Option<i64>,
    #[prost(string, optional, tag = "2")]
    pub(super) producer_name: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(super) producer_version: Option<String>,
    #[prost(message, optional, tag = "7")]
    pub(super) graph: Option<Graph>,
    #[prost(message, repeated, tag = "8")]
    pub(super) opset_import: Vec<OperatorSet>,
    #[prost(message, repeated, tag = "14")]
    pub(super) metadata_props: Vec<Entry>,
}

/// The version of the operators of a domain; the empty domain is ONNX's own.
#[derive(Clone, PartialEq, Message)]
pub(super) struct OperatorSet {
    #[prost(string, optional, tag = "1")]
    pub(super) domain: Option<String>,
    #[prost(int64, optional, tag = "2")]
    pub(super) version: Option<i64>,
}

/// A key and its value.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Entry {
    #[prost(string, optional, tag = "1")]
    pub(super) key: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(super) value: Option<String>,
}

/// Nodes in topological order, with the constants that they take.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Graph {
    #[prost(message, repeated, tag = "1")]
    pub(super) node: Vec<Node>,
    #[prost(string, optional, tag = "2")]
    pub(super) name: Option<String>,
    #[prost(message, repeated, tag = "5")]
    pub(super) initializer: Vec<Tensor>,
    #[prost(message, repeated, tag = "11")]
    pub(super) input: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    pub(super) output: Vec<ValueInfo>,
}

/// An operator over tensors, which are named.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Node {
    #[prost(string, repeated, tag = "1")]
    pub(super) input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub(super) output: Vec<String>,
    #[prost(string, optional, tag = "3")]
    pub(super) name: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub(super) op_type: Option<String>,
    #[prost(message, repeated, tag = "5")]
    pub(super) attribute: Vec<Attribute>,
}

/// A named argument of an operator; `r#type` is one of [`FLOAT`], [`INT`] and [`INTS`].
#[derive(Clone, PartialEq, Message)]
pub(super) struct Attribute {
    #[prost(string, optional, tag = "1")]
    pub(super) name: Option<String>,
    #[prost(float, optional, tag = "2")]
    pub(super) f: Option<f32>,
    #[prost(int64, optional, tag = "3")]
    pub(super) i: Option<i64>,
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub(super) ints: Vec<i64>,
    #[prost(int32, optional, tag = "20")]
    pub(super) r#type: Option<i32>,
}

/// The attribute is `f`.
pub(super) const FLOAT: i32 = 1;
/// The attribute is `i`.
pub(super) const INT: i32 = 2;
/// The attribute is `ints`.
pub(super) const INTS: i32 = 7;

/// A constant: its elements lie in `raw_data`, the lowest byte first, in row-major order.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Tensor {
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub(super) dims: Vec<i64>,
    #[prost(int32, optional, tag = "2")]
    pub(super) data_type: Option<i32>,
    #[prost(string, optional, tag = "8")]
    pub(super) name: Option<String>,
    #[prost(bytes = "vec", optional, tag = "9")]
    pub(super) raw_data: Option<Vec<u8>>,
}

/// Elements of 32 bits: `TensorProto.FLOAT`.
pub(super) const F32: i32 = 1;
/// Elements of 64 bits: `TensorProto.INT64`.
pub(super) const I64: i32 = 7;

/// An input or an output of the graph.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ValueInfo {
    #[prost(string, optional, tag = "1")]
    pub(super) name: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub(super) r#type: Option<Type>,
    #[prost(string, optional, tag = "3")]
    pub(super) doc_string: Option<String>,
}

/// A type: here always a tensor's.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Type {
    #[prost(message, optional, tag = "1")]
    pub(super) tensor_type: Option<TensorType>,
}

/// Element type and shape of a tensor.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorType {
    #[prost(int32, optional, tag = "1")]
    pub(super) elem_type: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub(super) shape: Option<Shape>,
}

/// The extents of a tensor.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Shape {
    #[prost(message, repeated, tag = "1")]
    pub(super) dim: Vec<Dimension>,
}

/// An extent: a number, or the name of one that is open.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Dimension {
    #[prost(int64, optional, tag = "1")]
    pub(super) dim_value: Option<i64>,
    #[prost(string, optional, tag = "2")]
    pub(super) dim_param: Option<String>,
}

impl Attribute {
    /// A number.
    pub(super) fn float(name: &str, f: f64) -> Self {
        Self { name: Some(name.into()), f: Some(f as f32), r#type: Some(FLOAT), ..Self::default() }
    }

    /// A whole number.
    pub(super) fn int(name: &str, i: i64) -> Self {
        Self { name: Some(name.into()), i: Some(i), r#type: Some(INT), ..Self::default() }
    }

    /// Several whole numbers.
    pub(super) fn ints(name: &str, ints: impl IntoIterator<Item = usize>) -> Self {
        let ints = ints.into_iter().map(|n| n as i64).collect();
        Self { name: Some(name.into()), ints, r#type: Some(INTS), ..Self::default() }
    }
}

impl Tensor {
    /// A constant of floats.
    pub(super) fn floats(name: &str, shape: &[usize], values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self::raw(name, shape.iter().map(|n| *n as i64).collect(), F32, bytes)
    }

    /// A constant of whole numbers, on one axis.
    pub(super) fn ints(name: &str, values: &[i64]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self::raw(name, vec![values.len() as i64], I64, bytes)
    }

    fn raw(name: &str, dims: Vec<i64>, data_type: i32, bytes: Vec<u8>) -> Self {
        Self { dims, data_type: Some(data_type), name: Some(name.into()), raw_data: Some(bytes) }
    }
}

impl ValueInfo {
    /// A batch of floats of this shape, of any number of images.
    pub(super) fn batch(name: &str, shape: &[usize], doc_string: &str) -> Self {
        let open = Dimension { dim_value: None, dim_param: Some("N".into()) };
        let extent = |n: &usize| Dimension { dim_value: Some(*n as i64), dim_param: None };
        let shape = Shape { dim: [open].into_iter().chain(shape.iter().map(extent)).collect() };
        let tensor_type = Some(TensorType { elem_type: Some(F32), shape: Some(shape) });
        Self { name: Some(name.into()), r#type: Some(Type { tensor_type }), doc_string: Some(doc_string.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_wire_format() {
        // Field 1 "a", field 3 zero although it is zero, field 20 INT.
        let zero = Attribute::int("a", 0).encode_to_vec();
        assert_eq!(zero, [0x0a, 1, b'a', 0x18, 0, 0xa0, 0x01, 2]);
        // Three fields 8, each with its tag.
        let several = Attribute::ints("b", [1, 2, 300]).encode_to_vec();
        assert_eq!(several, [0x0a, 1, b'b', 0x40, 1, 0x40, 2, 0x40, 0xac, 0x02, 0xa0, 0x01, 7]);
        let number = Attribute::float("c", 1.5).encode_to_vec();
        assert_eq!(number, [0x0a, 1, b'c', 0x15, 0, 0, 0xc0, 0x3f, 0xa0, 0x01, 1]);
        let constant = Tensor::floats("d", &[2, 1], &[1.0, -2.0]).encode_to_vec();
        let expected = [&[8, 2, 8, 1, 16, 1, 0x42, 1, b'd', 0x4a, 8][..], &[0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]].concat();
        assert_eq!(constant, expected);
        let open = ValueInfo::batch("x", &[10], "").encode_to_vec();
        // The type's tensor: float, of [N, 10].
        assert_eq!(open[3..], [0x12, 0x0f, 0x0a, 0x0d, 8, 1, 0x12, 9, 0x0a, 3, 0x12, 1, b'N', 0x0a, 2, 8, 10, 0x1a, 0]);
    }
}
