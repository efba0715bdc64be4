//! Runs that end before their last epoch, and runs that are trials.

use super::*;
use gpu_cnn::Checkpoint;

fn epochs(folder: &Path) -> Vec<Value> {
    json_lines(&folder.join("metrics.jsonl")).into_iter().filter(|line| line["event"] == "epoch").collect()
}

fn reproduces(folder: &str) {
    let output = run(&["reproduce", folder, "--adapter", "cpu"]);
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
}

#[test]
fn early_stopping_leaves_the_weights_of_the_best_epoch() {
    let workspace = Workspace::new();
    // So fast that it does not go down for long.
    let options =
        ["--adapter", "cpu", "--validation-split", "0.25", "--learning-rate", "0.02", "--early-stopping", "2"];
    let train = |out: &str, last: &str| {
        let (data, out) = (workspace.name("data"), workspace.name(out));
        run(&[&["train", "--data", &data, "--out", &out, "--model", "dnn", "--epochs", last], &options[..]].concat())
    };
    let output = train("run", "60");
    let text = stderr(&output);
    assert!(output.status.success(), "{text}");
    let folder = workspace.path("run");
    let losses: Vec<f64> = epochs(&folder).iter().map(|line| line["validation_loss"].as_f64().unwrap()).collect();
    let best = (0..losses.len()).min_by(|a, b| losses[*a].total_cmp(&losses[*b])).unwrap();
    assert_eq!(losses.len(), best + 3, "{losses:?}");
    assert!(best > 0 && losses.len() < 60, "{losses:?}");
    let said = format!("early stopping: the 2 epochs after epoch {} brought no lower loss", best + 1);
    assert!(text.contains(&said), "{text}");
    let run_json = json_file(&folder.join("run.json"));
    assert_eq!((&run_json["final"]["stopped"], &run_json["status"]), (&said.into(), &"done".into()));
    let weights = std::fs::read(folder.join("model.safetensors")).unwrap();
    let of = |name: &str| Checkpoint::read(&folder.join(name)).unwrap().weights().unwrap();
    assert!(weights == of("checkpoint-best.safetensors"), "the best epoch's");
    assert!(weights != of("checkpoint.safetensors"), "the last epoch's");
    let evaluated = run(&["evaluate", folder.to_str().unwrap(), "--adapter", "cpu", "--format", "json"]);
    let evaluated: Value = serde_json::from_slice(&evaluated.stdout).unwrap();
    assert_eq!(evaluated["loss"], run_json["final"]["test"]["loss"]);
    reproduces(folder.to_str().unwrap());

    // The same in two parts, of which the first ends at the best epoch or after it.
    let output = train("parts", &(best + 2).to_string());
    assert!(output.status.success(), "{}", stderr(&output));
    let parts = workspace.path("parts");
    assert!(std::fs::read(parts.join("model.safetensors")).unwrap() == weights, "all epochs done, the best weights");
    let output = run(&["train", "--resume", parts.to_str().unwrap(), "--epochs", "60"]);
    assert!(output.status.success() && stderr(&output).contains(&said_of(best)), "{}", stderr(&output));
    assert!(std::fs::read(parts.join("model.safetensors")).unwrap() == weights);
    fails(&["train", "--early-stopping", "0"], 2, "early_stopping is 0; it must be at least 1");
}

/// The learning rate rises until the loss is not finite any more.
#[test]
fn early_stopping_leaves_the_weights_of_the_best_epoch_where_the_loss_ends_up_as_nan() {
    let workspace = Workspace::new();
    let model = workspace.name("linear.toml");
    let layers = r#"
        { type = "Flatten" }, { type = "Dense", units = 16 }, { type = "Dense", units = 10, activation = "softmax" }"#;
    std::fs::write(&model, format!("layers = [{layers}]")).unwrap();
    let options = ["--adapter", "cpu", "--early-stopping", "1000", "--epochs", "1000", "--optimizer", "sgd"];
    let rates = ["--learning-rate", "1e8", "--warmup", "1000000000"];
    let (data, out) = (workspace.name("data"), workspace.name("run"));
    let train = ["train", "--data", &data, "--model", &model, "--out", &out];
    let output = run(&[&train[..], &options, &rates].concat());
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    let folder = workspace.path("run");
    assert!(epochs(&folder).len() > 2, "{} epochs", epochs(&folder).len());
    let weights = std::fs::read(folder.join("model.safetensors")).unwrap();
    let best = Checkpoint::read(&folder.join("checkpoint-best.safetensors")).unwrap();
    assert!(weights == best.weights().unwrap());
}

