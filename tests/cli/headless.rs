//! Machines without a GPU, as CI has them: no Vulkan loader, a loader without a driver, lavapipe alone, names that no adapter has, half a
//! core. `auto` trains on the CPU; an adapter that is named and not there is exit code 3, with what there is and what to do.

use super::*;

/// Commands for a machine, by its environment.
struct Machine<'a> {
    name: &'a str,
    environment: Vec<(&'static str, String)>,
    workspace: &'a Workspace,
}

impl Machine<'_> {
    /// Runs the program; asserts its exit code, and that it says each of `words` and does not panic.
    fn says(&self, arguments: &[&str], code: i32, words: &[&str]) -> String {
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        let mut command = command(arguments);
        let output = command.env_remove("VK_DRIVER_FILES").env_remove("VK_ICD_FILENAMES").envs(environment).output();
        self.check(&output.unwrap(), arguments, code, words)
    }

    fn check(&self, output: &Output, arguments: &[&str], code: i32, words: &[&str]) -> String {
        let text = stdout(output) + &stderr(output);
        let name = format!("{}: {arguments:?}", self.name);
        assert_eq!(output.status.code(), Some(code), "{name}: {text}");
        assert!(!text.contains("panicked") && !text.contains("RUST_BACKTRACE"), "{name}: {text}");
        for word in words {
            assert!(text.contains(word), "{name} does not say `{word}`: {text}");
        }
        text
    }

    /// Trains for a few steps, with the run folder `out`; asserts as [`Self::says`].
    fn trains(&self, out: &str, more: &[&str], code: i32, words: &[&str]) {
        let (data, out) = (self.workspace.name("data"), self.workspace.name(out));
        let _ = std::fs::remove_dir_all(&out);
        let train = ["train", "--data", &data, "--out", &out, "--model", "dnn", "--epochs", "1"];
        self.says(&[&train, more].concat(), code, words);
        assert_eq!(Path::new(&out).exists(), code == 0, "{}: {more:?}", self.name);
    }

    /// All commands where there is no adapter; `doctor` is what the doctor says of it.
    fn has_no_adapter(&self, doctor: &str) {
        const NONE: [&str; 2] =
            ["; none was found\nhint: `--adapter cpu` needs no adapter", "gpu-cnn adapters --doctor"];
        let none = |wanted: &str| format!("error: no adapter matches `{wanted}`");
        let listed =
            self.says(&["adapters"], 0, &["the CPU backend, always available", "`--adapter auto` takes this one"]);
        assert!(!listed.contains("backend vulkan") && !listed.contains("backend gl"), "{}: {listed}", self.name);
        self.says(&["adapters", "--doctor"], 3, &[doctor, "problem: there is no adapter that can compute"]);
        let on_cpu = ["note: no GPU found: using the CPU backend", "adapter: cpu, "];
        self.trains("run", &[], 0, &on_cpu);
        self.trains("again", &["--adapter", "auto"], 0, &on_cpu);
        for name in ["vulkan", "gl", "nosuchname"] {
            self.trains("named", &["--adapter", name], 3, &[&none(name), NONE[0], NONE[1]]);
        }
        let run = self.workspace.name("run");
        self.says(&["evaluate", &run], 0, &[on_cpu[0], "accuracy"]);
        let words = [&none("vulkan"), NONE[0], NONE[1]];
        for arguments in [&["evaluate", &run][..], &["verify"], &["bench"], &["reproduce", &run]] {
            self.says(&[arguments, &["--adapter", "vulkan"]].concat(), 3, &words);
        }
        let bench = ["bench", "--model", "dnn", "--steps", "2", "--rounds", "1", "--warmup", "0"];
        self.says(&bench, 0, &["note: no adapter: the CPU backend alone", "cpu, "]);
    }
}

/// No library of the system by these names can be loaded, nor is it in any folder.
fn hidden(shim: &Path, names: &str) -> Vec<(&'static str, String)> {
    vec![("LD_PRELOAD", shim.to_str().unwrap().to_owned()), ("HIDDEN", names.to_owned())]
}

/// Stands for a machine or a container without the package libvulkan1 and without OpenGL.
#[test]
fn without_a_vulkan_loader_auto_is_the_cpu_and_named_adapters_are_three() {
    let workspace = Workspace::new();
    let Some(shim) = shim(&workspace.path(""), "machine") else { return };
    let environment = hidden(&shim, "libvulkan.so:libEGL.so");
    let machine = Machine { name: "no loader", environment, workspace: &workspace };
    machine.has_no_adapter(
        "problem: the Vulkan loader, libvulkan.so.1, is in none of the usual folders\n  next: apt-get install libvulkan1",
    );
}

