//! The README's first afternoon, command by command, on a machine with an empty cache and no network.

use super::*;
use crate::support::shared;

/// The README's block of commands that begins with `first`, each as its arguments.
fn commands(first: &str) -> Vec<Vec<String>> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let start = readme.find(&format!("```sh\n{first}")).unwrap_or_else(|| panic!("no block begins with `{first}`"));
    let block = readme[start..].lines().skip(1).take_while(|line| *line != "```");
    let arguments = |line: &str| {
        let command = line.split('#').next().unwrap_or_default();
        command.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    block.map(arguments).filter(|words| !words.is_empty()).collect()
}

/// Runs the commands in `folder`, where `data` stands for the synthetic set; all must succeed. Returns the output of each subcommand.
fn afternoon(folder: &Path, data: &str, environment: &[(&str, &Path)]) -> Vec<(String, String)> {
    let mut outputs = Vec::new();
    for words in commands("gpu-cnn train --data synthetic --epochs 1 --out runs/first") {
        assert_eq!(words[0], "gpu-cnn", "{words:?}");
        let arguments: Vec<&str> =
            words[1..].iter().map(|word| if word == "synthetic" { data } else { word }).collect();
        let home = folder.join("home");
        let output = command(&arguments)
            .current_dir(folder)
            .env("HOME", &home)
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env_remove("GPU_CNN_DATA_DIR")
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        assert!(output.status.success(), "{words:?}: {}", stderr(&output));
        outputs.push((arguments[0].to_owned(), stdout(&output)));
    }
    let subcommands: Vec<&str> = outputs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(subcommands, ["train", "evaluate", "data", "predict", "report", "export"]);
    outputs
}

fn output<'a>(outputs: &'a [(String, String)], name: &str) -> &'a str {
    &outputs.iter().find(|(subcommand, _)| subcommand == name).unwrap().1
}

/// What the afternoon leaves behind, and how many of the pictures are taken for their class, at least.
fn check(folder: &Path, outputs: &[(String, String)], accuracy: f64, right: f64) {
    let run = folder.join("runs/first");
    FILES_OF_A_RUN.iter().for_each(|name| assert!(run.join(name).is_file(), "{name}"));
    assert!(folder.join("first.onnx").is_file() && folder.join("samples.png").is_file());
    assert!(std::fs::read_dir(run.join("report-figures")).unwrap().count() >= 10);

    let tested = output(outputs, "evaluate");
    let of_evaluation = tested.lines().find_map(|line| line.strip_prefix("accuracy: ")).unwrap();
    assert!(output(outputs, "train").contains(&format!("test accuracy: {of_evaluation}")), "{tested}");
    assert!(of_evaluation.parse::<f64>().unwrap() > accuracy, "{of_evaluation}");

    // The first line of a picture has its name and its most probable class. A file lies in the folder of its class.
    let (mut pictures, mut hits) = (0, 0);
    for line in output(outputs, "predict").lines().skip(1).filter(|line| !line.starts_with(' ')) {
        let (file, rest) = line.split_once("  ").unwrap();
        let class = rest.trim_start().split("  ").next().unwrap().replace('/', "_");
        pictures += 1;
        hits += usize::from(Path::new(file).parent().unwrap().ends_with(class));
    }
    assert!(pictures == 100 && hits as f64 >= right * 100.0, "{hits} of {pictures}");
}

#[test]
fn the_readmes_first_afternoon_needs_no_cache_and_no_network() {
    let folder = tempfile::tempdir().unwrap();
    let outputs = afternoon(folder.path(), "synthetic", &[]);
    check(folder.path(), &outputs, 0.9, 0.85);
}

#[test]
fn the_readmes_first_afternoon_over_fashion_mnist() {
    let Some(data) = shared("data/fashion-mnist") else { return };
    let folder = tempfile::tempdir().unwrap();
    let outputs = afternoon(folder.path(), "fashion-mnist", &[("GPU_CNN_DATA_DIR", &data)]);
    check(folder.path(), &outputs, 0.84, 0.75);
}
