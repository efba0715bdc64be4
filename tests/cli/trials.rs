//! Several seeds, and the range test of the learning rate.

use super::*;

#[test]
fn repeated_runs_are_those_of_each_seed_with_mean_and_spread() {
    let workspace = Workspace::new();
    let output = workspace.train("runs", &["--adapter", "cpu", "--seed", "5", "--repeat", "3", "-q"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(workspace.train("single", &["--adapter", "cpu", "--seed", "6"]).status.success());
    let weights = |run: &str| std::fs::read(workspace.path(run).join("model.safetensors")).unwrap();
    assert!(weights("runs/seed-6") == weights("single"));
    let all = json_file(&workspace.path("runs/repeat.json"));
    let runs = all["runs"].as_array().unwrap();
    assert_eq!(runs.iter().map(|run| run["seed"].as_u64().unwrap()).collect::<Vec<_>>(), [5, 6, 7]);
    let accuracies: Vec<f64> = runs.iter().map(|run| run["test_accuracy"].as_f64().unwrap()).collect();
    let mean = accuracies.iter().sum::<f64>() / 3.0;
    assert!((all["test_accuracy"]["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
    let text = stdout(&output);
    for line in ["seed 5", "seed 7", "mean", "standard deviation", "lowest", "highest"] {
        assert!(text.lines().any(|found| found.starts_with(line)), "no {line}: {text}");
    }
    assert!(text.contains(&format!("{mean:.4}")), "{text}");
    let (data, out) = (workspace.name("data"), workspace.name("runs"));
    fails(&["train", "--data", &data, "--out", &out, "--repeat", "3", "--seed", "7"], 7, "seed-7");
    fails(&["train", "--repeat", "3"], 2, "--repeat needs --out");
    fails(&["train", "--repeat", "1"], 2, "1 is not in 2..=10000");
}

#[test]
fn the_range_test_draws_a_curve_and_names_a_rate() {
    let workspace = Workspace::new();
    let output = workspace.train("range", &["--adapter", "cpu", "--find-learning-rate"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    let rate =
        text.lines().find_map(|line| line.strip_prefix("learning rate: ")?.split(',').next()?.parse::<f64>().ok());
    // Adam trains such a network with 1e-4 to 1e-1.
    assert!(rate.is_some_and(|rate| (1e-4..0.1).contains(&rate)), "{text}");
    let csv = std::fs::read_to_string(workspace.path("range/learning-rate-dnn.csv")).unwrap();
    let rates: Vec<f64> = csv.lines().skip(1).map(|line| line.split(',').next().unwrap().parse().unwrap()).collect();
    assert!(rates[0] == 1e-6 && rates.len() > 100 && rates.windows(2).all(|pair| pair[1] > pair[0]), "{csv}");
    let svg = std::fs::read_to_string(workspace.path("range/learning-rate-dnn.svg")).unwrap();
    assert!(svg.contains(">learning rate</text>") && svg.contains(">1e-6</text>"), "{svg}");
    assert!(std::fs::read(workspace.path("range/learning-rate-dnn.png")).unwrap().starts_with(b"\x89PNG"));
    assert!(!workspace.path("range/run.json").exists(), "nothing of the training is kept");
    // An update of several batches.
    let output = workspace.train("range", &["--adapter", "cpu", "--find-learning-rate", "--accumulate", "2"]);
    assert!(output.status.success() && stdout(&output).contains("learning rate: "), "{}", stderr(&output));
}

#[test]
fn a_contact_sheet_shows_what_training_sees_and_tta_is_the_runs_own() {
    let workspace = Workspace::new();
    let (data, sheet) = (workspace.name("data"), workspace.name("sheet.png"));
    let show =
        |more: &[&str]| run(&[&["data", "show", &data, "--output", &sheet, "--augment", "flip,crop2"], more].concat());
    assert!(show(&["--count", "5"]).status.success());
    let first = std::fs::read(&sheet).unwrap();
    assert!(first.starts_with(b"\x89PNG"));
    assert!(show(&["--count", "5"]).status.success() && std::fs::read(&sheet).unwrap() == first);
    assert!(show(&["--count", "5", "--seed", "1"]).status.success() && std::fs::read(&sheet).unwrap() != first);
    fails(&["data", "show", &data, "--output", &sheet, "--augment", "spin"], 2, "`spin` is no augmentation");
    fails(&["train", "--augment", "rotate200"], 2, "augment: rotate of 200; it must be from 0 to 180");

    let output = workspace.train("run", &["--adapter", "cpu", "--augment", "flip,crop1,rotate5", "--tta", "flip"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let run_json = json_file(&workspace.path("run/run.json"));
    assert_eq!(run_json["settings"]["augment"], serde_json::json!(["flip", "crop1", "rotate5"]));
    let reproduced = run(&["reproduce", &workspace.name("run"), "--adapter", "cpu"]);
    assert!(reproduced.status.success(), "{}{}", stdout(&reproduced), stderr(&reproduced));
    let evaluate = |more: &[&str]| -> Value {
        let options = ["evaluate", &workspace.name("run"), "--adapter", "cpu", "--format", "json"];
        serde_json::from_slice(&run(&[&options[..], more].concat()).stdout).unwrap()
    };
    assert_eq!(evaluate(&[])["loss"], run_json["final"]["test"]["loss"]);
    assert_ne!(evaluate(&["--tta", "flip+shift"])["loss"], run_json["final"]["test"]["loss"]);
    // Stopped on the way it goes on with the same draws.
    let options = ["--adapter", "cpu", "--augment", "flip,crop1,rotate5", "--tta", "flip", "--max-time", "1ms"];
    assert!(workspace.train("parts", &options).status.success());
    let output = run(&["train", "--resume", &workspace.name("parts"), "--max-time", "1h"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let weights = |run: &str| std::fs::read(workspace.path(run).join("model.safetensors")).unwrap();
    assert!(weights("parts") == weights("run"));
}