/// Stands for a container with the loader and no driver, or with an NVIDIA driver of which the libraries were not mounted. OpenGL is hidden.
#[test]
fn with_a_loader_and_no_driver_auto_is_the_cpu_and_named_adapters_are_three() {
    let workspace = Workspace::new();
    let Some(shim) = shim(&workspace.path(""), "machine") else { return };
    let path = |name: &str| workspace.name(name);
    std::fs::create_dir(path("empty")).unwrap();
    std::fs::write(path("garbage.json"), "{ \"ICD\": ").unwrap();
    std::fs::write(path("text.so"), "no library").unwrap();
    for (file, library) in [("missing.json", "./missing.so"), ("text.json", "./text.so")] {
        let icd = serde_json::json!({ "library_path": library, "api_version": "1.3.0" });
        let content = serde_json::json!({ "file_format_version": "1.0.0", "ICD": icd });
        std::fs::write(path(file), content.to_string()).unwrap();
    }
    let cases = [
        ("empty", format!("names the folder {}, which has no driver's file", path("empty"))),
        ("nosuch.json", format!("VK_DRIVER_FILES names {}, which is not there", path("nosuch.json"))),
        ("garbage.json", format!("{} names no driver (ICD.library_path)", path("garbage.json"))),
        ("missing.json", format!("{} names ./missing.so, which is not there", path("missing.json"))),
        ("text.json", format!("{} names ./text.so, which is damaged, or no Vulkan driver", path("text.json"))),
    ];
    for (name, doctor) in cases {
        let mut environment = hidden(&shim, "libEGL.so");
        environment.extend(["VK_DRIVER_FILES", "VK_ICD_FILENAMES"].map(|variable| (variable, path(name))));
        let machine = Machine { name, environment, workspace: &workspace };
        machine.has_no_adapter(&doctor);
    }
    // The environment names backends, or an adapter, that are not there.
    for (variable, value, message) in [
        ("WGPU_BACKEND", "vulkan", "no adapter matches `auto` among the backends `vulkan`; none was found"),
        ("WGPU_ADAPTER_NAME", "nosuchname", "no adapter matches `nosuchname`; none was found"),
    ] {
        let mut environment = hidden(&shim, "libEGL.so");
        environment.extend([("VK_DRIVER_FILES", path("empty")), ("VK_ICD_FILENAMES", path("empty"))]);
        environment.push((variable, value.to_owned()));
        let machine = Machine { name: variable, environment, workspace: &workspace };
        machine.says(
            &["adapters"],
            0,
            &[&format!("warning: `--adapter auto` fails here: {message}"), "always available"],
        );
        machine.trains("narrowed", &[], 3, &[message, "hint: `--adapter cpu` needs no adapter"]);
    }
}

#[test]
fn lavapipe_is_used_by_name_and_a_name_without_match_lists_it() {
    if software_adapter().is_none() {
        return;
    }
    let workspace = Workspace::new();
    let machine = Machine { name: "lavapipe", environment: Vec::new(), workspace: &workspace };
    let listed = machine.says(&["adapters"], 0, &["llvmpipe", "backend vulkan, type software", "always available"]);
    machine.says(&["adapters", "--doctor"], 0, &["adapter llvmpipe"]);
    // Where there is a real GPU beside it, `auto` takes that.
    if listed.contains("always available; SIMD level") && listed.trim_end().ends_with("`--adapter auto` takes this one")
    {
        machine.trains("auto", &[], 0, &["note: no GPU found: using the CPU backend", "adapter: cpu, "]);
    }
    machine.trains("run", &["--adapter", "vulkan"], 0, &["warning: llvmpipe", "adapter: llvmpipe", "test accuracy"]);
    let run = workspace.name("run");
    machine.says(&["evaluate", &run, "--adapter", "llvmpipe"], 0, &["adapter: llvmpipe", "accuracy"]);
    machine.says(
        &["verify", "--adapter", "vulkan", "--case", "dense alone"],
        0,
        &["adapter: llvmpipe", "DenseForward"],
    );
    let bench = ["bench", "--adapter", "vulkan", "--model", "dnn", "--steps", "2", "--rounds", "1", "--warmup", "0"];
    machine.says(&bench, 0, &["llvmpipe", "(vulkan, software)", "losses: the devices agree"]);
    let found = ["no adapter matches `nosuchname`; found:\n  ", "llvmpipe", "(vulkan, software)\n", "--adapter cpu"];
    machine.trains("named", &["--adapter", "nosuchname"], 3, &found);
    for arguments in [&["evaluate", &run][..], &["verify"], &["bench"]] {
        machine.says(&[arguments, &["--adapter", "nosuchname"]].concat(), 3, &found);
    }
}

