//! Settings with the layers of a model in one file, and the recipes, which are such files.

use super::*;

const LAYERS: &str = "epochs = 2\nbatch_size = 40\nseed = 3\n\n[[layers]]\ntype = \"Flatten\"\n[[layers]]\ntype = \"Dense\"\n\
    units = 10\nactivation = \"softmax\"\n";

#[test]
fn a_file_of_settings_may_have_the_model() {
    let workspace = Workspace::new();
    std::fs::write(workspace.path("small.toml"), LAYERS).unwrap();
    let [data, file] = ["data", "small.toml"].map(|name| workspace.name(name));
    let train = |out: &str, more: &[&str]| {
        let out = workspace.name(out);
        let options = ["train", "--config", &file, "--data", &data, "--out", &out, "--adapter", "cpu"];
        run(&[&options[..], more].concat())
    };
    let output = train("run", &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(!stderr(&output).contains("note: the model"), "{}", stderr(&output));
    let run_json = json_file(&workspace.path("run/run.json"));
    assert_eq!((&run_json["settings"]["model"], &run_json["settings"]["batch_size"]), (&"small".into(), &40.into()));
    assert_eq!(run_json["model"]["layers"].as_array().unwrap().len(), 2);
    let reproduced = run(&["reproduce", &workspace.name("run"), "--adapter", "cpu"]);
    assert!(reproduced.status.success(), "{}{}", stdout(&reproduced), stderr(&reproduced));
    let resumed = run(&["train", "--resume", &workspace.name("run"), "--epochs", "3"]);
    assert!(resumed.status.success(), "{}", stderr(&resumed));
    // An option names another model, and other settings.
    assert!(train("other", &["--model", "dnn", "--epochs", "1"]).status.success());
    let run_json = json_file(&workspace.path("other/run.json"));
    assert_eq!((&run_json["settings"]["model"], &run_json["settings"]["seed"]), (&"dnn".into(), &3.into()));
    let refused = |text: &str, message: &str| {
        std::fs::write(workspace.path("small.toml"), text).unwrap();
        fails(&["train", "--config", &file, "--data", &data, "--adapter", "cpu"], 2, message);
    };
    refused(&format!("model = \"cnn\"\n{LAYERS}"), "it has `layers`, and so a model; `model` names another");
    refused(&LAYERS.replace("Dense", "Dence"), "Dence");
    refused(&format!("epoch = 2\n{LAYERS}"), "unknown field `epoch`");
}

/// A learning rate that changes nothing leaves the weights as they began.
#[test]
fn a_run_begins_with_the_initial_values_of_its_layers() {
    let workspace = Workspace::new();
    let layers = r#"epochs = 1
    learning_rate = 1e-30
    layers = [
        { type = "Conv2D", filters = 6, kernel_size = 3, kernel_initializer = "whitening", name = "first" },
        { type = "Conv2D", filters = 4, kernel_size = 3, kernel_initializer = "dirac", name = "second" },
        { type = "Flatten" },
        { type = "Dense", units = 10, activation = "softmax" },
    ]"#;
    std::fs::write(workspace.path("starts.toml"), layers).unwrap();
    let [data, file] = ["data", "starts.toml"].map(|name| workspace.name(name));
    let kernels = |seed: &str| {
        let out = workspace.name(seed);
        let options = ["train", "--config", &file, "--data", &data, "--out", &out, "--adapter", "cpu", "--seed", seed];
        let output = run(&options);
        assert!(output.status.success(), "{}", stderr(&output));
        let weights = std::fs::read(workspace.path(seed).join("model.safetensors")).unwrap();
        let weights = safetensors::SafeTensors::deserialize(&weights).unwrap();
        ["first.kernel", "second.kernel"].map(|name| weights.tensor(name).unwrap().data().to_vec())
    };
    let floats =
        |bytes: Vec<u8>| bytes.chunks_exact(4).map(|x| f32::from_le_bytes(x.try_into().unwrap())).collect::<Vec<f32>>();
    let of_a_seed = kernels("1");
    let [first, second] = of_a_seed.clone().map(floats);
    for filters in first.chunks_exact(6) {
        assert!(filters[..3].iter().zip(&filters[3..]).all(|(a, b)| *a == -b), "{filters:?}");
    }
    let norm = |filter: usize| first.iter().skip(filter).step_by(6).map(|value| value * value).sum::<f32>();
    assert!((0..6).all(|filter| norm(filter) > 1e-3), "{first:?}");
    // [3, 3, 6, 4]: the middle passes channel n on.
    let expected = |i: usize| if i / 24 == 4 && i % 24 / 4 == i % 4 { 1.0 } else { 0.0 };
    assert!(
        second.iter().enumerate().all(|(i, value): (usize, &f32)| (value - expected(i)).abs() < 1e-20),
        "{second:?}"
    );
    assert!(of_a_seed[0] == kernels("2")[0], "they are not drawn");
}

/// Each recipe shortened, with a bound about six standard deviations below what its seeds came to: twenty, ten, ten and thirteen of them.
#[test]
fn recipes_are_fast() {
    let Some(data) = crate::support::shared("data/fashion-mnist") else { return };
    let workspace = Workspace::new();
    let data = data.to_str().unwrap();
    for (recipe, more, bound) in [
        ("fast-907", &[][..], 0.899),
        ("fast-930", &[], 0.901),
        ("fast-940", &["--limit-batches", "150"], 0.875),
        ("best", &["--limit-batches", "60"], 0.74),
    ] {
        let out = workspace.name(recipe);
        let options = ["train", "--recipe", recipe, "--data", "fashion-mnist", "--data-dir", data, "--adapter", "cpu"];
        let output = run(&[&options[..], &["--out", &out, "--epochs", "1", "--seed", "7"], more].concat());
        assert!(output.status.success(), "{recipe}: {}", stderr(&output));
        let run_json = json_file(&workspace.path(recipe).join("run.json"));
        let accuracy = run_json["final"]["test"]["accuracy"].as_f64().unwrap();
        assert!(accuracy > bound, "{recipe}: {accuracy}");
    }
}

/// What the recipe and the table say of its runs is what these came to.
fn check_record(name: &str, recipe: &str) {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let runs = json_lines(&docs.join(format!("records/{name}.jsonl")));
    let seeds: Vec<u64> = runs.iter().map(|run| run["seed"].as_u64().unwrap()).collect();
    assert_eq!(seeds, (0..20).collect::<Vec<_>>(), "{name}");
    assert!(runs.iter().all(|run| run["recipe"] == name), "{name}");
    let of = |key: &str| runs.iter().map(|run| run[key].as_f64().unwrap()).collect::<Vec<f64>>();
    let accuracies = of("test_accuracy");
    let mean = accuracies.iter().sum::<f64>() / 20.0;
    let deviation = (accuracies.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / 19.0).sqrt();
    let [lowest, highest] =
        [f64::min, f64::max].map(|pick: fn(f64, f64) -> f64| accuracies.iter().copied().reduce(pick).unwrap());
    let head = recipe.lines().take_while(|line| line.starts_with('#')).collect::<Vec<_>>().join(" ").replace("# ", "");
    for said in [
        format!("test accuracy {mean:.4} as the mean of 20 seeds"),
        format!("standard deviation {deviation:.4}, lowest {lowest:.4}, highest {highest:.4}"),
    ] {
        assert!(head.contains(&said), "{name}: no `{said}` in {head}");
    }
    let table = std::fs::read_to_string(docs.join("records.md")).unwrap();
    let row = format!("| {mean:.4} | {deviation:.4}, {lowest:.4}, {highest:.4} |");
    let line = table.lines().find(|line| line.starts_with(&format!("| [{name}]"))).unwrap();
    assert!(line.contains(&row), "{line}: {row}");
}

#[test]
fn recipes_are_files_with_all_that_they_need() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/recipes");
    let workspace = Workspace::new();
    let help = stdout(&run(&["train", "--help"]));
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(help.contains(&name), "--help does not name {name}");
        for said in ["test accuracy", "20 seeds", " seconds", " parameters", "TTA"] {
            assert!(
                text.lines().take_while(|line| line.starts_with('#')).any(|line| line.contains(said)),
                "{name}: {said}"
            );
        }
        let of_recipe = run(&["train", "--recipe", &name, "--print-config"]);
        let of_file = run(&["train", "--config", path.to_str().unwrap(), "--print-config"]);
        assert!(of_recipe.status.success() && of_file.status.success(), "{}", stderr(&of_recipe));
        let values = |text: String| -> Vec<String> {
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            lines.map(|line| line.split("  # ").next().unwrap().trim_end().to_owned()).collect()
        };
        assert_eq!(values(stdout(&of_recipe)), values(stdout(&of_file)), "{name}");
        // What is printed is a configuration, with the model.
        std::fs::write(workspace.path("printed.toml"), stdout(&of_recipe)).unwrap();
        let printed = run(&["train", "--config", &workspace.name("printed.toml"), "--print-config"]);
        assert!(printed.status.success(), "{}", stderr(&printed));
        assert_eq!(values(stdout(&printed)), values(stdout(&of_recipe)), "{name}");
        assert!(stdout(&printed).contains("type\" = \"Conv2D\""), "{}", stdout(&printed));
        check_record(&name, &text);
        assert!(stdout(&of_recipe).contains(&format!("# the recipe {name}")), "{}", stdout(&of_recipe));
        names.push(name);
    }
    assert!(!names.is_empty());
    fails(&["train", "--recipe", "fast"], 2, &names[0]);
    fails(&["train", "--recipe", &names[0], "--config", "x.toml"], 2, "cannot be used with");
}
