//! Cases of normalisations: each after a convolution and a dense layer, behind a ReLU and a fused pool, over few and many channels.

use super::case::{Case, case, images};
use crate::graph::{Functional, Sequential};
use crate::layers::Activation::{Relu, Softmax};
use crate::layers::Padding::Same;
use crate::layers::{
    ActivationLayer, Add, BatchNormalization, Conv2D, Dense, Flatten, LayerNormalization, MaxPooling2D, PReLU, ReLU,
    Reshape,
};

pub(super) fn norms() -> Vec<Case> {
    batch_norms().into_iter().chain(layer_norms()).chain(prelus()).collect()
}

fn end(model: Sequential) -> Sequential {
    model.add(Flatten {}).add(Dense::new(3).activation(Softmax))
}

fn batch_norms() -> Vec<Case> {
    let bn = BatchNormalization::new;
    // The gradient goes through the gate of a fused pool, then through that of a ReLU.
    let gated = |channels: usize| {
        end(images(7, 8, 2)
            .add(Conv2D::new(channels, 2).activation(Relu))
            .add(MaxPooling2D::new(2))
            .add(bn())
            .add(Conv2D::new(channels, 2).activation(Relu))
            .add(bn()))
    };
    let without = |center: bool, scale: bool| BatchNormalization { center, scale, ..bn() };
    vec![
        case("batch normalization, channels that divide by four", 3, gated(8)),
        case("batch normalization, odd channels", 4, gated(5)),
        case(
            "batch normalization, 1 channel",
            5,
            end(images(19, 17, 1).add(Conv2D::new(1, 2)).add(bn()).add(ReLU::default()).add(MaxPooling2D::new(2))),
        ),
        // An invocation has several rows, the last one fewer; the last chunk is short, too.
        case(
            "batch normalization, over several chunks",
            5,
            end(images(22, 22, 1).add(Conv2D::new(16, 2)).add(bn()).add(ReLU::default()).add(MaxPooling2D::new(7))),
        ),
        case(
            "batch normalization, more channels than a workgroup has lanes",
            3,
            end(images(3, 2, 3).add(Conv2D::new(261, 1)).add(bn()).add(Conv2D::new(268, [2, 1])).add(bn())),
        ),
        Case {
            images: 3,
            ..case(
                "batch normalization, short batch",
                5,
                end(images(9, 9, 1)
                    .add(Conv2D::new(6, 2))
                    .add(bn())
                    .add(ActivationLayer::new(Relu))
                    .add(Conv2D::new(4, 2))
                    .add(BatchNormalization { axis: 3, momentum: 0.7, epsilon: 1e-2, ..bn() })),
            )
        },
        case(
            "batch normalization without some of its parameters, first and after dense layers",
            8,
            images(3, 3, 2)
                .add(without(false, false))
                .add(Flatten {})
                .add(Dense::new(9).activation(Relu))
                .add(without(false, true))
                .add(Dense::new(12))
                .add(without(true, false))
                .add(ActivationLayer::new(Relu))
                .add(Dense::new(7))
                .add(without(false, false))
                .add(Dense::new(3).activation(Softmax)),
        ),
        case(
            "batch normalization in a residual network, twice over one value",
            3,
            Functional::new([6, 7, 1])
                .add("stem", Conv2D::new(4, 3).padding(Same).activation(Relu), &["input"])
                .add("a", bn(), &["stem"])
                .add("b", bn(), &["stem"])
                .add("conv", Conv2D::new(4, 3).padding(Same), &["a"])
                .add("c", bn(), &["conv"])
                // Not fused: the sum takes what comes before the ReLU, too.
                .add("c_relu", ActivationLayer::new(Relu), &["c"])
                .add("sum", Add {}, &["b", "c", "stem", "c_relu"])
                .add("relu", ActivationLayer::new(Relu), &["sum"])
                .add("flat", Flatten {}, &["relu"])
                .add("end", Dense::new(3).activation(Softmax), &["flat"]),
        ),
    ]
}

fn layer_norms() -> Vec<Case> {
    let ln = LayerNormalization::new;
    let gated = |channels: usize| {
        end(images(7, 8, 2)
            .add(Conv2D::new(channels, 2).activation(Relu))
            .add(MaxPooling2D::new(2))
            .add(ln())
            .add(Conv2D::new(channels, 2).activation(Relu))
            .add(ln().axis([1, 2, 3])))
    };
    let without = |center: bool, scale: bool| LayerNormalization { center, scale, ..ln() };
    vec![
        case("layer normalization, channels that divide by four", 3, gated(8)),
        case("layer normalization, odd channels", 4, gated(5)),
        Case {
            images: 2,
            ..case(
                "layer normalization over rows longer than a workgroup, short batch",
                3,
                end(images(15, 17, 1)
                    .add(Conv2D::new(5, 2))
                    .add(ln().axis([-1, -2, -3]))
                    .add(ActivationLayer::new(Relu))
                    .add(Conv2D::new(4, 2))
                    .add(LayerNormalization { epsilon: 1e-2, ..ln().axis([3, 2]) })),
            )
        },
        case(
            "layer normalization without some of its parameters, over many rows",
            2,
            end(images(23, 24, 3)
                .add(without(false, false))
                .add(Conv2D::new(6, 1))
                .add(without(false, true))
                .add(Conv2D::new(4, 2).strides(2))
                .add(without(true, false))
                .add(Flatten {})
                .add(Dense::new(9))
                .add(without(false, false))
                .add(Dense::new(8))
                .add(ln())),
        ),
    ]
}

/// Slopes shared along every combination of axes.
fn prelus() -> Vec<Case> {
    let all = |channels: usize| {
        let shared: [&[usize]; 7] = [&[3], &[2], &[1], &[1, 3], &[2, 3], &[1, 2], &[1, 2, 3]];
        let mut model = images(6, 5, 1).add(Conv2D::new(channels, 2).activation(Relu)).add(PReLU::new());
        for axes in shared {
            model = model.add(Conv2D::new(channels, 1)).add(PReLU::new().shared_axes(axes));
        }
        end(model)
    };
    vec![
        case("PReLU, channels that divide by four", 3, all(4)),
        Case { images: 3, ..case("PReLU, odd channels, short batch", 4, all(5)) },
        case(
            "PReLU after a fused pool, over several chunks, and after a dense layer",
            3,
            images(62, 58, 1)
                .add(PReLU::new().shared_axes([1, 2]))
                .add(Conv2D::new(3, 2).activation(Relu))
                .add(MaxPooling2D::new(2))
                .add(PReLU::new().shared_axes([1, 2]))
                .add(Conv2D::new(4, 2).strides(4))
                .add(Reshape::new([8, 7, 2, 2]))
                .add(PReLU::new().shared_axes([2, 3]))
                .add(Flatten {})
                .add(Dense::new(7))
                .add(PReLU::new())
                .add(Dense::new(3).activation(Softmax)),
        ),
    ]
}
