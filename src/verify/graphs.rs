//! Cases that are no chain: residual networks, and branches that are joined.

use super::case::{Case, case};
use crate::graph::{Functional, Sequential};
use crate::layers::Activation::{Relu, Softmax};
use crate::layers::Padding::Same;
use crate::layers::{ActivationLayer, Add, Concatenate, Conv2D, Dense, Flatten, MaxPooling2D, Reshape, ZeroPadding2D};

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
    .into_iter()
    .chain(shapes())
    .collect()
}

/// Other shapes, and borders, also behind a fused pool and a ReLU.
fn shapes() -> Vec<Case> {
    let padded = |channels: usize, padding| {
        Sequential::new([6, 7, 1])
            .add(ZeroPadding2D::new([[1, 0], [2, 1]]))
            .add(Conv2D::new(channels, 2).activation(Relu))
            .add(MaxPooling2D::new(2))
            .add(ZeroPadding2D::new(padding))
            .add(Conv2D::new(3, 2).activation(Relu))
            .add(ZeroPadding2D::new([[0, 1], [1, 0]]))
            .add(Flatten {})
            .add(Dense::new(3).activation(Softmax))
    };
    let reshaped = Sequential::new([4, 6, 2])
        .add(Reshape::new([6, -1, 4]))
        .add(Conv2D::new(4, 2).activation(Relu))
        .add(Reshape::new([-1, 2, 2]))
        .add(Conv2D::new(3, [2, 1]))
        .add(Reshape::new([-1]))
        .add(Dense::new(3).activation(Softmax));
    vec![
        case("zero padding, channels that divide by four", 2, padded(4, [[1, 1], [1, 1]])),
        case("zero padding, odd channels", 3, padded(5, [[0, 3], [2, 0]])),
        case("reshape", 3, reshaped),
    ]
}
