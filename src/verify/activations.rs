//! Cases of activations and of dropout: each activation within a convolution and a dense layer, and as a layer, also after a fused pool.

use super::case::{Case, case, images};
use crate::layers::Activation::{self, Relu, Softmax};
use crate::layers::{
    ActivationLayer, AnyLayer, Conv2D, Dense, Dropout, ELU, Flatten, LeakyReLU, MaxPooling2D, ReLU, SpatialDropout2D,
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
    let layers: [(&str, AnyLayer); 4] = [
        ("ReLU layer", ReLU { max_value: Some(0.4), negative_slope: 0.3, threshold: 0.0 }.into()),
        ("ReLU layer with a threshold", ReLU { max_value: None, negative_slope: 0.0, threshold: 0.1 }.into()),
        ("LeakyReLU layer", LeakyReLU { negative_slope: 0.1 }.into()),
        ("ELU layer", ELU { alpha: 0.7 }.into()),
    ];
    // The gradient that the layer writes goes through the gate of a fused pool, then through that of a ReLU.
    let gated = layers.map(|(name, layer)| {
        let model = images(6, 7, 1)
            .add(Conv2D::new(4, 3).activation(Relu))
            .add(MaxPooling2D::new(2))
            .add(layer.clone())
            .add(Conv2D::new(3, 1).activation(Relu))
            .add(layer)
            .add(Flatten {})
            .add(Dense::new(3))
            .add(crate::layers::Softmax::default());
        case(name, 2, model)
    });
    named.into_iter().chain(gated).chain(dropouts()).collect()
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
