//! Models that together have every layer, every activation and every kind of end.

use gpu_cnn::Activation::{self, LeakyRelu, Linear, Relu, Sigmoid, Softmax};
use gpu_cnn::Padding::Same;
use gpu_cnn::{
    ActivationLayer, Add, AnyLayer, Average, AveragePooling2D, Axes, BatchNormalization, Concatenate, Conv2D, Dense,
    DepthwiseConv2D, Dropout, ELU, Flatten, FlipMode, Functional, GlobalAveragePooling2D, GlobalMaxPooling2D,
    LayerNormalization, LeakyReLU, MaxPooling2D, Maximum, MinPooling2D, Model, Multiply, Normalization, PReLU, Preset,
    RandomBrightness, RandomContrast, RandomFlip, RandomRotation, RandomTranslation, RandomZoom, ReLU, Rescaling,
    Reshape, SeparableConv2D, Sequential, Softmax as SoftmaxLayer, SpatialDropout2D, Subtract, ZeroPadding2D,
};

fn chain(input: [usize; 3], layers: impl IntoIterator<Item = AnyLayer>) -> Model {
    let layers = layers.into_iter().collect();
    Sequential { input, layers }.into()
}

/// A chain that ends in a Flatten and three classes.
fn classes(input: [usize; 3], layers: impl IntoIterator<Item = AnyLayer>) -> Model {
    let end = [AnyLayer::from(Flatten {}), Dense::new(3).activation(Softmax).into()];
    chain(input, layers.into_iter().chain(end))
}

/// The models with their names.
pub(super) fn models() -> Vec<(&'static str, Model)> {
    let conv = |filters| Conv2D::new(filters, 3).padding(Same);
    let small = [9, 8, 2];
    let mut models = vec![
        (
            "strided same",
            classes([11, 8, 1], [conv(4).strides([2, 3]).activation(Relu).into(), conv(5).strides(2).into()]),
        ),
        (
            "convolutions",
            classes(
                [12, 11, 3],
                [
                    conv(6).groups(3).activation(LeakyRelu).into(),
                    Conv2D::new(4, [2, 3]).dilation_rate([2, 1]).use_bias(false).into(),
                    SeparableConv2D::new(5, [3, 2])
                        .strides(2)
                        .padding(Same)
                        .depth_multiplier(2)
                        .activation(Relu)
                        .into(),
                    DepthwiseConv2D::new(2).depth_multiplier(3).padding(Same).activation(Activation::Tanh).into(),
                    SeparableConv2D::new(4, 2).use_bias(false).into(),
                ],
            ),
        ),
        (
            "depthwise",
            classes(
                [10, 10, 3],
                [
                    DepthwiseConv2D::new(3).strides(2).padding(Same).activation(Relu).into(),
                    BatchNormalization::new().into(),
                    DepthwiseConv2D::new([1, 3]).use_bias(false).into(),
                ],
            ),
        ),
        (
            "pools",
            classes(
                [13, 12, 2],
                [
                    MaxPooling2D::new(3).strides(1).padding(Same).into(),
                    MinPooling2D::new([2, 3]).strides([2, 1]).padding(Same).into(),
                    AveragePooling2D::new(3).strides(2).padding(Same).into(),
                    conv(3).into(),
                    MaxPooling2D::new([1, 2]).into(),
                    ZeroPadding2D::new([[0, 2], [3, 1]]).into(),
                    AveragePooling2D::new(2).into(),
                ],
            ),
        ),
        (
            "batch normalisations",
            chain(
                small,
                [
                    conv(4).use_bias(false).into(),
                    BatchNormalization::new().into(),
                    ActivationLayer::new(Relu).into(),
                    BatchNormalization { center: false, epsilon: 0.02, ..BatchNormalization::new() }.into(),
                    GlobalAveragePooling2D { keepdims: false }.into(),
                    BatchNormalization { scale: false, ..BatchNormalization::new() }.into(),
                    Dense::new(6).into(),
                    Reshape::new([2, 3]).into(),
                    BatchNormalization { scale: false, center: false, ..BatchNormalization::new() }.into(),
                    Flatten {}.into(),
                    Dense::new(3).activation(Softmax).into(),
                ],
            ),
        ),
        (
            "layer normalisations",
            classes(
                small,
                [
                    conv(4).into(),
                    LayerNormalization::new().into(),
                    LayerNormalization { center: false, epsilon: 0.01, ..LayerNormalization::new() }.into(),
                    LayerNormalization { axis: Axes::from([2, 3]), scale: false, ..LayerNormalization::new() }.into(),
                    LayerNormalization { axis: Axes::from([1, 2, 3]), ..LayerNormalization::new() }.into(),
                    LayerNormalization { scale: false, center: false, ..LayerNormalization::new() }.into(),
                ],
            ),
        ),
        (
            "rectifiers",
            classes(
                small,
                [
                    conv(4).into(),
                    PReLU::new().into(),
                    conv(4).into(),
                    PReLU::new().shared_axes([1, 2]).into(),
                    conv(4).into(),
                    ReLU { max_value: Some(0.4), ..ReLU::default() }.into(),
                    conv(4).into(),
                    ReLU { max_value: Some(0.3), negative_slope: 0.2, threshold: 0.05 }.into(),
                    ReLU { negative_slope: 0.5, ..ReLU::default() }.into(),
                    conv(4).into(),
                    ReLU { threshold: 0.1, ..ReLU::default() }.into(),
                    ReLU::default().into(),
                    conv(4).into(),
                    LeakyReLU { negative_slope: 0.25 }.into(),
                    ELU { alpha: 0.7 }.into(),
                    SoftmaxLayer::default().into(),
                ],
            ),
        ),
        (
            "bytes as they are, and what only training does",
            classes(
                small,
                [
                    RandomFlip::new(FlipMode::Horizontal).into(),
                    Rescaling::new(1.0 / 127.5, -1.0).into(),
                    RandomTranslation::new(0.1, 0.2).into(),
                    RandomRotation::new(0.1).into(),
                    RandomZoom::new(0.2).into(),
                    RandomBrightness::new(0.2).into(),
                    RandomContrast::new(0.2).into(),
                    conv(3).into(),
                    SpatialDropout2D::new(0.2).into(),
                    Dropout::new(0.5).into(),
                    ActivationLayer::new(Linear).into(),
                ],
            ),
        ),
        ("adapted", classes(small, [Normalization::adapted().into(), conv(3).into()])),
        (
            "normalized by numbers",
            classes(
                small,
                [
                    Normalization::new([100.0, 140.0], [3000.0, 5000.0]).into(),
                    conv(3).into(),
                    Normalization { invert: true, ..Normalization::new(0.2, 0.3) }.into(),
                ],
            ),
        ),
        ("logits", chain(small, [conv(3).into(), Flatten {}.into(), Dense::new(5).into()])),
        ("one logit", chain(small, [conv(3).into(), Flatten {}.into(), Dense::new(1).into()])),
        ("binary", chain(small, [Flatten {}.into(), Dense::new(1).activation(Sigmoid).into()])),
        (
            "a softmax of its own, and dense layers over pixels",
            chain(
                small,
                [
                    Dense::new(5).activation(Relu).into(),
                    Dense::new(4).use_bias(false).into(),
                    Reshape::new([-1, 4]).into(),
                    Dense::new(3).activation(Softmax).into(),
                    Flatten {}.into(),
                    Dense::new(3).use_bias(false).into(),
                    ActivationLayer::new(Softmax).into(),
                ],
            ),
        ),
        ("residual", residual()),
        ("joins", joins()),
        ("names that are taken", names()),
    ];
    for (name, activations) in [("activations", &Activation::ALL[..7]), ("more activations", &Activation::ALL[7..])] {
        let layers = activations.iter().flat_map(|activation| {
            [conv(4).activation(*activation).into(), ActivationLayer::new(*activation).into(), AnyLayer::from(conv(3))]
        });
        models.push((name, classes([5, 4, 1], layers)));
    }
    models.extend(Preset::ALL.map(|preset| (preset.name(), preset.build([28, 28, 1], 10))));
    models
}

