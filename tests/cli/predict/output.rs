//! What is printed, in each format.

use super::*;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

#[test]
fn a_table_has_the_most_probable_classes_and_fits_the_terminal() {
    let workspace = Workspace::new();
    let names = ["a class whose name is far too long for any terminal of fifty columns".to_owned()];
    let long = ImagesInfo { class_names: names.to_vec(), bright_border: Some(false) };
    let folder = as_pngs(&workspace, "pngs", &garments(3));
    for (images, k, rows) in [(known(Some(false)), None, 3), (known(Some(false)), Some("1"), 1), (long, Some("10"), 10)]
    {
        let weights = weights_file(&workspace, &dnn(), &images);
        let more = k.map_or_else(Vec::new, |k| vec!["--top-k", k]);
        let arguments = [&["predict", &weights, &folder, "--adapter", "cpu"], &more[..]].concat();
        let output = command(&arguments).env("COLUMNS", "50").output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let text = stdout(&output);
        let wide: Vec<&str> =
            text.lines().filter(|line| line.chars().count() > 50 && line.trim().contains(' ')).collect();
        assert!(wide.is_empty(), "{wide:#?}");
        let probabilities = text.split_whitespace().filter(|word| word.starts_with("0."));
        assert_eq!(probabilities.count(), 3 * rows, "{text}");
    }
    let weights = weights_file(&workspace, &dnn(), &known(Some(false)));
    let text = stdout(&run(&["predict", &weights, &folder, "--adapter", "cpu"]));
    assert!(text.starts_with("file ") && text.lines().count() == 10, "{text}");
    fails(&["predict", &weights, &folder, "--top-k", "11"], 2, "--top-k 11; the model has 10 classes");
    fails(&["predict", &weights, &folder, "--top-k", "0"], 2, "0 is not in 1..");
}

#[test]
fn json_csv_and_lines_say_the_same() {
    let workspace = Workspace::new();
    let weights = weights_file(&workspace, &dnn(), &known(Some(false)));
    let folder = as_pngs(&workspace, "pngs", &garments(3));
    std::fs::rename(workspace.path("pngs/0001.png"), workspace.path("pngs/0001, \"two\"\nlines.png")).unwrap();
    let of = |format: &str| {
        let output = run(&["predict", &weights, &folder, "--adapter", "cpu", "--format", format]);
        assert!(output.status.success(), "{}", stderr(&output));
        output
    };
    let lines = json_of(&of("jsonl"));
    let document: Value = serde_json::from_str(&stdout(&of("json"))).unwrap();
    assert_eq!(document["pictures"], Value::from(lines.clone()));
    assert_eq!((&document["skipped"], &document["weights"]), (&0.into(), &weights.as_str().into()));
    assert_eq!(document["class_names"][9], "Ankle boot");
    assert!(document["device"]["backend"] == "cpu", "{}", document["device"]);
    let csv = stdout(&of("csv"));
    let rows = parse_csv(&csv);
    assert_eq!(rows[0].join(","), "file,class_1,probability_1,class_2,probability_2,class_3,probability_3");
    assert_eq!(rows.len(), 4);
    for (row, line) in rows[1..].iter().zip(&lines) {
        assert_eq!(row[0], line["file"].as_str().unwrap());
        for (cells, guess) in row[1..].chunks(2).zip(line["predictions"].as_array().unwrap()) {
            assert_eq!(cells[0], guess["name"].as_str().unwrap());
            assert_eq!(cells[1].parse::<f64>().unwrap(), guess["probability"].as_f64().unwrap());
        }
    }
    let table = stdout(&of("table"));
    assert!(table.contains("0001, \"two\"\\nlines.png"), "{table}");
    assert_eq!(table, stdout(&of("text")), "the word of other commands");
}

