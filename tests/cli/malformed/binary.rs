//! IDX files, gzipped ones, safetensors, checkpoints.

use super::{Kind, LENGTHS, Made, corpus, cuts, data, with};
use flate2::{Compression, write::GzEncoder};
use gpu_cnn::data::{FILES, idx};
use gpu_cnn::internals::sha256_hex;
use serde_json::{Value, json};
use std::io::Write;

/// Zeros that a small gzip file unpacks to, a multiple of 36.
const BOMB: usize = 36 << 23;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Ways to damage an IDX file of this many dimensions.
fn damaged_idx(good: &[u8], rank: usize) -> Vec<(String, Vec<u8>)> {
    let header = 4 + 4 * rank;
    let mut found = cuts(good, &[3, 4, header - 4, header - 1, header, good.len() - 1], 3);
    for field in 0..rank {
        for value in [0, 1, u32::MAX, i32::MIN as u32] {
            found.push((format!("size-{field}-{value}"), with(good, 4 + 4 * field, &value.to_be_bytes())));
        }
    }
    found.push(("magic".into(), with(good, 0, b"PK\x03\x04")));
    found.push(("floats".into(), with(good, 2, &[0x0d])));
    found.push(("dimensions".into(), with(good, 3, &[200])));
    found.push(("trailing".into(), [good, &[0]].concat()));
    found
}

/// Ways to damage a gzip file, and gzip files of what is no IDX file.
fn damaged_gzip(good: &[u8], bomb: &[u8]) -> Vec<(String, Vec<u8>)> {
    let packed = gzip(good);
    let end = packed.len();
    let mut found = cuts(&packed, &[2, 3, 9, 10, end - 8, end - 4, end - 1], 3);
    // The empty file and the first byte alone are no gzip.
    found.retain(|(_, bytes)| bytes.len() > 1);
    for value in [0, 1, u32::MAX] {
        found.push((format!("says-size-{value}"), with(&packed, end - 4, &value.to_le_bytes())));
    }
    found.push(("says-sum".into(), with(&packed, end - 8, &[0; 4])));
    found.push(("method".into(), with(&packed, 2, &[7])));
    found.push(("flags".into(), with(&packed, 3, &[0xff])));
    found.push(("trailing".into(), [&packed[..], &[0]].concat()));
    found.push(("member-after".into(), [&packed[..], &packed].concat()));
    found.push(("nothing".into(), gzip(&[])));
    // More than the header says, and as much as it says; a gzip may have several members.
    let size: usize = if good[3] == 1 { BOMB } else { BOMB / 36 };
    let header = if good[3] == 1 { idx::encode(&[size], &[]) } else { idx::encode(&[size, 6, 6], &[]) };
    found.push(("bomb".into(), [&gzip(good)[..], bomb].concat()));
    found.push(("declared-bomb".into(), [&gzip(&header)[..], bomb].concat()));
    found
}

