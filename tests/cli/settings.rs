//! Where settings come from: options, variables, a file, defaults.

use super::*;

/// The settings that are printed, each with its value and where it is from.
fn printed(workspace: &Workspace, more: &[&str], variables: &[(&str, &str)]) -> Vec<(String, String, String)> {
    let mut train = command(&[&["train", "--print-config"], more].concat());
    let output = train.current_dir(workspace.path("")).envs(variables.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let line = |line: &str| {
        let (setting, source) = line.split_once("  # ")?;
        let (name, value) = setting.trim_end().split_once(" = ")?;
        Some((name.to_owned(), value.to_owned(), source.to_owned()))
    };
    stdout(&output).lines().filter_map(line).collect()
}

fn setting<'a>(settings: &'a [(String, String, String)], name: &str) -> [&'a str; 2] {
    let found = settings.iter().find(|(known, ..)| known == name).unwrap_or_else(|| panic!("no {name}"));
    [&found.1, &found.2]
}

#[test]
fn options_go_before_variables_those_before_the_file_and_that_before_defaults() {
    let workspace = Workspace::new();
    let file = "epochs = 9\nbatch_size = 8\nlearning_rate = 0.01\nmodel = \"dnn\"\n";
    std::fs::write(workspace.path("gpu-cnn.toml"), file).unwrap();
    let variables = [("GPU_CNN_EPOCHS", "3"), ("GPU_CNN_BATCH_SIZE", "16"), ("GPU_CNN_NO_SHUFFLE", "true")];
    let found = printed(&workspace, &["--batch-size", "64", "--optimizer", "sgd"], &variables);
    assert_eq!(setting(&found, "batch_size"), ["64", "--batch-size"]);
    assert_eq!(setting(&found, "epochs"), ["3", "GPU_CNN_EPOCHS"]);
    assert_eq!(setting(&found, "shuffle"), ["false", "GPU_CNN_NO_SHUFFLE"]);
    assert_eq!(setting(&found, "learning_rate"), ["0.01", "gpu-cnn.toml"]);
    assert_eq!(setting(&found, "model"), ["\"dnn\"", "gpu-cnn.toml"]);
    assert_eq!(setting(&found, "seed"), ["0", "default"]);
    assert_eq!(setting(&found, "optimizer"), ["{ \"type\" = \"sgd\" }", "--optimizer"]);
    // Another file takes its place.
    std::fs::write(workspace.path("other.toml"), "seed = 4\n").unwrap();
    let found = printed(&workspace, &["--config", "other.toml"], &[]);
    assert_eq!(setting(&found, "seed"), ["4", "other.toml"]);
    assert_eq!(setting(&found, "epochs"), ["5", "default"]);
}

#[test]
fn of_two_that_exclude_each_other_the_nearer_holds() {
    let workspace = Workspace::new();
    let file =
        "validation = 100\nclip_value = 1.0\nclass_weights = \"balanced\"\naugment = [\"flip\"]\ntta = \"flip\"\n";
    std::fs::write(workspace.path("gpu-cnn.toml"), file).unwrap();
    let options = ["--validation-split", "0.1", "--class-weight", "0=2", "--augment", "none", "--tta", "none"];
    let found = printed(&workspace, &options, &[("GPU_CNN_CLIP_NORM", "2"), ("GPU_CNN_CLASS_WEIGHTS", "balanced")]);
    assert_eq!(setting(&found, "validation_split"), ["0.1", "--validation-split"]);
    assert_eq!(setting(&found, "clip_norm"), ["2.0", "GPU_CNN_CLIP_NORM"]);
    assert_eq!(setting(&found, "augment"), ["[]", "--augment"]);
    assert_eq!(setting(&found, "tta"), ["\"none\"", "--tta"]);
    assert_eq!(setting(&found, "class_weight")[1], "--class-weight");
    for name in ["validation", "clip_value", "class_weights"] {
        assert!(found.iter().all(|(known, ..)| known != name), "{name}: {found:?}");
    }
    // What a file has for its own schedule and optimizer, and what a few images to be learned by heart exclude.
    let file = "schedule = \"step\"\ndecay_rate = 0.3\ndecay_steps = 9\noptimizer = \"sgd\"\nmomentum = 0.9\nnesterov = true\n";
    std::fs::write(workspace.path("gpu-cnn.toml"), format!("{file}validation = 9\nema = 0.9\ntta = \"flip\"\n"))
        .unwrap();
    let options = ["--schedule", "cosine", "--overfit-batches", "1"];
    let found = printed(&workspace, &options, &[("GPU_CNN_OPTIMIZER", "rmsprop")]);
    assert_eq!(setting(&found, "momentum"), ["0.9", "gpu-cnn.toml"]);
    assert_eq!(setting(&found, "nesterov"), ["false", "default"]);
    for name in ["decay_rate", "decay_steps", "validation", "ema", "tta"] {
        assert!(found.iter().all(|(known, ..)| known != name), "{name}: {found:?}");
    }
    let found = printed(&workspace, &["--schedule", "exponential"], &[]);
    assert_eq!(setting(&found, "decay_rate"), ["0.3", "gpu-cnn.toml"]);
    std::fs::write(workspace.path("gpu-cnn.toml"), "overfit_batches = 2\n").unwrap();
    assert_eq!(setting(&printed(&workspace, &["--tta", "none"], &[]), "overfit_batches"), ["2", "gpu-cnn.toml"]);
    let found = printed(&workspace, &["--validation", "7"], &[]);
    assert!(found.iter().all(|(known, ..)| known != "overfit_batches"), "{found:?}");
    std::fs::write(workspace.path("gpu-cnn.toml"), "ema = 0.99\n").unwrap();
    let found = printed(&workspace, &["--validation", "7"], &[("GPU_CNN_OVERFIT_BATCHES", "1")]);
    assert_eq!(setting(&found, "ema"), ["0.99", "gpu-cnn.toml"], "what is left out leaves nothing out");
    let cosine = ["train", "--schedule", "cosine", "--decay-rate", "0.1"];
    fails(&cosine, 2, "decay_rate is for the schedules step and exponential; the schedule is cosine");
    // Said at one place they are refused, and where that is.
    let mut both = command(&["train", "--print-config"]);
    both.env("GPU_CNN_CLIP_NORM", "2").env("GPU_CNN_CLIP_VALUE", "3");
    let text = stderr(&both.output().unwrap());
    assert!(text.contains("clip_value is from GPU_CNN_CLIP_VALUE"), "{text}");
    fails(&["train", "--clip-norm", "2", "--clip-value", "3"], 2, "gradients are clipped by one of them");
}

