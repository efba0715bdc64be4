//! The `gpu-cnn` command: its output, the files it writes, and its exit codes and messages.

use crate::support::{adapter, software_adapter};
use gpu_cnn::data::{FILES, idx, synthetic};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gpu-cnn"));
    command
        .args(arguments)
        .env_remove("WGPU_BACKEND")
        .env_remove("WGPU_ADAPTER_NAME")
        .env("GPU_CNN_DATA_URL", "http://127.0.0.1:9");
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Asserts that the command fails with exit code `code`, a message on stderr that contains `message`, and no output.
fn fails(arguments: &[&str], code: i32, message: &str) {
    let output = run(arguments);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    assert!(text.contains(message), "{arguments:?} does not say `{message}`: {text}");
    assert!(output.stdout.is_empty(), "{arguments:?}: {}", stdout(&output));
}

/// A temporary folder with a small data set in `data`, for the runs of a test.
struct Workspace {
    folder: TempDir,
}

impl Workspace {
    fn new() -> Self {
        let workspace = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(workspace.path("data")).unwrap();
        let data = synthetic::generate(11, [320, 50]);
        let contents = [idx::encode_split(&data.train), idx::encode_split(&data.test)];
        for (name, content) in FILES.iter().zip(contents.iter().flatten()) {
            std::fs::write(workspace.path("data").join(name), content).unwrap();
        }
        workspace
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Trains the dense preset for two epochs on the small data set, with the run folder `out`.
    fn train(&self, out: &str, more: &[&str]) -> Output {
        self.train_model("dnn", out, more)
    }

    fn train_model(&self, model: &str, out: &str, more: &[&str]) -> Output {
        let (data, out) = (self.name("data"), self.name(out));
        run(&[&["train", "--data", &data, "--out", &out, "--model", model, "--epochs", "2"], more].concat())
    }
}

fn json_file(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn json_lines(path: &Path) -> Vec<Value> {
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_simd_level_can_be_forced_and_an_unknown_name_is_refused() {
    let workspace = Workspace::new();
    let data = workspace.path("data").display().to_string();
    let train = |level: &str, out: &str| {
        let out = workspace.path(out).display().to_string();
        let arguments =
            ["train", "--adapter", "cpu", "--model", "dnn", "--epochs", "1", "--data", &data, "--out", &out];
        (command(&arguments).env("GPU_CNN_SIMD", level).output().unwrap(), out)
    };
    let levels = gpu_cnn::internals::simd::SimdLevel::available();
    for name in levels.iter().map(|level| level.name()).chain(["plain"]) {
        let (output, out) = train(name, name);
        assert!(output.status.success(), "{name}: {}", stderr(&output));
        let run: Value = serde_json::from_slice(&std::fs::read(Path::new(&out).join("run.json")).unwrap()).unwrap();
        assert!(run.to_string().contains(&format!("\"driver\":\"{name}\"")), "{run}");
    }
    let (output, out) = train("sse9", "wrong");
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("GPU_CNN_SIMD is `sse9`; this machine has") && text.contains("plain"), "{text}");
    assert!(!Path::new(&out).exists());
}

#[test]
fn help_names_every_subcommand_and_exit_code() {
    let output = run(&["--help"]);
    let text = stdout(&output);
    assert!(output.status.success());
    for word in ["train", "evaluate", "summary", "adapters", "130 interrupted"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let text = stdout(&run(&["train", "--help"]));
    for option in [
        "--model",
        "--adapter",
        "--epochs",
        "--batch-size",
        "--learning-rate",
        "--seed",
        "--data",
        "--weights",
        "--no-shuffle",
        "--steps-per-epoch",
        "--log-steps",
        "--threads",
        "--out",
    ] {
        assert!(text.contains(option), "{option}: {text}");
    }
}

#[test]
fn summary_prints_the_table_of_keras_or_one_json_document() {
    let text = stdout(&run(&["summary"]));
    for part in ["max_pooling2d_1 (MaxPooling2D)", "(None, 26, 26, 64)", "204,928", "Total params: 243,786 (952.29 KB)"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let summary: Value =
        serde_json::from_slice(&run(&["summary", "--model", "dnn", "--format", "json"]).stdout).unwrap();
    assert_eq!(summary["total_params"], 101_770);
    assert_eq!(summary["layers"][1]["type"], "Dense");
}

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
    refused("run.toml", "learning_rate = -1\n", "a learning rate of -1");
    refused("run.toml", "loss = \"hinge\"\n", "hinge");
    refused("run.json", r#"{"epochs": 3, "epochs": 4}"#, "duplicate field `epochs`");
    refused("run.json", r#"{"settings": {"seed": 3, "seed": 4}}"#, "duplicate field `seed`");
    refused("run.json", r#"{"optimizer": {"type": "adam", "beta_1": 0.8, "beta_1": 0.9}}"#, "duplicate field `beta_1`");
    refused("run.json", "[3]", "settings are an object");
    refused("run.json", r#"{"settings": [3]}"#, "settings are an object");
    fails(&["train", "--config", "/nosuch.toml"], 2, "/nosuch.toml");
    fails(&["train", "--no-shuffle=maybe"], 2, "must be true or false");
    fails(&["train", "--loss", "hinge"], 2, "sparse_categorical_crossentropy");
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
    fails(&["summary", "--model", path], 2, "layer `add` takes its input from `stam`; there is no such layer");
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
fn invalid_arguments_fail_with_two() {
    let workspace = Workspace::new();
    let data = workspace.name("data");
    fails(&["train", "--batch-size", "0"], 2, "--batch-size");
    fails(&["train", "--learning-rate", "-1"], 2, "positive");
    fails(&["train", "--adapter", "cpu", "--data", &data, "--model", "nosuch.toml"], 2, "nosuch.toml");
    fails(&["summary", "--input-shape", "3,3,1"], 2, "layer 2 `max_pooling2d`");
    fails(&["evaluate", "/nosuch/run"], 2, "/nosuch/run");
    fails(&["nosuch"], 2, "nosuch");
    fails(&["train", "--adapter", "", "--data", &data], 2, "empty adapter name");
    fails(&["summary", "--classes", "1000"], 2, "--classes");
    let model = workspace.path("model.toml");
    std::fs::write(
        &model,
        "[[layers]]\ntype = \"Flatten\"\n[[layers]]\ntype = \"Dense\"\nunits = 4\nactivation = \"softmax\"\n",
    )
    .unwrap();
    fails(
        &["train", "--adapter", "cpu", "--data", &data, "--model", model.to_str().unwrap()],
        2,
        "ends in 4 units, the data has 10 classes",
    );
}

#[test]
fn weights_of_another_model_fail_with_two_and_damaged_ones_with_four() {
    let workspace = Workspace::new();
    let data = workspace.name("data");
    let other = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/golden/cnn_small/init.safetensors");
    fails(
        &["train", "--adapter", "cpu", "--data", &data, "--weights", other],
        2,
        "tensor `conv2d.kernel` is [3, 3, 1, 16]",
    );
    fails(&["evaluate", other, "--adapter", "cpu", "--data", &data], 2, "--model");
    let damaged = workspace.path("damaged.safetensors");
    let mut bytes = std::fs::read(other).unwrap();
    bytes.truncate(1000);
    std::fs::write(&damaged, &bytes).unwrap();
    fails(&["evaluate", damaged.to_str().unwrap(), "--adapter", "cpu", "--data", &data], 4, "damaged.safetensors");
}

#[test]
fn a_missing_adapter_fails_with_three_and_a_hint() {
    let workspace = Workspace::new();
    let data = workspace.name("data");
    let train = ["train", "--data", &data, "--model", "dnn"];
    fails(&[&train[..], &["--adapter", "no such adapter"]].concat(), 3, "gpu-cnn adapters");
    for (name, value, code) in [("WGPU_ADAPTER_NAME", "no such adapter", 3), ("WGPU_BACKEND", "nosuch", 2)] {
        let output = command(&train).env(name, value).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert!(stderr(&output).contains(value), "{}", stderr(&output));
    }
}

#[test]
fn adapters_lists_the_adapter_that_auto_selects() {
    let found: Value = serde_json::from_slice(&run(&["adapters", "--format", "json"]).stdout).unwrap();
    let adapters = found["adapters"].as_array().unwrap();
    if adapter().is_some() {
        let first = &adapters[0];
        assert!(first["backend"].is_string() && first["max_storage_buffer_binding_size"].as_u64() > Some(0), "{first}");
    }
    let hardware =
        adapters.iter().any(|a| a["device_type"] != "software" && !a["adapter"].as_str().unwrap().contains("llvmpipe"));
    assert!(hardware || found["auto"] == "cpu", "{found}");
}

#[test]
fn a_software_adapter_is_used_only_by_name_and_with_a_notice() {
    if software_adapter().is_none() {
        return;
    }
    let workspace = Workspace::new();
    let by_option = workspace.train("option", &["--adapter", "llvmpipe"]);
    assert!(by_option.status.success() && stderr(&by_option).contains("software adapter"), "{}", stderr(&by_option));
    assert_eq!(json_file(&workspace.path("option/run.json"))["device"]["backend"], "vulkan");
    let by_environment = command(&[
        "train",
        "--data",
        &workspace.name("data"),
        "--model",
        "dnn",
        "--epochs",
        "1",
        "--out",
        &workspace.name("env"),
    ])
    .env("WGPU_ADAPTER_NAME", "LLVMPIPE")
    .output()
    .unwrap();
    let text = stderr(&by_environment);
    assert!(by_environment.status.success() && text.contains("software adapter"), "{text}");
}

#[test]
fn inconsistent_data_fails_with_four_and_the_values() {
    let workspace = Workspace::new();
    let (folder, data) = (workspace.path("data"), workspace.name("data"));
    let train = ["train", "--adapter", "cpu", "--model", "dnn", "--data", &data];
    fails(&["train", "--data", "nosuch"], 4, "nosuch");
    let labels = folder.join(FILES[3]);
    let mut good = std::fs::read(&labels).unwrap();
    good[8 + 7] = 200;
    std::fs::write(&labels, &good).unwrap();
    fails(&train, 4, "label 200 of image 7 is out of range");
    std::fs::write(&labels, &good[..good.len() - 3]).unwrap();
    fails(&train, 4, "holds 47 bytes after its header, which declares [50]");
    std::fs::remove_file(&labels).unwrap();
    std::fs::write(&labels, idx::encode(&[50], &[1; 50])).unwrap();
    let images = folder.join(FILES[2]);
    let original = std::fs::read(&images).unwrap();
    std::fs::write(&images, idx::encode(&[50, 14, 56], &[0; 50 * 14 * 56])).unwrap();
    fails(&train, 4, &format!("images of [14, 56, 1], but training images of [28, 28, 1] in {data}"));
    fails(&train, 4, FILES[2]);
    std::fs::write(&images, original).unwrap();
    std::fs::remove_file(&labels).unwrap();
    let train_labels = folder.join(FILES[1]);
    let good = std::fs::read(&train_labels).unwrap();
    let mut stray = good.clone();
    stray[8 + 4] = 255;
    std::fs::write(&train_labels, &stray).unwrap();
    fails(&train, 4, "label 255 of image 4 is out of range: labels run from 0 to 9");
    std::fs::write(&train_labels, &good).unwrap();
    fails(&train, 4, "no t10k-labels-idx1-ubyte.gz or t10k-labels-idx1-ubyte here");
}

#[test]
fn a_batch_beyond_the_adapters_limits_fails_with_five_and_a_size_that_fits() {
    if software_adapter().is_none() {
        return;
    }
    let workspace = Workspace::new();
    let output = workspace.train("run", &["--adapter", "llvmpipe", "--batch-size", "65536"]);
    assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
    assert!(stderr(&output).contains("buffer `input` takes 205520896 bytes"), "{}", stderr(&output));
    assert!(stderr(&output).contains("try --batch-size 42799"), "{}", stderr(&output));
    assert!(!workspace.path("run").exists());
}

#[test]
fn a_folder_that_cannot_be_written_fails_with_seven() {
    let workspace = Workspace::new();
    let file = workspace.path("file");
    std::fs::write(&file, "not a folder").unwrap();
    let output = workspace.train("file/run", &["--adapter", "cpu"]);
    assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
}

#[test]
fn a_loss_that_is_not_finite_fails_with_six_and_is_recorded() {
    let workspace = Workspace::new();
    let output = workspace.train("run", &["--adapter", "cpu", "--learning-rate", "3e38"]);
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    assert!(stderr(&output).contains("epoch 1, step "), "{}", stderr(&output));
    assert_eq!(json_file(&workspace.path("run/run.json"))["status"], "failed");
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