/// A header of JSON and what follows it, as safetensors has them.
fn tensors(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

fn parts(file: &[u8]) -> (Value, &[u8]) {
    let len = u64::from_le_bytes(*file.first_chunk().unwrap()) as usize;
    (serde_json::from_slice(&file[8..8 + len]).unwrap(), &file[8 + len..])
}

/// Ways to damage a file of tensors: its length, its header as text, the entry of the tensor `name`.
fn damaged_tensors(good: &[u8], name: &str) -> Vec<(String, Vec<u8>)> {
    let (header, data) = parts(good);
    let start = good.len() - data.len();
    let mut found = cuts(good, &[7, 8, 9, start - 1, start, good.len() - 1], 5);
    for length in LENGTHS {
        found.push((format!("header-{length}"), with(good, 0, &length.to_le_bytes())));
    }
    found.push(("trailing".into(), [good, &[0]].concat()));
    found.push(("not-utf-8".into(), with(good, 20, &[0xff])));
    found.push(("no-json".into(), with(good, 8, b"[")));
    found.push(("deep".into(), tensors(&"[".repeat(100_000), data)));
    found.push(("deep-entry".into(), tensors(&format!("{{\"a\":{}", "{\"a\":".repeat(100_000)), data)));
    let entries: Vec<String> = (0..50_000).map(|i| format!("\"t{i}\":[]")).collect();
    found.push(("wrong-entries".into(), tensors(&format!("{{{}}}", entries.join(",")), data)));
    let end = header[name]["data_offsets"][1].clone();
    for (what, key, value) in [
        ("no-type", "dtype", json!(null)),
        ("other-type", "dtype", json!("F128")),
        ("halves", "dtype", json!("F16")),
        ("shape-text", "shape", json!("many")),
        ("shape-0", "shape", json!([0])),
        ("shape-huge", "shape", json!([u64::MAX, u64::MAX])),
        ("shape-overflow", "shape", json!([1_u64 << 33, 1_u64 << 33])),
        ("shape-negative", "shape", json!([-1])),
        ("shape-long", "shape", json!(vec![1; 100_000])),
        ("offsets-0", "data_offsets", json!([0, 0])),
        ("offsets-huge", "data_offsets", json!([0, u64::MAX])),
        ("offsets-32", "data_offsets", json!([0, u32::MAX])),
        ("offsets-negative", "data_offsets", json!([-8, end])),
        ("offsets-turned", "data_offsets", json!([end, 0])),
        ("offsets-float", "data_offsets", json!([0.5, 1e300])),
        ("offsets-three", "data_offsets", json!([0, end, end])),
    ] {
        let mut changed = header.clone();
        changed[name][key] = value;
        found.push((what.into(), tensors(&changed.to_string(), data)));
    }
    found
}

/// A checkpoint whose digest holds, of this state and these tensors; [`gpu_cnn::Checkpoint`] says over what it is.
fn checkpoint(state: &str, good: &[u8]) -> Vec<u8> {
    let (mut header, data) = parts(good);
    let mut hashed = state.as_bytes().to_vec();
    let mut labels: Vec<String> =
        header.as_object().unwrap().keys().filter(|key| *key != "__metadata__").cloned().collect();
    labels.sort();
    for label in labels {
        let offset = |i: usize| header[&label]["data_offsets"][i].as_u64().unwrap() as usize;
        let bytes = &data[offset(0)..offset(1)];
        hashed.extend(format!("\n{label} {}\n", bytes.len()).into_bytes());
        hashed.extend(bytes);
    }
    let metadata = format!("{{\"sha256\":\"{}\",\"state\":{state}}}", sha256_hex(&hashed));
    header["__metadata__"]["gpu_cnn.checkpoint"] = metadata.into();
    tensors(&header.to_string(), data)
}

/// States that a checkpoint may not have, with the digest that goes with them.
fn states(good: &[u8]) -> Vec<(String, Vec<u8>)> {
    let (header, _) = parts(good);
    let metadata: Value = serde_json::from_str(header["__metadata__"]["gpu_cnn.checkpoint"].as_str().unwrap()).unwrap();
    let state = &metadata["state"];
    let changes: [(&str, &str, Value); 12] = [
        ("format", "/format", json!(2)),
        ("format-huge", "/format", json!(u64::MAX)),
        ("format-negative", "/format", json!(-1)),
        ("epoch-negative", "/progress/epoch", json!(-1)),
        ("images-none", "/model/input", json!([0, 0, 0])),
        ("images-huge", "/model/input", json!([u64::MAX, u64::MAX, 1])),
        ("layers-none", "/model/layers", json!([])),
        ("units-huge", "/model/layers/4/units", json!(u64::MAX)),
        ("units-other", "/model/layers/4/units", json!(700)),
        ("batch-0", "/config/batch_size", json!(0)),
        ("rate-text", "/config/learning_rate", json!("fast")),
        ("rate-huge", "/config/learning_rate", json!(1e300)),
    ];
    let mut found: Vec<(String, Vec<u8>)> = changes
        .into_iter()
        .map(|(what, place, value)| {
            let mut state = state.clone();
            *state.pointer_mut(place).unwrap_or_else(|| panic!("the state has no {place}")) = value;
            (what.into(), checkpoint(&state.to_string(), good))
        })
        .collect();
    let more = [
        ("array", "[]".to_owned()),
        ("deep-state", format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))),
        ("values", format!("[{}0]", "0,".repeat(2_000_000))),
        ("twice", state.to_string().replacen("{\"format\":1", "{\"format\":1,\"format\":1", 1)),
        ("unknown", state.to_string().replacen('{', "{\"unknown\":1,", 1)),
    ];
    found.extend(more.into_iter().map(|(what, state)| (what.into(), checkpoint(&state, good))));
    found.push(("digest".into(), with(good, good.len() - 1, &[1])));
    found
}

