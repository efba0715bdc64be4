//! `gpu-cnn reproduce`: the same bits, or the first step that differs.

use super::*;

fn reproduce(run_folder: &str, more: &[&str]) -> Output {
    run(&[&["reproduce", run_folder], more].concat())
}

#[test]
fn a_run_is_reproduced_on_each_backend_and_from_another_folder() {
    let devices: &[&str] = if adapter().is_some() { &["cpu", "vulkan"] } else { &["cpu"] };
    for name in devices {
        let workspace = Workspace::new();
        let settings = ["--adapter", name, "--accumulate", "3", "--schedule", "cosine", "--learning-rate", "0.0011"];
        assert!(workspace.train("run", &settings).status.success());
        let files = || std::fs::read_dir(workspace.path("run")).unwrap().count();
        let before = files();
        let output = reproduce(&workspace.name("run"), &["--format", "json"]);
        let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
        assert_eq!((&found["same"], &found["steps"]), (&true.into(), &20.into()), "{}", stderr(&output));
        let weights = std::fs::read(workspace.path("run/model.safetensors")).unwrap();
        assert_eq!(found["weights_sha256"], gpu_cnn::internals::sha256_hex(&weights));
        assert_eq!(files(), before, "it wrote into the folder");
        let text = reproduce(&workspace.name("run"), &[]);
        assert!(stdout(&text).starts_with("the same: the losses of 20 steps, and the weights, sha256 "));
    }
}

#[test]
fn a_run_whose_time_did_not_run_out_is_reproduced_to_its_last_epoch() {
    let workspace = Workspace::new();
    let (data, out) = (workspace.name("data"), workspace.name("run"));
    let options = ["train", "--data", &data, "--out", &out, "--overwrite", "--model", "dnn", "--adapter", "cpu"];
    let limits = ["--max-time", "1h", "--validation", "40", "--early-stopping", "1", "--epochs", "20"];
    for more in [&["--log-steps"][..], &["--learning-rate", "0.05"]] {
        let output = run(&[&options[..], &limits, more].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        let output = reproduce(&out, &[]);
        assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    }
}

#[test]
fn the_first_difference_is_named() {
    let workspace = Workspace::new();
    assert!(workspace.train("run", &["--adapter", "cpu", "--log-steps"]).status.success());
    let changed = |file: &str, change: &dyn Fn(Vec<u8>) -> Vec<u8>, message: &str| {
        let path = workspace.path("run").join(file);
        let content = std::fs::read(&path).unwrap();
        std::fs::write(&path, change(content.clone())).unwrap();
        fails(&["reproduce", &workspace.name("run")], 1, message);
        std::fs::write(&path, content).unwrap();
    };
    let bit = |at: usize| {
        move |mut bytes: Vec<u8>| {
            bytes[at] ^= 1;
            bytes
        }
    };
    changed("losses.f64", &bit(12 * 8), "epoch 2, step 3: the loss is ");
    changed("losses.f64", &|bytes| bytes[..15 * 8].to_vec(), "epoch 2, step 6: the run has only 15 steps");
    let replaced = |from: &'static str, to: &'static str| {
        move |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replacen(from, to, 1).into_bytes()
    };
    changed("metrics.jsonl", &replaced("\"step\":4", "\"step\":5"), "epoch 1, step 4: the line of metrics");
    changed("metrics.jsonl", &replaced("\"test\"", "\"best\""), "the test: the line of metrics");
    changed("model.safetensors", &bit(300_000), "the weights at the end: their sha256 is ");
    changed("run.json", &replaced("\"seed\": 0", "\"seed\": 1"), "epoch 1, step 1: the loss is ");
    assert!(reproduce(&workspace.name("run"), &[]).status.success());
    std::fs::write(workspace.path("run/losses.f64"), [0; 11]).unwrap();
    fails(&["reproduce", &workspace.name("run")], 4, "the file of losses ends within a number");
    std::fs::remove_file(workspace.path("run/losses.f64")).unwrap();
    let output = reproduce(&workspace.name("run"), &[]);
    assert!(stderr(&output).contains("warning: there are no losses of 20 steps"), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("the same: 23 lines of metrics, and the weights, "), "{}", stdout(&output));
    fails(&["reproduce", &workspace.name("run"), "--data", "synthetic"], 2, "the data are not those of the run");
    fails(&["reproduce", &workspace.name("data")], 2, "no run there, no run.json");
}

#[test]
fn what_a_run_started_from_has_to_be_the_same() {
    let workspace = Workspace::new();
    assert!(workspace.train("first", &["--adapter", "cpu"]).status.success());
    let weights = workspace.name("first/model.safetensors");
    assert!(workspace.train("second", &["--adapter", "cpu", "--weights", &weights]).status.success());
    assert!(reproduce(&workspace.name("second"), &[]).status.success());
    assert!(workspace.train("other", &["--adapter", "cpu", "--seed", "4"]).status.success());
    std::fs::copy(workspace.path("other/model.safetensors"), &weights).unwrap();
    fails(&["reproduce", &workspace.name("second")], 2, "weights that it started from are no longer those of the run");
}

#[test]
fn what_the_bits_depend_on_is_named_where_it_differs() {
    let workspace = Workspace::new();
    assert!(workspace.train("run", &["--adapter", "cpu", "--schedule", "cosine"]).status.success());
    let path = workspace.path("run/run.json");
    let whole = json_file(&path);
    let says = |change: &dyn Fn(&mut Value), message: &str| {
        let mut changed = whole.clone();
        change(&mut changed);
        std::fs::write(&path, changed.to_string()).unwrap();
        let text = stderr(&reproduce(&workspace.name("run"), &[]));
        assert!(text.contains(message), "no `{message}`: {text}");
    };
    says(&|run| run["profile"] = "software".into(), "warning: the profile is cpu, it was software");
    says(&|run| run["device"]["driver"] = "neon".into(), "it was neon: the results may differ");
    says(
        &|run| (run["device"]["backend"], run["device"]["adapter"]) = ("vulkan".into(), "A card".into()),
        "warning: the adapter is cpu, it was A card",
    );
    says(&|run| run["versions"]["gpu-cnn"] = "0.0.9".into(), "warning: the version of gpu-cnn is 0.1.0, it was 0.0.9");
    let resumed = |run: &mut Value, epochs: u64, driver: &str| {
        let mut part = serde_json::json!({ "after_steps": 3, "epochs_before": epochs, "profile": "cpu" });
        (part["device"], part["versions"]) = (run["device"].clone(), run["versions"].clone());
        part["device"]["driver"] = driver.into();
        run["resumed"] = Value::Array(vec![part]);
    };
    says(&|run| resumed(run, 2, "neon"), "is neon, it was");
    says(
        &|run| resumed(run, 1, "neon"),
        "resumed after 3 steps with 2 epochs in place of 1, on which its schedule depends",
    );
    std::fs::write(&path, whole.to_string()).unwrap();
    assert!(!stderr(&reproduce(&workspace.name("run"), &[])).contains("warning"));
}
