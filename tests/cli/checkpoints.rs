//! Checkpoints as weights files, damaged ones, and a run that two want to go on with.

use super::resume::Case;
use super::*;
use gpu_cnn::Checkpoint;
use std::process::Stdio;

#[test]
fn a_checkpoint_is_evaluated_exported_and_trained_on_as_the_weights_are() {
    let case = Case::new("cpu");
    assert!(case.train("run", &["--epochs", "2"]).output().unwrap().status.success());
    let [run, data] = ["run", "data"].map(|name| case.workspace.name(name));
    let checkpoint = format!("{run}/checkpoint.safetensors");
    let exported = case.workspace.name("exported.safetensors");
    let output = super::run(&["export", &checkpoint, "--output", &exported]);
    assert!(output.status.success(), "{}", stderr(&output));
    // The moving average of the parameters, as in the run's weights.
    assert!(std::fs::read(&exported).unwrap() == std::fs::read(format!("{run}/model.safetensors")).unwrap());
    let evaluated = [run.as_str(), &checkpoint].map(|from| super::run(&["evaluate", from, "--adapter", "cpu"]));
    assert!(evaluated[1].status.success(), "{}", stderr(&evaluated[1]));
    assert_eq!(stdout(&evaluated[0]), stdout(&evaluated[1]));
    let model = case.workspace.name("model.toml");
    let started = ["train", "--adapter", "cpu", "--data", &data, "--model", &model, "--epochs", "1"];
    let results = [exported, checkpoint].map(|weights| {
        let out = case.workspace.name("on");
        let more = ["--weights", &weights, "--out", &out, "--overwrite"];
        let output = super::run(&[&started[..], &more].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        case.results("on")
    });
    assert_eq!(results[0], results[1]);
}

#[test]
fn a_checkpoint_whose_numbers_cannot_be_is_refused_with_its_name() {
    let case = Case::new("cpu");
    assert!(case.train("run", &["--epochs", "1"]).output().unwrap().status.success());
    let file = case.workspace.path("run/checkpoint.safetensors");
    let good = Checkpoint::read(&file).unwrap();
    let refused = |change: &dyn Fn(&mut Checkpoint), what: &str| {
        let mut changed = good.clone();
        change(&mut changed);
        std::fs::write(&file, changed.to_bytes().unwrap()).unwrap();
        let output = case.resume("run").output().unwrap();
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(4), "{text}");
        assert!(text.contains(what) && text.contains(file.to_str().unwrap()), "{text}");
    };
    for name in ["parameters", "average of parameters", "layer state"] {
        let set = |checkpoint: &mut Checkpoint| {
            let (_, values) = checkpoint.buffers.iter_mut().find(|(label, _)| label == name).unwrap();
            values[1] = f32::NAN;
        };
        refused(&set, &format!("`{name}` has a number that is not finite"));
    }
    refused(&|checkpoint| checkpoint.buffers.retain(|(label, _)| label != "adam m"), "the checkpoint has no `adam m`");
    refused(&|checkpoint| checkpoint.buffers.push(("more".into(), vec![1.0])), "the checkpoint has `more`");
}

