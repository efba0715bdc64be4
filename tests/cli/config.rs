//! Configuration files, and options over them.

use super::*;

#[test]
fn a_configuration_file_an_earlier_run_and_the_options_are_one() {
    let workspace = Workspace::new();
    let data = workspace.name("data");
    let toml = workspace.path("run.toml");
    let text =
        format!("model = \"dnn\"\nadapter = \"cpu\"\nepochs = 1\nbatch_size = 16\nshuffle = false\ndata = {data:?}\n");
    std::fs::write(&toml, text).unwrap();
    let train = |arguments: &[&str], out: &str| {
        let output = run(&[&["train"], arguments, &["--out", &workspace.name(out)]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        let settings = json_file(&workspace.path(out).join("run.json"))["settings"].clone();
        (settings, std::fs::read(workspace.path(out).join("model.safetensors")).unwrap())
    };
    let (from_file, weights) = train(&["--config", toml.to_str().unwrap(), "--seed", "4"], "file");
    assert_eq!(
        (&from_file["batch_size"], &from_file["shuffle"], &from_file["seed"]),
        (&16.into(), &false.into(), &4.into())
    );
    // The same by options alone.
    let options = ["--model", "dnn", "--adapter", "cpu", "--epochs", "1", "--batch-size", "16", "--no-shuffle"];
    let (_, by_options) = train(&[&options[..], &["--data", &data, "--seed", "4"]].concat(), "options");
    assert!(weights == by_options);
    // An earlier run's settings, without its folder; an option wins over the file.
    let earlier = workspace.name("file/run.json");
    let (repeated, same) = train(&["--config", &earlier], "repeated");
    assert!(weights == same && repeated["out"].as_str().unwrap().ends_with("repeated"));
    assert!(train(&["--config", &earlier, "--seed", "5"], "other").1 != weights);

    // Switches both ways.
    let (switched, shuffled) = train(&["--config", &earlier, "--no-shuffle=false", "--log-steps=true"], "shuffled");
    assert!(shuffled != weights && switched["shuffle"] == true && switched["log_steps"] == true);
    let (back, _) = train(&["--config", &workspace.name("shuffled/run.json"), "--log-steps=false"], "back");
    assert!(back["log_steps"] == false && back["shuffle"] == true);
}

#[test]
fn what_is_wrong_with_a_configuration_is_said_with_its_path() {
    let workspace = Workspace::new();
    let refused = |name: &str, text: &str, wanted: &str| {
        let path = workspace.path(name);
        std::fs::write(&path, text).unwrap();
        let output = run(&["train", "--config", path.to_str().unwrap()]);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{text}: {message}");
        let complete = message.contains(wanted) && message.contains(name) && !message.contains("Usage");
        assert!(complete, "{text}: {message}");
    };
    refused("run.toml", "epoch = 3\n", "unknown field `epoch`");
    refused("run.toml", "epoch = 3\n", "; did you mean `epochs`?");
    refused("run.json", "{\"settings\": {\"lerning_rate\": 3}}", "; did you mean `learning_rate`?");
    refused("run.toml", "learning_rate = -1\n", "a learning rate of -1");
    refused("run.toml", "loss = \"hinge\"\n", "hinge");
    refused("run.json", r#"{"epochs": 3, "epochs": 4}"#, "duplicate field `epochs`");
    refused("run.json", r#"{"settings": {"seed": 3, "seed": 4}}"#, "duplicate field `seed`");
    refused("run.json", r#"{"optimizer": {"type": "adam", "beta_1": 0.8, "beta_1": 0.9}}"#, "duplicate field `beta_1`");
    refused("run.json", "[3]", "settings are an object");
    // A setting of the run among the optimizer's arguments.
    let optimizer = "optimizer = { type = \"sgd\", momentum = 0.9 }\n";
    refused("run.toml", optimizer, "`momentum` is a setting of the run: write it at the top level");
    let optimizer = r#"{"optimizer": {"type": "adam", "learning_rate": 0.9}}"#;
    refused("run.json", optimizer, "`learning_rate` is a setting of the run");
    refused("run.toml", "momentum = 1e300\n", "momentum of adam is 1e300; ");
    refused("run.json", r#"{"settings": [3]}"#, "settings are an object");
    fails(&["train", "--config", "/nosuch.toml"], 2, "/nosuch.toml");
    fails(&["train", "--no-shuffle=maybe"], 2, "must be true or false");
    // What f32 loses or cannot hold.
    fails(&["train", "--clip-value", "1e-50"], 2, "clip_value of adam");
    fails(&["train", "--weight-decay", "1e39"], 2, "weight_decay of adam");
    refused("run.toml", "optimizer = { type = \"adam\", beta_1 = 0.99999999999 }\n", "beta_1 of adam");
    fails(&["train", "--loss", "hinge"], 2, "sparse_categorical_crossentropy");
    // Settings that exclude each other, are out of range, or would have no effect.
    fails(&["train", "--clip-value", "0.1", "--clip-norm", "0.2"], 2, "a clip_value of 0.1 and a clip_norm of 0.2");
    fails(&["train", "--clip-norm", "-1"], 2, "clip_norm of adam is -1");
    fails(&["train", "--label-smoothing", "1"], 2, "label_smoothing of 1");
    fails(&["train", "--label-smoothing", "-0.1"], 2, "label_smoothing of -0.1");
    fails(&["train", "--accumulate", "0"], 2, "--accumulate");
    refused("run.toml", "accumulate = 0\n", "0 batches an update");
    fails(&["train", "--ema", "1"], 2, "ema of adam is 1");
    fails(&["train", "--decay-rate", "0.9"], 2, "decay_rate is for the schedules step and exponential");
    fails(&["train", "--decay-steps", "9", "--schedule", "cosine"], 2, "the schedule is cosine");
    fails(&["train", "--plateau-factor", "0.9"], 2, "plateau_factor is for the schedule plateau");
    fails(&["train", "--schedule", "plateau", "--plateau-factor", "1"], 2, "plateau_factor of 1");
    fails(&["train", "--schedule", "plateau", "--plateau-min-delta", "NaN"], 2, "plateau_min_delta of NaN");
    fails(&["train", "--optimizer", "muon", "--momentum", "0.9"], 2, "momentum is for sgd and rmsprop");
    refused("run.toml", "optimizer = { type = \"muon\", ns_steps = 0 }\n", "ns_steps of muon is 0");
    refused("run.toml", "optimizer = { type = \"muon\", rms_rate = 0.0 }\n", "rms_rate of muon is 0");
    refused("run.toml", "optimizer = { type = \"muon\", momentum = 1.0 }\n", "momentum of muon is 1");
    refused("run.toml", "optimizer = { type = \"muon\", exclude_layers = [] }\n", "exclude_layers");
    fails(&["train", "--class-weight", "1:2"], 2, "`1:2` is no weight of a class");
    fails(&["train", "--class-weight", "1=-2"], 2, "class_weight of -2 for class 1");
    refused("run.toml", "class_weight = \"x\"\n", "weights of classes, as a list or as a table");
    let data = workspace.name("data");
    let train = ["train", "--adapter", "cpu", "--data", &data];
    fails(&[&train[..], &["--class-weight", "12=2"]].concat(), 2, "class 12; the model has 10 classes");
    let zeros = "0=0,1=0,2=0,3=0,4=0,5=0,6=0,7=0,8=0,9=0";
    fails(&[&train[..], &["--class-weight", zeros]].concat(), 2, "a class_weight of 0 for every class");
    fails(&[&train[..], &["--only-classes", "2"]].concat(), 2, "at least two classes");
    fails(&[&train[..], &["--only-classes", "2,10"]].concat(), 2, "class 10; the data has 10 classes");
    fails(&[&train[..], &["--from-logits"]].concat(), 2, "leave out from_logits");
    fails(&[&train[..], &["--loss", "binary_crossentropy"]].concat(), 2, "takes one: Dense with units = 1");
    fails(
        &["summary", "--model", "assets/models/binary.toml", "--classes", "4"],
        2,
        "--classes is for models that are built in",
    );
}

#[test]
fn settings_without_effect_are_said_and_an_option_may_be_what_the_file_needs() {
    let workspace = Workspace::new();
    let file = workspace.path("run.toml");
    std::fs::write(&file, "momentum = 0.9\n").unwrap();
    let train = |out: &str, more: &[&str]| {
        let output = workspace.train(out, &[&["--adapter", "cpu", "--config", file.to_str().unwrap()], more].concat());
        (output.status.code(), stderr(&output))
    };
    let (code, text) = train("adam", &[]);
    assert!(code == Some(2) && text.contains("run.toml: the setting momentum is for sgd and rmsprop"), "{text}");
    let (code, text) = train("sgd", &["--optimizer", "sgd"]);
    assert!(code == Some(0) && !text.contains("warning"), "{text}");
    // Two epochs of ten batches.
    let (code, text) = train("warm", &["--optimizer", "sgd", "--warmup", "20", "--data-dir", &workspace.name("none")]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("warning: warmup is 20; the run has 20 updates"), "{text}");
    assert!(text.contains("warning: --data-dir is for published sets such as fashion-mnist"), "{text}");
}

#[test]
fn an_earlier_runs_model_is_the_one_that_it_trained() {
    let workspace = Workspace::new();
    let model = workspace.path("model.toml");
    let text = |units: usize| {
        let hidden = format!("[[layers]]\ntype = \"Dense\"\nunits = {units}\nactivation = \"relu\"\n");
        format!(
            "[[layers]]\ntype = \"Flatten\"\n{hidden}[[layers]]\ntype = \"Dense\"\nunits = 10\nactivation = \"softmax\"\n"
        )
    };
    let weights = |out: &str| std::fs::read(workspace.path(out).join("model.safetensors")).unwrap();
    let again = |earlier: &str, out: &str, more: &[&str]| {
        let earlier = workspace.name(&format!("{earlier}/run.json"));
        let output = run(&[&["train", "--config", &earlier, "--out", &workspace.name(out)], more].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        stderr(&output)
    };
    std::fs::write(&model, text(8)).unwrap();
    let name = model.to_str().unwrap();
    assert!(workspace.train_model(name, "first", &["--adapter", "cpu"]).status.success());
    std::fs::write(&model, text(9)).unwrap();
    assert!(again("first", "same", &[]).contains("note: the model is that of the earlier run"));
    assert!(weights("first") == weights("same"));
    // The file, where an option names it.
    assert!(!again("first", "changed", &["--model", name]).contains("earlier run"));
    assert!(weights("first") != weights("changed"));
    std::fs::remove_file(&model).unwrap();
    again("same", "gone", &[]);
    assert!(weights("first") == weights("gone"));
    // The initial values, too, that a model of Keras asks for.
    let keras = workspace.path("keras.json");
    std::fs::copy(crate::support::keras_file("initializers.json"), &keras).unwrap();
    assert!(workspace.train_model(keras.to_str().unwrap(), "keras", &["--adapter", "cpu"]).status.success());
    std::fs::remove_file(&keras).unwrap();
    again("keras", "keras-again", &[]);
    assert!(weights("keras") == weights("keras-again"));
}

#[test]
fn what_is_wrong_with_a_models_layer_is_said_with_its_line() {
    let workspace = Workspace::new();
    let json = workspace.path("model.json");
    std::fs::write(&json, "[3]").unwrap();
    fails(&["summary", "--model", json.to_str().unwrap()], 2, "not a model of Keras: no `class_name` and `config`");
    let path = workspace.path("model.toml");
    let good = "input = [28, 28, 1]\n\n[[layers]]\ntype = \"Flatten\"\n\n[[layers]]\ntype = \"Dense\"\nunits = 10\n";
    for (found, wrong, wanted) in [
        ("units = 10", "unit = 10", "layer 2, from line 6: unknown field `unit`"),
        ("units = 10", "units = \"x\"", "layer 2, from line 6: units = \"x\": invalid type"),
        ("\"Flatten\"", "\"Flat\"", "layer 1, from line 3: unknown variant `Flat`"),
        ("input", "inputs", "line 1"),
        (
            "input = [28, 28, 1]\n\n[[layers]]\ntype = \"Flatten\"",
            "[[layers]]\ntype = \"Flat\"",
            "layer 1, from line 1",
        ),
    ] {
        std::fs::write(&path, good.replacen(found, wrong, 1)).unwrap();
        fails(&["summary", "--model", path.to_str().unwrap()], 2, wanted);
    }
}

#[test]
fn a_mark_of_the_order_of_bytes_is_none_of_the_settings() {
    let workspace = Workspace::new();
    for (name, text) in [("run.json", "\u{feff}{\"epochs\": 3}"), ("run.toml", "\u{feff}epochs = 3")] {
        std::fs::write(workspace.path(name), text).unwrap();
        let out = format!("of-{name}");
        let options = ["--adapter", "cpu", "--config", &workspace.name(name), "--data", &workspace.name("data")];
        let output = run(&[&["train", "--model", "dnn", "--out", &workspace.name(&out)][..], &options].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(json_file(&workspace.path(&out).join("run.json"))["settings"]["epochs"], 3);
    }
}
