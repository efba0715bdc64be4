//! Cases of joins: of tensors of one shape, and of tensors that are broadcast.

use super::case::{Case, case};
use crate::graph::Functional;
use crate::layers::Activation::{Relu, Sigmoid, Softmax, Tanh};
use crate::layers::Padding::Same;
use crate::layers::{
    Add, AnyLayer, Average, AveragePooling2D, Conv2D, Dense, Flatten, GlobalAveragePooling2D, GlobalMaxPooling2D,
    MaxPooling2D, Maximum, Multiply, Reshape, Subtract,
};

/// Joins of every kind.
pub(super) fn joins() -> Vec<Case> {
    of_one_shape().into_iter().chain(broadcasts()).chain(gates()).collect()
}

/// Each join, of two and of several tensors, one of them twice, one that is the input, and one behind a ReLU.
fn of_one_shape() -> Vec<Case> {
    let several: [(&str, AnyLayer); 3] =
        [("multiply", Multiply {}.into()), ("average", Average {}.into()), ("maximum", Maximum {}.into())];
    let of_several = several.map(|(name, join)| {
        let model = Functional::new([5, 4, 2])
            .add("a", Conv2D::new(3, 2).activation(Relu), &["input"])
            .add("b", Conv2D::new(3, 2), &["input"])
            .add("c", Conv2D::new(3, 2).activation(Relu), &["input"])
            .add("two", join.clone(), &["a", "b"])
            .add("four", join, &["two", "c", "b", "b"])
            .add("flat", Flatten {}, &["four"])
            .add("end", Dense::new(3).activation(Softmax), &["flat"]);
        case(name, 3, model)
    });
    let subtract = Functional::new([4, 4, 4])
        .add("a", Conv2D::new(4, 1).activation(Relu), &["input"])
        .add("b", Conv2D::new(4, 1), &["a"])
        .add("from_input", Subtract {}, &["input", "a"])
        .add("difference", Subtract {}, &["b", "from_input"])
        .add("flat", Flatten {}, &["difference"])
        .add("end", Dense::new(3).activation(Softmax), &["flat"]);
    of_several.into_iter().chain([case("subtract", 2, subtract)]).collect()
}

/// Joins of a tensor [7, 6, channels] with all that is broadcast to it, as the first and as the second input: along both, either and
/// neither of height and width, along the channels, and along all; and the channels alone.
fn broadcasts() -> Vec<Case> {
    let every =
        [("broadcast along all axes", 8), ("broadcast along all axes, odd channels", 5)].map(|(name, channels)| {
            let model = Functional::new([7, 6, 2])
                .add("all", Conv2D::new(channels, 2).padding(Same).activation(Tanh), &["input"])
                .add("of_channels", GlobalAveragePooling2D { keepdims: true }, &["all"])
                .add("flat_channels", GlobalMaxPooling2D { keepdims: false }, &["all"])
                .add("of_rows", AveragePooling2D::new([1, 6]), &["all"])
                .add("of_columns", AveragePooling2D::new([7, 1]), &["all"])
                .add("of_pixels", Conv2D::new(1, 1), &["all"])
                .add("of_widths", AveragePooling2D::new([7, 1]), &["of_pixels"])
                .add("one", GlobalAveragePooling2D { keepdims: true }, &["of_pixels"])
                .add("y1", Multiply {}, &["all", "of_channels"])
                .add("y2", Multiply {}, &["flat_channels", "y1"])
                .add("y3", Multiply {}, &["of_rows", "of_columns"])
                .add("y4", Maximum {}, &["y3", "of_pixels"])
                .add("y5", Multiply {}, &["of_widths", "y4"])
                .add("y6", Subtract {}, &["y5", "one"])
                .add("y7", Add {}, &["y2", "y6"])
                .add("flat", Flatten {}, &["y7"])
                .add("end", Dense::new(3).activation(Softmax), &["flat"]);
            Case { images: 2, ..case(name, 3, model) }
        });
    let joins: [(&str, usize, AnyLayer); 4] = [
        ("sum of several, broadcast", 3, Add {}.into()),
        ("product of several, broadcast", 4, Multiply {}.into()),
        ("mean of several, broadcast", 4, Average {}.into()),
        ("maximum of several, broadcast", 3, Maximum {}.into()),
    ];
    let of_several = joins.map(|(name, channels, join)| {
        let model = Functional::new([5, 4, 2])
            .add("a", Conv2D::new(channels, 2).activation(Relu), &["input"])
            .add("channels", GlobalAveragePooling2D { keepdims: true }, &["a"])
            .add("pixels", Conv2D::new(1, 2), &["input"])
            .add("four", join, &["channels", "pixels", "a", "channels"])
            .add("flat", Flatten {}, &["four"])
            .add("end", Dense::new(3).activation(Softmax), &["flat"]);
        case(name, 2, model)
    });
    every.into_iter().chain(of_several).collect()
}

/// Channels and pixels that are weighted by what a small network makes of them (Hu et al. 2018), with dense layers over the last axis.
fn gates() -> Vec<Case> {
    let squeezed = |name, batch, channels: usize| {
        let model = Functional::new([14, 19, 1])
            .add("conv", Conv2D::new(channels, 3).activation(Relu), &["input"])
            .add("pool", MaxPooling2D::new([1, 2]), &["conv"])
            .add("squeeze", GlobalAveragePooling2D { keepdims: false }, &["pool"])
            .add("view", Reshape::new([1, 1, -1]), &["squeeze"])
            .add("less", Dense::new(channels.div_ceil(3)).activation(Relu), &["view"])
            .add("excite", Dense::new(channels).activation(Sigmoid), &["less"])
            .add("scaled", Multiply {}, &["pool", "excite"])
            .add("mask", Dense::new(1).activation(Sigmoid), &["scaled"])
            .add("masked", Multiply {}, &["mask", "scaled"])
            .add("pixels", Dense::new(3).activation(Relu), &["masked"])
            .add("flat", Flatten {}, &["pixels"])
            .add("end", Dense::new(3).activation(Softmax), &["flat"]);
        case(name, batch, model)
    };
    vec![squeezed("squeeze and excite", 2, 8), squeezed("squeeze and excite, odd channels", 3, 7)]
}
