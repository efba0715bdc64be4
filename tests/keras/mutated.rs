//! Files of Keras with bits flipped, cut, overwritten: refused or read, never a panic.

use super::files::file;
use crate::support::damage;
use gpu_cnn::Error;
use gpu_cnn::internals::graph::{ModelFile, load_weights, weights_of};
use gpu_cnn::internals::rng::{Purpose, Rng};
use hdf5_pure::{AttrValue, FileBuilder};
use std::io::{Cursor, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Mutated files of each kind.
const FILES: usize = 3000;

/// Reads a file as the command does, as the weights of its model.
fn read(path: &Path) -> gpu_cnn::Result<()> {
    let file = ModelFile::read(path)?;
    let (input, layout) = (file.input_or([12, 12, 1]), file.layout.clone());
    let weights = file.weights.clone();
    let graph = file.build(input)?.graph()?;
    let mut weights = weights.ok_or_else(|| Error::Usage("no weights".into()))?;
    weights.name_by_layer(&layout, &graph, path)?;
    weights_of(&weights, &graph, path).map(drop)
}

#[test]
fn damaged_files_are_refused_or_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged");
    for (kind, name) in ["tutorial.keras", "tutorial.h5", "tutorial.weights.h5"].into_iter().enumerate() {
        let whole = std::fs::read(file(name)).unwrap();
        let model = ModelFile::read(&file("tutorial.keras")).unwrap();
        let layout = model.layout.clone();
        let graph = model.build([12, 12, 1]).unwrap().graph().unwrap();
        let mut rng = Rng::new(11, Purpose::TrainImage, kind as u64);
        let mut refused = 0;
        for _ in 0..FILES {
            let mut bytes = whole.clone();
            damage(&mut bytes, &mut rng);
            std::fs::write(&path, bytes).unwrap();
            let result = match name.ends_with(".weights.h5") {
                false => read(&path),
                true => load_weights(&path).and_then(|mut weights| {
                    weights.name_by_layer(&layout, &graph, &path)?;
                    weights_of(&weights, &graph, &path).map(drop)
                }),
            };
            if let Err(error) = result {
                refused += 1;
                assert!([2, 4].contains(&error.exit_code()), "{name}: {error}");
                assert!(error.to_string().len() < 2000, "{name}: {error}");
            }
        }
        assert!(refused > FILES / 5, "{name}: only {refused} of {FILES} were refused");
    }
}

/// Names and contents of a zip's entries.
type Entries<'a> = &'a [(&'a str, &'a [u8])];

fn zipped(entries: Entries<'_>, method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// One dataset under many names would take the memory of many.
#[test]
fn datasets_have_no_more_than_their_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("listed.h5");
    let list = |names: Vec<String>| AttrValue::VarLenStringArray(names);
    let mut file = FileBuilder::new();
    let mut all = file.create_group("model_weights");
    all.set_attr("layer_names", list(vec!["a".into()]));
    let mut layer = all.create_group("a");
    layer.set_attr("weight_names", list(vec!["w".into(); 4000]));
    layer.create_dataset("w").with_f32_data(&[0.0; 250_000]).with_shape(&[250_000]);
    all.add_group(layer.finish());
    file.add_group(all.finish());
    std::fs::write(&path, file.finish().unwrap()).unwrap();
    let error = load_weights(&path).expect_err("too many").to_string();
    assert!(error.contains("variable `w` is [250000], with those before it more than the file has"), "{error}");
}

#[test]
fn archives_that_are_none_and_bombs_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.keras");
    let h5 = std::fs::read(file("tutorial.weights.h5")).unwrap();
    let zeros = vec![0u8; 100 << 20];
    let lambda =
        br#"{"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {"name": "sly"}}]}}"#;
    let deflated = CompressionMethod::Deflated;
    let cases: [(Entries<'_>, CompressionMethod, &str); 6] = [
        (&[("readme.txt", b"hello")], CompressionMethod::Stored, "the zip has no `config.json`; it has `readme.txt`"),
        (&[("config.json", b"{}")], CompressionMethod::Stored, "the archive has no `model.weights.h5`"),
        (
            &[("config.json", b"{}"), ("model.weights.json", b"{}")],
            CompressionMethod::Stored,
            "weights in several files (`model.weights.json`) are not supported",
        ),
        (&[("config.json", b"{}"), ("model.weights.h5", &zeros)], deflated, "`model.weights.h5` unpacks to more than"),
        (&[("config.json", &zeros), ("model.weights.h5", &h5)], deflated, "`config.json` unpacks to more than"),
        (
            &[("config.json", lambda), ("model.weights.h5", &h5)],
            deflated,
            "layer `sly` (Lambda): Lambda layers hold Python code",
        ),
    ];
    for (entries, method, message) in cases {
        std::fs::write(&path, zipped(entries, method)).unwrap();
        let error = read(&path).expect_err(message).to_string();
        assert!(error.contains(message), "{error}");
    }
    let old = br#"{"keras_version": "2.15.0"}"#;
    let config = br#"{"class_name": "Sequential", "config": {"layers": [{"class_name": "Activation", "config": {"activation": "hard_sigmoid"}}]}}"#;
    let entries: Entries<'_> = &[("metadata.json", old), ("config.json", config), ("model.weights.h5", &h5)];
    std::fs::write(&path, zipped(entries, CompressionMethod::Stored)).unwrap();
    let error = read(&path).expect_err("Keras 2").to_string();
    assert!(error.contains("the model is of Keras 2.15.0, whose hard_sigmoid is another function"), "{error}");
    std::fs::write(&path, r#"{"metadata": {"total_size": 1}}"#).unwrap();
    let error = load_weights(&path).expect_err("JSON").to_string();
    assert!(error.contains("JSON, not weights"), "{error}");
    // Packed again by hand, as when a zip was opened.
    let config = br#"{"class_name": "Sequential", "config": {"layers": []}}"#;
    std::fs::write(&path, zipped(&[("config.json", config), ("model.weights.h5", &h5)], deflated)).unwrap();
    assert!(load_weights(&path).is_ok());
}
