//! What the subcommands beside `train` print, and which device they take.

use super::*;
use crate::support::wait;
use gpu_cnn::DeviceRequest;
use gpu_cnn::internals::backend::gpu;

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

/// It would be trained by each process for itself.
#[cfg(not(feature = "mpi"))]
#[test]
fn several_processes_need_a_program_with_mpi() {
    for (name, size, code) in [("OMPI_COMM_WORLD_SIZE", "2", 2), ("PMI_SIZE", "4", 2), ("OMPI_COMM_WORLD_SIZE", "1", 0)]
    {
        let output = command(&["summary", "--model", "dnn"]).env(name, size).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        let says =
            stderr(&output).contains(&format!("started as one of {size} processes; this gpu-cnn is built without MPI"));
        assert_eq!(says, code == 2, "{}", stderr(&output));
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
    let (usable, _) = wait(gpu::usable(&DeviceRequest::default())).unwrap();
    let hardware = usable.iter().find(|adapter| !adapter.is_software());
    assert_eq!(found["auto"], hardware.map_or("cpu", |adapter| &adapter.info.adapter), "{found}");
}

/// Mesa's RADV shows a card that is not there where this variable is set, and cannot open it.
#[test]
fn auto_passes_over_an_adapter_that_cannot_be_opened_and_says_so() {
    let workspace = Workspace::new();
    let data = workspace.name("data");
    let null = |arguments: &[&str]| command(arguments).env("RADV_FORCE_FAMILY", "navi21").output().unwrap();
    let found: Value = serde_json::from_slice(&null(&["adapters", "--format", "json"]).stdout).unwrap();
    let adapters = found["adapters"].as_array().unwrap();
    let is_null = |adapter: &&Value| adapter["adapter"].as_str().unwrap().starts_with("Null hardware");
    let Some(listed) = adapters.iter().find(is_null) else {
        assert!(std::env::var_os("CI").is_none(), "no RADV: install Mesa's Vulkan drivers (scripts/test does)");
        eprintln!("skipped: no RADV");
        return;
    };
    let name = listed["adapter"].as_str().unwrap();
    let reason = format!("{name} cannot be opened: ");
    assert!(listed["unusable"].as_str().unwrap().starts_with(&reason) && listed["auto"] == false, "{found}");
    assert!(stdout(&null(&["adapters"])).contains(&format!("\n  cannot be used: {reason}")));
    let train = |adapter: &str, out: &str| {
        let out = workspace.name(out);
        null(&["train", "--adapter", adapter, "--data", &data, "--model", "dnn", "--epochs", "1", "--out", &out])
    };
    let auto = train("auto", "auto");
    assert!(auto.status.success(), "{}", stderr(&auto));
    // A card that is there may come first.
    if found["auto"] == "cpu" {
        let lines = stderr(&auto).lines().filter(|line| line.contains(&reason)).count();
        assert!(lines == 1 && stderr(&auto).contains("no other GPU found"), "{}", stderr(&auto));
        assert_eq!(json_file(&workspace.path("auto/run.json"))["device"]["backend"], "cpu");
    }
    let named = train(name, "named");
    assert_eq!(named.status.code(), Some(5), "{}", stderr(&named));
    assert!(stderr(&named).contains(&format!("error: {reason}")), "{}", stderr(&named));
    assert!(stderr(&named).contains("hint: try --adapter cpu") && !workspace.path("named").exists());
}

#[test]
fn a_software_adapter_is_used_only_by_name_and_with_a_notice() {
    let Some(adapter) = software_adapter() else { return };
    let name = &adapter.info.adapter;
    let workspace = Workspace::new();
    let by_option = workspace.train("option", &["--adapter", name]);
    assert!(by_option.status.success() && stderr(&by_option).contains("software adapter"), "{}", stderr(&by_option));
    assert_eq!(json_file(&workspace.path("option/run.json"))["device"]["backend"], adapter.info.backend);
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
    .env("WGPU_ADAPTER_NAME", name.to_uppercase())
    .output()
    .unwrap();
    let text = stderr(&by_environment);
    assert!(by_environment.status.success() && text.contains("software adapter"), "{text}");
}
