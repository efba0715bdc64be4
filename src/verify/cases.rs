//! The table of models that kernels, gradients and shaders are checked with: a line here covers a layer everywhere.

use super::activations::activations;
use super::augmentations::augmentations;
use super::case::{Case, case, images};
use super::convolutions::{convolutions, depthwise, wide_convolutions};
use super::graphs::graphs;
use super::joins::joins;
use super::losses::losses;
use super::norms::norms;
use super::optimizers::optimizers;
use super::pooled::{other_pools, pooled};
use crate::graph::Preset;
use crate::layers::Activation::{Relu, Softmax};
use crate::layers::{ActivationLayer, Conv2D, Dense, Flatten, MaxPooling2D, Padding::Same};

/// Models small enough for finite differences; together they cover every layer, option and tile edge.
pub fn cases() -> Vec<Case> {
    vec![
        case("dense alone", 3, images(2, 3, 1).add(Flatten {}).add(Dense::new(4).activation(Softmax))),
        case(
            "dense, widths not divisible by the tile size",
            5,
            images(3, 3, 1).add(Flatten {}).add(Dense::new(33).activation(Relu)).add(Dense::new(7).activation(Softmax)),
        ),
        case(
            "dense, three tiles",
            65,
            images(5, 7, 1).add(Flatten {}).add(Dense::new(68).activation(Relu)).add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "dense without activation",
            4,
            images(2, 2, 3).add(Flatten {}).add(Dense::new(5)).add(Dense::new(6).activation(Softmax)),
        ),
        case(
            "conv, 1 channel",
            2,
            images(6, 5, 1)
                .add(Conv2D::new(4, 3).activation(Relu))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "conv, batch 1",
            1,
            images(5, 5, 2)
                .add(Conv2D::new(3, 2).activation(Relu))
                .add(Conv2D::new(5, 3))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "conv, 65 channels",
            2,
            images(4, 4, 3)
                .add(Conv2D::new(65, 2).activation(Relu))
                .add(Conv2D::new(66, 2).activation(Relu))
                .add(Flatten {})
                .add(Dense::new(4).activation(Softmax)),
        ),
        case(
            "conv, channel counts that are multiples of four",
            3,
            images(6, 6, 4)
                .add(Conv2D::new(8, 3).activation(Relu))
                .add(Conv2D::new(36, 3).activation(Relu))
                .add(Flatten {})
                .add(Dense::new(4).activation(Softmax)),
        ),
        case(
            "conv, four channels to three",
            3,
            images(5, 6, 4)
                .add(Conv2D::new(8, 2).activation(Relu))
                .add(Conv2D::new(3, 2).activation(Relu))
                .add(Flatten {})
                .add(Dense::new(4).activation(Softmax)),
        ),
        case(
            "conv, same padding",
            2,
            images(5, 4, 2)
                .add(Conv2D::new(4, 3).padding(Same).activation(Relu))
                .add(Conv2D::new(4, [2, 5]).padding(Same).activation(Relu))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "conv, stride 2",
            2,
            images(9, 12, 1)
                .add(Conv2D::new(4, 3).strides(2).activation(Relu))
                .add(Conv2D::new(6, 2).strides([1, 2]))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "conv, stride larger than the kernel",
            2,
            images(9, 8, 2)
                .add(Conv2D::new(5, 1).activation(Relu))
                .add(Conv2D::new(4, 2).strides(3).activation(Relu))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "conv, same padding with stride",
            2,
            images(7, 5, 3)
                .add(Conv2D::new(4, 3).activation(Relu))
                .add(Conv2D::new(4, 3).strides(2).padding(Same))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax)),
        ),
        Case {
            images: 3,
            ..case(
                "short batch",
                5,
                images(5, 5, 1)
                    .add(Conv2D::new(4, 2).activation(Relu))
                    .add(Flatten {})
                    .add(Dense::new(3).activation(Softmax)),
            )
        },
        Case {
            images: 70,
            ..case(
                "batch larger than one workgroup",
                130,
                images(3, 3, 1).add(Flatten {}).add(Dense::new(5).activation(Softmax)),
            )
        },
        case("many classes", 3, images(4, 4, 1).add(Flatten {}).add(Dense::new(131).activation(Softmax))),
        case(
            "activation as a layer",
            3,
            images(3, 3, 2)
                .add(Flatten {})
                .add(Dense::new(7))
                .add(ActivationLayer::new(Relu))
                .add(Dense::new(5))
                .add(ActivationLayer::new(Softmax)),
        ),
    ]
    .into_iter()
    .chain(convolutions())
    .chain(depthwise())
    .chain(pooled())
    .chain(other_pools())
    .chain(activations())
    .chain(optimizers())
    .chain(losses())
    .chain(graphs())
    .chain(joins())
    .chain(norms())
    .chain(augmentations())
    .collect()
}

/// The presets, and one with odd sizes; too large for finite differences.
pub fn presets() -> Vec<Case> {
    vec![
        case("dnn", 32, Preset::Dnn.build([28, 28, 1], 10)),
        case("cnn", 32, Preset::Cnn.build([28, 28, 1], 10)),
        Case { images: 1, ..case("cnn, 3 channels, odd size", 7, Preset::Cnn.build([31, 22, 3], 11)) },
    ]
}

/// Models with enough channels to fill SIMD vectors, or to fill the last one partly; the other cases have fewer.
pub fn wide() -> Vec<Case> {
    let model = |name, batch, kernel: [usize; 2], channels: [usize; 2], pool: [usize; 2]| {
        let model = images(13, 15, 3)
            .add(Conv2D::new(channels[0], 3).activation(Relu))
            .add(MaxPooling2D::new([1, 1]))
            .add(Conv2D::new(channels[1], kernel).padding(Same).activation(Relu))
            .add(MaxPooling2D::new(pool))
            .add(Flatten {})
            .add(Dense::new(10).activation(Softmax));
        case(name, batch, model)
    };
    vec![
        model("wide, 3x3 with Winograd", 5, [3, 3], [32, 48], [2, 2]),
        model("wide, 3x3, 24 to 40 channels", 3, [3, 3], [24, 40], [2, 2]),
        model("wide, 3x3, 19 to 70 channels, pool of 3x2", 3, [3, 3], [19, 70], [3, 2]),
        model("wide, 3x3, 16 to 75 channels", 3, [3, 3], [16, 75], [2, 2]),
        model("wide, 2x5, 33 to 17 channels", 2, [2, 5], [33, 17], [2, 2]),
        model("wide, 7x7, 16 to 16 channels", 2, [7, 7], [16, 16], [1, 4]),
        model("wide, 4x2, 16 to 130 channels", 2, [4, 2], [16, 130], [4, 1]),
        Case {
            model: images(14, 16, 1)
                .add(Conv2D::new(2500, [13, 15]).activation(Relu))
                .add(MaxPooling2D::new(2))
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax))
                .into(),
            ..model("first layer, partial sums over more than four images", 33, [1, 1], [1, 1], [1, 1])
        },
        model("wide, more images than one list of non-zero gradients holds", 67, [3, 4], [16, 16], [2, 2]),
    ]
    .into_iter()
    .chain(wide_convolutions())
    .collect()
}
