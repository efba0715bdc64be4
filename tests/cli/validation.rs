//! `train` with images held out for validation.

use super::*;

fn lines(path: &Path) -> Vec<Value> {
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn train_tells_loss_and_accuracy_of_held_out_images_after_each_epoch() {
    let workspace = Workspace::new();
    let output = workspace.train("run", &["--validation-split", "0.25"]);
    let text = stderr(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("validation: the last 80 of the 320 training images"), "{text}");
    assert!(text.contains("8/8 "), "240 images make 8 steps: {text}");
    let folder = workspace.path("run");
    let epochs: Vec<Value> =
        lines(&folder.join("metrics.jsonl")).into_iter().filter(|line| line["event"] == "epoch").collect();
    assert_eq!(epochs.len(), 2);
    for line in &epochs {
        let (loss, accuracy) =
            (line["validation_loss"].as_f64().unwrap(), line["validation_accuracy"].as_f64().unwrap());
        assert!(text.contains(&format!(" - val_accuracy: {accuracy:.4} - val_loss: {loss:.4}")), "{text}");
    }
    let run: Value = serde_json::from_slice(&std::fs::read(folder.join("run.json")).unwrap()).unwrap();
    assert_eq!(run["data"]["validation_images"], 80);
    assert_eq!(run["final"]["last_epoch"]["validation_loss"], epochs[1]["validation_loss"]);
    let page = std::fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("validation"), "the curves of validation");

    let same = run_ok(&["reproduce", folder.to_str().unwrap()]);
    assert!(same.contains("the same: the losses of 16 steps"), "{same}");
    let resumed =
        super::run(&["train", "--resume", folder.to_str().unwrap(), "--epochs", "3", "--validation-split", "0.5"]);
    assert_eq!(resumed.status.code(), Some(2));
    assert!(
        stderr(&resumed).contains("validation_split is 0.25 in the run, 0.5 was asked for"),
        "{}",
        stderr(&resumed)
    );
}

fn run_ok(arguments: &[&str]) -> String {
    let output = super::run(arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output)
}

#[test]
fn what_cannot_be_held_out_is_refused_with_its_values() {
    let workspace = Workspace::new();
    let data = workspace.name("data");
    for (options, message) in [
        (&["--validation-split", "0"][..], "validation_split is 0; it must be above 0 and below 1"),
        (&["--validation-split", "1"], "validation_split is 1;"),
        (&["--validation-split=-0.5"], "validation_split is -0.5;"),
        (&["--validation", "0"], "validation is 0 images; there must be at least 1"),
        (&["--validation", "320"], "validation is 320; of 320 training images none is left to train on"),
        (&["--validation", "5", "--validation-split", "0.5"], "it is one or the other"),
    ] {
        let out = workspace.name("refused");
        fails(&[&["train", "--model", "dnn", "--data", &data, "--out", &out], options].concat(), 2, message);
        assert!(!workspace.path("refused").exists(), "a folder for a run that never began");
    }
}

#[test]
fn data_in_the_order_of_their_classes_are_warned_of() {
    let workspace = Workspace::new();
    let mut sorted = synthetic::generate(3, [40, 20]).train;
    let mut order: Vec<usize> = (0..40).collect();
    order.sort_by_key(|i| sorted.labels[*i]);
    sorted.pixels = order.iter().flat_map(|i| sorted.pixels_of(*i).to_vec()).collect();
    sorted.labels.sort_unstable();
    for (name, content) in FILES.iter().zip(&idx::encode_split(&sorted)) {
        std::fs::write(workspace.path("data").join(name), content).unwrap();
    }
    let output = workspace.train("run", &["--validation", "8"]);
    assert!(stderr(&output).contains("warning: none of the validation images is of class 0"), "{}", stderr(&output));
}
