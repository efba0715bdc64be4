//! What a page asks of a model, as the command's `view` and the page of `web/` ask it.

use crate::keras::files::{SIZE, distance, file, pixels, predictions};
use crate::support::adapter;
use gpu_cnn::blocking::wait;
use gpu_cnn::data::{idx, synthetic};
use gpu_cnn::page::{Page, Reply};
use serde_json::{Value, json};

/// A small network over 28 x 28.
const TEXT: &str = r#"
[[layers]]
type = "Conv2D"
filters = 3
kernel_size = [3, 5]
strides = 2
activation = "relu"

[[layers]]
type = "MaxPooling2D"
pool_size = 2

[[layers]]
type = "Flatten"

[[layers]]
type = "Dense"
units = 10
activation = "softmax"
"#;

fn call(page: &mut Page, head: Value, bytes: Vec<u8>) -> Reply {
    wait(page.call(&head.to_string(), bytes)).unwrap_or_else(|error| panic!("{head}: {error}"))
}

fn error_of(page: &mut Page, head: Value, bytes: Vec<u8>) -> String {
    wait(page.call(&head.to_string(), bytes)).expect_err(&head.to_string()).to_string()
}

/// A page with the small network on the CPU.
fn started() -> Page {
    let mut page = Page::default();
    let settings = json!({ "adapter": "cpu", "epochs": 2, "learning_rate": 0.003 });
    call(&mut page, json!({ "call": "start", "settings": settings, "images": 320, "text": TEXT }), vec![]);
    page
}