/// Interrupted, killed or out of time: the weights are those of the best epoch, too.
#[cfg(unix)]
#[test]
fn early_stopping_leaves_the_weights_of_the_best_epoch_however_the_run_ends() {
    let workspace = Workspace::new();
    let data = workspace.name("data");
    for how in ["INT", "TERM", "KILL", "time"] {
        let (out, folder) = (workspace.name(how), workspace.path(how));
        let options = ["train", "--data", &data, "--out", &out, "--model", "dnn", "--adapter", "cpu"];
        let stops = ["--validation-split", "0.25", "--learning-rate", "0.02", "--early-stopping", "100000"];
        let ends = if how == "time" { ["--max-time", "2s"] } else { ["--keep", "1"] };
        let mut train =
            command(&[&options[..], &stops, &ends, &["--epochs", "100000", "-q"]].concat()).spawn().unwrap();
        let is_past_the_best = || {
            let text = std::fs::read_to_string(folder.join("metrics.jsonl")).unwrap_or_default();
            let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let losses: Vec<f64> = lines.filter_map(|line| line["validation_loss"].as_f64()).collect();
            losses.len() > 3
                && losses.iter().rposition(|loss| losses.iter().all(|other| loss <= other)) < Some(losses.len() - 3)
        };
        while how != "time" && !is_past_the_best() {
            assert!(train.try_wait().unwrap().is_none(), "{how}: it ended by itself");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        if how != "time" {
            let sent = Command::new("kill").args([&format!("-{how}"), &train.id().to_string()]).status().unwrap();
            assert!(sent.success());
        }
        assert_eq!(train.wait().unwrap().success(), how == "time");
        let weights = std::fs::read(folder.join("model.safetensors")).unwrap();
        let of = |name: &str| Checkpoint::read(&folder.join(name)).unwrap().weights().unwrap();
        assert!(weights == of("checkpoint-best.safetensors"), "{how}: the best epoch's");
        assert!(how == "time" || weights != of("checkpoint.safetensors"), "{how}: the last epoch's");
    }
}

#[test]
fn a_run_that_stopped_early_goes_on_with_more_patience() {
    let workspace = Workspace::new();
    let options =
        ["--adapter", "cpu", "--validation-split", "0.25", "--learning-rate", "0.02", "--early-stopping", "1"];
    let (data, folder) = (workspace.name("data"), workspace.path("run"));
    let train = ["train", "--data", &data, "--model", "dnn", "--epochs", "60", "--out", folder.to_str().unwrap()];
    assert!(run(&[&train[..], &options].concat()).status.success());
    let before = epochs(&folder).len();
    let output = run(&["train", "--resume", folder.to_str().unwrap(), "--early-stopping", "3"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(epochs(&folder).len() > before, "{before} epochs");
    reproduces(folder.to_str().unwrap());
    let resume = |option: &str, value: &str, message: &str| {
        let before = std::fs::read(folder.join("run.json")).unwrap();
        fails(&["train", "--resume", folder.to_str().unwrap(), option, value], 2, message);
        assert!(std::fs::read(folder.join("run.json")).unwrap() == before);
    };
    resume("--early-stopping", "2", "early_stopping is 3 in the run, which may only be more, 2 was asked for");
    resume("--tta", "flip", "tta is null in the run, \"flip\" was asked for");
    fails(
        &["train", "--resume", folder.to_str().unwrap(), "--batch-size", "7"],
        2,
        "batch_size is 32 in the run, 7 was",
    );
}

fn said_of(best: usize) -> String {
    format!("weights: those of epoch {}, the best", best + 1)
}

#[test]
fn a_limit_of_time_ends_the_training_between_two_steps() {
    let workspace = Workspace::new();
    let output = workspace.train("run", &["--adapter", "cpu", "--max-time", "1ms", "--seed", "3"]);
    let text = stderr(&output);
    assert!(output.status.success() && text.contains("the time is over"), "{text}");
    assert!(stdout(&output).contains("test accuracy: "), "{}", stdout(&output));
    let folder = workspace.path("run");
    let checkpoint = Checkpoint::read(&folder.join("checkpoint.safetensors")).unwrap();
    let losses = std::fs::read(folder.join("losses.f64")).unwrap().len() as u64 / 8;
    assert_eq!(checkpoint.state.progress.steps, losses);
    assert!(losses < 20, "{losses} steps in a millisecond");
    assert!(checkpoint.weights().unwrap() == std::fs::read(folder.join("model.safetensors")).unwrap());
    reproduces(folder.to_str().unwrap());
    // It goes on to where a run without a limit ends.
    let output = run(&["train", "--resume", folder.to_str().unwrap(), "--max-time", "1h"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(workspace.train("whole", &["--adapter", "cpu", "--seed", "3"]).status.success());
    let weights = |run: &str| std::fs::read(workspace.path(run).join("model.safetensors")).unwrap();
    assert!(weights("run") == weights("whole"));
    fails(&["train", "--max-time", "soon"], 2, "it must be a time above 0, such as 60s, 5m or 1.5h");
}

#[test]
fn limited_batches_are_a_trial_of_all_that_a_run_does() {
    let workspace = Workspace::new();
    let options = ["--adapter", "cpu", "--limit-batches", "2", "--batch-size", "10", "--validation-split", "0.5"];
    let output = workspace.train("run", &options);
    assert!(output.status.success(), "{}", stderr(&output));
    let folder = workspace.path("run");
    assert!(epochs(&folder).iter().all(|line| line["steps"] == 2));
    let run_json = json_file(&folder.join("run.json"));
    assert_eq!(run_json["data"]["test_images"], 20);
    reproduces(folder.to_str().unwrap());
    fails(&["train", "--limit-batches", "0"], 2, "limit_batches is 0; it must be at least 1");
}

#[test]
fn a_few_batches_are_learned_by_heart_or_the_command_says_no() {
    let workspace = Workspace::new();
    let overfit = |out: &str, more: &[&str]| {
        let (data, out) = (workspace.name("data"), workspace.name(out));
        let options = ["train", "--data", &data, "--out", &out, "--model", "dnn", "--adapter", "cpu"];
        run(&[&options[..], &["--overfit-batches", "2"], more].concat())
    };
    let output = overfit("run", &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let run_json = json_file(&workspace.path("run/run.json"));
    assert_eq!((&run_json["data"]["train_images"], &run_json["settings"]["epochs"]), (&64.into(), &100.into()));
    assert!(run_json["final"]["test"]["loss"].as_f64().unwrap() < 0.1);
    let output = overfit("short", &["--epochs", "1"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("the loss over the 2 batches that were trained on is "), "{}", stderr(&output));
    // What smoothed labels leave does not count.
    let output = overfit("smoothed", &["--label-smoothing", "0.1"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let run_json = json_file(&workspace.path("smoothed/run.json"));
    assert!(run_json["final"]["test"]["loss"].as_f64().unwrap() > 0.5);
    // The epochs of a recipe are meant for all images.
    let printed = run(&["train", "--recipe", "fast-907", "--overfit-batches", "1", "--print-config"]);
    assert!(stdout(&printed).contains("epochs = 100 "), "{}", stdout(&printed));
    fails(&["train", "--overfit-batches", "1", "--validation", "3"], 2, "it goes with no validation images");
    fails(&["train", "--overfit-batches", "1", "--ema", "0.9"], 2, "it goes with no moving average of them (ema)");
    fails(&["train", "--overfit-batches", "1", "--tta", "flip"], 2, "it goes with no views of them (tta)");
    let output = overfit("unweighted", &["--epochs", "1", "--class-weight", "1=0"]);
    assert!(stderr(&output).contains("or no class weights, whose images may not count"), "{}", stderr(&output));
}

#[test]
fn weights_of_classes_are_counted_or_read_from_a_file() {
    let workspace = Workspace::new();
    let labels = synthetic::generate(11, [320, 50]).train.labels;
    let output = workspace.train("run", &["--adapter", "cpu", "--class-weights", "balanced", "--validation", "20"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let settings = &json_file(&workspace.path("run/run.json"))["settings"];
    for class in 0..10_u8 {
        let images = labels[..300].iter().filter(|label| **label == class).count();
        let expected = 30.0 / images as f64;
        assert_eq!(settings["class_weight"][class.to_string()].as_f64(), Some(expected), "class {class}");
    }
    reproduces(&workspace.name("run"));
    std::fs::write(workspace.path("weights.toml"), "1 = 0.5\n\"3\" = 2\n").unwrap();
    let file = workspace.name("weights.toml");
    let output = workspace.train("file", &["--adapter", "cpu", "--class-weights", &file]);
    assert!(output.status.success(), "{}", stderr(&output));
    let given = workspace.train("given", &["--adapter", "cpu", "--class-weight", "1=0.5,3=2"]);
    assert!(given.status.success(), "{}", stderr(&given));
    let weights = |run: &str| std::fs::read(workspace.path(run).join("model.safetensors")).unwrap();
    assert!(weights("file") == weights("given"));
    let (data, out) = (workspace.name("data"), workspace.name("refused"));
    let refused = |content: &str, message: &str| {
        std::fs::write(workspace.path("weights.toml"), content).unwrap();
        let options = ["train", "--data", &data, "--out", &out, "--adapter", "cpu", "--class-weights", &file];
        fails(&options, 2, message);
    };
    let from_run = |more: &[&str]| {
        let settings = workspace.name("file/run.json");
        let options =
            ["train", "--config", &settings, "--data", &data, "--only-classes", "2,3,4,5", "--overwrite", "--out"];
        stderr(&run(&[&options[..], &[&workspace.name("other")], more].concat()))
    };
    let text = from_run(&[]);
    assert!(text.contains("warning: class_weight is from ") && text.contains(" may mean other classes"), "{text}");
    assert!(!from_run(&["--class-weights", "none"]).contains("class_weight"));
    assert!(json_file(&workspace.path("other/run.json"))["settings"]["class_weight"].is_null());
    refused("Sneakers = 2\n", "there is no class `Sneakers`");
    refused("1 = \"x\"\n", "invalid type: string \"x\", expected f64");
    refused("10 = 1\n", "there is no class `10`");
    refused("1 = -1\n", "class_weight of -1 for class 1");
    fails(&["train", "--class-weights", "balanced", "--class-weight", "0=1"], 2, "it is one or the other");
    refused("1 = 1e-50\n", "a number that f32 can hold: ");
    refused("", "it names no class; those are 0 to 9");
    refused("\"+7\" = 1\n", "there is no class `+7`");
    std::fs::write(workspace.path("weights.json"), "{\"0\": 1, \"0\": 2}").unwrap();
    let json = workspace.name("weights.json");
    fails(&["train", "--data", &data, "--out", &out, "--class-weights", &json], 2, "class 0 has two factors");
    std::fs::write(workspace.path("weights.json"), "[1, 2, 3]").unwrap();
    let message = "it is a list of 3; there are 10 classes";
    fails(&["train", "--data", &data, "--out", &out, "--class-weights", &json], 2, message);
}
