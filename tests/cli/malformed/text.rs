//! Models and configurations as TOML and JSON.

use super::{Kind, Made, corpus, cuts};

/// Texts that are wrong whatever they should describe; `open` begins a value that can be nested.
fn wrong_texts(comment: &str) -> Vec<(&'static str, Vec<u8>)> {
    let deep = |open: &str| open.repeat(100_000);
    vec![
        ("empty", Vec::new()),
        ("byte", b"[".to_vec()),
        ("zero-byte", vec![0]),
        ("not-utf-8", vec![b'a', 0xff, 0xfe]),
        ("utf-16", vec![0xff, 0xfe, b'{', 0, b'}', 0]),
        ("mark-alone", vec![0xef, 0xbb, 0xbf]),
        ("words", b"a model of three layers".to_vec()),
        ("deep-lists", deep("[").into_bytes()),
        ("deep-objects", deep("{\"a\":").into_bytes()),
        ("closed-lists", format!("{}{}", deep("["), deep("]")).into_bytes()),
        ("deep-in-key", format!("x = {}", deep("[")).into_bytes()),
        ("deep-tables", format!("x = {}", deep("{a=")).into_bytes()),
        ("dotted-keys", format!("{}x = 1\n", "a.".repeat(100_000)).into_bytes()),
        ("long-key", format!("{} = 1\n", "a".repeat(1_000_000)).into_bytes()),
        ("values-json", format!("{{\"x\": [{}0]}}", "0,".repeat(2_000_000)).into_bytes()),
        ("values-toml", format!("x = [{}]", "[],".repeat(1_500_000)).into_bytes()),
        ("many-keys", (0..100_000).map(|i| format!("k{i} = 1\n")).collect::<String>().into_bytes()),
        ("large", format!("{comment}{}", " ".repeat(17 << 20)).into_bytes()),
        ("digits", format!("epochs = {}\n", "9".repeat(100_000)).into_bytes()),
    ]
}

/// A model's file of these layers.
fn layers(layers: &[&str]) -> String {
    layers.iter().map(|layer| format!("[[layers]]\n{layer}\n")).collect()
}

