//! Bad input: exit code and message.

use super::*;
use gpu_cnn::Checkpoint;
use safetensors::SafeTensors;

#[test]
fn invalid_arguments_fail_with_two() {
    let workspace = Workspace::new();
    let data = workspace.name("data");
    fails(&["train", "--batch-size", "0"], 2, "--batch-size");
    fails(&["train", "--learning-rate", "-1"], 2, "positive");
    fails(&["train", "--adapter", "cpu", "--data", &data, "--model", "nosuch.toml"], 2, "nosuch.toml");
    fails(&["summary", "--input-shape", "3,3,1"], 2, "layer 2 `max_pooling2d`");
    fails(&["evaluate", "/nosuch/run"], 2, "/nosuch/run");
    fails(&["nosuch"], 2, "nosuch");
    fails(&["train", "--adapter", "", "--data", &data], 2, "empty adapter name");
    fails(&["summary", "--classes", "1000"], 2, "--classes");
    let model = workspace.path("model.toml");
    std::fs::write(
        &model,
        "[[layers]]\ntype = \"Flatten\"\n[[layers]]\ntype = \"Dense\"\nunits = 4\nactivation = \"softmax\"\n",
    )
    .unwrap();
    fails(
        &["train", "--adapter", "cpu", "--data", &data, "--model", model.to_str().unwrap()],
        2,
        "ends in 4 units, the data has 10 classes",
    );
}

#[test]
fn what_stands_in_the_place_of_another_is_told_so() {
    let workspace = Workspace::new();
    assert!(workspace.train("run", &["--adapter", "cpu"]).status.success());
    let [data, run_folder, weights] = ["data", "run", "run/model.safetensors"].map(|name| workspace.name(name));
    let train = |more: &[&str], code: i32, message: &str| {
        fails(&[&["train", "--adapter", "cpu", "--data", &data], more].concat(), code, message);
    };
    train(&["--model", &weights], 2, "has weights, which --weights takes");
    train(&["--model", "dnn", "--weights", &run_folder], 4, "that of a run is the model.safetensors in it");
    train(&["--config", &run_folder], 2, "the settings of a run are in its run.json");
    train(&["--model", "dnn", "--from-pytorch"], 2, "--weights names their file");
    std::fs::write(workspace.path("model.onnx"), b"\x08\x0a").unwrap();
    fails(&["evaluate", &workspace.name("model.onnx")], 2, "ONNX files are written, and not read");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(workspace.path("nowhere"), workspace.path("link")).unwrap();
        for out in ["link", "link/run"] {
            train(&["--model", "dnn", "--out", &workspace.name(out)], 7, "a link to a folder that is not there");
        }
    }
    std::fs::write(workspace.path("run/run.json"), "{\"model\": \"x").unwrap();
    for command in ["report", "reproduce"] {
        fails(&[command, &run_folder], 4, "not a run's description, or damaged: ");
    }
    // As the other commands do.
    let bench = command(&["bench", "--model", "dnn", "--steps", "1"]).env("GPU_CNN_ADAPTER", "nonexistent").output();
    let output = bench.unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
}

#[test]
fn state_that_is_not_finite_fails_with_four() {
    let workspace = Workspace::new();
    let layers = gpu_cnn::Sequential::new([28, 28, 1])
        .add(gpu_cnn::BatchNormalization::new())
        .add(gpu_cnn::Flatten {})
        .add(gpu_cnn::Dense::new(10).activation(gpu_cnn::Activation::Softmax));
    let model = gpu_cnn::Model::from(layers);
    let graph = model.graph().unwrap();
    let mut weights = graph.initial_weights(1);
    weights[graph.parameters_len + graph.state[1].offset] = f32::NAN;
    let bytes = gpu_cnn::internals::graph::save_weights(&model, &graph, &weights, &Default::default()).unwrap();
    std::fs::write(workspace.path("nan.safetensors"), bytes).unwrap();
    let (file, data) = (workspace.name("nan.safetensors"), workspace.name("data"));
    let message = "tensor `batch_normalization.moving_variance` holds NaN at index 0";
    fails(&["evaluate", &file, "--adapter", "cpu", "--data", &data], 4, message);
}