#[test]
fn variables_are_for_new_runs_but_for_those_of_the_machine() {
    let workspace = Workspace::new();
    assert!(workspace.train("run", &["--adapter", "cpu"]).status.success());
    let variables = [
        ("GPU_CNN_OUT", "elsewhere"),
        ("GPU_CNN_CLASS_WEIGHTS", "balanced"),
        ("GPU_CNN_BATCH_SIZE", "7"),
        ("GPU_CNN_LABEL_SMOOTHING", "0.3"),
        ("GPU_CNN_AUGMENT", "flip"),
        ("GPU_CNN_MODEL", "cnn"),
    ];
    let with_variables = |arguments: &[&str]| {
        let output = command(arguments).envs(variables).current_dir(workspace.path("")).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        output
    };
    let evaluate = ["evaluate", "run", "--adapter", "cpu", "--format", "json"];
    let plain = command(&evaluate).current_dir(workspace.path("")).output().unwrap();
    assert_eq!(stdout(&with_variables(&evaluate)), stdout(&plain));
    with_variables(&["data", "show", "data", "--split", "train", "--output", "sheet.png"]);
    with_variables(&["train", "--resume", "run", "--epochs", "3"]);
    let folder = workspace.name("run");
    fails(&["train", "--resume", &folder, "--out", "x"], 2, "--out cannot be used with --resume");
    // Those that are no settings of a run say nothing.
    let output = command(&["train", "--print-config"]).env("GPU_CNN_RECIPE", "fast-907").output().unwrap();
    assert!(stderr(&output).contains("GPU_CNN_RECIPE is no variable") && stdout(&output).contains("model = \"cnn\""));
}

#[test]
fn what_is_printed_is_a_configuration_with_the_same_settings() {
    let workspace = Workspace::new();
    let options = [
        "--optimizer",
        "adamw",
        "--weight-decay",
        "0.05",
        "--class-weight",
        "0=1.5,3=0.2",
        "--max-time",
        "90s",
        "--only-classes",
        "2,6",
        "--schedule",
        "cosine",
        "--image-size",
        "20x24",
        "--checkpoint-every",
        "7steps",
        "--seed",
        "12",
    ];
    let all = printed(&workspace, &options, &[]);
    let output = run(&[&["train", "--print-config"], &options[..]].concat());
    std::fs::write(workspace.path("printed.toml"), stdout(&output)).unwrap();
    let again = printed(&workspace, &["--config", "printed.toml"], &[]);
    let values = |settings: &[(String, String, String)]| -> Vec<(String, String)> {
        settings.iter().map(|(name, value, _)| (name.clone(), value.clone())).collect()
    };
    assert_eq!(values(&again), values(&all));
    fails(&["train", "--seed", "9223372036854775808"], 2, "it must be at most 9223372036854775807");
    assert!(all.len() > 20 && again.iter().all(|(.., source)| source == "printed.toml"), "{again:?}");
}

#[test]
fn a_file_in_the_working_folder_is_read_and_said_to_be() {
    let workspace = Workspace::new();
    let train = |variables: &[(&str, &str)]| {
        let out = workspace.name("run");
        let options = ["train", "--data", "data", "--adapter", "cpu", "--out", &out, "--overwrite"];
        let mut train = command(&options);
        train.current_dir(workspace.path("")).envs(variables.iter().copied()).output().unwrap()
    };
    std::fs::write(workspace.path("gpu-cnn.toml"), "epochs = 1\nmodel = \"dnn\"\n").unwrap();
    let output = train(&[("GPU_CNN_EPOCH", "7")]);
    let text = stderr(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("note: settings are read from gpu-cnn.toml, which lies in this folder"), "{text}");
    assert!(
        text.contains("warning: GPU_CNN_EPOCH is no variable of gpu-cnn's; did you mean `GPU_CNN_EPOCHS`?"),
        "{text}"
    );
    let settings = &json_file(&workspace.path("run/run.json"))["settings"];
    assert_eq!((&settings["epochs"], &settings["model"]), (&1.into(), &"dnn".into()));
    let output = train(&[("GPU_CNN_EPOCHS", "many")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("GPU_CNN_EPOCHS"), "{}", stderr(&output));
    std::fs::write(workspace.path("gpu-cnn.toml"), "epoch = 1\n").unwrap();
    let output = train(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("not a configuration: gpu-cnn.toml: "), "{}", stderr(&output));
    std::fs::remove_file(workspace.path("gpu-cnn.toml")).unwrap();
    std::fs::create_dir(workspace.path("gpu-cnn.toml")).unwrap();
    let output = train(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("cannot read the configuration: "), "{}", stderr(&output));
    // A run that goes on has its own.
    let output =
        command(&["train", "--resume", "run", "--epochs", "2"]).current_dir(workspace.path("")).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}