fn residual() -> Model {
    let conv = |filters| Conv2D::new(filters, 3).padding(Same);
    let model = Functional::new([9, 8, 1])
        .add("stem", conv(4).activation(Relu), &["input"])
        .add("a", conv(4), &["stem"])
        .add("norm", BatchNormalization::new(), &["a"])
        .add("sum", Add {}, &["norm", "stem"])
        .add("relu", ActivationLayer::new(Relu), &["sum"])
        .add("b", conv(6).strides(2), &["relu"])
        .add("shortcut", Conv2D::new(6, 1).strides(2), &["relu"])
        .add("sum2", Add {}, &["b", "shortcut"])
        .add("mean", GlobalAveragePooling2D { keepdims: false }, &["sum2"])
        .add("end", Dense::new(3).activation(Softmax), &["mean"]);
    model.into()
}

/// Every join, of one shape and of others, in both orders of the axes.
fn joins() -> Model {
    let model = Functional::new([6, 5, 2])
        .add("a", Conv2D::new(4, 1), &["input"])
        .add("b", Conv2D::new(4, 1).activation(Relu), &["input"])
        .add("channels", GlobalMaxPooling2D { keepdims: false }, &["a"])
        .add("pixels", Conv2D::new(1, 1), &["b"])
        .add("squeezed", GlobalAveragePooling2D { keepdims: true }, &["b"])
        .add("columns", AveragePooling2D::new([6, 1]), &["a"])
        .add("row", Reshape::new([5, 4]), &["columns"])
        .add("sum", Add {}, &["a", "b", "row"])
        .add("gated", Multiply {}, &["channels", "sum", "pixels"])
        .add("difference", Subtract {}, &["squeezed", "gated"])
        .add("largest", Maximum {}, &["difference", "a", "channels"])
        .add("mean", Average {}, &["largest", "a", "squeezed"])
        .add("all", Concatenate::new(), &["mean", "input", "b"])
        .add("rows", Concatenate::new().axis(1), &["all", "all"])
        .add("wide", Concatenate::new().axis(2), &["rows", "rows"])
        .add("turned", Reshape::new([20, 12, 5]), &["wide"])
        .add("flat", Flatten {}, &["turned"])
        .add("e", Dense::new(6), &["flat"])
        .add("f", Dense::new(4).activation(Sigmoid), &["flat"])
        .add("units", Concatenate::new(), &["e", "f", "channels"])
        .add("end", Dense::new(3).activation(Softmax), &["units"]);
    model.into()
}

/// Layers with the names that parts of others, or the images, would have.
fn names() -> Model {
    let model = Functional::new([6, 5, 2])
        .add("images", Conv2D::new(3, 1).activation(Relu), &["input"])
        .add("images/activation", Conv2D::new(3, 1), &["images"])
        .add("images.kernel", ActivationLayer::new(Activation::Gelu), &["images/activation"])
        .add("probabilities", Flatten {}, &["images.kernel"])
        .add("images/scaled", Dense::new(3).activation(Softmax), &["probabilities"]);
    model.into()
}