#[test]
fn weights_of_another_model_fail_with_two_and_damaged_ones_with_four() {
    let workspace = Workspace::new();
    let data = workspace.name("data");
    let other = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/golden/cnn_small/init.safetensors");
    fails(
        &["train", "--adapter", "cpu", "--data", &data, "--weights", other],
        2,
        "tensor `conv2d.kernel` is [3, 3, 1, 16]",
    );
    fails(&["evaluate", other, "--adapter", "cpu", "--data", &data], 2, "--model");
    let damaged = workspace.path("damaged.safetensors");
    let mut bytes = std::fs::read(other).unwrap();
    bytes.truncate(1000);
    std::fs::write(&damaged, &bytes).unwrap();
    fails(&["evaluate", damaged.to_str().unwrap(), "--adapter", "cpu", "--data", &data], 4, "damaged.safetensors");
}

#[test]
fn inconsistent_data_fails_with_four_and_the_values() {
    let workspace = Workspace::new();
    let (folder, data) = (workspace.path("data"), workspace.name("data"));
    let train = ["train", "--adapter", "cpu", "--model", "dnn", "--data", &data];
    fails(&["train", "--data", "nosuch"], 4, "nosuch");
    let labels = folder.join(FILES[3]);
    let mut good = std::fs::read(&labels).unwrap();
    good[8 + 7] = 200;
    std::fs::write(&labels, &good).unwrap();
    fails(&train, 4, "label 200 of image 7 is out of range");
    std::fs::write(&labels, &good[..good.len() - 3]).unwrap();
    fails(&train, 4, "holds 47 bytes after its header, which declares [50]");
    std::fs::remove_file(&labels).unwrap();
    std::fs::write(&labels, idx::encode(&[50], &[1; 50])).unwrap();
    let images = folder.join(FILES[2]);
    let original = std::fs::read(&images).unwrap();
    std::fs::write(&images, idx::encode(&[50, 14, 56], &[0; 50 * 14 * 56])).unwrap();
    fails(&train, 4, &format!("images of [14, 56, 1], but training images of [28, 28, 1] in {data}"));
    fails(&train, 4, FILES[2]);
    std::fs::write(&images, original).unwrap();
    std::fs::remove_file(&labels).unwrap();
    let train_labels = folder.join(FILES[1]);
    let good = std::fs::read(&train_labels).unwrap();
    let mut stray = good.clone();
    stray[8 + 4] = 255;
    std::fs::write(&train_labels, &stray).unwrap();
    fails(&train, 4, "label 255 of image 4 is out of range: labels run from 0 to 9");
    fails(&train, 4, "none up to 254");
    std::fs::write(&train_labels, &good).unwrap();
    fails(&train, 4, "no t10k-labels-idx1-ubyte.gz or t10k-labels-idx1-ubyte here");
    // A file that is there twice, with different content: neither is taken silently.
    std::fs::write(&labels, idx::encode(&[50], &[1; 50])).unwrap();
    std::fs::write(folder.join("t10k-labels.idx1-ubyte"), idx::encode(&[50], &[2; 50])).unwrap();
    fails(&train, 4, "delete the one that is out of date");
}

#[test]
fn a_batch_beyond_the_adapters_limits_fails_with_five_and_a_size_that_fits() {
    // Its bindings have 128 MiB; other adapters take every batch size.
    if !software_adapter().is_some_and(|adapter| adapter.info.adapter.contains("llvmpipe")) {
        eprintln!("skipped: no llvmpipe");
        return;
    }
    let workspace = Workspace::new();
    // Without augmentation there are no floats of the images.
    let arguments = ["--adapter", "llvmpipe", "--batch-size", "65536", "--augment", "flip"];
    let output = workspace.train("run", &arguments);
    assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
    assert!(stderr(&output).contains("buffer `input` takes 205520896 bytes"), "{}", stderr(&output));
    assert!(stderr(&output).contains("try --batch-size 42799"), "{}", stderr(&output));
    assert!(!workspace.path("run").exists());
}

#[test]
fn a_folder_that_cannot_be_written_fails_with_seven() {
    let workspace = Workspace::new();
    let file = workspace.path("file");
    std::fs::write(&file, "not a folder").unwrap();
    let output = workspace.train("file/run", &["--adapter", "cpu"]);
    assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
}