/// The checkpoint has about 140 KiB, metrics.jsonl grows to more: some limits show before the first step, some in mid-run, some never.
#[cfg(unix)]
#[test]
fn files_that_may_not_grow_end_the_run_with_seven_and_it_can_be_resumed() {
    let points = if std::env::var_os("GPU_CNN_TEST_KILLS").is_some() { 64 } else { 5 };
    let case = Case::new("cpu");
    let epochs = ["--epochs", "60", "--threads", "1"];
    assert!(case.train("whole", &epochs).output().unwrap().status.success());
    let names = std::fs::read_dir(case.workspace.path("whole")).unwrap();
    let largest = names.map(|entry| entry.unwrap().metadata().unwrap().len()).max().unwrap();
    let mut ends = [0; 3];
    for point in 0..points {
        // In blocks of 512 bytes.
        let blocks = largest * (point + 1) / points / 512;
        let train = case.train("run", &epochs);
        let mut limited = std::process::Command::new("sh");
        limited.args(["-c", &format!("ulimit -f {blocks}; exec \"$@\""), "sh"]).arg(train.get_program());
        let output = limited.args(train.get_args()).output().unwrap();
        let text = stderr(&output);
        let end = match output.status.code() {
            Some(0) => 2,
            Some(7) => usize::from(case.workspace.path("run").exists()),
            code => panic!("{blocks} blocks: {code:?} {text}"),
        };
        ends[end] += 1;
        if end < 2 {
            assert!(text.contains("cannot write ") && !text.contains("panicked"), "{blocks} blocks: {text}");
        }
        if end == 1 {
            let again = case.resume("run").output().unwrap();
            assert!(again.status.success(), "{blocks} blocks: {}", stderr(&again));
        }
        if end > 0 {
            assert_eq!(case.results("run"), case.results("whole"), "{blocks} blocks");
            std::fs::remove_dir_all(case.workspace.path("run")).unwrap();
        }
    }
    eprintln!("{} limits before the first step, {} in mid-run, {} without effect", ends[0], ends[1], ends[2]);
    assert!(ends[0] > 0 && ends[1] > 0, "{ends:?}");
}

