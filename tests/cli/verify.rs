//! `gpu-cnn verify` and `gpu-cnn adapters --doctor`.

use super::*;

#[test]
fn verify_holds_on_the_cpu() {
    let output = run(&["verify", "--adapter", "cpu", "--format", "json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    assert!(output.status.success(), "{}", stderr(&output));
    let kernels = found["kernels"].as_object().unwrap();
    assert!(kernels.len() > 50, "{} kernels", kernels.len());
    let holds = |kernel: &Value| kernel["worst_share"].as_f64().unwrap() <= 1.0 && kernel["failures"] == 0;
    assert!(kernels.values().all(|kernel| holds(kernel) && kernel["cases"].as_u64().unwrap() > 0));
    let training = found["training"].as_array().unwrap();
    assert_eq!(
        training.iter().map(|f| f["name"].as_str().unwrap()).collect::<Vec<_>>(),
        gpu_cnn::internals::verify::FINDINGS
    );
    assert_eq!(found["failures"], serde_json::json!([]));
}

/// All of it takes as long as the tests of the kernels, which compare the same cases.
#[test]
fn verify_checks_a_case_and_a_model_on_the_adapter() {
    if software_adapter().is_none() {
        return;
    }
    let case = ["verify", "--adapter", "vulkan", "--case"];
    let one = |more: &[&str]| run(&[&case[..], more].concat());
    for more in [
        &["softmax of large numbers, odd rows"][..],
        &["softmax of large numbers, odd rows", "--profile", "discrete", "--runtime-checks", "false"],
    ] {
        let output = one(more);
        assert!(output.status.success(), "{}", stderr(&output));
        let text = stdout(&output);
        assert!(text.contains("dense::products::DenseForward") && text.contains("unpack::Unpack"), "{text}");
    }
    for finding in gpu_cnn::internals::verify::FINDINGS {
        let output = one(&[finding]);
        assert!(output.status.success() && stdout(&output).starts_with(finding), "{}", stderr(&output));
    }
    let workspace = Workspace::new();
    let model = workspace.path("model.toml");
    std::fs::write(
        &model,
        "[[layers]]\ntype = \"Flatten\"\n[[layers]]\ntype = \"Dense\"\nunits = 3\nactivation = \"softmax\"\n",
    )
    .unwrap();
    let output = one(&["the model", "--model", model.to_str().unwrap()]);
    assert!(output.status.success() && stdout(&output).contains("loss::SoftmaxCrossEntropy"), "{}", stderr(&output));
    fails(&["verify", "--adapter", "cpu", "--case", "dense alnoe"], 2, "did you mean `dense alone`?");
    fails(&["verify", "--adapter", "cpu", "--case", "the model"], 2, "--model names the model");
}

#[test]
fn the_doctor_says_what_it_looked_at() {
    let output = run(&["adapters", "--doctor", "--format", "json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    let findings = found["findings"].as_array().unwrap();
    let has_adapter = found["adapters"].as_array().unwrap().iter().any(|adapter| adapter["unusable"].is_null());
    assert_eq!(output.status.code(), Some(if has_adapter { 0 } else { 3 }), "{}", stderr(&output));
    assert!(findings.iter().all(|f| f["ok"].as_bool().unwrap() == f["next"].is_null()), "{findings:?}");
    if cfg!(target_os = "linux") {
        assert!(findings.iter().any(|f| f["text"].as_str().unwrap().contains("Vulkan loader")), "{findings:?}");
    }
    // Drivers that are not there: nothing is found, and why is said.
    let without = command(&["adapters", "--doctor"])
        .envs([("VK_ICD_FILENAMES", "/nosuch/icd.json"), ("VK_DRIVER_FILES", "/nosuch/icd.json")])
        .output()
        .unwrap();
    if cfg!(target_os = "linux") {
        let text = stdout(&without);
        assert!(text.contains("VK_DRIVER_FILES names /nosuch/icd.json, which is not there"), "{text}");
        assert!(text.contains("next: unset VK_DRIVER_FILES"), "{text}");
    }
}
