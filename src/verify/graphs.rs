//! Cases that are no chain: residual networks, and branches that are joined.

use super::case::{Case, case};
use crate::graph::Functional;
use crate::layers::Activation::{Relu, Softmax};
use crate::layers::{ActivationLayer, Add, Concatenate, Conv2D, Dense, Flatten, MaxPooling2D, Padding::Same};

/// Models that are no chain.
pub(super) fn graphs() -> Vec<Case> {
    let conv = |filters| Conv2D::new(filters, 3).padding(Same);
    let end = |model: Functional, input: &str| {
        model.add("flat", Flatten {}, &[input]).add("end", Dense::new(3).activation(Softmax), &["flat"])
    };
    vec![
        case(
            "residual network",
            2,
            end(
                Functional::new([8, 9, 1])
                    .add("stem", conv(4).activation(Relu), &["input"])
                    .add("a1", conv(4).activation(Relu), &["stem"])
                    .add("a2", conv(4), &["a1"])
                    .add("a", Add {}, &["a2", "stem"])
                    .add("a_relu", ActivationLayer::new(Relu), &["a"])
                    .add("b1", conv(6).strides(2).activation(Relu), &["a_relu"])
                    .add("b2", conv(6), &["b1"])
                    .add("shortcut", Conv2D::new(6, 1).strides(2), &["a_relu"])
                    .add("b", Add {}, &["b2", "shortcut"])
                    .add("b_relu", ActivationLayer::new(Relu), &["b"])
                    .add("pool", MaxPooling2D::new(2), &["b_relu"]),
                "pool",
            ),
        ),
        case(
            "residual network, channels not divisible by four, over a fused pool",
            3,
            end(
                Functional::new([11, 9, 2])
                    .add("stem", conv(5).activation(Relu), &["input"])
                    .add("pool", MaxPooling2D::new(2), &["stem"])
                    .add("a1", conv(5).activation(Relu), &["pool"])
                    .add("a", Add {}, &["a1", "pool"])
                    .add("b1", conv(5), &["a"])
                    .add("b", Add {}, &["b1", "a", "pool"]),
                "b",
            ),
        ),
        case(
            "branches joined along the channels, the rows and the units",
            2,
            Functional::new([6, 6, 2])
                .add("a", conv(3).activation(Relu), &["input"])
                .add("b", Conv2D::new(5, 1).activation(Relu), &["input"])
                .add("channels", Concatenate::new(), &["a", "b", "input"])
                .add("c", conv(4), &["channels"])
                .add("d", Conv2D::new(4, [3, 1]).activation(Relu), &["channels"])
                .add("rows", Concatenate::new().axis(1), &["c", "d", "c"])
                .add("pool", MaxPooling2D::new([2, 3]), &["rows"])
                .add("flat", Flatten {}, &["pool"])
                .add("e", Dense::new(6).activation(Relu), &["flat"])
                .add("f", Dense::new(3), &["flat"])
                .add("units", Concatenate::new().axis(-1), &["e", "f"])
                .add("end", Dense::new(4).activation(Softmax), &["units"]),
        ),
        case(
            "a value used twice by one layer, and by a layer and a pool",
            2,
            end(
                Functional::new([6, 8, 1])
                    .add("a", conv(4).activation(Relu), &["input"])
                    .add("twice", Add {}, &["a", "a"])
                    .add("pool", MaxPooling2D::new(2), &["twice"])
                    .add("b", conv(4).strides(2).activation(Relu), &["twice"])
                    .add("sum", Add {}, &["pool", "b"]),
                "sum",
            ),
        ),
    ]
}