fn models() -> Vec<(&'static str, String)> {
    let dense = "type = \"Dense\"\nunits = 3\nactivation = \"softmax\"";
    let one = |layer: &str| layers(&[layer, "type = \"Flatten\"", dense]);
    let conv = |more: &str| one(&format!("type = \"Conv2D\"\nfilters = 2\n{more}"));
    let many = |n: usize, layer: &dyn Fn(usize) -> String| (0..n).map(|i| layers(&[&layer(i)])).collect::<String>();
    let keys: String = (0..20_000).map(|i| format!("k{i} = 1\n")).collect();
    vec![
        ("no-layers", "input = [6, 6, 1]\n".into()),
        ("layers-text", "layers = \"Dense\"\n".into()),
        ("layers-number", "layers = 5\n".into()),
        ("layers-empty", "layers = []\n".into()),
        ("input-two", format!("input = [6, 6]\n{}", one("type = \"ReLU\""))),
        ("input-negative", format!("input = [-6, 6, 1]\n{}", one("type = \"ReLU\""))),
        ("input-huge", format!("input = [9223372036854775807, 2, 1]\n{}", one("type = \"ReLU\""))),
        ("input-other", format!("input = [7, 6, 1]\n{}", one("type = \"ReLU\""))),
        ("no-type", one("filters = 2")),
        ("type-number", one("type = 2")),
        ("type-unknown", one("type = \"Dance\"")),
        ("type-long", one(&format!("type = \"{}\"", "D".repeat(100_000)))),
        ("twice", conv("filters = 3\nkernel_size = 3")),
        ("units-0", layers(&["type = \"Flatten\"", "type = \"Dense\"\nunits = 0"])),
        ("units-negative", layers(&["type = \"Flatten\"", "type = \"Dense\"\nunits = -1"])),
        ("units-huge", layers(&["type = \"Flatten\"", "type = \"Dense\"\nunits = 9223372036854775807"])),
        ("units-more", layers(&["type = \"Flatten\"", "type = \"Dense\"\nunits = 18446744073709551616"])),
        ("units-32", layers(&["type = \"Flatten\"", "type = \"Dense\"\nunits = 4294967295", dense])),
        ("units-float", layers(&["type = \"Flatten\"", "type = \"Dense\"\nunits = 3.0"])),
        ("units-few", layers(&["type = \"Flatten\"", "type = \"Dense\"\nunits = 2"])),
        ("kernel-0", conv("kernel_size = 0")),
        ("kernel-huge", conv("kernel_size = 9223372036854775807")),
        ("kernel-three", conv("kernel_size = [3, 3, 3]")),
        ("kernel-wide", conv("kernel_size = 7")),
        ("strides-0", conv("kernel_size = 3\nstrides = 0")),
        ("strides-huge", conv("kernel_size = 3\nstrides = 9223372036854775807\npadding = \"sme\"")),
        ("dilation-huge", conv("kernel_size = 3\ndilation_rate = 9223372036854775807")),
        ("groups-7", conv("kernel_size = 3\ngroups = 7")),
        ("padding-huge", one("type = \"ZeroPadding2D\"\npadding = 9223372036854775807")),
        ("rate-nan", one("type = \"Dropout\"\nrate = nan")),
        ("rate-inf", one("type = \"Dropout\"\nrate = inf")),
        ("rate-huge", one("type = \"Dropout\"\nrate = 1e999")),
        ("scale-nan", one("type = \"Rescaling\"\nscale = nan")),
        ("slope-inf", one("type = \"LeakyReLU\"\nnegative_slope = -inf")),
        ("epsilon-nan", one("type = \"BatchNormalization\"\nepsilon = nan")),
        ("shape-huge", one("type = \"Reshape\"\ntarget_shape = [9223372036854775807, 9223372036854775807]")),
        ("shape-long", one(&format!("type = \"Reshape\"\ntarget_shape = [{}1]", "1, ".repeat(100_000)))),
        ("name-empty", one("name = \"\"\ntype = \"ReLU\"")),
        ("name-path", one("name = \"../\\u0000\"\ntype = \"ReLU\"")),
        ("names-equal", layers(&["name = \"a\"\ntype = \"ReLU\"", "name = \"a\"\ntype = \"Flatten\"", dense])),
        ("inputs-none", one("type = \"ReLU\"\ninputs = [\"none\"]")),
        ("inputs-own", one("type = \"ReLU\"\nname = \"a\"\ninputs = [\"a\"]")),
        ("inputs-empty", one("type = \"ReLU\"\ninputs = []")),
        ("inputs-many", one(&format!("type = \"Add\"\ninputs = [{}\"none\"]", "\"input\", ".repeat(50_000)))),
        (
            "inputs-long",
            one(&format!("name = \"{}\"\ntype = \"ReLU\"\ninputs = [\"{}\"]", "a".repeat(20_000), "b".repeat(20_000))),
        ),
        ("keys", one(&format!("type = \"Dance\"\n{keys}"))),
        ("layers-50000", many(50_000, &|_| "type = \"ReLU\"".into()) + &layers(&["type = \"Dense\"\nunits = 0"])),
        ("ends-20000", many(20_000, &|i| format!("name = \"n{i}\"\ntype = \"ReLU\"\ninputs = [\"input\"]"))),
        (
            "after-a-cycle",
            layers(&["name = \"n\"\ntype = \"ReLU\"\ninputs = [\"n\"]"])
                + &many(20_000, &|i| format!("name = \"n{i}\"\ntype = \"ReLU\"")),
        ),
        ("turned", many(20_000, &|i| format!("name = \"n{i}\"\ntype = \"ReLU\"\ninputs = [\"n{}\"]", i + 1))),
    ]
}

