//! Several seeds, and the range test of the learning rate.

use super::*;
use std::process::Stdio;
use std::time::Duration;

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
    let other = ["train", "--data", &data, "--out", &out, "--repeat", "3"];
    fails(&other, 7, "runs with other settings are there: model is \"dnn\" in them, \"cnn\" was asked for");
    fails(&["train", "--repeat", "3"], 2, "--repeat needs --out");
    let last = ["train", "--repeat", "3", "--out", &out, "--seed", "9223372036854775806"];
    fails(&last, 2, "seed is 9223372036854775808; it must be at most 9223372036854775807");
    fails(
        &["train", "--data", &data, "--out", &workspace.name("single"), "--repeat", "3"],
        7,
        "an earlier run wrote it",
    );
    std::fs::write(workspace.path("file"), "").unwrap();
    fails(&["train", "--data", &data, "--out", &workspace.name("file"), "--repeat", "3"], 7, "it is not a folder");
    fails(&["train", "--repeat", "1"], 2, "1 is not in 2..=10000");
}

#[test]
fn repeated_runs_go_on_where_they_were_interrupted() {
    let workspace = Workspace::new();
    let train = |seed: &str, more: &[&str]| {
        let options = ["--adapter", "cpu", "--seed", seed, "--repeat", "2"];
        workspace.train("runs", &[&options[..], more].concat())
    };
    assert!(train("0", &[]).status.success());
    let of = |seed: u64| workspace.path("runs").join(format!("seed-{seed}"));
    let weights = |seed: u64| std::fs::read(of(seed).join("model.safetensors")).unwrap();
    let whole = weights(1);
    // As if the second run had been interrupted.
    let edit = |path: PathBuf, change: &dyn Fn(&mut Value)| {
        let mut content = json_file(&path);
        change(&mut content);
        std::fs::write(path, content.to_string()).unwrap();
    };
    edit(of(1).join("run.json"), &|run| run["status"] = "interrupted".into());
    edit(workspace.path("runs/repeat.json"), &|all| drop(all["runs"].as_array_mut().unwrap().pop()));
    std::fs::write(of(1).join("model.safetensors"), "damaged").unwrap();
    std::fs::write(of(0).join("losses.f64"), "kept").unwrap();
    let output = train("0", &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("1 of the runs in ") && stdout(&output).contains("seed 0"), "{}", stderr(&output));
    assert!(weights(1) == whole);
    // More seeds join those that are there.
    assert!(train("1", &[]).status.success());
    let all = json_file(&workspace.path("runs/repeat.json"));
    let seeds: Vec<_> = all["runs"].as_array().unwrap().iter().map(|run| run["seed"].as_u64().unwrap()).collect();
    assert_eq!(seeds, [0, 1, 2]);
    assert_eq!(std::fs::read(of(0).join("losses.f64")).unwrap(), b"kept", "it was not trained again");
    // A run that is no part of the series is not replaced.
    std::fs::create_dir(of(3)).unwrap();
    std::fs::copy(of(2).join("run.json"), of(3).join("run.json")).unwrap();
    assert_eq!(train("3", &[]).status.code(), Some(7));
    assert!(train("3", &["--overwrite"]).status.success());
    // One that fails leaves the others in the table.
    let failing = workspace.train("fails", &["--adapter", "cpu", "--repeat", "2", "--overfit-batches", "1"]);
    assert_eq!(failing.status.code(), Some(1), "{}", stderr(&failing));
    assert!(stderr(&failing).contains("0 of the runs in "), "{}", stderr(&failing));
    assert!(
        stderr(&failing).contains("seed 1 failed"),
        "the first keeps the second from nothing: {}",
        stderr(&failing)
    );
    let again = workspace.train("fails", &["--adapter", "cpu", "--repeat", "2", "--overfit-batches", "1"]);
    assert_eq!(again.status.code(), Some(1), "the same command trains them again: {}", stderr(&again));
    assert_eq!(json_file(&workspace.path("fails/repeat.json"))["failed"], serde_json::json!([0, 1]));
    // Those of other seeds stay known.
    let fails = |seed: &str| {
        let options = ["--adapter", "cpu", "--repeat", "2", "--overfit-batches", "1", "--seed", seed];
        workspace.train("fails", &options).status.code()
    };
    assert_eq!([fails("5"), fails("0")], [Some(1); 2]);
    assert_eq!(json_file(&workspace.path("fails/repeat.json"))["failed"], serde_json::json!([0, 1, 5, 6]));
}

