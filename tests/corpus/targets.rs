//! What each fuzz target does with its bytes. The suite includes this file, too, and gives every file of the corpus to the same functions.
//!
//! Whatever the bytes are, they are read or refused: a panic, an overflow, memory out of proportion or a hang is a defect. Only errors of exit
//! code 2 or 4 may come of a file.

use gpu_cnn::data::{Split, idx, parse_cifar10_archive, parse_npz};
use gpu_cnn::internals::graph::{
    Graph, Layout, ModelFile, Weights, from_pytorch, parse_optimizer, parse_weights, weights_of,
};
use gpu_cnn::{Activation, Checkpoint, Conv2D, Dense, Flatten, MaxPooling2D, Sequential};
use std::io::Write;
use std::path::Path;

/// A target: its name, which is also that of its corpus, and what it does.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// All targets.
pub(crate) const TARGETS: [Target; 10] = [
    ("idx", idx_file),
    ("safetensors", safetensors),
    ("checkpoint", checkpoint),
    ("model_toml", model_toml),
    ("keras_json", keras_json),
    ("keras_archive", keras_archive),
    ("hdf5", hdf5),
    ("config", config),
    ("npz", npz),
    ("cifar10", cifar10),
];

/// Runs the target of that name.
///
/// # Panics
/// If there is none.
pub(crate) fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    target.unwrap_or_else(|| panic!("no target `{name}`")).1(bytes);
}

/// What reading gave, if it was read; an error has to be one of the file.
fn read<T>(result: gpu_cnn::Result<T>) -> Option<T> {
    result.inspect_err(|error| assert!([2, 4].contains(&error.exit_code()), "{error}")).ok()
}

/// Images and labels, plain or gzipped.
fn idx_file(bytes: &[u8]) {
    let this = ("file".into(), bytes.to_vec());
    let images = ("images".into(), idx::encode(&[2, 2, 2], &[7; 8]));
    let labels = ("labels".into(), idx::encode(&[2], &[0, 1]));
    let readings = [
        read(idx::read_split(&this, &labels)),
        read(idx::read_split(&images, &this)),
        read(idx::read_split_of_table(&images, &this)),
    ];
    readings.iter().flatten().for_each(check);
}

/// Each image has its pixels.
fn check(split: &Split) {
    assert_eq!(split.pixels.len(), split.len() * split.image_len());
}

/// An archive of NumPy's.
fn npz(bytes: &[u8]) {
    read(parse_npz(bytes, Path::new("data.npz"))).iter().flatten().for_each(check);
}

/// The gzipped tar of CIFAR-10: as it is, and gzipped here, since few changes of compressed bytes leave them readable.
fn cifar10(bytes: &[u8]) {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory does not fail");
    let packed = encoder.finish().expect("memory does not fail");
    for bytes in [bytes, &packed] {
        if let Some(data) = read(parse_cifar10_archive(bytes, Path::new("cifar.tar.gz"))) {
            [&data.train, &data.test].into_iter().for_each(check);
        }
    }
}

/// The model that weights are read for, where a file describes none.
fn small() -> Graph {
    let layers = Sequential::new([6, 6, 1])
        .add(Conv2D::new(2, 3))
        .add(MaxPooling2D::new(2))
        .add(Flatten {})
        .add(Dense::new(3).activation(Activation::Softmax));
    gpu_cnn::Model::from(layers).graph().expect("its layers fit")
}

/// Gives the weights to a model.
fn take(mut weights: Weights, layout: &Layout, graph: &Graph, path: &Path) {
    if read(weights.name_by_layer(layout, graph, path)).is_some()
        && let Some(found) = read(weights_of(&weights, graph, path))
    {
        assert_eq!(found.len(), graph.weights_len());
    }
}

/// The weights of a file, for the model in it or for the small one.
fn weights(bytes: &[u8]) {
    let path = Path::new("weights");
    let Some(weights) = read(parse_weights(bytes.to_vec(), path)) else { return };
    let graph = weights.model.as_ref().and_then(|model| model.graph().ok()).unwrap_or_else(small);
    if let Some(renamed) = read(from_pytorch(weights.clone(), &graph)) {
        read(weights_of(&renamed, &graph, path));
    }
    take(weights, &Layout::default(), &graph, path);
}

fn safetensors(bytes: &[u8]) {
    weights(bytes);
}

/// A checkpoint as it is, and with the digest that its content should have, without which nothing behind the digest is read.
fn checkpoint(bytes: &[u8]) {
    let Err(error) = Checkpoint::from_bytes(bytes) else { return };
    assert!([2, 4].contains(&error.exit_code()), "{error}");
    let text = error.to_string();
    let digests = text.split_once("its SHA-256 is ").and_then(|(_, rest)| rest.split_once(", it should be "));
    let Some((found, rest)) = digests else { return };
    let claimed = rest.trim_end_matches(')');
    let at = bytes.windows(claimed.len().max(1)).position(|window| window == claimed.as_bytes());
    if let Some(at) = at.filter(|_| claimed.len() == found.len()) {
        let mut mended = bytes.to_vec();
        mended[at..at + found.len()].copy_from_slice(found.as_bytes());
        if let Some(checkpoint) = read(Checkpoint::from_bytes(&mended)) {
            checkpoint.to_bytes().expect("what was read can be written");
        }
    }
}

/// The graph of a model.
fn build(file: ModelFile) -> Option<(Graph, Layout)> {
    let (input, layout) = (file.input_or([12, 12, 1]), file.layout.clone());
    let graph = read(read(file.build(input))?.graph())?;
    Some((graph, layout))
}

fn model_toml(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        read(ModelFile::parse(text)).and_then(build);
    }
}

fn keras_json(bytes: &[u8]) {
    read(ModelFile::from_bytes(bytes.to_vec(), Path::new("model.json"))).and_then(build);
}

/// Keras's files as a model with its weights, as weights alone, and as the state of an optimizer.
fn keras_files(bytes: &[u8]) {
    let path = Path::new("file");
    let Some(mut file) = read(ModelFile::from_bytes(bytes.to_vec(), path)) else { return weights(bytes) };
    let own = file.weights.take();
    let Some((graph, layout)) = build(file) else { return weights(bytes) };
    own.into_iter().for_each(|own| take(*own, &layout, &graph, path));
    read(parse_optimizer(bytes.to_vec(), &graph));
}

fn keras_archive(bytes: &[u8]) {
    keras_files(bytes);
}

fn hdf5(bytes: &[u8]) {
    keras_files(bytes);
}

/// A configuration: TOML, JSON, or run.json.
fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let read = read(gpu_cnn::cli::parse_configuration(text, Path::new("config")));
    read.and_then(|(_, model)| model).and_then(build);
}