#[test]
fn a_loss_that_is_not_finite_fails_with_six_and_is_recorded() {
    let workspace = Workspace::new();
    let every = ["--adapter", "cpu", "--checkpoint-every", "1steps"];
    let output = workspace.train("run", &[&every[..], &["--learning-rate", "3e38"]].concat());
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(6), "{text}");
    assert!(text.contains("epoch 1, step 2") && text.contains("layer `dense`, kernel dense::products::"), "{text}");
    assert_eq!(json_file(&workspace.path("run/run.json"))["status"], "failed");
    // The batch, and where training can go on.
    let batch = std::fs::read(workspace.path("run/not-finite.safetensors")).unwrap();
    let (_, header) = SafeTensors::read_metadata(&batch).unwrap();
    let metadata = header.metadata().clone().unwrap();
    assert_eq!((&*metadata["epoch"], &*metadata["step"], &*metadata["layer"]), ("1", "2", "dense"), "{metadata:?}");
    let tensors = SafeTensors::deserialize(&batch).unwrap();
    assert_eq!(tensors.tensor("images").unwrap().shape(), [32, 28, 28, 1]);
    let run = workspace.name("run");
    assert!(text.contains(&format!("after 1 step is kept; `gpu-cnn train --resume {run} --on-nan skip`")), "{text}");
    let checkpoint = Checkpoint::read(&workspace.path("run/checkpoint.safetensors")).unwrap();
    assert_eq!(checkpoint.state.progress.steps, 1);
    let resumed = command(&["train", "--resume", &run, "--on-nan", "skip"]).output().unwrap();
    assert_eq!(resumed.status.code(), Some(6), "{}", stderr(&resumed));
    assert!(stderr(&resumed).contains("all 10 updates of epoch 2 were skipped"), "{}", stderr(&resumed));
}

#[test]
fn updates_that_are_not_finite_are_skipped_where_that_is_asked_for() {
    let workspace = Workspace::new();
    // The loss of an image of class 3 is infinite.
    let options = ["--adapter", "cpu", "--class-weight", "3=3e38", "--batch-size", "2", "--checkpoint-every", "7steps"];
    let stopped = workspace.train("run", &options);
    let text = stderr(&stopped);
    assert_eq!(stopped.status.code(), Some(6), "{text}");
    assert!(text.contains("inf, from `loss` (kernel loss::SoftmaxCrossEntropy)"), "{text}");
    let resumed = command(&["train", "--resume", &workspace.name("run"), "--on-nan", "skip"]).output().unwrap();
    let text = stderr(&resumed);
    assert!(resumed.status.success(), "{text}");
    assert!(text.contains("was skipped: the loss is inf") && text.contains("updates skipped"), "{text}");
    let from_the_start = workspace.train("whole", &[&options[..], &["--on-nan", "skip"]].concat());
    assert!(from_the_start.status.success(), "{}", stderr(&from_the_start));
    for name in ["model.safetensors", "metrics.jsonl", "losses.f64"] {
        let read = |run: &str| std::fs::read(workspace.path(run).join(name)).unwrap();
        assert!(read("run") == read("whole"), "{name} differs");
    }
    let skipped = |line: &&Value| line["skipped"] == true;
    let lines = json_lines(&workspace.path("run/metrics.jsonl"));
    assert!(
        lines.iter().filter(skipped).count() > 10 && lines.iter().filter(skipped).all(|line| line["loss"].is_null())
    );
    let reproduced = command(&["reproduce", &workspace.name("run")]).output().unwrap();
    assert!(reproduced.status.success(), "{}", stderr(&reproduced));
    fails(&["train", "--on-nan", "maybe"], 2, "it must be stop or skip");
}

#[cfg(unix)]
#[test]
fn what_is_no_weights_file_is_refused_without_reading_on() {
    let workspace = Workspace::new();
    let data = workspace.name("data");
    for endless in ["/dev/zero", "/dev/urandom"] {
        fails(&["evaluate", endless, "--adapter", "cpu", "--data", &data], 4, endless);
        let labels = workspace.path("data").join(FILES[3]);
        std::fs::remove_file(&labels).unwrap();
        std::os::unix::fs::symlink(endless, labels).unwrap();
        fails(&["train", "--adapter", "cpu", "--model", "dnn", "--data", &data], 4, "a device or a pipe");
    }
}

/// With defaults in its place other data would be evaluated.
#[test]
fn evaluating_beside_a_damaged_description_is_refused() {
    let workspace = Workspace::new();
    assert!(workspace.train("run", &["--adapter", "cpu"]).status.success());
    std::fs::write(workspace.path("run/run.json"), "{").unwrap();
    let run = workspace.name("run");
    fails(&["evaluate", &run, "--adapter", "cpu"], 4, "run/run.json");
    // Alone, a checkpoint has its run's data and loss.
    std::fs::copy(workspace.path("run/checkpoint.safetensors"), workspace.path("alone.safetensors")).unwrap();
    let alone = super::run(&["evaluate", &workspace.name("alone.safetensors"), "--adapter", "cpu"]);
    assert!(alone.status.success() && stderr(&alone).contains("50 test images"), "{}", stderr(&alone));
}
