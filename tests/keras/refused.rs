//! What is not supported or damaged is refused by name; other forms of the same are read.

use super::{graph, text};
use gpu_cnn::internals::graph::ModelFile;
use serde_json::{Value, json};

/// `file` with the value at `pointer` replaced.
fn edited(file: &str, pointer: &str, value: Value) -> String {
    let mut model: Value = serde_json::from_str(&text(file)).unwrap();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match model.pointer_mut(parent).unwrap_or_else(|| panic!("{parent}")) {
        Value::Object(map) => drop(map.insert(key.to_owned(), value)),
        Value::Array(list) => list[key.parse::<usize>().unwrap()] = value,
        other => panic!("{other}"),
    }
    model.to_string()
}

#[test]
fn what_is_not_supported_is_refused_with_layer_argument_and_value() {
    let (chain, residual, nested) = ("every_layer.json", "residual.json", "nested_functional.json");
    let stem = |key: &str| format!("/config/layers/2/config/{key}");
    let conv = |key: &str| format!("/config/layers/2/{key}");
    let (augmented, aug) = ("augmented.json", |layer: usize, key: &str| format!("/config/layers/{layer}/config/{key}"));
    let (normalized, norm) = ("residual_normalized.json", stem);
    let policy = json!({ "class_name": "DTypePolicy", "config": { "name": "bfloat16" } });
    let l2 = json!({ "class_name": "L2", "config": { "l2": 0.01 } });
    let lambda = json!({ "class_name": "__lambda__", "config": { "value": ["4wEAAA", null, null] } });
    let tensor = |name: &str, call: u32, output: u32| json!({ "class_name": "__keras_tensor__", "config": { "keras_history": [name, call, output] } });
    let call = |tensors: Value, kwargs: Value| json!([{ "args": [tensors], "kwargs": kwargs }]);
    let cases = [
        (chain, stem("dtype"), policy, "layer `stem` (Conv2D): dtype = \"bfloat16\" is not supported"),
        (chain, stem("dtype"), json!("float16"), "dtype = \"float16\""),
        (
            chain,
            stem("data_format"),
            json!("channels_first"),
            "layer `stem` (Conv2D): data_format = \"channels_first\" is not supported; images are [height, width, channels]",
        ),
        (
            chain,
            "/config/layers/7/config/data_format".into(),
            json!("channels_first"),
            "data_format = \"channels_first\"",
        ),
        (
            chain,
            "/config/layers/16/config/noise_shape".into(),
            json!([null, 1]),
            "(Dropout): noise_shape = [null,1] is not supported; each element has a draw of its own",
        ),
        (chain, stem("seed"), json!(3), "unknown argument `seed`"),
        (chain, stem("trainable"), json!(false), "layer `stem` (Conv2D): trainable = false is not supported"),
        (chain, "/config/trainable".into(), json!(false), "trainable = false is not supported"),
        (chain, stem("kernel_regularizer"), l2, "layer `stem` (Conv2D): kernel_regularizer = {\"class_name\":\"L2\""),
        (chain, stem("bias_constraint"), json!("non_neg"), "bias_constraint = \"non_neg\""),
        (chain, stem("kernel_initializer"), json!("orthogonal"), "kernel_initializer = \"orthogonal\""),
        (chain, stem("filter"), json!(3), "unknown argument `filter`; did you mean `filters`?"),
        (
            chain,
            stem("padding"),
            json!("smae"),
            "padding = \"smae\": unknown variant `smae`, expected `valid` or `same`; did you mean `same`?",
        ),
        (chain, stem("activation"), json!("relv"), "did you mean `relu`"),
        (chain, stem("activation"), lambda, "activation is a Python function, which is never executed"),
        (chain, stem("filters"), json!("six"), "layer `stem` (Conv2D): filters = \"six\": invalid type"),
        (chain, stem("kernel_size"), json!([3, 3, 3]), "kernel_size = [3,3,3]"),
        (
            chain,
            conv("class_name"),
            json!("Lambda"),
            "layer `stem` (Lambda): Lambda layers hold Python code, which is never executed",
        ),
        (
            chain,
            conv("class_name"),
            json!("Conv2DTranspose"),
            "layer `stem` (Conv2DTranspose): Conv2DTranspose is not supported",
        ),
        (
            chain,
            conv("class_name"),
            json!("RandomShear"),
            "RandomShear is not supported; of such layers there are RandomFlip, RandomTranslation, RandomRotation, RandomZoom",
        ),
        (augmented, aug(1, "mode"), json!("both"), "mode = \"both\": unknown variant"),
        (augmented, aug(2, "fill_mode"), json!("mirror"), "fill_mode = \"mirror\": unknown variant"),
        (augmented, aug(2, "height_factor"), json!(1.5), "height_factor has 1.5; it must be from -1 to 1"),
        (augmented, aug(3, "factor"), json!([0.1, 0.2, 0.3]), "factor = [0.1,0.2,0.3]: expected a number or"),
        (augmented, aug(3, "value_range"), json!([1, 0]), "value_range is [1.0, 0.0]; it must be [lowest, highest]"),
        (augmented, aug(4, "factor"), json!([-0.5, 0.5]), "RandomContrast: factor has -0.5"),
        (augmented, aug(5, "factor"), json!([0.0, 1.5]), "RandomRotation: factor has 1.5; it must be from -1 to 1"),
        (augmented, aug(5, "fill_value"), json!(1e39), "RandomRotation: fill_value is"),
        (
            augmented,
            aug(6, "height_factor"),
            json!(-1),
            "RandomZoom: height_factor goes down to -1; it must stay above",
        ),
        (augmented, aug(6, "width_factor"), json!([-1, 0]), "RandomZoom: width_factor goes down to -1"),
        (augmented, aug(6, "interpolation"), json!("cubic"), "interpolation = \"cubic\": unknown variant"),
        (
            augmented,
            aug(7, "mean"),
            json!([1.0, 2.0]),
            "mean has 2 numbers; it must have one, or 1, one for each channel",
        ),
        (
            augmented,
            aug(7, "mean"),
            Value::Null,
            "layer 7 `normalization` over [28, 28, 1]: Normalization: variance without mean; give both, or neither",
        ),
        (augmented, aug(7, "variance"), json!([-1.0]), "variance is -1; it must be at least 0"),
        (augmented, aug(7, "axis"), json!([1, 2]), "axis [1, 2] of an input of [28, 28, 1]; only the last"),
        (chain, conv("class_name"), json!("Conv2d"), "did you mean `Conv2D`?"),
        (
            normalized,
            norm("renorm"),
            json!(true),
            "layer `batch_normalization` (BatchNormalization): renorm = true is not supported",
        ),
        (normalized, norm("synchronized"), json!(true), "synchronized = true is not supported"),
        (normalized, norm("axis"), json!([1]), "axis 1 of an input of [14, 14, 4]; only the last"),
        (normalized, norm("axis"), json!([1, 2]), "axis = [1,2]: invalid type"),
        (
            "depthwise.json",
            norm("rms_scaling"),
            json!(true),
            "layer `layer_normalization` (LayerNormalization): rms_scaling = true is not supported",
        ),
        (
            chain,
            conv("registered_name"),
            json!("Mine>Conv2D"),
            "registered as `Mine>Conv2D`; custom objects are not supported",
        ),
        (chain, conv("module"), json!("mine.layers"), "of the module `mine.layers`"),
        (
            chain,
            "/config/layers/0/config/dtype".into(),
            json!("uint8"),
            "layer `input_layer` (InputLayer): dtype = \"uint8\"",
        ),
        (chain, "/config/layers/0/config/sparse".into(), json!(true), "sparse = true"),
        (
            chain,
            "/config/layers/0/config/batch_shape".into(),
            json!([null, 2, 3, 4, 5]),
            "it must be [height, width, channels]",
        ),
        (chain, "/config/layers/4/config/name".into(), json!("stem"), "two layers are named `stem`"),
        (chain, "/class_name".into(), json!("MyModel"), "the class is MyModel; it must be Sequential or Functional"),
        (chain, "/config".into(), json!([]), "no `class_name` and `config`"),
        (
            residual,
            "/config/input_layers".into(),
            json!([["input_layer", 0, 0], ["other", 0, 0]]),
            "2 input_layers; a model has one input",
        ),
        (residual, "/config/output_layers".into(), json!([["dense", 0, 0], ["add", 0, 0]]), "2 output_layers"),
        (
            residual,
            "/config/output_layers".into(),
            json!(["add", 0, 0]),
            "the output `add` is also the input of a layer",
        ),
        (residual, conv("inbound_nodes"), json!([]), "layer `conv2d_1` (Conv2D): it takes no input"),
        (
            residual,
            conv("inbound_nodes"),
            json!([{ "args": [] }, { "args": [] }]),
            "layer `conv2d_1` (Conv2D): it is applied 2 times; shared layers",
        ),
        (residual, conv("inbound_nodes"), call(tensor("conv2d", 0, 1), json!({})), "it takes output 1 of `conv2d`"),
        (
            residual,
            conv("inbound_nodes"),
            call(tensor("none", 0, 0), json!({})),
            "layer `conv2d_1` takes its input from `none`; there is no such layer",
        ),
        (residual, conv("inbound_nodes"), call(json!(2.5), json!({})), "it is called with 2.5; only tensors"),
        (
            residual,
            conv("inbound_nodes"),
            call(tensor("conv2d", 0, 0), json!({ "initial_state": 2 })),
            "layer `conv2d_1` (Conv2D): it is called with initial_state = 2",
        ),
        (
            residual,
            conv("inbound_nodes"),
            call(tensor("conv2d_2", 0, 0), json!({})),
            "layers feed each other in a cycle",
        ),
        (residual, conv("inbound_nodes"), call(tensor("conv2d_1", 0, 0), json!({})), "in a cycle"),
        (
            nested,
            "/config/layers/2/inbound_nodes".into(),
            call(json!([tensor("conv2d_1", 0, 0), tensor("conv2d_1", 0, 0)]), json!({})),
            "layer `block` (Functional): it takes 2 inputs; a model has one",
        ),
        (nested, "/config/layers/2/inbound_nodes".into(), call(tensor("block", 0, 0), json!({})), "in a cycle"),
        (
            nested,
            "/config/layers/2/config/layers/1/config/bias_constraint".into(),
            json!(2),
            "in `block`: layer `conv2d` (Conv2D): bias_constraint = 2 is not supported",
        ),
    ];
    for (file, pointer, value, message) in cases {
        let error = graph(&edited(file, &pointer, value.clone())).expect_err(&format!("{pointer} = {value}"));
        assert!(error.to_string().contains(message), "{pointer} = {value}: {error}");
        assert_eq!(error.exit_code(), 2);
    }
}

