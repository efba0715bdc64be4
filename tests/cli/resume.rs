//! Runs that are stopped, in whatever way, and resumed.

use super::*;
use gpu_cnn::internals::rng::{Purpose, Rng};
use std::cell::Cell;
use std::process::{Child, Stdio};
use std::time::Duration;

/// Kills and signals of each kind that a run gets in all; `GPU_CNN_TEST_KILLS` asks for more.
fn kills() -> usize {
    std::env::var("GPU_CNN_TEST_KILLS").map_or(12, |kills| kills.parse().unwrap())
}

const MODEL: &str = "[[layers]]\ntype = \"RandomFlip\"\n[[layers]]\ntype = \"Conv2D\"\nfilters = 4\nkernel_size = 3\n[[layers]]\n\
    type = \"BatchNormalization\"\n[[layers]]\ntype = \"MaxPooling2D\"\n[[layers]]\ntype = \"Dropout\"\nrate = 0.3\n[[layers]]\n\
    type = \"Flatten\"\n[[layers]]\ntype = \"Dense\"\nunits = 10\nactivation = \"softmax\"\n";

/// A run that draws at random, has state, and writes checkpoints often.
pub(crate) struct Case {
    pub(crate) workspace: Workspace,
    adapter: &'static str,
}

impl Case {
    pub(crate) fn new(adapter: &'static str) -> Self {
        let workspace = Workspace::new();
        std::fs::write(workspace.path("model.toml"), MODEL).unwrap();
        Self { workspace, adapter }
    }

    pub(crate) fn train(&self, out: &str, more: &[&str]) -> Command {
        let (data, out, model) =
            (self.workspace.name("data"), self.workspace.name(out), self.workspace.name("model.toml"));
        let run = ["train", "--adapter", self.adapter, "--data", &data, "--out", &out, "--model", &model];
        let settings = ["--accumulate", "3", "--ema", "0.9", "--log-steps", "--batch-size", "10"];
        let epochs: &[&str] = if more.contains(&"--epochs") { &[] } else { &["--epochs", "6"] };
        command(&[&run[..], &settings, &["--checkpoint-every", "5steps"], epochs, more].concat())
    }

    pub(crate) fn resume(&self, out: &str) -> Command {
        command(&["train", "--resume", &self.workspace.name(out)])
    }

    /// What has to be the same, however often a run was stopped.
    pub(super) fn results(&self, out: &str) -> [(&str, String); 4] {
        ["model.safetensors", "metrics.jsonl", "metrics.csv", "losses.f64"].map(|name| {
            let bytes = std::fs::read(self.workspace.path(out).join(name)).unwrap();
            (name, gpu_cnn::internals::sha256_hex(&bytes))
        })
    }

    /// Starts a run again and again and stops it after a random time, `kills` times, then lets it end; `stop` says whether the exit code
    /// of a process that it stopped is right.
    fn stop_often(&self, out: &str, kills: usize, stop: &dyn Fn(&mut Child) -> bool) {
        let mut draws = Rng::new(kills as u64, Purpose::Shuffle, out.len() as u64);
        let (mut done, mut is_over) = (0, false);
        while done < kills || !is_over {
            let has_begun = self.workspace.path(out).join("checkpoint.safetensors").exists();
            let mut process = if has_begun { self.resume(out) } else { self.train(out, &[]) };
            let mut child = process.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
            if done < kills {
                std::thread::sleep(Duration::from_millis(
                    draws.below(if self.adapter == "cpu" { 150 } else { 1500 }) as u64
                ));
            }
            let stopped = done < kills && child.try_wait().unwrap().is_none() && stop(&mut child);
            let output = child.wait_with_output().unwrap();
            if stopped {
                (done, is_over) = (done + 1, false);
            } else {
                assert!(output.status.success(), "{out} after {done} stops: {}", stderr(&output));
                is_over = true;
                if done < kills {
                    std::fs::remove_dir_all(self.workspace.path(out)).unwrap();
                }
            }
        }
    }
}

fn adapters() -> &'static [&'static str] {
    if adapter().is_some() { &["cpu", "vulkan"] } else { &["cpu"] }
}

