//! The case table covers the layers: each of them, and for each argument at least two values.

use gpu_cnn::Activation;
use gpu_cnn::internals::layers::AnyLayer;
use gpu_cnn::internals::verify::{Case, cases, wide};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// For each layer and argument, the values that the cases give it.
fn values(cases: &[Case]) -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
    let mut found: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for node in cases.iter().flat_map(|case| case.graph().unwrap().nodes) {
        let Value::Object(mut arguments) = serde_json::to_value(&node.layer).unwrap() else { panic!("{node:?}") };
        let kind = arguments.remove("type").unwrap().as_str().unwrap().to_owned();
        let layer = found.entry(kind).or_default();
        for (name, value) in arguments {
            layer.entry(name).or_default().insert(value.to_string());
        }
    }
    found
}

#[test]
fn every_layer_and_every_argument_occurs_in_a_case() {
    let found = values(&cases().into_iter().chain(wide()).collect::<Vec<_>>());
    let kinds: Vec<&str> = found.keys().map(String::as_str).collect();
    let mut expected = AnyLayer::KINDS.to_vec();
    expected.sort_unstable();
    assert_eq!(kinds, expected);
    for (kind, arguments) in &found {
        for (name, values) in arguments {
            // An optional argument is absent by default, so one value is a second one.
            let one = ["MaxPooling2D.strides", "MinPooling2D.strides"].contains(&format!("{kind}.{name}").as_str());
            assert!(values.len() >= if one { 1 } else { 2 }, "{kind}.{name} is always {values:?}");
        }
    }
    // All that serialise, so that none is left out here by a default.
    let arguments: [(&str, &[&str]); 36] = [
        ("Activation", &["activation"]),
        ("Add", &[]),
        ("Average", &[]),
        ("AveragePooling2D", &["padding", "pool_size", "strides"]),
        ("BatchNormalization", &["axis", "center", "epsilon", "momentum", "scale"]),
        ("Concatenate", &["axis"]),
        (
            "Conv2D",
            &["activation", "dilation_rate", "filters", "groups", "kernel_size", "padding", "strides", "use_bias"],
        ),
        ("Dense", &["activation", "units", "use_bias"]),
        (
            "DepthwiseConv2D",
            &["activation", "depth_multiplier", "dilation_rate", "kernel_size", "padding", "strides", "use_bias"],
        ),
        ("Dropout", &["rate"]),
        ("ELU", &["alpha"]),
        ("Flatten", &[]),
        ("GlobalAveragePooling2D", &["keepdims"]),
        ("GlobalMaxPooling2D", &["keepdims"]),
        ("LayerNormalization", &["axis", "center", "epsilon", "scale"]),
        ("LeakyReLU", &["negative_slope"]),
        ("MaxPooling2D", &["padding", "pool_size", "strides"]),
        ("Maximum", &[]),
        ("MinPooling2D", &["padding", "pool_size", "strides"]),
        ("Multiply", &[]),
        ("Normalization", &["axis", "invert", "mean", "variance"]),
        ("PReLU", &["shared_axes"]),
        ("RandomBrightness", &["factor", "value_range"]),
        ("RandomContrast", &["factor", "value_range"]),
        ("RandomFlip", &["mode"]),
        ("RandomRotation", &["factor", "fill_mode", "fill_value", "interpolation"]),
        ("RandomTranslation", &["fill_mode", "fill_value", "height_factor", "interpolation", "width_factor"]),
        ("RandomZoom", &["fill_mode", "fill_value", "height_factor", "interpolation", "width_factor"]),
        ("ReLU", &["max_value", "negative_slope", "threshold"]),
        ("Rescaling", &["offset", "scale"]),
        ("Reshape", &["target_shape"]),
        (
            "SeparableConv2D",
            &[
                "activation",
                "depth_multiplier",
                "dilation_rate",
                "filters",
                "kernel_size",
                "padding",
                "strides",
                "use_bias",
            ],
        ),
        ("Softmax", &["axis"]),
        ("SpatialDropout2D", &["rate"]),
        ("Subtract", &[]),
        ("ZeroPadding2D", &["padding"]),
    ];
    for (kind, expected) in arguments {
        assert_eq!(found[kind].keys().map(String::as_str).collect::<Vec<_>>(), expected, "{kind}");
    }
    assert_eq!(arguments.map(|(kind, _)| kind), *kinds);
}

#[test]
fn every_activation_occurs_in_a_layer_and_as_one() {
    let found = values(&cases());
    for activation in Activation::ALL {
        let name = serde_json::to_value(activation).unwrap().to_string();
        for (kind, argument) in [("Dense", "activation"), ("Activation", "activation")] {
            let linear_layer = kind == "Activation" && activation == Activation::Linear;
            assert!(linear_layer || found[kind][argument].contains(&name), "{kind} with {name}");
        }
    }
}

#[test]
fn a_layer_that_no_case_has_would_be_missed() {
    let few: Vec<Case> = cases().into_iter().filter(|case| !case.name.contains("joined")).collect();
    assert!(!values(&few).contains_key("Concatenate"));
}