#[test]
fn other_forms_of_the_same_are_the_same_model() {
    let (chain, residual) = ("every_layer.json", "residual.json");
    let rows = |text: &str| ModelFile::parse(text).unwrap().build([28, 28, 1]).unwrap().summary().unwrap();
    let unchanged = |file: &str| rows(&text(file));
    let function =
        json!({ "module": "builtins", "class_name": "function", "config": "relu", "registered_name": "function" });
    let tuple = json!({ "class_name": "__tuple__", "items": [null, 28, 28, 1] });
    let input_2 =
        json!({ "batch_input_shape": tuple, "dtype": "float32", "sparse": false, "ragged": false, "name": "input_1" });
    let from = |name: &str| json!([name, 0, 0, {}]);
    for (file, pointer, value) in [
        (chain, "/config/layers/3/config/strides", Value::Null),
        (chain, "/config/layers/2/config/activation", function),
        (chain, "/config/layers/2/config/dtype", json!("float32")),
        (chain, "/config/layers/2/config/dilation_rate", json!(1)),
        (chain, "/config/layers/7/config/seed", json!(5)),
        (chain, "/config/layers/16/config/seed", json!({ "class_name": "SeedGenerator", "config": { "seed": 5 } })),
        (chain, "/config/layers/16/config/noise_shape", Value::Null),
        (chain, "/config/layers/7/config/data_format", Value::Null),
        (chain, "/config/layers/0/config", input_2),
        ("residual_normalized.json", "/config/layers/2/config/axis", json!([3])),
        (residual, "/config/layers/2/inbound_nodes", json!([[from("conv2d")]])),
        (residual, "/config/layers/2/inbound_nodes", json!([from("conv2d")])),
        (residual, "/config/output_layers", json!(["dense", 2, 0])),
        (residual, "/config/layers/4/inbound_nodes", json!([[from("conv2d"), from("conv2d_2")]])),
        (residual, "/config/input_layers", json!([["input_layer", 0, 0]])),
    ] {
        assert_eq!(rows(&edited(file, pointer, value.clone())), unchanged(file), "{pointer} = {value}");
    }
    // Without an InputLayer, with the shape in the first layer or beside the model.
    let mut model: Value = serde_json::from_str(&text(chain)).unwrap();
    model["config"]["layers"].as_array_mut().unwrap().remove(0);
    assert_eq!(rows(&model.to_string()), unchanged(chain));
    model["config"].as_object_mut().unwrap().remove("build_input_shape");
    model.as_object_mut().unwrap().remove("build_config");
    model["config"]["layers"][0]["config"]["batch_input_shape"] = json!([null, 28, 28, 1]);
    assert_eq!(rows(&model.to_string()), unchanged(chain));
    let file = ModelFile::parse(&model.to_string()).unwrap();
    assert!(file.build([28, 28, 3]).is_err(), "images of another shape");
}