pub(super) fn add(made: &mut Made) {
    let good = data();
    let bomb = gzip(&vec![0; BOMB]);
    for (file, rank) in [(0, 3), (1, 1), (2, 3), (3, 1)] {
        // The other two files are read by the same lines.
        let plain = damaged_idx(&good[file], rank).into_iter().step_by(if file < 2 { 1 } else { 4 });
        let packed = damaged_gzip(&good[file], &bomb).into_iter().step_by(if file < 2 { 1 } else { 4 });
        let named = plain.map(|(_, bytes)| (FILES[file].to_owned(), bytes));
        let all: Vec<_> = named.chain(packed.map(|(_, bytes)| (format!("{}.gz", FILES[file]), bytes))).collect();
        for (name, bytes) in all {
            let folder = made.folder.path().join(format!("data-{}", made.cases.len()));
            std::fs::create_dir(&folder).unwrap();
            for other in (0..4).filter(|other| *other != file) {
                std::fs::write(folder.join(FILES[other]), &good[other]).unwrap();
            }
            std::fs::write(folder.join(&name), bytes).unwrap();
            made.add_path(Kind::Data, folder.join(name));
        }
    }
    for what in ["loop", "folder", "endless"] {
        let path = made.folder.path().join(format!("data-{what}")).join(FILES[1]);
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        for other in [0, 2, 3] {
            std::fs::write(path.with_file_name(FILES[other]), &good[other]).unwrap();
        }
        match what {
            "loop" => std::os::unix::fs::symlink(&path, &path).unwrap(),
            "folder" => std::fs::create_dir(&path).unwrap(),
            // Holes alone, which take no place on the disk.
            _ => std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap(),
        }
        made.add_path(Kind::Data, path);
    }
    let weights = corpus("safetensors/model");
    for (what, bytes) in damaged_tensors(&weights, "dense.kernel") {
        made.add(Kind::Weights, &format!("{what}.safetensors"), &bytes);
    }
    // 2 GiB of weights that the model would have.
    let (mut header, tensors_of) = parts(&weights);
    let described = &mut header["__metadata__"]["gpu_cnn.model"];
    *described = described.as_str().unwrap().replace("\"units\":3", "\"units\":67108864").into();
    made.add(Kind::Weights, "model-of-2-gib.safetensors", &tensors(&header.to_string(), tensors_of));
    // The first command takes the tensors for the model that it is given, which they fit.
    made.cases.last_mut().unwrap().commands.remove(0);
    for (what, value) in [("nan", f32::NAN), ("inf", f32::INFINITY)] {
        let bytes = with(&weights, weights.len() - 4, &value.to_le_bytes());
        made.add(Kind::Weights, &format!("{what}.safetensors"), &bytes);
    }
    let run = corpus("checkpoint/sgd");
    for (what, bytes) in damaged_tensors(&run, "parameters").into_iter().chain(states(&run)) {
        made.add(Kind::Resume, &format!("{what}.checkpoint"), &bytes);
    }
}