/// The cells of CSV (RFC 4180).
fn parse_csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut is_quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if is_quoted && characters.peek() == Some(&'"') => cell.extend(characters.next()),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !is_quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            _ => cell.push(c),
        }
    }
    assert!(!is_quoted && cell.is_empty() && row.is_empty(), "it ends within a line");
    rows
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_or_move_the_cursor_are_printed_all_the_same() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use std::os::unix::ffi::OsStrExt;
    let workspace = Workspace::new();
    let weights = weights_file(&workspace, &dnn(), &known(Some(false)));
    as_pngs(&workspace, "pngs", &garments(3));
    let folder = workspace.path("odd");
    std::fs::create_dir(&folder).unwrap();
    let names = [&b"\xff.png"[..], b"red\x1b[31m.png"];
    for (i, name) in names.iter().enumerate() {
        let from = workspace.path(&format!("pngs/000{i}.png"));
        std::fs::copy(from, folder.join(std::ffi::OsStr::from_bytes(name))).unwrap();
    }
    std::fs::write(folder.join("bad\x1b[31m.png"), "").unwrap();
    for format in ["table", "json", "csv", "jsonl"] {
        let output =
            command(&["predict", &weights, "--adapter", "cpu", "--format", format]).arg(&folder).output().unwrap();
        assert_eq!(output.status.code(), Some(4), "{format}: {}", stderr(&output));
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        assert!(text.contains("\u{fffd}.png"), "{format}: {text}");
        assert!(format == "csv" || !text.contains('\x1b'), "{format}: {text:?}");
        assert!(!stderr(&output).contains('\x1b'), "{:?}", stderr(&output));
    }
    let output =
        command(&["predict", &weights, "--adapter", "cpu", "--format", "jsonl"]).arg(&folder).output().unwrap();
    let lines = json_of(&output);
    let [red, odd] = &lines[..] else { panic!("{lines:?}") };
    assert!(red["file_base64"].is_null() && red["file"].as_str().unwrap().ends_with("red\u{1b}[31m.png"), "{red}");
    let path = STANDARD.decode(odd["file_base64"].as_str().unwrap()).unwrap();
    assert!(path.starts_with(folder.as_os_str().as_bytes()) && path.ends_with(b"/\xff.png"), "{odd}");
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let workspace = Workspace::new();
    let weights = weights_file(&workspace, &dnn(), &known(Some(false)));
    let folder = as_pngs(&workspace, "pngs", &garments(300));
    let many = vec![folder.as_str(); 60];
    let arguments = [&["predict", &weights, "--adapter", "cpu", "--format", "jsonl", "-q"][..], &many].concat();
    let mut child = command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("0000.png"), "a line comes before the end: {first}");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}: {}", output.status, stderr(&output));
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_it_with_130() {
    let workspace = Workspace::new();
    let weights = weights_file(&workspace, &dnn(), &known(Some(false)));
    let folder = as_pngs(&workspace, "pngs", &garments(300));
    let many = vec![folder.as_str(); 200];
    let arguments = [&["predict", &weights, "--adapter", "cpu", "--format", "jsonl", "-q"][..], &many].concat();
    let mut child = command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    output.read_line(&mut first).unwrap();
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success() && !first.is_empty());
    // Read on, so that it is not the closed pipe that ends it.
    std::io::copy(&mut output, &mut std::io::sink()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn quiet_prints_results_alone() {
    let workspace = Workspace::new();
    let weights = weights_file(&workspace, &dnn(), &known(Some(false)));
    let folder = as_pngs(&workspace, "pngs", &garments(2));
    let quiet = run(&["predict", &weights, &folder, "--adapter", "cpu", "-q"]);
    assert!(quiet.status.success() && stderr(&quiet).is_empty() && !stdout(&quiet).is_empty(), "{}", stderr(&quiet));
    let usual = stderr(&run(&["predict", &weights, &folder, "--adapter", "cpu"]));
    assert!(usual.contains("predict: 2 pictures, as grey images of 28x28, 10 classes"), "{usual}");
    assert!(usual.contains("adapter: cpu"), "{usual}");
}

#[test]
fn probabilities_that_are_not_finite_fail_with_six() {
    let workspace = Workspace::new();
    let model =
        Model::from(Sequential::new([28, 28, 1]).add(Flatten {}).add(Dense::new(3).activation(Activation::Softmax)));
    let graph = model.graph().unwrap();
    let bytes = save_weights(&model, &graph, &vec![3e38; graph.weights_len()], &ImagesInfo::default()).unwrap();
    std::fs::write(workspace.path("huge.safetensors"), bytes).unwrap();
    let folder = as_pngs(&workspace, "pngs", &garments(2));
    let huge = workspace.name("huge.safetensors");
    fails(&["predict", &huge, &folder, "--adapter", "cpu", "--format", "jsonl"], 6, "a probability is NaN");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_fails_with_seven() {
    let workspace = Workspace::new();
    let weights = weights_file(&workspace, &dnn(), &known(None));
    let folder = as_pngs(&workspace, "pngs", &garments(2));
    for format in ["table", "json", "csv", "jsonl"] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut predict = command(&["predict", &weights, &folder, "--adapter", "cpu", "--format", format]);
        let output = predict.stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
        assert!(stderr(&output).contains("cannot write standard output"), "{}", stderr(&output));
    }
}
