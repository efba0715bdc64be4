//! What the subcommands beside `train` print, and which device they take.

use super::*;

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
    for word in ["train", "evaluate", "summary", "adapters", "130 interrupted", "143 by SIGTERM"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let text = stdout(&run(&["train", "--help"]));
    for option in [
        "--model",
        "--adapter",
        "--epochs",
        "--batch-size",
        "--checkpoint-every",
        "--resume",
        "--keep",
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
