//! Cases of activations and of dropout: each activation within a convolution and a dense layer, and as a layer, also after a fused pool.

use super::case::{Case, case, images};
use crate::graph::Functional;
use crate::layers::Activation::{self, Relu, Softmax};
use crate::layers::{
    ActivationLayer, AnyLayer, Concatenate, Conv2D, Dense, Dropout, ELU, Flatten, LeakyReLU, MaxPooling2D, Multiply,
    RandomBrightness, ReLU, Rescaling, SpatialDropout2D, ZeroPadding2D,
};

/// All activations that are dispatches of their own.
const NAMED: [(&str, Activation); 11] = [
    ("relu6", Activation::Relu6),
    ("leaky_relu", Activation::LeakyRelu),
    ("elu", Activation::Elu),
    ("selu", Activation::Selu),
    ("gelu", Activation::Gelu),
    ("gelu_tanh", Activation::GeluTanh),
    ("silu", Activation::Silu),
    ("sigmoid", Activation::Sigmoid),
    ("tanh", Activation::Tanh),
    ("softplus", Activation::Softplus),
    ("hard_sigmoid", Activation::HardSigmoid),
];

pub(super) fn activations() -> Vec<Case> {
    let named = NAMED.map(|(name, activation)| {
        let model = images(7, 6, 2)
            .add(Conv2D::new(5, 2).activation(activation))
            .add(MaxPooling2D::new(2))
            .add(ActivationLayer::new(activation))
            .add(Flatten {})
            .add(Dense::new(7).activation(activation))
            .add(Dense::new(3).activation(Softmax));
        case(name, 3, model)
    });
    let of_slope = |negative_slope| AnyLayer::from(LeakyReLU { negative_slope });
    let of_alpha = |alpha| AnyLayer::from(ELU { alpha });
    let layers: [(&str, [AnyLayer; 2]); 5] = [
        (
            "ReLU layer",
            [
                ReLU { max_value: Some(0.4), negative_slope: 0.3, threshold: 0.0 }.into(),
                ReLU { max_value: Some(0.7), negative_slope: 0.1, threshold: 0.0 }.into(),
            ],
        ),
        (
            "ReLU layer with a threshold",
            [(0.1, 0.0), (0.05, 0.2)]
                .map(|(threshold, negative_slope)| ReLU { max_value: None, negative_slope, threshold }.into()),
        ),
        ("LeakyReLU layer", [0.1, 0.25].map(of_slope)),
        ("Rescaling within a model", [Rescaling::new(0.8, -0.1), Rescaling::new(1.1, 0.2)].map(Into::into)),
        ("ELU layer", [0.7, 1.2].map(of_alpha)),
    ];
    // The gradient that the layer writes goes through the gate of a fused pool, then through that of a ReLU.
    let gated = layers.into_iter().enumerate().map(|(i, (name, [first, second]))| {
        let model = images(6, 7, 1)
            .add(Conv2D::new(4, 3).activation(Relu))
            .add(MaxPooling2D::new(2))
            .add(first)
            .add(Conv2D::new(3, 1).activation(Relu))
            .add(second)
            .add(Flatten {})
            .add(Dense::new(3))
            .add(crate::layers::Softmax { axis: [-1, 1][i % 2] });
        case(name, 2, model)
    });
    named
        .into_iter()
        .chain(gated)
        .chain(dropouts())
        .chain(large_softmaxes())
        .chain([rescaled(), far_from_zero(), at_bounds()])
        .chain(softmaxes())
        .collect()
}

