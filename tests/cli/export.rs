//! `gpu-cnn export`: ONNX files and NumPy's arrays.

use super::*;
use gpu_cnn::data::CLASS_NAMES;
use gpu_cnn::internals::onnx::Network;

#[test]
fn an_onnx_file_is_written_and_checked() {
    let workspace = Workspace::new();
    let out = workspace.name("run");
    let train = ["train", "--data", "synthetic", "--adapter", "cpu", "--steps-per-epoch", "5", "--epochs", "1"];
    let trained = run(&[&train[..], &["--out", &out, "--ema", "0.9"]].concat());
    assert!(trained.status.success(), "{}", stderr(&trained));
    let onnx = workspace.name("model.onnx");
    for (more, opset) in [(&["--format", "onnx"][..], 17), (&["--opset", "13"], 13), (&["--opset", "21", "-q"], 21)] {
        let exported = run(&[&["export", &out, "--output", &onnx, "--check"], more].concat());
        assert!(exported.status.success(), "{}", stderr(&exported));
        let text = stdout(&exported);
        let difference = text.strip_prefix("check: 32 images, largest difference ").unwrap_or_else(|| panic!("{text}"));
        assert!(difference.trim().parse::<f64>().unwrap() < 1e-6, "{text}");
        let said = stderr(&exported);
        let bytes = std::fs::read(&onnx).unwrap();
        let wrote = format!("wrote {} bytes", bytes.len());
        assert_eq!(said.contains(&wrote) && said.contains("from 0 to 255"), !more.contains(&"-q"), "{said}");
        let network = Network::parse(&bytes).unwrap();
        assert_eq!((network.opset, network.class_names), (opset, CLASS_NAMES.map(String::from).to_vec()));
    }
    // From a checkpoint and a weights file, and without a check, the bytes are the same.
    let expected = std::fs::read(&onnx).unwrap();
    for from in ["model.safetensors", "checkpoint.safetensors"] {
        let other = workspace.name("other.ONNX");
        let exported = run(&["export", &format!("{out}/{from}"), "-o", &other, "--opset", "21"]);
        assert!(exported.status.success() && exported.stdout.is_empty(), "{}", stderr(&exported));
        assert!(std::fs::read(&other).unwrap() == expected, "{from}");
    }
}

#[test]
fn exports_that_cannot_be_are_refused_before_anything_is_written() {
    let workspace = Workspace::new();
    let out = workspace.name("run");
    assert!(workspace.train("run", &["--adapter", "cpu"]).status.success());
    let at = |name: &str| workspace.name(name);
    let before = std::fs::read_dir(workspace.path("")).unwrap().count();
    for opset in ["12", "22", "-1", "seventeen", "17.0", ""] {
        fails(&["export", &out, "-o", &at("a.onnx"), &format!("--opset={opset}")], 2, "--opset");
    }
    fails(
        &["export", &out, "-o", &at("a.onnx"), "--format", "torch"],
        2,
        "[possible values: keras, json, weights-h5, safetensors, onnx, npz]",
    );
    fails(&["export", &out, "-o", &at("a.pb")], 2, "ends in .keras, .json, .weights.h5, .safetensors, .onnx or .npz: ");
    fails(&["export", &out, "-o", &at("a.keras"), "--opset", "17"], 2, "--opset is for --format onnx alone");
    fails(&["export", &out, "-o", &at("a.npz"), "--check"], 2, "--check is for --format onnx alone");
    fails(&["export", &out, "--format", "npz", "--check"], 2, "--check is for --format onnx");
    fails(&["export", &out, "-o", &at("a.onnx"), "--format", "npz"], 2, "that of another format than --format says");
    for name in ["run/checkpoint.safetensors", "run/metrics.jsonl", "run/report.html"] {
        fails(
            &["export", &out, "-o", &at(name), "--format", "safetensors"],
            2,
            "is a file of a run, which would be lost",
        );
    }
    fails(&["export", &out, "-o", "-", "--format", "npz"], 2, "not written to standard output");
    fails(&["export", &out, "-o", &at("nosuch/a.onnx"), "--check"], 7, "nosuch/a.onnx");
    fails(&["export", &out, "-o", &at("data"), "--format", "onnx"], 7, "cannot write");
    fails(&["export", &at("nosuch"), "-o", &at("a.onnx")], 2, "nosuch");
    assert_eq!(std::fs::read_dir(workspace.path("")).unwrap().count(), before);
}

#[test]
fn arrays_are_named_as_the_weights_in_the_order_of_the_layers() {
    let workspace = Workspace::new();
    assert!(workspace.train("run", &["--adapter", "cpu"]).status.success());
    let exported = run(&["export", &workspace.name("run"), "-o", &workspace.name("weights.npz")]);
    assert!(exported.status.success(), "{}", stderr(&exported));
    assert!(stderr(&exported).contains("divide those of images by 255"), "{}", stderr(&exported));
    let file = std::fs::File::open(workspace.path("weights.npz")).unwrap();
    let archive = zip::ZipArchive::new(file).unwrap();
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    assert_eq!(names, ["dense.kernel.npy", "dense.bias.npy", "dense_1.kernel.npy", "dense_1.bias.npy"]);
}

#[test]
fn without_a_name_the_file_lies_beside_the_weights() {
    let workspace = Workspace::new();
    let out = workspace.name("run");
    assert!(workspace.train("run", &["--adapter", "cpu"]).status.success());
    for (format, name) in [("onnx", "model.onnx"), ("keras", "model.keras"), ("weights-h5", "model.weights.h5")] {
        let exported = run(&["export", &out, "--format", format]);
        assert!(exported.status.success(), "{}", stderr(&exported));
        assert!(
            workspace.path("run").join(name).is_file() && stderr(&exported).contains(name),
            "{}",
            stderr(&exported)
        );
    }
    let before = std::fs::read(workspace.path("run/model.safetensors")).unwrap();
    let checkpoint = workspace.name("run/checkpoint.safetensors");
    assert!(run(&["export", &checkpoint, "--format", "npz"]).status.success());
    assert!(workspace.path("run/checkpoint.npz").is_file());
    fails(&["export", &out, "--format", "safetensors"], 2, "--output says where to write; not over ");
    fails(&["export", &out], 2, "--format");
    assert!(std::fs::read(workspace.path("run/model.safetensors")).unwrap() == before);
}
