//! The names of the classes, which go with the weights.

use super::*;
use gpu_cnn::ImagesInfo;
use gpu_cnn::data::CLASS_NAMES;
use gpu_cnn::internals::graph::{load_weights, save_weights};

#[test]
fn weights_checkpoints_and_what_is_exported_of_them_name_the_classes() {
    let workspace = Workspace::new();
    let out = workspace.name("run");
    let train = ["train", "--data", "synthetic", "--model", "dnn", "--adapter", "cpu", "--steps-per-epoch", "2"];
    let first = run(&[&train[..], &["--epochs", "1", "--out", &out]].concat());
    assert!(first.status.success(), "{}", stderr(&first));
    let names = |name: &str| load_weights(&workspace.path(name)).unwrap().images.class_names;
    assert_eq!(names("run/model.safetensors"), CLASS_NAMES);

    let resumed = run(&["train", "--resume", &out, "--epochs", "2"]);
    assert!(resumed.status.success(), "{}", stderr(&resumed));
    assert_eq!(names("run/model.safetensors"), CLASS_NAMES);
    for from in [&out, &workspace.name("run/checkpoint.safetensors")] {
        let exported = run(&["export", from, "-o", &workspace.name("exported.safetensors")]);
        assert!(exported.status.success(), "{}", stderr(&exported));
        assert_eq!(names("exported.safetensors"), CLASS_NAMES, "{from}");
    }

    let chosen =
        run(&[&train[..], &["--epochs", "1", "--only-classes", "9,0", "--out", &workspace.name("two")]].concat());
    assert!(chosen.status.success(), "{}", stderr(&chosen));
    assert_eq!(names("two/model.safetensors"), [CLASS_NAMES[9], CLASS_NAMES[0]]);
    assert!(workspace.train("unknown", &["--adapter", "cpu"]).status.success());
    assert!(names("unknown/model.safetensors").is_empty(), "IDX files have no names");
    let border = |name: &str| load_weights(&workspace.path(name)).unwrap().images.bright_border;
    for file in ["run/model.safetensors", "exported.safetensors"] {
        assert_eq!(border(file), Some(false), "garments on black: {file}");
    }
}

#[test]
fn more_names_than_classes_are_refused() {
    let workspace = Workspace::new();
    let model = gpu_cnn::Preset::Dnn.build([28, 28, 1], 10);
    let graph = model.graph().unwrap();
    let names = ImagesInfo { class_names: (0..11).map(|i| i.to_string()).collect(), bright_border: None };
    let bytes = save_weights(&model, &graph, &graph.initial_weights(1), &names).unwrap();
    std::fs::write(workspace.path("wrong.safetensors"), bytes).unwrap();
    let (file, data) = (workspace.name("wrong.safetensors"), workspace.name("data"));
    fails(&["evaluate", &file, "--data", &data, "--adapter", "cpu"], 4, "11 class_names for 10 classes");
}