/// Softmax along short and long rows, within layers and as a layer, behind a ReLU, a fused pool and a join.
fn softmaxes() -> [Case; 2] {
    [("softmax within a model", 2, 8), ("softmax within a model, odd channels", 3, 5)].map(|(name, batch, channels)| {
        let model = Functional::new([6, 7, 1])
            .add("conv", Conv2D::new(channels, 3).activation(Relu), &["input"])
            .add("pool", MaxPooling2D::new(2), &["conv"])
            .add("of_channels", crate::layers::Softmax { axis: 3 }, &["pool"])
            .add("of_other", Conv2D::new(channels, 1).activation(Softmax), &["of_channels"])
            .add("gated", Multiply {}, &["of_channels", "of_other"])
            .add("flat", Flatten {}, &["gated"])
            .add("long", Dense::new(channels * 66).activation(Relu), &["flat"])
            .add("of_units", ActivationLayer::new(Softmax), &["long"])
            .add("end", Dense::new(3).activation(Softmax), &["of_units"]);
        case(name, batch, model)
    })
}

/// Pixels from 0 to 255 on both ways from the images.
fn rescaled() -> Case {
    let model = Functional::new([5, 7, 1])
        .add("border", ZeroPadding2D::new([[1, 0], [0, 2]]), &["input"])
        .add("left", Rescaling::new(1.0 / 127.5, -1.0), &["border"])
        .add("right", Rescaling::new(1.0 / 255.0, 0.0), &["border"])
        .add("joined", Concatenate::new(), &["left", "right"])
        .add("conv", Conv2D::new(3, 2).activation(Relu), &["joined"])
        .add("flat", Flatten {}, &["conv"])
        .add("end", Dense::new(3).activation(Softmax), &["flat"]);
    case("Rescaling of the images, joined", 3, model)
}

/// Softmax of pixels that are far apart, so that no other number than the maximum can be subtracted.
fn large_softmaxes() -> [Case; 2] {
    [("softmax of large numbers", [4, 5, 20]), ("softmax of large numbers, odd rows", [5, 7, 5])].map(
        |(name, [h, w, c])| {
            let model = images(h, w, c)
                .add(Rescaling::new(4.0, -510.0))
                .add(crate::layers::Softmax { axis: -1 })
                .add(Flatten {})
                .add(Dense::new(3).activation(Softmax));
            case(name, 2, model)
        },
    )
}

/// What is beyond the bounds of the activations that have some.
fn far_from_zero() -> Case {
    let model = images(4, 5, 1)
        .add(Conv2D::new(5, 1))
        .add(Rescaling::new(30.0, 0.0))
        .add(ActivationLayer::new(Activation::HardSigmoid))
        .add(Conv2D::new(3, 2))
        .add(Rescaling::new(30.0, 1.0))
        .add(ActivationLayer::new(Activation::Relu6))
        .add(Rescaling::new(0.1, 0.0))
        .add(Flatten {})
        .add(Dense::new(3).activation(Softmax));
    case("activations far from zero", 3, model)
}

/// Many values are just what the layers are limited to, 3/8.
fn at_bounds() -> Case {
    let model = images(6, 7, 1)
        .add(Conv2D::new(4, 3))
        .add(ReLU { max_value: Some(0.375), negative_slope: 0.1, threshold: 0.0 })
        .add(RandomBrightness::new(0.0).value_range([-1.0, 0.375]))
        .add(ReLU { max_value: None, negative_slope: 0.25, threshold: 0.375 })
        .add(Flatten {})
        .add(Dense::new(3).activation(Softmax));
    case("layers at their bounds", 3, model)
}

/// Dropout of elements and of channels, first, behind a fused pool and behind a ReLU.
fn dropouts() -> Vec<Case> {
    let model = |channels: usize| {
        images(7, 6, 1)
            .add(Dropout::new(0.2))
            .add(Conv2D::new(channels, 2).activation(Relu))
            .add(MaxPooling2D::new(2))
            .add(SpatialDropout2D::new(0.4))
            .add(Conv2D::new(channels, 2).activation(Relu))
            .add(SpatialDropout2D::new(0.0))
            .add(Flatten {})
            .add(Dense::new(9).activation(Relu))
            .add(Dropout::new(0.5))
            .add(Dense::new(3).activation(Softmax))
    };
    vec![case("dropout, channels that divide by four", 3, model(8)), case("dropout, odd channels", 2, model(5))]
}