fn floats(reply: &Reply, offset: &Value, count: usize) -> Vec<f32> {
    let start = 4 * offset.as_u64().expect("an offset") as usize;
    reply.bytes[start..][..4 * count].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

#[test]
fn training_goes_on_piece_by_piece_to_its_end_and_begins_again() {
    let mut page = started();
    let (mut scores, mut tests, mut pieces) = (Vec::new(), 0, 0);
    loop {
        let reply = call(&mut page, json!({ "call": "train" }), vec![]).head;
        scores.extend(reply["scores"].as_array().expect("scores").iter().filter_map(Value::as_f64));
        assert_eq!(reply["steps"].as_u64(), Some(scores.len() as u64 / 2));
        if let Some(accuracy) = reply["test"]["accuracy"].as_f64() {
            tests += 1;
            assert!((0.0..=1.0).contains(&accuracy) && reply["epoch"] == json!(tests));
        }
        pieces += 1;
        if reply["is_over"] == json!(true) {
            break;
        }
    }
    // Two epochs of ten steps.
    assert_eq!((scores.len(), tests), (40, 2));
    assert!(pieces >= 3 && scores[38] < scores[0], "{scores:?}");
    let again = call(&mut page, json!({ "call": "train" }), vec![]).head;
    assert!(again["steps"].as_u64() > Some(20) && again["is_over"] == json!(false), "{again}");
}

#[test]
fn layers_are_what_their_inputs_and_weights_make() {
    let mut page = started();
    call(&mut page, json!({ "call": "train" }), vec![]);
    let pixels = synthetic::generate(7, [1, 0]).train.pixels;
    let look = call(&mut page, json!({ "call": "look" }), pixels.clone());
    let layers = look.head["layers"].as_array().expect("layers");
    let of = |name: &str| layers.iter().find(|layer| layer["name"] == json!(name)).expect("a layer");
    assert_eq!(layers.len(), 3, "{layers:?}");
    let (conv, pool, dense) = (of("conv2d"), of("max_pooling2d"), of("dense"));
    assert_eq!((&conv["shape"], &pool["shape"]), (&json!([13, 12, 3]), &json!([6, 6, 3])));
    assert_eq!((&conv["inputs"], &dense["inputs"]), (&json!(["input"]), &json!(["max_pooling2d"])));
    assert_eq!(look.bytes[look.head["seen_offset"].as_u64().expect("an offset") as usize..], pixels);
    let outputs = floats(&look, &conv["offset"], 13 * 12 * 3);
    let layer = call(&mut page, json!({ "call": "layer", "name": "conv2d" }), vec![]);
    let [kernel, bias] = &layer.head["tensors"].as_array().expect("tensors")[..] else { panic!("{}", layer.head) };
    assert_eq!((&kernel["name"], &kernel["shape"]), (&json!("conv2d.kernel"), &json!([3, 5, 1, 3])));
    let (kernel, bias) = (floats(&layer, &kernel["offset"], 45), floats(&layer, &bias["offset"], 3));
    for (y, x, filter) in [(0, 0, 0), (5, 7, 1), (12, 11, 2)] {
        let terms = (0..15).map(|k| {
            let pixel = pixels[(2 * y + k / 5) * 28 + 2 * x + k % 5];
            f32::from(pixel) / 255.0 * kernel[3 * k + filter]
        });
        let sum = bias[filter] + terms.sum::<f32>();
        let output = outputs[(y * 12 + x) * 3 + filter];
        assert!((sum.max(0.0) - output).abs() < 1e-5, "{sum} and {output}");
    }
    let pooled = floats(&look, &pool["offset"], 108);
    let window = [0, 1, 12, 13].map(|place| outputs[place * 3 + 1]);
    assert_eq!(pooled[1], window.into_iter().fold(f32::MIN, f32::max));
    let probabilities: Vec<f64> = serde_json::from_value(look.head["probabilities"].clone()).expect("ten numbers");
    let logits = floats(&look, &dense["offset"], 10);
    let sum: f64 = logits.iter().map(|logit| f64::from(*logit).exp()).sum();
    for (probability, logit) in probabilities.iter().zip(&logits) {
        assert!((probability - f64::from(*logit).exp() / sum).abs() < 1e-6, "{probabilities:?} of {logits:?}");
    }
    let filters = call(&mut page, json!({ "call": "first_filters" }), vec![]);
    assert_eq!(filters, layer);
    let error = error_of(&mut page, json!({ "call": "layer", "name": "none" }), vec![]);
    assert!(error.contains("no layer `none`"), "{error}");
}

#[test]
fn a_drawing_is_framed_as_the_images_are() {
    let mut page = started();
    let mut drawing = vec![0; 300 * 200];
    (10..90).for_each(|y| drawing[y * 200 + 20..][..60].fill(255));
    let look = json!({ "call": "look", "frame": true, "height": 300, "width": 200 });
    let reply = call(&mut page, look.clone(), drawing.clone());
    let seen = &reply.bytes[reply.head["seen_offset"].as_u64().expect("an offset") as usize..];
    let rows: Vec<usize> = (0..28).filter(|y| seen[28 * y..][..28].iter().any(|value| *value > 127)).collect();
    // The garments of the set are 20 to 28 rows high, in the middle.
    let (first, last) = (rows[0], rows[rows.len() - 1]);
    assert!((18..=28).contains(&(last - first)) && (first + last).abs_diff(27) <= 4, "{rows:?}");
    for (bytes, head) in [(vec![0; 5], look), (vec![0; 5], json!({ "call": "look" }))] {
        assert!(error_of(&mut page, head, bytes).contains("5 bytes"));
    }
}

#[test]
fn the_confusion_matrix_counts_the_test_images_and_shows_the_worst() {
    let mut page = started();
    let reply = call(&mut page, json!({ "call": "evaluate" }), vec![]);
    let rows: Vec<Vec<u64>> = serde_json::from_value(reply.head["confusion"].clone()).expect("a matrix");
    assert_eq!(rows.iter().flatten().sum::<u64>(), 1000);
    let right: u64 = (0..10).map(|i| rows[i][i]).sum();
    assert_eq!(reply.head["accuracy"].as_f64(), Some(right as f64 / 1000.0));
    let mistakes = reply.head["mistakes"].as_array().expect("mistakes");
    assert_eq!((mistakes.len(), reply.bytes.len()), (24, 24 * 784));
    assert!(mistakes.iter().all(|mistake| mistake["label"] != mistake["predicted"]));
    let samples = call(&mut page, json!({ "call": "samples" }), vec![]);
    assert_eq!((samples.head["classes"].as_array().map(Vec::len), samples.bytes.len()), (Some(10), 7840));
}

#[test]
fn files_go_out_and_come_in() {
    let mut page = started();
    call(&mut page, json!({ "call": "train" }), vec![]);
    let file = call(&mut page, json!({ "call": "download" }), vec![]).bytes;
    let pixels = synthetic::generate(7, [1, 0]).train.pixels;
    let probabilities =
        |page: &mut Page| call(page, json!({ "call": "look" }), pixels.clone()).head["probabilities"].clone();
    let before = probabilities(&mut page);
    let mut other = Page::default();
    call(
        &mut other,
        json!({ "call": "start", "settings": { "adapter": "cpu", "model": "dnn" }, "images": 64 }),
        vec![],
    );
    let started = call(&mut other, json!({ "call": "load", "name": "model.safetensors" }), file).head;
    assert_eq!(probabilities(&mut other), before);
    assert_eq!((&started["summary"]["layers"][0]["name"], &started["steps"]), (&json!("conv2d"), &json!(0)));
    assert!(started["text"].as_str().is_some_and(|text| text.contains("kernel_size = [3, 5]")), "{started}");
    call(&mut other, json!({ "call": "train" }), vec![]);
    // What cannot be taken changes nothing.
    let weights = probabilities(&mut other);
    for (name, bytes) in [("model.safetensors", b"no file".to_vec()), ("a.keras", b"PK\x03\x04".to_vec())] {
        assert!(error_of(&mut other, json!({ "call": "load", "name": name }), bytes).contains(name));
    }
    assert_eq!(probabilities(&mut other), weights);
}

/// As where a device is lost before the first training.
#[test]
fn the_cpu_goes_on_from_the_weights_of_a_file_that_an_adapter_was_given() {
    let Some(adapter) = adapter() else { return };
    let file = call(&mut started(), json!({ "call": "download" }), vec![]).bytes;
    let mut page = Page::default();
    let settings = json!({ "adapter": adapter.info.backend, "model": "dnn", "seed": 5 });
    call(&mut page, json!({ "call": "start", "settings": settings, "images": 64 }), vec![]);
    call(&mut page, json!({ "call": "load", "name": "model.safetensors" }), file.clone());
    let moved = call(&mut page, json!({ "call": "move_to_cpu" }), vec![]).head;
    assert_eq!(moved["device"], json!("cpu"));
    assert!(call(&mut page, json!({ "call": "download" }), vec![]).bytes == file, "other weights than the file's");
}

#[test]
fn a_file_of_keras_is_taken_with_its_weights() {
    let mut page = Page::default();
    // Images of its size, of four classes.
    let labels: Vec<u8> = (0..20).map(|i| i % 4).collect();
    let names = ["a", "b", "c", "d"];
    let pictures = json!({ "call": "pictures", "image": [SIZE, SIZE, 1], "labels": labels, "classes": names });
    call(&mut page, pictures, vec![7; 20 * SIZE * SIZE]);
    let text = TEXT.replace("units = 10", "units = 4");
    let start = json!({ "call": "start", "settings": { "adapter": "cpu" }, "data": "own", "text": text });
    call(&mut page, start, vec![]);
    let bytes = std::fs::read(file("nested.keras")).expect("a file of the repository");
    let loaded = call(&mut page, json!({ "call": "load", "name": "nested.keras" }), bytes.clone()).head;
    assert!(loaded["summary"]["layers"].as_array().is_some_and(|layers| layers.len() > 3), "{loaded}");
    let all: Value = serde_json::from_slice(&std::fs::read(file("expected.json")).expect("there")).expect("JSON");
    let images = pixels();
    let found = images.chunks(SIZE * SIZE).map(|image| {
        let head = call(&mut page, json!({ "call": "look" }), image.to_vec()).head;
        serde_json::from_value(head["probabilities"].clone()).expect("numbers")
    });
    let found: Vec<Vec<f64>> = found.collect();
    assert!(distance(&found, &predictions(&all["nested"])) < 1e-6, "{found:?}");
    call(&mut page, json!({ "call": "train" }), vec![]);
    // Not over images of another size.
    let error = error_of(&mut started(), json!({ "call": "load", "name": "nested.keras" }), bytes);
    assert!(error.contains("nested.keras") || error.contains("[28, 28, 1]"), "{error}");
}

#[test]
fn own_images_are_trained_on() {
    let mut page = Page::default();
    let start = json!({ "call": "start", "settings": { "adapter": "cpu", "model": "dnn" }, "data": "own" });
    assert!(error_of(&mut page, start.clone(), vec![]).contains("no images of your own"));
    let set = synthetic::generate(3, [100, 20]);
    let names =
        ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];
    let files = [idx::encode_split(&set.train), idx::encode_split(&set.test)].concat();
    let sizes: Vec<usize> = files.iter().map(Vec::len).collect();
    let found = call(&mut page, json!({ "call": "idx", "names": names, "sizes": sizes }), files.concat()).head;
    assert_eq!((&found["train"], &found["test"], &found["image"]), (&json!(100), &json!(20), &json!([28, 28, 1])));
    let started = call(&mut page, start.clone(), vec![]).head;
    assert_eq!((&started["train"], &started["data"]), (&json!(100), &json!("own")));
    call(&mut page, json!({ "call": "train" }), vec![]);
    // Colour pictures of two classes.
    let labels: Vec<u8> = (0..20).map(|i| i % 2).collect();
    let pixels: Vec<u8> = labels.iter().flat_map(|label| [200 * label; 6 * 5 * 3]).collect();
    let pictures = json!({ "call": "pictures", "image": [6, 5, 3], "labels": labels, "classes": ["dark", "bright"] });
    assert_eq!(call(&mut page, pictures, pixels).head["train"], json!(16));
    let started = call(&mut page, start, vec![]).head;
    assert_eq!((&started["image"], &started["classes"]), (&json!([6, 5, 3]), &json!(["dark", "bright"])));
    assert!(started["text"].as_str().is_some_and(|text| text.contains("units = 2")), "{started}");
    call(&mut page, json!({ "call": "train" }), vec![]);
    let wrong = json!({ "call": "idx", "names": ["a"], "sizes": [5] });
    assert!(error_of(&mut page, wrong, vec![0; 4]).contains("for 4 bytes"));
}

