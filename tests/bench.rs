//! `gpu-cnn bench` as a command, and its check that the losses of the devices agree.

use crate::support::adapter;
use gpu_cnn::DeviceInfo;
use gpu_cnn::bench::{Benched, disagreement};
use serde_json::Value;
use std::process::{Command, Output};

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gpu-cnn")).arg("bench").args(arguments).output().unwrap()
}

#[test]
fn the_exports_contain_every_figure() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["b.json", "b.md", "b.csv"].map(|name| folder.path().join(name).display().to_string());
    let adapter = adapter();
    let name = adapter.as_ref().map_or("cpu", |a| &a.info.adapter);
    let arguments =
        ["--adapter", name, "--model", "dnn", "--steps", "3", "--rounds", "2", "--warmup", "1", "--kernels"];
    let exports = ["--export-json", &paths[0], "--export-markdown", &paths[1], "--export-csv", &paths[2]];
    let output = bench(&[&arguments[..], &exports[..]].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&paths[0]).unwrap()).unwrap();
    assert_eq!((&report["model"], &report["batch_size"], &report["steps"]), (&"dnn".into(), &32.into(), &3.into()));
    let results = report["results"].as_array().unwrap();
    assert_eq!(results.len(), if adapter.is_some() { 2 } else { 1 });
    let cpu = results.last().unwrap();
    assert_eq!((&cpu["backend"], &cpu["ratio_to_cpu"]), (&"cpu".into(), &1.0.into()));
    for result in results {
        let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{value} in {result}"));
        let ms = &result["ms_per_step"];
        assert!(number(&ms["min"]) <= number(&ms["median"]) && number(&ms["median"]) <= number(&ms["max"]));
        for key in ["epoch_s", "images_per_s", "first_step_s", "eval_images_per_s", "ratio_to_cpu", "first_to_second"] {
            assert!(number(&result[key]) > 0.0, "{key}");
        }
        let epoch = number(&ms["median"]) * 1.875;
        assert!((number(&result["epoch_s"]) / epoch - 1.0).abs() < 1e-9);
        assert_eq!(
            (result["losses"].as_array().unwrap().len(), result["samples_ms"].as_array().unwrap().len()),
            (13, 2)
        );
        let kernels = result["kernels"].as_array().unwrap();
        assert_eq!(kernels.len() as u64, result["dispatches"].as_u64().unwrap());
        assert!(kernels.iter().all(|k| number(&k["ms"]) >= 0.0 && k["label"].is_string() && k["clock"].is_string()));
        if cfg!(target_os = "linux") {
            assert!(number(&result["peak_rss_mb"]) > 1.0);
        }
    }
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("dense backward weights") && text.contains("x cpu") && text.contains("noise (A/A): up to "),
        "{text}"
    );
    assert!(std::fs::read_to_string(&paths[1]).unwrap().contains("| adapter | ms/step |"));
    assert_eq!(std::fs::read_to_string(&paths[2]).unwrap().lines().count(), 1 + results.len());
}

#[test]
fn models_that_end_in_logits_or_in_one_output_are_timed() {
    let folder = tempfile::tempdir().unwrap();
    for end in ["units = 10", "units = 1", "units = 1\nactivation = \"sigmoid\""] {
        let path = folder.path().join("model.toml");
        std::fs::write(&path, format!("[[layers]]\ntype = \"Flatten\"\n[[layers]]\ntype = \"Dense\"\n{end}\n"))
            .unwrap();
        let model = path.to_str().unwrap();
        let output = bench(&["--adapter", "cpu", "--model", model, "--steps", "2", "--rounds", "1", "--warmup", "0"]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !stderr.contains("warning"), "{end}: {stderr}");
    }
}

#[test]
fn invalid_arguments_are_refused_before_anything_is_measured() {
    let missing = bench(&["--adapter", "cpu", "--export-json", "/no/such/folder/b.json"]);
    assert_eq!(missing.status.code(), Some(7), "{}", String::from_utf8_lossy(&missing.stderr));
    assert_eq!(bench(&["--adapter", "no such card"]).status.code(), Some(3));
    assert_eq!(bench(&["--steps", "0"]).status.code(), Some(2));
    assert_eq!(bench(&["--model", "no-such-model.toml"]).status.code(), Some(2));
    let mut command = Command::new(env!("CARGO_BIN_EXE_gpu-cnn"));
    let output = command.args(["bench", "--rounds", "1"]).env("GPU_CNN_PROFILE", "warp").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("`warp`") && stderr.contains("software, discrete, integrated"), "{stderr}");
}

/// A result with the given losses and arbitrary other figures.
fn benched(adapter: &str, losses: &[f64]) -> Benched {
    Benched {
        info: DeviceInfo {
            adapter: adapter.into(),
            backend: "vulkan".into(),
            device_type: "discrete".into(),
            driver: String::new(),
        },
        software: false,
        samples_ms: vec![[3.0, 1.0], [2.0, 2.0], [5.0, 3.0]],
        losses: losses.to_vec(),
        eval_images_per_s: 1.0,
        flops: [1.0, 1.0],
        dispatches: 1,
        algorithms: Vec::new(),
        peak: None,
        kernels: None,
    }
}

#[test]
fn diverging_losses_are_reported_and_nan_never_agrees() {
    let cpu = benched("cpu", &[2.3, 2.2, 2.1]);
    assert_eq!((cpu.ms_per_step(), cpu.first_to_second()), ([2.5, 1.0, 5.0], 1.5));
    assert_eq!(disagreement(&[benched("card", &[2.3001, 2.2, 2.1]), cpu.clone()]), None);
    let text = disagreement(&[benched("card", &[2.3, 2.21, 2.1]), cpu.clone()]).unwrap();
    assert!(text.contains("step 2") && text.contains("2.21 on card") && text.contains("2.2 on cpu"), "{text}");
    assert!(disagreement(&[benched("card", &[2.3, f64::NAN, 2.1]), cpu]).is_some());
    // Differences in rounding grow.
    let [late, early] = [6, 1].map(|step| (0..8).map(|i| if i < step { 2.0 } else { 2.01 }).collect::<Vec<f64>>());
    assert_eq!(disagreement(&[benched("card", &late), benched("cpu", &[2.0; 8])]), None);
    assert!(disagreement(&[benched("card", &early), benched("cpu", &[2.0; 8])]).is_some());
    // Over many steps only the mean losses are compared.
    let [slow, fast] = [2.0, 1.2].map(|late| [vec![2.0; 20], vec![late; 80]].concat());
    assert_eq!(disagreement(&[benched("card", &slow), benched("cpu", &slow)]), None);
    let text = disagreement(&[benched("card", &slow), benched("cpu", &fast)]).unwrap();
    assert!(text.contains("mean loss of 100 steps"), "{text}");
}
