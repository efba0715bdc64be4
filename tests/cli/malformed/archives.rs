//! Keras's files: JSON, zips, HDF5.

use super::{Kind, LENGTHS, Made, corpus, cuts, keras_file, with};
use serde_json::{Value, json};
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A zip of these entries.
pub(super) fn zipped(entries: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Descriptions of Keras with a value that cannot be, by its place in a good one.
fn descriptions() -> Vec<(String, Vec<u8>)> {
    let good: Value = serde_json::from_slice(&std::fs::read(keras_file("tutorial_dnn.json")).unwrap()).unwrap();
    let layer = |i: usize, rest: &str| format!("/config/layers/{i}/{rest}");
    let last = good["config"]["layers"].as_array().unwrap().len() - 1;
    let places = [
        "/class_name".to_owned(),
        "/config".into(),
        "/config/layers".into(),
        layer(last, "class_name"),
        layer(last, "config"),
        layer(last, "config/units"),
        layer(last, "config/activation"),
    ];
    let values = [json!(null), json!(-1), json!(u64::MAX), json!("../x"), json!([[]]), json!({}), json!(1e300)];
    let mut found = Vec::new();
    for (i, place) in places.iter().enumerate() {
        for (j, value) in values.iter().enumerate() {
            // A name that is text, and no activation, are as they may be.
            if place.ends_with("activation") && value.is_null() {
                continue;
            }
            let mut changed = good.clone();
            *changed.pointer_mut(place).unwrap() = value.clone();
            found.push((format!("place-{i}-{j}.json"), changed.to_string().into_bytes()));
        }
    }
    let many: String =
        (0..20_000).map(|i| format!("{{\"class_name\":\"ReLU\",\"config\":{{\"name\":\"r{i}\"}}}},")).collect();
    let last = "{\"class_name\":\"Dense\",\"config\":{\"name\":\"r0\",\"units\":3}}";
    let many = format!("{{\"class_name\":\"Sequential\",\"config\":{{\"layers\":[{many}{last}]}}}}");
    found.push(("many-layers.json".into(), many.into_bytes()));
    let text = good.to_string();
    let inner = "{\"class_name\":\"Sequential\",\"config\":{\"layers\":[";
    found.push(("deep-models.json".into(), inner.repeat(20_000).into_bytes()));
    let lambda = json!({"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {"name": "sly"}}]}});
    found.push(("lambda.json".into(), lambda.to_string().into_bytes()));
    found.extend(
        cuts(text.as_bytes(), &[2, text.len() - 1], 6).into_iter().map(|(what, bytes)| (what + ".json", bytes)),
    );
    found
}

/// Zips that are damaged, or that hold something else than they say.
fn zips(good: &[u8]) -> Vec<(String, Vec<u8>)> {
    let config: &[u8] = &std::fs::read(keras_file("tutorial_dnn.json")).unwrap();
    let weights: &[u8] = &corpus("hdf5/small.weights.h5");
    let (stored, deflated) = (CompressionMethod::Stored, CompressionMethod::Deflated);
    let zeros = vec![0_u8; 64 << 20];
    let spaces = vec![b' '; 64 << 20];
    let names: Vec<String> = (0..20_000).map(|i| format!("{i}/../../x")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let mut found: Vec<(String, Vec<u8>)> = [
        ("nothing", zipped(&[], stored)),
        ("no-config", zipped(&[("model.weights.h5", weights)], stored)),
        ("no-weights", zipped(&[("config.json", config)], stored)),
        ("up", zipped(&[("../config.json", config), ("../model.weights.h5", weights)], stored)),
        ("absolute", zipped(&[("/config.json", config), ("/model.weights.h5", weights)], stored)),
        ("backslash", zipped(&[("..\\config.json", config), ("C:\\model.weights.h5", weights)], stored)),
        ("many", zipped(&many, stored)),
        ("weights-bomb", zipped(&[("config.json", config), ("model.weights.h5", &zeros)], deflated)),
        ("config-bomb", zipped(&[("config.json", &spaces), ("model.weights.h5", weights)], deflated)),
        (
            "metadata-bomb",
            zipped(&[("metadata.json", &spaces), ("config.json", config), ("model.weights.h5", weights)], deflated),
        ),
        ("weights-zip", zipped(&[("config.json", config), ("model.weights.h5", good)], stored)),
        ("weights-text", zipped(&[("config.json", config), ("model.weights.h5", b"weights")], stored)),
        ("config-bytes", zipped(&[("config.json", &[0xff; 9]), ("model.weights.h5", weights)], stored)),
        (
            "config-deep",
            zipped(&[("config.json", "[".repeat(100_000).as_bytes()), ("model.weights.h5", weights)], deflated),
        ),
    ]
    .into_iter()
    .map(|(what, bytes)| (what.to_owned(), bytes))
    .collect();
    let end = good.len() - 22;
    found.extend(cuts(good, &[4, 30, 60, end - 1, end, end + 12, end + 21], 6));
    // The number of entries, the length and the place of their list.
    for (what, at) in [("entries", 10), ("list-place", 16)] {
        for value in [u32::MAX, i32::MIN as u32, 1] {
            let bytes = value.to_le_bytes();
            let width = if what == "entries" { 2 } else { 4 };
            found.push((format!("{what}-{value}"), with(good, end + at, &bytes[..width])));
        }
    }
    found.push(("local-magic".into(), with(good, 0, b"PK\x05\x06")));
    // Every header of the list says that its entry is encrypted, or packed by a method that there is not.
    let headers: Vec<usize> = (0..end).filter(|at| good[*at..].starts_with(b"PK\x01\x02")).collect();
    for (what, field, value) in [("encrypted", 8, 1), ("method", 10, 77)] {
        let changed = headers.iter().fold(good.to_vec(), |bytes, at| with(&bytes, at + field, &[value]));
        found.push((what.into(), changed));
    }
    for (what, field) in [("sum", 16), ("packed", 20), ("place", 42)] {
        let changed = headers.iter().fold(good.to_vec(), |bytes, at| with(&bytes, at + field, &[0xff; 4]));
        found.push((format!("says-{what}"), changed));
    }
    found
}

/// HDF5 files whose superblock lies, or that are cut.
fn hdf5(good: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = cuts(good, &[7, 8, 9, 16, 24, 48, 95, 96, 200], 6);
    for field in [8, 9, 13, 14] {
        found.push((format!("superblock-{field}"), with(good, field, &[0x77])));
    }
    for address in LENGTHS {
        found.push((format!("root-{address}"), root_at(good, address)));
    }
    found.push(("text".into(), b"\x89HDF\r\n\x1a\nand no more".to_vec()));
    found
}

/// The file with this address of its root group, which lies elsewhere in superblocks of versions 0 and 2.
fn root_at(good: &[u8], address: u64) -> Vec<u8> {
    let at = if good[8] == 0 { 64 } else { 36 };
    with(good, at, &address.to_le_bytes())
}

pub(super) fn add(made: &mut Made) {
    for (name, bytes) in descriptions() {
        made.add(Kind::Model, &name, &bytes);
    }
    let good = corpus("keras_archive/small.keras");
    for (what, bytes) in zips(&good) {
        for kind in [Kind::Model, Kind::Weights] {
            made.add(kind, &format!("{what}.keras"), &bytes);
        }
    }
    for (kind, file) in [(Kind::Model, "hdf5/tutorial.h5"), (Kind::Weights, "hdf5/small.weights.h5")] {
        for (what, bytes) in hdf5(&corpus(file)) {
            made.add(kind, &format!("{what}.h5"), &bytes);
        }
    }
}