#[test]
fn what_is_no_call_is_refused() {
    let mut page = Page::default();
    for (head, message) in [
        (json!({ "call": "train" }), "no model yet"),
        (json!({ "call": "start", "settings": { "model": "vgg" } }), "no such model: vgg"),
        (json!({ "call": "start", "settings": { "batch_size": 0 } }), "batch size of 0"),
        (json!({ "call": "start", "settings": { "colour": 1 } }), "colour"),
        (json!({ "call": "start", "settings": {}, "images": 60_001 }), "60001 synthetic images; there are 60000"),
        (json!({ "call": "idx", "names": ["a", "b"], "sizes": [u64::MAX, 1] }), "2 names and 2 sizes for 0 bytes"),
        (json!({ "call": "describe" }), "neither a text"),
    ] {
        let error = error_of(&mut page, head, vec![]);
        assert!(error.contains(message), "{error}");
    }
    assert!(wait(page.call("{", vec![])).is_err());
    let mut page = started();
    assert!(error_of(&mut page, json!({ "call": "dance" }), vec![]).contains("no call \"dance\""));
    // The command prints the same digests.
    let shaders = call(&mut page, json!({ "call": "shaders" }), vec![]).head;
    assert!(shaders["shaders"].as_array().is_some_and(|list| list.len() > 5), "{shaders}");
}
