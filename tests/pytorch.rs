//! Weights as PyTorch saves them (`assets/pytorch/make.py`) predict here what they do there.

use crate::cli::command;
use crate::keras::files::{distance, predict, predictions};
use crate::support::devices;
use gpu_cnn::internals::graph::{ModelFile, Weights, from_pytorch, load_weights, weights_of};
use gpu_cnn::{Graph, Model};
use std::path::{Path, PathBuf};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/pytorch").join(name)
}

fn chain() -> (Model, Graph, Weights) {
    let model = ModelFile::read(&file("chain.toml")).unwrap().build([12, 12, 1]).unwrap();
    let graph = model.graph().unwrap();
    (model, graph, load_weights(&file("chain.safetensors")).unwrap())
}

#[test]
fn a_chain_predicts_what_pytorch_does() {
    let (model, graph, weights) = chain();
    let weights = weights_of(&from_pytorch(weights, &graph).unwrap(), &graph, &file("chain.safetensors")).unwrap();
    let expected = serde_json::from_str(&std::fs::read_to_string(file("expected.json")).unwrap()).unwrap();
    for device in devices() {
        let distance = distance(&predict(&model, &weights, &device), &predictions(&expected));
        assert!(distance <= 1e-5, "{device:?}: {distance:e}");
    }
}

#[test]
fn modules_of_another_chain_are_refused_with_names_and_shapes() {
    let (_, graph, weights) = chain();
    let with = |change: &dyn Fn(&mut Weights)| {
        let mut changed = weights.clone();
        change(&mut changed);
        let named = from_pytorch(changed, &graph).and_then(|named| weights_of(&named, &graph, "chain".as_ref()));
        named.expect_err("another chain").to_string()
    };
    let error = with(&|weights| weights.tensors.retain(|name, _| !name.starts_with("features.10.")));
    assert!(
        error.contains("the file has 4 convolutions (features.0, features.3, features.4, features.6), the model 5"),
        "{error}"
    );
    let error = with(&|weights| drop(weights.tensors.remove("features.6.bias")));
    assert!(error.contains("tensor `conv2d_1.bias` [6] is missing"), "{error}");
    let error =
        with(&|weights| drop(weights.tensors.insert("features.4.weight".into(), (vec![6, 9, 1, 1], vec![0.0; 54]))));
    assert!(
        error.contains(
            "PyTorch's `features.4.weight` is [6, 9, 1, 1], but `separable_conv2d.pointwise_kernel` is [1, 1, 8, 6]"
        ),
        "{error}"
    );
    let error = with(&|weights| drop(weights.tensors.insert("rnn.weight_ih_l0".into(), (vec![4, 4], vec![0.0; 16]))));
    assert!(error.contains("PyTorch's module `rnn` has weight_ih_l0, but no weight"), "{error}");
    let error = with(&|weights| drop(weights.tensors.insert("features.3.bias".into(), (vec![8], vec![0.0; 8]))));
    assert!(error.contains("layer `separable_conv2d` has no tensor for PyTorch's `features.3.bias` [8]"), "{error}");
}

/// Only a linear layer's weights can be put into the order of an image [h, w, c].
#[test]
fn what_pytorch_orders_otherwise_is_refused() {
    use gpu_cnn::{BatchNormalization, Conv2D, Dense, Flatten, Sequential};
    let model = Sequential::new([4, 4, 1]).add(Conv2D::new(2, 3)).add(Flatten {});
    let graph = model.add(BatchNormalization::default()).add(Dense::new(3)).graph().unwrap();
    let tensor = |name: &str, shape: &[usize]| (name.to_owned(), (shape.to_vec(), vec![0.0; shape.iter().product()]));
    let norms = ["1.weight", "1.bias", "1.running_mean", "1.running_var"].map(|name| tensor(name, &[8]));
    let others = [("0.weight", &[2, 1, 3, 3][..]), ("0.bias", &[2]), ("2.weight", &[3, 8]), ("2.bias", &[3])]
        .map(|(n, s)| tensor(n, s));
    let error =
        from_pytorch(Weights::of_tensors(norms.into_iter().chain(others).collect()), &graph).expect_err("refused");
    let message = "layer `batch_normalization` (BatchNormalization) takes the elements of a flattened image";
    assert!(error.to_string().contains(message), "{error}");
}

#[test]
fn the_command_says_when_weights_are_not_pytorchs() {
    let folder = tempfile::tempdir().unwrap();
    let export = |from: &Path, to: &Path, more: &[&str]| {
        let run = command(&["export"]).arg(from).arg("--output").arg(to).args(more).output().unwrap();
        (run.status.code(), String::from_utf8_lossy(&run.stderr).into_owned())
    };
    let (model, own) = (file("chain.toml"), folder.path().join("own.safetensors"));
    let given = ["--model", model.to_str().unwrap(), "--from-pytorch"];
    assert_eq!(export(&file("chain.safetensors"), &own, &given).0, Some(0));
    let (code, error) = export(&own, &folder.path().join("again.safetensors"), &["--from-pytorch"]);
    assert!(code == Some(2) && error.contains("the file is not PyTorch's"), "{error}");
    let (code, error) = export(&file("chain.safetensors"), &folder.path().join("x.keras"), &given[..2]);
    assert!(code == Some(2) && error.contains("tensor `conv2d.kernel` [3, 3, 1, 4] is missing"), "{error}");
}
