//! Every write, sync and rename of a run fails once: it ends with exit code 7, the old checkpoint is intact, and the run can be resumed.

use super::*;

/// Faults of each kind, spread over all calls; `GPU_CNN_TEST_KILLS`, which is for long tests, asks for every call.
const FAULTS: usize = 24;

#[test]
fn a_fault_of_the_disk_at_any_call_is_seven_and_the_run_can_be_resumed() {
    let workspace = Workspace::new();
    let Some(library) = shim(&workspace.path(""), "disk") else { return };
    let data = workspace.name("data");
    let train = |out: &str, fault: &str| {
        let out = workspace.name(out);
        let counts = workspace.path("counts");
        command(&["train", "--adapter", "cpu", "--threads", "1", "--data", &data, "--out", &out, "--model", "dnn"])
            .args(["--epochs", "2", "--checkpoint-every", "4steps", "--keep", "2", "--log-steps"])
            .env("LD_PRELOAD", &library)
            .env("FAULT", fault)
            .env("FAULT_COUNTS", counts)
            .output()
            .unwrap()
    };
    let results = |out: &str| {
        ["model.safetensors", "metrics.jsonl", "losses.f64"]
            .map(|name| std::fs::read(workspace.path(out).join(name)).unwrap())
    };
    assert!(train("whole", "none").status.success());
    let counts = std::fs::read_to_string(workspace.path("counts")).unwrap();
    let counts: Vec<(&str, usize)> = counts
        .lines()
        .map(|line| line.split_once(' ').map(|(name, count)| (name, count.parse().unwrap())).unwrap())
        .collect();
    assert!(counts.iter().all(|(_, count)| *count > 10), "{counts:?}");
    let every = std::env::var_os("GPU_CNN_TEST_KILLS").is_some();
    let (mut faults, mut resumed) = (0, 0);
    for (kind, count) in counts {
        let step = match (every, kind) {
            (false, _) => count.div_ceil(FAULTS),
            (true, "bytes") => count.div_ceil(64),
            (true, _) => 1,
        };
        for at in (1..=count).step_by(step) {
            // No space left, or an error of the medium.
            for errno in [28, 5] {
                let fault = format!("{kind}:{at}:{errno}");
                let _ = std::fs::remove_dir_all(workspace.path("run"));
                let output = train("run", &fault);
                let text = stderr(&output);
                assert_eq!(output.status.code(), Some(7), "{fault}: {text}");
                assert!(text.contains("cannot write ") && !text.contains("panicked"), "{fault}: {text}");
                faults += 1;
                // A run that did not start has left nothing.
                if !workspace.path("run/checkpoint.safetensors").exists() {
                    assert!(!workspace.path("run").exists(), "{fault}");
                    continue;
                }
                let again = run(&["train", "--resume", &workspace.name("run")]);
                assert!(again.status.success(), "{fault}: {}", stderr(&again));
                assert!(results("run") == results("whole"), "{fault}");
                resumed += 1;
            }
        }
    }
    eprintln!("{faults} faults, after {resumed} of them the run was resumed");
    assert!(resumed > faults / 2, "{resumed} of {faults}");
}