fn configurations() -> Vec<(&'static str, String)> {
    let json = |settings: &str| format!("{{\"settings\": {settings}}}");
    let wrong = [
        ("epochs", "-1"),
        ("epochs", "0"),
        ("epochs", "18446744073709551616"),
        ("epochs", "1e400"),
        ("epochs", "\"5\""),
        ("epochs", "1.5"),
        ("batch_size", "0"),
        ("batch_size", "4294967296"),
        ("batch_size", "null"),
        ("learning_rate", "0"),
        ("learning_rate", "-1e-3"),
        ("learning_rate", "1e300"),
        ("threads", "65536"),
        ("seed", "-1"),
        ("seed", "18446744073709551616"),
        ("shuffle", "1"),
        ("optimizer", "\"sdg\""),
        ("optimizer", "5"),
        ("optimizer", "{\"type\": \"adam\", \"beta_1\": 2}"),
        ("class_weight", "[-1.0]"),
        ("class_weight", "\"x\""),
        ("checkpoint_every", "\"0steps\""),
        ("checkpoint_every", "\"99999999999999999999steps\""),
        ("only_classes", "[256]"),
        ("only_classes", "7"),
        ("schedule", "\"never\""),
        ("keep", "-1"),
        ("warmup", "-1"),
        ("ema", "2"),
        ("label_smoothing", "-3"),
        ("loss", "\"hinge\""),
        ("model", "[]"),
    ];
    let mut found: Vec<(&str, String)> = Vec::new();
    for (key, value) in wrong {
        found.push(("setting.json", format!("{{\"{key}\": {value}}}")));
        found.push(("run.json", json(&format!("{{\"{key}\": {value}}}"))));
    }
    for toml in [
        "epochs = -1",
        "epochs = 99999999999999999999",
        "learning_rate = nan",
        "learning_rate = inf",
        "momentum = nan",
        "clip_norm = inf",
        "epochs = 1\nepochs = 2",
        "[optimizer]\ntype = \"adam\"\nepsilon = nan",
        "epochs",
        "= 3",
        "epochs = ",
        "[epochs]",
        "[[epochs]]",
        "epochs = 2024-01-01",
        "epochs = \"\"\"",
        "\u{feff}\u{feff}epochs = 1",
    ] {
        found.push(("setting.toml", toml.to_owned()));
    }
    let model = |model: &str| format!("{{\"settings\": {{}}, \"model\": {model}}}");
    found.push(("run.json", json("[]")));
    found.push(("run.json", json("null")));
    found.push(("run.json", json("{\"epochs\": 1, \"epochs\": 1}")));
    found.push(("run.json", model("[]")));
    found.push(("run.json", model("{\"input\": [6, 6, 1]}")));
    found.push(("run.json", model("{\"input\": [6, 6, -1], \"layers\": []}")));
    found.push(("run.json", model("{\"input\": [6, 6, 1], \"layers\": [{\"type\": \"Dance\"}]}")));
    found.push(("run.json", "{\"settings\": {}, \"initializers\": [[\"a\"]]}".into()));
    found
}

pub(super) fn add(made: &mut Made) {
    for extension in ["toml", "json"] {
        for kind in [Kind::Model, Kind::Config] {
            for (what, bytes) in wrong_texts(if extension == "toml" { "#" } else { "{" }) {
                // No settings are settings, too.
                let is_empty =
                    matches!(kind, Kind::Config) && extension == "toml" && ["empty", "mark-alone"].contains(&what);
                if !is_empty {
                    made.add(kind, &format!("{what}.{extension}"), &bytes);
                }
            }
        }
    }
    for (what, text) in models() {
        made.add(Kind::Model, &format!("{what}.toml"), text.as_bytes());
    }
    let good = corpus("model_toml/small.toml");
    for (what, bytes) in cuts(&good, &[12, 30], 6).into_iter().skip(2) {
        made.add(Kind::Model, &format!("{what}.toml"), &bytes);
    }
    let good = corpus("config/run.json");
    for (what, bytes) in cuts(&good, &[2, good.len() - 3], 8) {
        made.add(Kind::Config, &format!("{what}-run.json"), &bytes);
    }
    for (name, text) in configurations() {
        made.add(Kind::Config, name, text.as_bytes());
    }
    let wrong = [
        "{\"loss\": 5}",
        "{\"loss\": \"hinge\"}",
        "{\"only_classes\": [256]}",
        "{\"label_smoothing\": -3}",
        "{\"from_logits\": \"x\"}",
    ];
    for settings in wrong {
        let folder = made.folder.path().join(format!("evaluated-{}", made.cases.len()));
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("model.safetensors"), corpus("safetensors/model")).unwrap();
        std::fs::write(folder.join("run.json"), format!("{{\"settings\": {settings}}}")).unwrap();
        made.add_path(Kind::Run, folder.join("run.json"));
    }
    for (kind, name) in [
        (Kind::Model, "model.toml"),
        (Kind::Config, "settings.toml"),
        (Kind::Resume, "run.checkpoint"),
        (Kind::Weights, "weights.h5"),
    ] {
        let path = made.folder.path().join(format!("loop-{name}"));
        std::os::unix::fs::symlink(&path, &path).unwrap();
        made.add_path(kind, path);
    }
    for (kind, name) in [(Kind::Model, "model.toml"), (Kind::Config, "settings.toml")] {
        let path = made.folder.path().join(format!("folder-{name}"));
        std::fs::create_dir(&path).unwrap();
        made.add_path(kind, path);
    }
}
