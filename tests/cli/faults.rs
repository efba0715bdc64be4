//! Faults from the field: what signals, races, umasks, small limits and odd paths do to a run.

use super::*;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::time::Duration;

/// The command behind a line of shell, such as `umask 027`, that holds for it.
fn after(line: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{line}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_gpu-cnn")]).args(arguments);
    command.env("GPU_CNN_DATA_URL", "http://127.0.0.1:9");
    command
}

impl Workspace {
    /// The options of a run on the CPU over the small data set; without `--out` for the default folder.
    fn options(&self, out: Option<&str>) -> Vec<String> {
        let options = ["train", "--adapter", "cpu", "--model", "dnn", "--data", &self.name("data")].map(String::from);
        let out = out.map(|out| ["--out".to_owned(), self.name(out)]);
        options.into_iter().chain(out.into_iter().flatten()).collect()
    }

    /// Waits until the first weights of the run are written.
    fn wait_for_weights(&self, out: &str, child: &mut Child) {
        while !self.path(out).join("model.safetensors").exists() {
            assert!(child.try_wait().unwrap().is_none(), "it ended early");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn strs(options: &[String]) -> Vec<&str> {
    options.iter().map(String::as_str).collect()
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn each_signal_saves_the_weights_and_one_ignored_at_the_start_stays_ignored() {
    let workspace = Workspace::new();
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let out = format!("{name}-run");
        let ignored: Vec<&str> = ["INT", "TERM", "HUP"].into_iter().filter(|other| *other != name).collect();
        let options = workspace.options(Some(&out));
        let mut child = after(&format!("trap '' {}", ignored.join(" ")), &strs(&options))
            .args(["--epochs", "1000000"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        workspace.wait_for_weights(&out, &mut child);
        ignored.iter().for_each(|ignored| signal(&child, ignored));
        std::thread::sleep(Duration::from_millis(200));
        assert!(child.try_wait().unwrap().is_none(), "{name}: an ignored signal ended it");
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{name}: {}", stderr(&output));
        assert_eq!(json_file(&workspace.path(&out).join("run.json"))["status"], "interrupted");
    }
}

#[test]
fn runs_that_start_at_once_have_each_a_folder_of_their_own() {
    let workspace = Workspace::new();
    let options = workspace.options(None);
    let start = |seed: u32| {
        command(&strs(&options))
            .args(["--epochs", "1", "--seed", &seed.to_string()])
            .current_dir(workspace.path(""))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let children: Vec<Child> = (0..8).map(start).collect();
    children.into_iter().for_each(|child| assert!(child.wait_with_output().unwrap().status.success()));
    let folders = std::fs::read_dir(workspace.path("runs")).unwrap().map(|entry| entry.unwrap().path());
    let mut seeds: Vec<u64> = folders
        .map(|folder| {
            assert!(folder.join("model.safetensors").exists() && json_lines(&folder.join("metrics.jsonl")).len() == 2);
            json_file(&folder.join("run.json"))["settings"]["seed"].as_u64().unwrap()
        })
        .collect();
    seeds.sort_unstable();
    assert_eq!(seeds, (0..8).collect::<Vec<_>>());
}

#[test]
fn a_folder_in_which_a_run_writes_is_refused_to_another() {
    let workspace = Workspace::new();
    let options = workspace.options(Some("run"));
    let mut first = command(&strs(&options)).args(["--epochs", "1000000"]).stderr(Stdio::null()).spawn().unwrap();
    workspace.wait_for_weights("run", &mut first);
    let second = command(&strs(&options)).args(["--overwrite", "--epochs", "1"]).output().unwrap();
    assert_eq!(second.status.code(), Some(7), "{}", stderr(&second));
    assert!(stderr(&second).contains("another run is writing there"), "{}", stderr(&second));
    // What a killed run leaves is swept by the next.
    signal(&first, "KILL");
    first.wait().unwrap();
    std::fs::write(workspace.path("run/.writing-a1B2c3"), "half").unwrap();
    assert!(command(&strs(&options)).args(["--overwrite", "--epochs", "1"]).output().unwrap().status.success());
    let mut names: Vec<_> = std::fs::read_dir(workspace.path("run")).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, FILES_OF_A_RUN);
}

#[test]
fn weights_stay_until_the_run_that_overwrites_them_has_its_own() {
    let workspace = Workspace::new();
    assert!(workspace.train("run", &["--adapter", "cpu"]).status.success());
    let weights = workspace.path("run/model.safetensors");
    let before = std::fs::read(&weights).unwrap();
    let from = ["--adapter", "cpu", "--overwrite", "--weights", weights.to_str().unwrap()];
    let failed = workspace.train("run", &[&from[..], &["--learning-rate", "3e38"]].concat());
    assert_eq!(failed.status.code(), Some(6), "{}", stderr(&failed));
    assert!(stderr(&failed).contains("still that of the earlier run"), "{}", stderr(&failed));
    assert!(std::fs::read(&weights).unwrap() == before);
    // Whose description and metrics stay, too.
    assert_eq!(json_file(&workspace.path("run/run.json"))["status"], "done");
    assert_eq!(json_lines(&workspace.path("run/metrics.jsonl")).len(), 3);
    assert_eq!(std::fs::read_dir(workspace.path("run")).unwrap().count(), FILES_OF_A_RUN.len());
    let done = workspace.train("run", &from);
    assert!(
        done.status.success() && !stderr(&done).contains("earlier run") && std::fs::read(&weights).unwrap() != before
    );
}

#[test]
fn files_have_the_mode_that_the_umask_leaves() {
    let workspace = Workspace::new();
    let modes = |folder: &Path| {
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        files.map(|file| file.metadata().unwrap().permissions().mode() & 0o777).collect::<Vec<_>>()
    };
    for (umask, mode) in [("022", 0o644), ("027", 0o640), ("077", 0o600), ("002", 0o664)] {
        let options = workspace.options(Some(umask));
        let line = format!("umask {umask}");
        assert!(after(&line, &strs(&options)).args(["--epochs", "1"]).output().unwrap().status.success());
        assert_eq!(modes(&workspace.path(umask)), [mode; FILES_OF_A_RUN.len()], "umask {umask}");
        let images = workspace.name(&format!("images-{umask}"));
        let synthetic = after(&line, &["synthetic", &images, "--train", "4", "--test", "4"]).output().unwrap();
        assert!(synthetic.status.success(), "{}", stderr(&synthetic));
        assert_eq!(modes(Path::new(&images)), [mode; 4], "umask {umask}");
    }
}

#[test]
fn a_path_that_is_not_utf_8_fails_with_two_at_once_or_works() {
    let workspace = Workspace::new();
    let odd = workspace.path("").join(OsStr::from_bytes(b"caf\xe9"));
    for option in ["--out", "--weights", "--data-dir", "--data", "--model", "--config"] {
        let output = command(&strs(&workspace.options(None))[..5]).arg(option).arg(&odd).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{option}: {}", stderr(&output));
        assert!(!stderr(&output).contains("panicked"), "{option}: {}", stderr(&output));
    }
    assert!(workspace.train("run", &["--adapter", "cpu"]).status.success());
    std::fs::rename(workspace.path("run"), &odd).unwrap();
    for format in ["text", "json"] {
        let output = command(&["evaluate", "--adapter", "cpu", "--format", format]).arg(&odd).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }
}

#[test]
fn evaluate_reads_a_pipe_and_says_that_the_data_have_changed() {
    let workspace = Workspace::new();
    assert!(workspace.train("run", &["--adapter", "cpu"]).status.success());
    let arguments = ["evaluate", "--adapter", "cpu", "--data", &workspace.name("data"), "/dev/stdin"];
    let weights = std::fs::File::open(workspace.path("run/model.safetensors")).unwrap();
    let mut cat = Command::new("cat").stdin(weights).stdout(Stdio::piped()).spawn().unwrap();
    let output = command(&arguments).stdin(cat.stdout.take().unwrap()).output().unwrap();
    assert!(cat.wait().unwrap().success());
    assert!(output.status.success() && stdout(&output).contains("accuracy"), "{}", stderr(&output));

    let same = run(&["evaluate", &workspace.name("run"), "--adapter", "cpu"]);
    assert!(!stderr(&same).contains("warning"), "{}", stderr(&same));
    let labels = workspace.path("data").join(FILES[3]);
    let mut bytes = std::fs::read(&labels).unwrap();
    bytes[8] = (bytes[8] + 1) % 10;
    std::fs::write(&labels, bytes).unwrap();
    for spelling in ["data/", "data/../data"] {
        let arguments = ["evaluate", &workspace.name("run"), "--adapter", "cpu", "--data", &workspace.name(spelling)];
        assert!(stderr(&run(&arguments)).contains("warning"), "{spelling}");
    }
    let changed = run(&["evaluate", &workspace.name("run"), "--adapter", "cpu"]);
    assert!(
        changed.status.success() && stderr(&changed).contains(&format!("warning: {} is not", FILES[3])),
        "{}",
        stderr(&changed)
    );
}

#[test]
fn a_file_that_may_not_grow_fails_with_seven() {
    let workspace = Workspace::new();
    let options = workspace.options(Some("run"));
    let output = after("ulimit -f 8", &strs(&options)).args(["--epochs", "1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
    // The first checkpoint shows it before the first step; a start that fails leaves nothing that a later one would take for a run.
    assert!(
        stderr(&output).contains("checkpoint.safetensors") && stderr(&output).contains("bytes"),
        "{}",
        stderr(&output)
    );
    assert!(!workspace.path("run").exists());
    let nothing =
        after("ulimit -f 0", &strs(&workspace.options(Some("new/run")))).stderr(Stdio::null()).output().unwrap();
    assert_eq!(nothing.status.code(), Some(7));
    assert!(!workspace.path("new/run").exists());
    std::fs::create_dir(workspace.path("empty")).unwrap();
    let nothing =
        after("ulimit -f 0", &strs(&workspace.options(Some("empty")))).stderr(Stdio::null()).output().unwrap();
    assert_eq!(nothing.status.code(), Some(7));
    assert_eq!(std::fs::read_dir(workspace.path("empty")).unwrap().count(), 0);
    let images = workspace.name("images");
    let synthetic = after("ulimit -f 8", &["synthetic", &images, "--train", "400"]).output().unwrap();
    assert_eq!(synthetic.status.code(), Some(7), "{}", stderr(&synthetic));
    assert!(!Path::new(&images).exists());
}

#[test]
fn an_export_is_written_through_a_link_and_a_folder_that_is_closed_is_noticed_at_once() {
    let workspace = Workspace::new();
    let (link, real) = (workspace.path("link.json"), workspace.path("real.json"));
    std::fs::write(&real, "old").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let bench = ["bench", "--adapter", "cpu", "--model", "dnn", "--steps", "1", "--rounds", "1", "--export-json"];
    let output = run(&[&bench[..], &[link.to_str().unwrap()]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(link.is_symlink() && json_file(&real)["results"].is_array());
    fails(&[&bench[..], &["/proc/none.json"]].concat(), 7, "/proc/none.json");
    fails(&["train", "--out", "/proc/none/run", "--data", "nosuch"], 7, "/proc/none/run");
}

/// Linux, where a limit of memory holds for allocations.
#[cfg(target_os = "linux")]
#[test]
fn too_little_memory_is_five_and_never_an_abort() {
    let workspace = Workspace::new();
    let mut codes = std::collections::BTreeSet::new();
    for kib in [40_000, 60_000, 80_000, 100_000, 130_000, 160_000] {
        let out = workspace.name(&kib.to_string());
        let train = [
            "train",
            "--adapter",
            "cpu",
            "--data",
            "synthetic",
            "--steps-per-epoch",
            "2",
            "--epochs",
            "1",
            "--out",
            &out,
        ];
        let output = after(&format!("ulimit -v {kib}"), &train).output().unwrap();
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 5)), "{kib} KiB: {code:?}: {}", stderr(&output));
        assert!(code == Some(0) || stderr(&output).contains("memory"), "{}", stderr(&output));
        codes.insert(code);
    }
    assert!(codes.contains(&Some(5)));
}

/// On Linux, whose `script` gives a command a terminal.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_that_cannot_redraw_gets_lines() {
    let workspace = Workspace::new();
    for (terminal, redraws) in [(Some("dumb"), false), (Some(""), false), (None, false), (Some("xterm"), true)] {
        let out = format!("run-{}", terminal.unwrap_or("none"));
        let options = workspace.options(Some(&out)).join(" ");
        let line = format!("{} {options} --epochs 1", env!("CARGO_BIN_EXE_gpu-cnn"));
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).env_remove("TERM").stdin(Stdio::null());
        terminal.map(|terminal| script.env("TERM", terminal));
        let Ok(output) = script.output() else {
            assert!(std::env::var_os("CI").is_none(), "no `script`, of util-linux");
            eprintln!("skipped: no `script`");
            return;
        };
        let text = stdout(&output);
        assert!(output.status.success(), "{text}");
        assert!(text.contains("- accuracy: 0.") && text.contains("- loss: "), "TERM {terminal:?}: {text}");
        assert_eq!(text.contains('\x1b'), redraws, "TERM {terminal:?}: {text}");
    }
}