/// Where control groups cannot be made: the files of one, as the standard library reads them.
#[test]
fn a_quota_of_half_a_core_is_one_thread() {
    let workspace = Workspace::new();
    let Some(shim) = shim(&workspace.path(""), "machine") else { return };
    let path = |name: &str| workspace.name(name);
    std::fs::create_dir_all(path("groups/half")).unwrap();
    std::fs::write(path("groups/half/cgroup.controllers"), "cpu memory\n").unwrap();
    std::fs::write(path("self"), "0::/half\n").unwrap();
    let moved = format!("/proc/self/cgroup={}:/sys/fs/cgroup={}", path("self"), path("groups"));
    let environment = vec![("LD_PRELOAD", shim.to_str().unwrap().to_owned()), ("MOVED", moved)];
    let machine = Machine { name: "quota", environment, workspace: &workspace };
    let train = |quota: &str, more: &[&str], word: &str| {
        std::fs::write(path("groups/half/cpu.max"), quota).unwrap();
        machine.trains("run", &[&["--adapter", "cpu"], more].concat(), 0, &[word, "test accuracy"]);
    };
    train("50000 100000\n", &[], "adapter: cpu, 1 thread\n");
    // Who asks for more gets them.
    train("50000 100000\n", &["--threads", "2"], "adapter: cpu, 2 threads\n");
    // Without a quota it is a thread a core.
    let cores = std::thread::available_parallelism().unwrap();
    train("max 100000\n", &[], &format!("adapter: cpu, {cores} thread"));
    assert!(json_file(&workspace.path("run/run.json"))["device"]["adapter"].as_str().unwrap().starts_with("cpu, "));
}

/// A control group whose processes get half a core; it goes with the value.
struct HalfACore(PathBuf);

impl HalfACore {
    /// The error is why there can be none.
    fn new() -> Result<Self, String> {
        let v1 = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"].map(|root| (root, "cpu.cfs_quota_us", "50000"));
        let mut why = String::from("no control groups");
        for (root, file, quota) in v1.into_iter().chain([("/sys/fs/cgroup", "cpu.max", "50000 100000")]) {
            let group = Self(Path::new(root).join(format!("gpu-cnn-test-{}", std::process::id())));
            let made = std::fs::create_dir(&group.0).and_then(|()| {
                // In a group of another kind, or whose parent does not pass on the controller, there is no such file.
                let is_there = group.0.join(file).exists().then_some(());
                is_there.ok_or_else(|| std::io::Error::other(format!("there is no {file}")))?;
                std::fs::write(group.0.join(file), quota)
            });
            match made {
                Ok(()) => return Ok(group),
                Err(e) => why = format!("{}: {e}", group.0.display()),
            }
        }
        Err(why)
    }
}

impl Drop for HalfACore {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

/// Skipped where control groups cannot be made, as in most containers; there the test above stands for it.
#[test]
fn in_a_control_group_of_half_a_core_training_has_one_thread_and_ends() {
    let group = match HalfACore::new() {
        Ok(group) => group,
        Err(why) => return eprintln!("skipped: {why}"),
    };
    let workspace = Workspace::new();
    let machine = Machine { name: "half a core", environment: Vec::new(), workspace: &workspace };
    let within = |arguments: &[&str], words: &[&str]| {
        let program = command(&[]);
        let mut shell = Command::new("sh");
        shell
            .args(["-c", "echo $$ >\"$0\" && exec \"$@\""])
            .arg(group.0.join("cgroup.procs"))
            .arg(program.get_program());
        let output = shell.args(arguments).env("GPU_CNN_DATA_URL", "http://127.0.0.1:9").output().unwrap();
        machine.check(&output, arguments, 0, words);
    };
    let (data, out) = (workspace.name("data"), workspace.name("run"));
    let train =
        ["train", "--data", &data, "--model", "dnn", "--epochs", "1", "--out", &out, "--overwrite", "--adapter"];
    within(&[&train[..], &["cpu"]].concat(), &["adapter: cpu, 1 thread\n", "test accuracy"]);
    within(&["evaluate", &out, "--adapter", "cpu"], &["adapter: cpu, 1 thread\n"]);
    within(&["bench", "--adapter", "cpu", "--model", "dnn", "--steps", "2", "--rounds", "1"], &["cpu, 1 thread "]);
    if software_adapter().is_some() {
        within(&[&train[..], &["vulkan"]].concat(), &["adapter: llvmpipe", "test accuracy"]);
    }
}