/// Killed before its result was written, or resumed by hand; not where model or data have become others.
#[test]
fn repeated_runs_that_are_finished_join_the_series_and_others_are_refused() {
    let workspace = Workspace::new();
    let model = |units: usize| {
        let text = format!(
            "layers = [\n{{ type = \"Flatten\" }},\n{{ type = \"Dense\", units = {units} }},\n\
             {{ type = \"Dense\", units = 10, activation = \"softmax\" }},\n]\n"
        );
        std::fs::write(workspace.path("model.toml"), text).unwrap();
    };
    model(8);
    let name = workspace.name("model.toml");
    let train =
        |more: &[&str]| workspace.train_model(&name, "runs", &[&["--adapter", "cpu", "--repeat", "3"], more].concat());
    assert!(train(&[]).status.success());
    let (file, of) = (workspace.path("runs/repeat.json"), |seed: u64| workspace.path(&format!("runs/seed-{seed}")));
    let whole = json_file(&file);
    let weights = |seed: u64| std::fs::read(of(seed).join("model.safetensors")).unwrap();
    let last = weights(2);
    let mut cut = whole.clone();
    cut["runs"].as_array_mut().unwrap().truncate(1);
    std::fs::write(&file, cut.to_string()).unwrap();
    std::fs::remove_file(of(2).join("run.json")).unwrap();
    std::fs::write(of(2).join("model.safetensors"), "unfinished").unwrap();
    std::fs::write(of(1).join("notes"), "mine").unwrap();
    let output = train(&[]);
    assert!(stderr(&output).contains("note: 2 of the runs in "), "{}", stderr(&output));
    let numbers = |of: &Value| {
        let runs = of["runs"].as_array().unwrap().iter();
        runs.map(|run| (run["seed"].clone(), run["test_loss"].clone())).collect::<Vec<_>>()
    };
    assert!(output.status.success() && numbers(&json_file(&file)) == numbers(&whole));
    assert!(weights(2) == last);
    assert_eq!(json_file(&file)["runs"][1]["seconds"], whole["runs"][1]["seconds"]);
    // Others are refused before any training, also where none is left to train.
    model(9);
    for more in [&[][..], &["--seed", "2"]] {
        let output = train(more);
        assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
        assert!(stderr(&output).contains("no part of the series: the model is another"), "{}", stderr(&output));
    }
    model(8);
    // Nor are finished ones of others taken, which the table does not know.
    let mut none = whole.clone();
    none["runs"] = serde_json::json!([]);
    for (change, what) in [
        (
            Box::new(|run: &mut Value| run["settings"]["epochs"] = 7.into()) as Box<dyn Fn(&mut Value)>,
            "epochs is 7 in them",
        ),
        (Box::new(|run: &mut Value| run["model"]["layers"][1]["units"] = 9.into()), "the model is another"),
        (Box::new(|run: &mut Value| run["seed"] = 9.into()), "it has another seed"),
    ] {
        std::fs::write(&file, none.to_string()).unwrap();
        let (path, mut run) = (of(1).join("run.json"), json_file(&of(1).join("run.json")));
        let before = run.clone();
        change(&mut run);
        std::fs::write(&path, run.to_string()).unwrap();
        let output = train(&[]);
        assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
        assert!(stderr(&output).contains(what), "{what}: {}", stderr(&output));
        assert_eq!(json_file(&path)["status"], "done", "it was trained again");
        std::fs::write(&path, before.to_string()).unwrap();
    }
    // Settings that change no bit do not matter.
    let output = train(&["--threads", "1", "--keep", "2"]);
    assert!(stderr(&output).contains("note: 3 of the runs in "), "{}", stderr(&output));
    assert!(numbers(&json_file(&file)) == numbers(&whole));
    let data = workspace.name("data");
    std::fs::remove_dir_all(&data).unwrap();
    assert!(run(&["synthetic", &data, "--train", "320", "--test", "50", "--seed", "9"]).status.success());
    let output = train(&[]);
    assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
    assert!(stderr(&output).contains("no part of the series: its data are others"), "{}", stderr(&output));
    assert!(numbers(&json_file(&file)) == numbers(&whole));
}

#[test]
fn a_series_is_one_commands_at_a_time() {
    let workspace = Workspace::new();
    let (data, out) = (workspace.name("data"), workspace.name("runs"));
    let options = ["train", "--data", &data, "--out", &out, "--model", "dnn", "--adapter", "cpu", "--repeat", "2"];
    let mut first = command(&[&options[..], &["--epochs", "100000"]].concat());
    let mut first = first.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !workspace.path("runs/seed-0/run.json").exists() {
        assert!(first.try_wait().unwrap().is_none(), "the first command has ended");
        std::thread::sleep(Duration::from_millis(5));
    }
    let second = run(&[&options[..], &["--epochs", "100000", "--seed", "10"]].concat());
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(second.status.code(), Some(7), "{}", stderr(&second));
    assert!(stderr(&second).contains("another run is writing there"), "{}", stderr(&second));
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
    let output = workspace.train("range", &["--adapter", "cpu", "--find-learning-rate", "--max-time", "1ms"]);
    assert!(stderr(&output).contains("--max-time ended the range test after "), "{}", stderr(&output));
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
    let pictures = workspace.name("pictures");
    fails(&["data", "show", &data, "--export", &pictures, "--augment", "flip"], 2, "--augment is for the picture");
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
    assert_ne!(evaluate(&["--tta", "none"])["loss"], run_json["final"]["test"]["loss"]);
    assert_eq!((&evaluate(&[])["tta"], &evaluate(&["--tta", "none"])["tta"]), (&"flip".into(), &Value::Null));
    assert!(stdout(&output).contains(" - over the views of flip\n"), "{}", stdout(&output));
    // Predictions are the run's, too.
    let predict = |more: &[&str]| {
        let options = ["predict", &workspace.name("run"), &sheet, "--adapter", "cpu", "--format", "json"];
        let found: Value = serde_json::from_slice(&run(&[&options[..], more].concat()).stdout).unwrap();
        found["pictures"].clone()
    };
    assert_eq!(predict(&[]), predict(&["--tta", "flip"]));
    assert_ne!(predict(&[]), predict(&["--tta", "none"]));
    // Stopped on the way it goes on with the same draws.
    let options = ["--adapter", "cpu", "--augment", "flip,crop1,rotate5", "--tta", "flip", "--max-time", "1ms"];
    assert!(workspace.train("parts", &options).status.success());
    let output = run(&["train", "--resume", &workspace.name("parts"), "--max-time", "1h"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let weights = |run: &str| std::fs::read(workspace.path(run).join("model.safetensors")).unwrap();
    assert!(weights("parts") == weights("run"));
}