#[test]
fn a_run_killed_at_any_moment_is_resumed_and_ends_the_same() {
    for name in adapters() {
        let case = Case::new(name);
        let kills = if *name == "cpu" { kills() } else { kills() / 4 };
        assert!(case.train("whole", &[]).output().unwrap().status.success());
        case.stop_often("killed", kills, &|child| child.kill().is_ok());
        assert_eq!(case.results("killed"), case.results("whole"), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_run_stopped_by_signals_is_resumed_and_ends_the_same() {
    let case = Case::new("cpu");
    assert!(case.train("whole", &[]).output().unwrap().status.success());
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let heeded = Cell::new(0);
        let stop = |child: &mut Child| {
            let id = child.id().to_string();
            assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
            match child.wait().unwrap().code() {
                // It had ended on its own.
                Some(0) => false,
                // It had only just started.
                None => true,
                found => {
                    assert_eq!(found, Some(code), "{name}");
                    heeded.set(heeded.get() + 1);
                    true
                }
            }
        };
        case.stop_often(name, kills() / 3, &stop);
        assert!(heeded.get() > kills() / 6, "{name}: {} of {}", heeded.get(), kills() / 3);
        assert_eq!(case.results(name), case.results("whole"));
    }
}

#[test]
fn more_epochs_continue_a_run_that_is_over_and_one_without_any_left_is_tested_again() {
    let case = Case::new("cpu");
    assert!(case.train("whole", &[]).output().unwrap().status.success());
    assert!(case.train("longer", &["--epochs", "2", "--keep", "3"]).output().unwrap().status.success());
    let short = case.results("longer");
    let again = case.resume("longer").output().unwrap();
    assert!(again.status.success() && case.results("longer") == short, "{}", stderr(&again));
    let longer = case.resume("longer").args(["--epochs", "6", "--threads", "1"]).output().unwrap();
    assert!(longer.status.success(), "{}", stderr(&longer));
    assert!(case.results("longer") == case.results("whole"));
    let described = json_file(&case.workspace.path("longer/run.json"));
    assert_eq!((&described["status"], &described["settings"]["epochs"]), (&"done".into(), &6.into()));
    assert_eq!(described["resumed"][0]["after_steps"], 64);
    // 192 steps, a checkpoint every five and at the end.
    let mut kept: Vec<String> = std::fs::read_dir(case.workspace.path("longer"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("checkpoint-0"))
        .collect();
    kept.sort();
    assert_eq!(kept, ["checkpoint-00000185.safetensors", "checkpoint-00000190.safetensors"]);
    // From an earlier checkpoint of the run, too.
    let earlier = case.workspace.name("longer/checkpoint-00000185.safetensors");
    assert!(run(&["train", "--resume", &earlier]).status.success());
    assert!(case.results("longer") == case.results("whole"));
    let kept = gpu_cnn::Checkpoint::read(Path::new(&earlier)).unwrap();
    assert_eq!(kept.state.progress.steps, 185, "another checkpoint has its name");
    let fewer = case.resume("longer").args(["--epochs", "3"]).output().unwrap();
    assert_eq!(fewer.status.code(), Some(2));
    // A resumed run may keep fewer.
    assert!(case.resume("longer").args(["--keep", "1"]).output().unwrap().status.success());
    assert!(!case.workspace.path("longer/checkpoint-00000185.safetensors").exists());
    assert!(stderr(&fewer).contains("epochs is 3; the run has come to epoch 6"), "{}", stderr(&fewer));
}

#[test]
fn what_differs_from_the_run_is_named() {
    let case = Case::new("cpu");
    let workspace = &case.workspace;
    assert!(case.train("run", &["--epochs", "1"]).output().unwrap().status.success());
    let refused = |more: &[&str], message: &str| {
        let output = case.resume("run").args(more).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{more:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(message), "{more:?}: {}", stderr(&output));
    };
    let before = case.results("run");
    refused(&["--batch-size", "20"], "batch_size is 10 in the run, 20 was asked for");
    refused(&["--seed", "3", "--learning-rate", "0.1"], "seed is 0 in the run, 3 was asked for");
    refused(&["--data", "synthetic"], "in the run, now not there");
    refused(&["--model", "cnn"], "layer 1 is `random_flip`");
    std::fs::write(workspace.path("other.toml"), MODEL.replace("0.3", "0.2")).unwrap();
    refused(&["--model", &workspace.name("other.toml")], "layer 5 is `dropout`");
    refused(&["--out", &workspace.name("elsewhere")], "cannot be used with");
    let none = ["train", "--resume", &workspace.name("none")];
    fails(&none, 2, "no such checkpoint");
    fails(&["train", "--resume", &workspace.name("run/model.safetensors")], 4, "weights alone cannot be resumed");
    std::fs::copy(workspace.path("run/checkpoint.safetensors"), workspace.path("alone.safetensors")).unwrap();
    let same = case.resume("run").args(["--model", &workspace.name("model.toml")]).output().unwrap();
    assert!(same.status.success(), "{}", stderr(&same));
    assert!(case.results("run") == before);
    // Cut short, the checkpoint is none, and nothing else is touched.
    let checkpoint = workspace.path("run/checkpoint.safetensors");
    let bytes = std::fs::read(&checkpoint).unwrap();
    std::fs::write(&checkpoint, &bytes[..bytes.len() - 1]).unwrap();
    fails(&["train", "--resume", &workspace.name("run")], 4, "not a checkpoint, or damaged");
    // Logs that are not those of the checkpoint are kept aside.
    std::fs::write(&checkpoint, &bytes).unwrap();
    std::fs::write(workspace.path("run/metrics.jsonl"), "mine\n").unwrap();
    let output = case.resume("run").args(["--epochs", "2"]).output().unwrap();
    assert!(output.status.success() && stderr(&output).contains("metrics.jsonl is not what"), "{}", stderr(&output));
    assert_eq!(std::fs::read(workspace.path("run/metrics.jsonl.old")).unwrap(), b"mine\n");
}

#[test]
fn a_run_that_overwrites_another_and_is_killed_leaves_one_of_the_two() {
    let case = Case::new("cpu");
    for seed in ["1", "2"] {
        assert!(case.train(seed, &["--seed", seed]).output().unwrap().status.success());
    }
    assert!(case.train("run", &["--seed", "1"]).output().unwrap().status.success());
    let (mut old, mut new) = (0, 0);
    for delay in (0..kills() as u64 * 2).map(|i| i * 240 / (kills() as u64 * 2)) {
        let mut child = case
            .train("run", &["--seed", "2", "--overwrite", "--epochs", "20"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
        let resumed = case.resume("run").output().unwrap();
        assert!(resumed.status.success(), "{delay} ms: {}", stderr(&resumed));
        let seed = json_file(&case.workspace.path("run/run.json"))["settings"]["seed"].as_u64().unwrap();
        if seed == 1 {
            old += 1;
            assert!(case.results("run") == case.results("1"), "{delay} ms");
        } else {
            new += 1;
            let again = case.train("run", &["--seed", "1", "--overwrite"]).output().unwrap();
            assert!(
                again.status.success() && case.results("run") == case.results("1"),
                "{delay} ms: {}",
                stderr(&again)
            );
        }
    }
    assert!(old > 0 && new > 0, "{old} kills before the new run took the place, {new} after");
}
