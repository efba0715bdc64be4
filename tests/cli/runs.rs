//! Runs: what they write, and what is made of it.

use super::*;
use serde_json::json;

#[test]
fn train_writes_a_run_that_evaluate_reads() {
    let workspace = Workspace::new();
    let output = workspace.train("run", &["--adapter", "cpu", "--log-steps", "--seed", "3"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let printed = stdout(&output);
    assert!(printed.contains("Total params: 101,770"), "{printed}");
    assert!(printed.lines().last().unwrap().starts_with("test accuracy: 0."), "{printed}");
    assert!(stderr(&output).contains("adapter: cpu, "), "{}", stderr(&output));

    let lines = json_lines(&workspace.path("run/metrics.jsonl"));
    let events = |name: &str| lines.iter().filter(|l| l["event"] == name).collect::<Vec<_>>();
    assert_eq!((events("step").len(), events("epoch").len(), events("test").len()), (20, 2, 1));
    assert_eq!((&events("step")[10]["epoch"], &events("step")[10]["step"]), (&Value::from(2), &Value::from(1)));
    let described = json_file(&workspace.path("run/run.json"));
    assert_eq!((&described["status"], &described["seed"]), (&Value::from("done"), &Value::from(3)));
    assert_eq!(described["final"]["test"]["loss"], events("test")[0]["loss"]);
    assert_eq!(described["data"]["sha256"].as_object().unwrap().len(), 4);

    // run.json names the data set; for a weights file alone, --data has to name it.
    let by_run = run(&["evaluate", &workspace.name("run"), "--adapter", "cpu", "--format", "json"]);
    let found: Value = serde_json::from_slice(&by_run.stdout).unwrap_or_else(|_| panic!("{}", stderr(&by_run)));
    assert_eq!(found["accuracy"], events("test")[0]["accuracy"]);
    assert_eq!(found["loss"], events("test")[0]["loss"]);
    assert_eq!(found["classes"].as_array().unwrap().len(), 10);
    std::fs::rename(workspace.path("run/model.safetensors"), workspace.path("alone.safetensors")).unwrap();
    let by_file =
        run(&["evaluate", &workspace.name("alone.safetensors"), "--adapter", "cpu", "--data", &workspace.name("data")]);
    assert!(stdout(&by_file).contains("accuracy: ") && stdout(&by_file).contains("class 9"), "{}", stderr(&by_file));
}

#[test]
fn evaluations_accuracy_is_that_of_its_classes() {
    let workspace = Workspace::new();
    assert!(workspace.train("run", &["--adapter", "cpu"]).status.success());
    let output = run(&["evaluate", &workspace.name("run"), "--adapter", "cpu", "--format", "json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let correct: u64 =
        found["classes"].as_array().unwrap().iter().map(|class| class["correct"].as_u64().unwrap()).sum();
    assert_eq!(found["accuracy"].as_f64().unwrap() * found["images"].as_f64().unwrap(), correct as f64);
    let matrix: Vec<Vec<u64>> = serde_json::from_value(found["confusion_matrix"].clone()).unwrap();
    assert_eq!(matrix.iter().flatten().sum::<u64>(), 50);
    assert_eq!((0..10).map(|i| matrix[i][i]).sum::<u64>(), correct);
    assert!(found["top_k"]["accuracy"].as_f64().unwrap() >= found["accuracy"].as_f64().unwrap());
    assert!(found["macro_average"]["f1"].is_f64());
    let arguments = ["evaluate", &workspace.name("run"), "--adapter", "cpu", "--top-k"];
    let text = stdout(&run(&[&arguments[..], &["3"]].concat()));
    assert!(text.contains("top-3 accuracy: ") && text.contains("confusion matrix"), "{text}");
    fails(&[&arguments[..], &["10"]].concat(), 2, "--top-k 10 of 10 classes");
}

#[test]
fn two_classes_train_by_one_output_and_evaluate_as_the_run_did() {
    let workspace = Workspace::new();
    let model = workspace.path("binary.toml");
    let text = "[[layers]]\ntype = \"Flatten\"\n[[layers]]\ntype = \"Dense\"\nunits = 1\n";
    std::fs::write(&model, text).unwrap();
    let path = model.to_str().unwrap();
    let settings = ["--adapter", "cpu", "--loss", "binary_crossentropy", "--label-smoothing", "0.1"];
    let train = |out: &str, more: &[&str]| workspace.train_model(path, out, &[&settings[..], more].concat());
    let all = train("all", &["--from-logits"]);
    assert!(stderr(&all).contains("--only-classes takes two of them"), "{}", stderr(&all));
    let without = train("without", &["--only-classes", "1,8"]);
    assert_eq!(without.status.code(), Some(2));
    assert!(stderr(&without).contains("from_logits = true"), "{}", stderr(&without));
    let more = ["--only-classes", "1,8", "--from-logits", "--class-weight", "1=2", "--ema", "0.5", "--accumulate", "2"];
    let output = train("run", &more);
    assert!(output.status.success(), "{}", stderr(&output));
    let test = json_lines(&workspace.path("run/metrics.jsonl")).pop().unwrap();
    let evaluate = |more: &[&str]| {
        let output =
            run(&[&["evaluate", &workspace.name("run"), "--adapter", "cpu", "--format", "json"], more].concat());
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)))
    };
    let found = evaluate(&[]);
    assert_eq!((&found["loss"], &found["accuracy"]), (&test["loss"], &test["accuracy"]));
    assert_eq!((found["classes"].as_array().unwrap().len(), &found["top_k"]), (2, &Value::Null));
    // An option wins over the run, the default too.
    assert_ne!(evaluate(&["--label-smoothing", "0"])["loss"], test["loss"]);
    // The same settings from the run.
    let again = ["train", "--config", &workspace.name("run/run.json"), "--out", &workspace.name("again")];
    assert!(run(&again).status.success());
    let weights = |name: &str| std::fs::read(workspace.path(name).join("model.safetensors")).unwrap();
    assert!(weights("run") == weights("again"));
}

#[test]
fn a_residual_network_trains_from_a_file_on_each_backend() {
    let workspace = Workspace::new();
    let model = workspace.path("residual.toml");
    let layer = |text: &str| format!("[[layers]]\n{}\n", text.replace("; ", "\n"));
    let conv = "type = \"Conv2D\"; filters = 4; kernel_size = 3; padding = \"same\"; name = ";
    let text = [
        layer(&format!("{conv}\"stem\"; activation = \"relu\"")),
        layer(&format!("{conv}\"branch\"")),
        layer("type = \"Add\"; inputs = [\"branch\", \"stem\"]"),
        layer("type = \"Activation\"; activation = \"relu\""),
        layer("type = \"MaxPooling2D\""),
        layer("type = \"Flatten\""),
        layer("type = \"Dense\"; units = 10; activation = \"softmax\""),
    ];
    std::fs::write(&model, text.concat()).unwrap();
    let path = model.to_str().unwrap();
    let summary = stdout(&run(&["summary", "--model", path]));
    for word in ["Model: \"functional\"", "Connected to", "branch, stem", "add (Add)"] {
        assert!(summary.contains(word), "{word}: {summary}");
    }
    let devices: &[&str] = if adapter().is_some() { &["cpu", "vulkan"] } else { &["cpu"] };
    for name in devices {
        let output = workspace.train_model(path, name, &["--adapter", name]);
        assert!(output.status.success(), "{}", stderr(&output));
        // The weights file describes the graph.
        let evaluated = run(&["evaluate", &workspace.name(name), "--adapter", "cpu"]);
        assert!(stdout(&evaluated).contains("accuracy: "), "{}", stderr(&evaluated));
    }
    std::fs::write(&model, text.concat().replace("[\"branch\", \"stem\"]", "[\"branch\", \"stam\"]")).unwrap();
    fails(
        &["summary", "--model", path],
        2,
        "layer `add` takes its input from `stam`; there is no such layer; did you mean `stem`?",
    );
}

#[test]
fn state_is_saved_with_the_weights_and_read_by_evaluate_and_train() {
    let workspace = Workspace::new();
    let model = workspace.path("normal.toml");
    let text = "[[layers]]\ntype = \"Conv2D\"\nfilters = 4\nkernel_size = 3\nstrides = 2\n[[layers]]\n\
                type = \"BatchNormalization\"\nmomentum = 0.9\n[[layers]]\ntype = \"PReLU\"\nshared_axes = [1, 2]\n[[layers]]\n\
                type = \"LayerNormalization\"\n[[layers]]\ntype = \"Flatten\"\n[[layers]]\ntype = \"Dense\"\nunits = 10\n\
                activation = \"softmax\"\n";
    std::fs::write(&model, text).unwrap();
    let model = model.to_str().unwrap();
    let summary = stdout(&run(&["summary", "--model", model]));
    for word in ["batch_normalization", "p_re_lu (PReLU)", "Total params: 6,838 ", "Non-trainable params: 8 (32.00 B)"]
    {
        assert!(summary.contains(word), "{word}: {summary}");
    }
    let json = run(&["summary", "--model", model, "--format", "json"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["total_params"], &json["trainable_params"]), (&Value::from(6838), &Value::from(6830)));
    let devices: &[&str] = if adapter().is_some() { &["cpu", "vulkan"] } else { &["cpu"] };
    for name in devices {
        let output = workspace.train_model(model, name, &["--adapter", name]);
        assert!(output.status.success(), "{}", stderr(&output));
        let path = workspace.path(name).join("model.safetensors");
        let weights = gpu_cnn::internals::graph::load_weights(&path).unwrap();
        let tensors = ["gamma", "beta", "moving_mean", "moving_variance"].map(|t| format!("batch_normalization.{t}"));
        assert!(tensors.iter().all(|t| weights.tensors[t].0 == [4]), "{:?}", weights.tensors.keys());
        assert!(weights.tensors[&tensors[2]].1.iter().all(|mean| *mean != 0.0));
        // Another process gives the same loss only with the same moving averages.
        let by_run = run(&["evaluate", &workspace.name(name), "--adapter", name, "--format", "json"]);
        let found: Value = serde_json::from_slice(&by_run.stdout).unwrap_or_else(|_| panic!("{}", stderr(&by_run)));
        let lines = json_lines(&workspace.path(name).join("metrics.jsonl"));
        assert_eq!(found["loss"], lines.last().unwrap()["loss"], "{name}");
        let again = format!("{name}-again");
        let output = workspace.train_model(model, &again, &["--adapter", name, "--weights", path.to_str().unwrap()]);
        assert!(output.status.success(), "{}", stderr(&output));
        let loss = |run: &str| json_lines(&workspace.path(run).join("metrics.jsonl"))[0]["loss"].as_f64().unwrap();
        assert!(loss(&again) < loss(name), "{} {}", loss(&again), loss(name));
    }
}

#[test]
fn a_normalization_without_numbers_takes_them_from_the_weights() {
    let workspace = Workspace::new();
    let model = workspace.path("normal.toml");
    let text = "[[layers]]\ntype = \"Normalization\"\n[[layers]]\ntype = \"Flatten\"\n[[layers]]\ntype = \"Dense\"\nunits = 10\n\
                activation = \"softmax\"\n";
    std::fs::write(&model, text).unwrap();
    let (model, data) = (model.to_str().unwrap(), workspace.name("data"));
    let message = "layer `normalization`: Normalization without mean and variance";
    fails(&["train", "--adapter", "cpu", "--data", &data, "--model", model], 2, message);
    // As Keras has them, with a count of integers; weights of zero, so that the loss is ln 10 whatever the pixels.
    let tensors = [
        ("normalization.mean", "F32", json!([1]), 72.5f32.to_le_bytes().to_vec()),
        ("normalization.variance", "F32", json!([1]), 8100.25f32.to_le_bytes().to_vec()),
        ("normalization.count", "I64", json!([]), 0i64.to_le_bytes().to_vec()),
        ("dense.kernel", "F32", json!([784, 10]), vec![0; 4 * 7840]),
        ("dense.bias", "F32", json!([10]), vec![0; 40]),
    ];
    let (mut header, mut content) = (serde_json::Map::new(), Vec::new());
    for (name, dtype, shape, bytes) in tensors {
        let start = content.len();
        content.extend(bytes);
        let offsets = [start, content.len()];
        header.insert(name.to_owned(), json!({ "dtype": dtype, "shape": shape, "data_offsets": offsets }));
    }
    let header = Value::Object(header).to_string();
    let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &content].concat();
    std::fs::write(workspace.path("adapted.safetensors"), file).unwrap();
    let weights = workspace.name("adapted.safetensors");
    let output = workspace.train_model(model, "adapted", &["--adapter", "cpu", "--weights", &weights, "--log-steps"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let first = json_lines(&workspace.path("adapted").join("metrics.jsonl"))[0]["loss"].as_f64().unwrap();
    assert!((first - 10f64.ln()).abs() < 1e-6, "{first}");
    let saved = gpu_cnn::internals::graph::load_weights(&workspace.path("adapted").join("model.safetensors")).unwrap();
    assert_eq!(saved.tensors["normalization.mean"], (vec![1], vec![72.5]));
    assert_eq!(saved.tensors["normalization.variance"], (vec![1], vec![8100.25]));
}

#[test]
fn the_same_command_writes_the_same_weights_on_each_backend() {
    let workspace = Workspace::new();
    let adapters: &[&str] = if adapter().is_some() { &["cpu", "vulkan"] } else { &["cpu"] };
    let weights = |out: &str| std::fs::read(workspace.path(out).join("model.safetensors")).unwrap();
    for name in adapters {
        for (out, threads) in [("one", "1"), ("two", "2")] {
            let out = format!("{name}-{out}");
            let output = workspace.train(&out, &["--adapter", name, "--threads", threads]);
            assert!(output.status.success(), "{}", stderr(&output));
        }
        assert!(weights(&format!("{name}-one")) == weights(&format!("{name}-two")), "{name}");
    }
}

#[test]
fn training_continues_from_saved_weights() {
    let workspace = Workspace::new();
    assert!(workspace.train("first", &["--adapter", "cpu"]).status.success());
    let weights = workspace.name("first/model.safetensors");
    assert!(workspace.train("second", &["--adapter", "cpu", "--weights", &weights]).status.success());
    let loss = |run: &str| json_lines(&workspace.path(run).join("metrics.jsonl"))[0]["loss"].as_f64().unwrap();
    assert!(loss("second") < loss("first"), "{} {}", loss("second"), loss("first"));
}

#[test]
fn an_earlier_run_is_only_replaced_with_overwrite() {
    let workspace = Workspace::new();
    assert!(workspace.train("run", &["--adapter", "cpu"]).status.success());
    let before = std::fs::read(workspace.path("run/model.safetensors")).unwrap();
    let again = workspace.train("run", &["--adapter", "cpu", "--seed", "10"]);
    assert_eq!(again.status.code(), Some(7));
    assert!(stderr(&again).contains("--overwrite"), "{}", stderr(&again));
    assert_eq!(std::fs::read(workspace.path("run/model.safetensors")).unwrap(), before);
    assert!(workspace.train("run", &["--adapter", "cpu", "--seed", "10", "--overwrite"]).status.success());
    assert!(std::fs::read(workspace.path("run/model.safetensors")).unwrap() != before);
}

#[test]
fn colour_images_of_an_odd_size_train_and_evaluate() {
    let workspace = Workspace::new();
    let sizes = [40, 19, 14, 3];
    let pixels: Vec<u8> = (0..sizes.iter().product::<usize>()).map(|i| (i * i % 251) as u8).collect();
    let labels: Vec<u8> = (0..40).map(|i| i % 3).collect();
    for (name, content) in FILES.iter().zip([idx::encode(&sizes, &pixels), idx::encode(&[40], &labels)].iter().cycle())
    {
        std::fs::write(workspace.path("data").join(name), content).unwrap();
    }
    let devices: &[&str] = if adapter().is_some() { &["cpu", "vulkan"] } else { &["cpu"] };
    for name in devices {
        let output = workspace.train_model("cnn", name, &["--adapter", name, "--batch-size", "7"]);
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(json_file(&workspace.path(name).join("run.json"))["data"]["classes"], 3);
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_the_weights_and_exits_with_130() {
    let workspace = Workspace::new();
    let mut child = command(&["train", "--adapter", "cpu", "--model", "dnn", "--epochs", "1000000"])
        .args(["--data", &workspace.name("data"), "--out", &workspace.name("run")])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // The weights are first saved after the first epoch.
    while !workspace.path("run/model.safetensors").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended early");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).contains("interrupted in epoch"), "{}", stderr(&output));
    assert_eq!(json_file(&workspace.path("run/run.json"))["status"], "interrupted");
    let evaluated = run(&["evaluate", &workspace.name("run"), "--adapter", "cpu"]);
    assert!(evaluated.status.success(), "{}", stderr(&evaluated));
}