/// All places in a JSON value, as pointers.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let keys: Vec<String> = match value {
        Value::Object(map) => map.keys().cloned().collect(),
        Value::Array(list) => (0..list.len()).map(|i| i.to_string()).collect(),
        _ => Vec::new(),
    };
    for key in keys {
        let pointer = format!("{at}/{key}");
        pointers(value.pointer(&format!("/{key}")).unwrap(), &pointer, found);
        found.push(pointer);
    }
}

#[test]
fn damaged_models_are_errors_and_never_panics() {
    let whole = text("nested_functional.json");
    for end in (0..whole.trim_end().len()).step_by(7) {
        assert!(graph(&whole[..end]).is_err(), "the first {end} bytes");
    }
    let mut all = Vec::new();
    let model: Value = serde_json::from_str(&whole).unwrap();
    pointers(&model, "", &mut all);
    assert!(all.len() > 300);
    for pointer in &all {
        for value in
            [json!(null), json!(-1), json!(1e300), json!(1u64 << 60), json!("x"), json!([]), json!({}), json!([[0]])]
        {
            // Either is right, as long as it is an answer.
            let _ = graph(&edited("nested_functional.json", pointer, value));
        }
    }
    for deep in [
        "[".repeat(100_000),
        "{\"config\":".repeat(100_000),
        "{\"class_name\":\"Sequential\",\"config\":{\"layers\":[".repeat(100_000),
    ] {
        let text = if deep.starts_with('[') { format!("{{\"a\":{deep}") } else { deep };
        assert!(graph(&text).unwrap_err().to_string().contains("recursion limit"));
    }
}