#[test]
fn a_run_that_is_being_resumed_is_refused_to_another() {
    let case = Case::new("cpu");
    assert!(case.train("run", &["--epochs", "1"]).output().unwrap().status.success());
    let mut first = case.resume("run").args(["--epochs", "1000000"]).stderr(Stdio::null()).spawn().unwrap();
    let state = || std::fs::read_to_string(case.workspace.path("run/run.json")).unwrap();
    while !state().contains("\"running\"") {
        assert!(first.try_wait().unwrap().is_none(), "the resumed run has ended");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let second = case.resume("run").args(["--epochs", "2"]).output().unwrap();
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(second.status.code(), Some(7), "{}", stderr(&second));
    assert!(stderr(&second).contains("another run is writing there"), "{}", stderr(&second));
    assert!(case.resume("run").args(["--epochs", "2"]).output().unwrap().status.code() != Some(7));
}

#[test]
fn going_back_to_an_earlier_checkpoint_loses_none_that_came_later() {
    let case = Case::new("cpu");
    assert!(case.train("run", &["--epochs", "1", "--keep", "10"]).output().unwrap().status.success());
    let path = |name: &str| case.workspace.path("run").join(name);
    let (earlier, last) = (path("checkpoint-00000010.safetensors"), path("checkpoint.safetensors"));
    let read = |path: &std::path::Path| std::fs::read(path).unwrap();
    let end = (read(&last), case.results("run"));
    std::fs::copy(&earlier, path("checkpoint-00000007.safetensors")).unwrap();
    let later = path("checkpoint-00000025.safetensors");
    let mut changed = read(&later);
    changed.push(0);
    std::fs::write(&later, &changed).unwrap();
    let output = super::run(&["train", "--resume", earlier.to_str().unwrap(), "--keep", "2"]);
    let text = stderr(&output);
    assert!(
        output.status.success() && text.contains("the checkpoint after 32 steps is kept as checkpoint-00000032"),
        "{text}"
    );
    assert!(read(&path("checkpoint-00000032.safetensors")) == end.0 && case.results("run") == end.1);
    // Another's with a name that the run writes, and one that it never wrote.
    assert!(read(&path("checkpoint-00000025.safetensors.old")) == changed);
    assert!(path("checkpoint-00000007.safetensors").exists());
    // Those that it wrote itself are as few as were asked for.
    assert!(!path("checkpoint-00000015.safetensors").exists() && path("checkpoint-00000030.safetensors").exists());
}

/// What is read before the folder is locked may be overtaken by the run that writes there.
#[test]
fn a_run_that_is_going_on_is_refused_before_its_checkpoint_is_read() {
    let case = Case::new("cpu");
    assert!(case.train("run", &["--epochs", "1"]).output().unwrap().status.success());
    let folder = case.workspace.path("run");
    std::fs::write(folder.join("checkpoint.safetensors"), "half").unwrap();
    let open = std::fs::File::open(&folder).unwrap();
    open.lock().unwrap();
    for command in [&mut case.resume("run"), &mut case.train("run", &[])] {
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
        assert!(stderr(&output).contains("another run is writing there"), "{}", stderr(&output));
    }
    drop(open);
    assert_eq!(case.resume("run").output().unwrap().status.code(), Some(4));
}

#[test]
fn a_run_is_resumed_and_reproduced_from_another_folder_with_the_data_where_they_were() {
    let case = Case::new("cpu");
    let workspace = &case.workspace;
    let own = workspace.path("");
    let train = ["train", "--adapter", "cpu", "--model", "dnn", "--data", "data", "--out", "run", "--epochs", "1"];
    assert!(command(&train).current_dir(&own).output().unwrap().status.success());
    let run = workspace.name("run");
    let resumed = super::run(&["train", "--resume", &run, "--epochs", "2", "--log-steps"]);
    assert!(resumed.status.success(), "{}", stderr(&resumed));
    // Steps were logged in one part of the run alone.
    let reproduced = super::run(&["reproduce", &run]);
    assert!(
        reproduced.status.success() && stdout(&reproduced).contains("the losses of 20 steps"),
        "{}",
        stderr(&reproduced)
    );
    // What was asked for is not replaced.
    fails(&["reproduce", &run, "--data", "nowhere"], 4, "no folder `nowhere`");
}

/// Also of the best epoch, where the later one's weights are kept for that.
#[test]
fn going_back_to_an_earlier_checkpoint_takes_its_weights() {
    for more in [&[][..], &["--early-stopping", "100", "--validation-split", "0.25"]] {
        let case = Case::new("cpu");
        assert!(case.train("run", &[&["--epochs", "1"], more].concat()).output().unwrap().status.success());
        let path = |name: &str| case.workspace.path("run").join(name);
        let (earlier, weights) = (path("earlier.safetensors"), || std::fs::read(path("model.safetensors")).unwrap());
        std::fs::copy(path("checkpoint.safetensors"), &earlier).unwrap();
        let first = weights();
        assert!(case.resume("run").args(["--epochs", "5"]).output().unwrap().status.success());
        assert!(weights() != first, "{more:?}: five epochs have the weights of one");
        let output = super::run(&["train", "--resume", earlier.to_str().unwrap(), "--epochs", "1"]);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(weights() == first, "{more:?}: the weights are not those of the checkpoint");
        assert!(stderr(&output).contains("note: the best checkpoint, after "), "{}", stderr(&output));
        assert!(!path("checkpoint-best.safetensors").exists(), "{more:?}: the best is of an epoch that is not there");
    }
}

#[test]
fn a_run_that_was_killed_while_it_took_the_place_of_another_is_read_whole() {
    let case = Case::new("cpu");
    for (name, more) in [("run", &["--epochs", "1"][..]), ("new", &["--epochs", "2", "--tta", "flip"])] {
        assert!(case.train(name, more).output().unwrap().status.success());
    }
    let evaluated = |name: &str| {
        let output = super::run(&["evaluate", &case.workspace.name(name), "--adapter", "cpu"]);
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    let (old, new) = (evaluated("run"), evaluated("new"));
    assert_ne!(old, new);
    let (run, ready) = (case.workspace.path("run"), case.workspace.path("run/.ready"));
    std::fs::rename(case.workspace.path("new"), &ready).unwrap();
    assert_eq!(evaluated("run"), old, "a folder without a list is not ready");
    std::fs::write(ready.join("files"), "run.json\nmodel.safetensors").unwrap();
    assert_eq!(evaluated("run"), new, "before the first move");
    assert_eq!(evaluated("run/model.safetensors"), old, "the earlier run's file with the earlier run's settings");
    std::fs::rename(ready.join("model.safetensors"), run.join("model.safetensors")).unwrap();
    assert_eq!(evaluated("run"), new, "between two moves");
    std::fs::rename(ready.join("run.json"), run.join("run.json")).unwrap();
    assert_eq!(evaluated("run"), new, "after the last move");
}
