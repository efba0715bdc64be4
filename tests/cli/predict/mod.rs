//! Predictions on pictures in files.

mod files;
mod output;

use super::*;
use gpu_cnn::blocking::Trainer;
use gpu_cnn::data::Split;
use gpu_cnn::internals::graph::save_weights;
use gpu_cnn::{Activation, Dense, Device, Flatten, ImagesInfo, Model, Preset, RunConfig, Sequential};
use image::{GrayImage, ImageFormat};

/// What is known of the images of [`weights_file`].
fn known(bright_border: Option<bool>) -> ImagesInfo {
    ImagesInfo { class_names: gpu_cnn::data::CLASS_NAMES.map(String::from).to_vec(), bright_border }
}

/// Writes a weights file with a model that has its initial weights, and returns its path.
fn weights_file(workspace: &Workspace, model: &Model, images: &ImagesInfo) -> String {
    let graph = model.graph().unwrap();
    let bytes = save_weights(model, &graph, &graph.initial_weights(3), images).unwrap();
    std::fs::write(workspace.path("model.safetensors"), bytes).unwrap();
    workspace.name("model.safetensors")
}

fn dnn() -> Model {
    Preset::Dnn.build([28, 28, 1], 10)
}

/// Synthetic garments.
fn garments(count: usize) -> Split {
    synthetic::generate(5, [1, count]).test
}

/// Writes each image as a PNG into a folder of the workspace, and returns its path.
fn as_pngs(workspace: &Workspace, folder: &str, images: &Split) -> String {
    std::fs::create_dir_all(workspace.path(folder)).unwrap();
    for i in 0..images.len() {
        let [height, width, _] = images.image;
        let picture = GrayImage::from_raw(width as u32, height as u32, images.pixels_of(i).to_vec()).unwrap();
        picture.save_with_format(workspace.path(folder).join(format!("{i:04}.png")), ImageFormat::Png).unwrap();
    }
    workspace.name(folder)
}

/// The probabilities of the trainer, of a model with its initial weights.
fn expected(model: &Model, pixels: &[u8]) -> Vec<Vec<f32>> {
    let config = RunConfig::default();
    let mut trainer = Trainer::new(model.clone(), &Device::cpu(1), config).unwrap();
    trainer.set_weights(&model.graph().unwrap().initial_weights(3)).unwrap();
    trainer.predict(pixels).unwrap()
}

/// The output in lines of JSON, with all ten classes.
fn lines(arguments: &[&str]) -> Vec<Value> {
    let all = [&["predict", "--adapter", "cpu", "--format", "jsonl", "--top-k", "10"], arguments].concat();
    let output = run(&all);
    assert!(output.status.success(), "{}", stderr(&output));
    json_of(&output)
}

fn json_of(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The probabilities of a line, in the order of the classes.
fn row(line: &Value) -> Vec<f32> {
    let mut row = vec![f32::NAN; line["predictions"].as_array().unwrap().len()];
    for guess in line["predictions"].as_array().unwrap() {
        row[guess["class"].as_u64().unwrap() as usize] = guess["probability"].as_f64().unwrap() as f32;
    }
    row
}

#[test]
fn pictures_of_the_training_size_have_the_probabilities_of_the_trainer_to_the_bit() {
    let workspace = Workspace::new();
    let weights = weights_file(&workspace, &dnn(), &known(Some(false)));
    let images = garments(50);
    let folder = as_pngs(&workspace, "pngs", &images);
    let expected = expected(&dnn(), &images.pixels);
    let found = lines(&[&weights, &folder, "--invert", "no"]);
    assert_eq!(found.iter().map(row).collect::<Vec<_>>(), expected);
    // Alone, in other company, and with other batches.
    assert_eq!(row(&lines(&[&weights, &workspace.name("pngs/0007.png"), "--invert", "no"])[0]), expected[7]);
    let few = lines(&[&weights, &workspace.name("pngs/0049.png"), &workspace.name("pngs/0000.png"), "--invert", "no"]);
    assert_eq!(few.iter().map(row).collect::<Vec<_>>(), [expected[49].clone(), expected[0].clone()]);
    for line in &found {
        let probabilities: Vec<f64> =
            line["predictions"].as_array().unwrap().iter().map(|p| p["probability"].as_f64().unwrap()).collect();
        assert!(probabilities.is_sorted_by(|a, b| a >= b), "{line}");
    }
    let class = found[3]["predictions"][0]["class"].as_u64().unwrap() as usize;
    assert_eq!(found[3]["predictions"][0]["name"], gpu_cnn::data::CLASS_NAMES[class]);
}

#[test]
fn a_run_a_checkpoint_and_a_file_of_keras_predict() {
    let workspace = Workspace::new();
    assert!(workspace.train("run", &["--adapter", "cpu"]).status.success());
    let folder = as_pngs(&workspace, "pngs", &garments(3));
    let of_run = lines(&[&workspace.name("run"), &folder]);
    assert_eq!(of_run.len(), 3);
    assert!(of_run[0]["predictions"][0]["name"].is_null(), "IDX files have no names");
    assert_eq!(lines(&[&workspace.name("run/checkpoint.safetensors"), &folder]), of_run);
    let keras = workspace.name("model.keras");
    assert!(run(&["export", &workspace.name("run"), "--output", &keras]).status.success());
    let of_keras = lines(&[&keras, &folder, "--invert", "no"]);
    let plain = lines(&[&workspace.name("run"), &folder, "--invert", "no"]);
    assert_eq!(of_keras.iter().map(row).collect::<Vec<_>>(), plain.iter().map(row).collect::<Vec<_>>());
    let h5 = workspace.name("model.weights.h5");
    assert!(run(&["export", &workspace.name("run"), "--output", &h5]).status.success());
    assert_eq!(lines(&[&h5, &folder, "--model", "dnn", "--invert", "no"]), of_keras);
    fails(&["predict", &h5, &folder], 2, "name it with --model");
    fails(&["predict", &workspace.name("none"), &folder], 2, "no such weights file");
}

#[test]
fn one_output_is_the_probability_of_the_second_of_two_classes() {
    let workspace = Workspace::new();
    let layers = Sequential::new([28, 28, 1]).add(Flatten {});
    let images = garments(2);
    let folder = as_pngs(&workspace, "pngs", &images);
    for activation in [Activation::Sigmoid, Activation::Linear] {
        let model = Model::from(layers.clone().add(Dense::new(1).activation(activation)));
        let names = ImagesInfo { class_names: vec!["Cat".into(), "Dog".into()], bright_border: None };
        let weights = weights_file(&workspace, &model, &names);
        let output = run(&["predict", &weights, &folder, "--adapter", "cpu", "--format", "jsonl"]);
        assert!(output.status.success(), "{}", stderr(&output));
        for line in json_of(&output) {
            let row = row(&line);
            assert!(row.len() == 2 && (row[0] + row[1] - 1.0).abs() < 1e-6, "{line}");
            let of_dog = line["predictions"].as_array().unwrap().iter().find(|guess| guess["name"] == "Dog");
            assert_eq!(of_dog.unwrap()["class"], 1);
        }
    }
    // By another way: the sigmoid of the trainer.
    let model = Model::from(layers.add(Dense::new(1).activation(Activation::Sigmoid)));
    let config = RunConfig { loss: gpu_cnn::Loss::BinaryCrossentropy, ..RunConfig::default() };
    let mut trainer = Trainer::new(model.clone(), &Device::cpu(1), config).unwrap();
    trainer.set_weights(&model.graph().unwrap().initial_weights(3)).unwrap();
    let expected = trainer.predict(&images.pixels).unwrap();
    let weights = weights_file(&workspace, &model, &ImagesInfo::default());
    let output = run(&["predict", &weights, &folder, "--adapter", "cpu", "--format", "jsonl"]);
    let found: Vec<f32> = json_of(&output).iter().map(|line| row(line)[1]).collect();
    assert_eq!(found, expected.concat());
}

#[test]
fn a_drawing_is_inverted_where_the_border_of_the_training_images_says_so() {
    let workspace = Workspace::new();
    let images = garments(4);
    let folder = as_pngs(&workspace, "garments", &images);
    let drawings = Split { pixels: images.pixels.iter().map(|value| 255 - value).collect(), ..images.clone() };
    let drawn = as_pngs(&workspace, "drawn", &drawings);
    let weights = weights_file(&workspace, &dnn(), &known(Some(false)));
    let expected = expected(&dnn(), &images.pixels);
    let rows = |arguments: &[&str]| lines(arguments).iter().map(row).collect::<Vec<_>>();
    assert_eq!(rows(&[&weights, &folder]), expected, "a dark border stays");
    assert_eq!(rows(&[&weights, &drawn]), expected, "auto is the default");
    assert_eq!(rows(&[&weights, &drawn, "--invert", "yes"]), expected);
    assert_eq!(rows(&[&weights, &drawn, "--invert"]), expected);
    assert_eq!(rows(&[&weights, &folder, "--invert=yes"]), rows(&[&weights, &drawn, "--invert=no"]));
    assert_ne!(rows(&[&weights, &drawn, "--invert", "no"]), expected);
    assert_eq!(lines(&[&weights, &drawn])[0]["inverted"], true);

    let predict =
        |more: &[&str]| stderr(&run(&[&["predict", &weights, &drawn, &folder, "--adapter", "cpu"], more].concat()));
    let said = predict(&[]);
    assert!(
        said.contains("note: inverted 4 of 8 pictures with a bright border") && said.contains("--invert no"),
        "{said}"
    );
    assert!(!predict(&["--invert", "no"]).contains("inverted"));
    assert!(predict(&["-v"]).contains(&format!("inverted: {}", workspace.path("drawn/0003.png").display())));

    let bright = weights_file(&workspace, &dnn(), &known(Some(true)));
    assert_eq!(rows(&[&bright, &folder]), rows(&[&bright, &drawn]), "the other way round");
    let unknown = weights_file(&workspace, &dnn(), &known(None));
    let said = stderr(&run(&["predict", &unknown, &drawn, "--adapter", "cpu"]));
    assert!(said.contains("note: no picture was inverted") && said.contains("--invert inverts them"), "{said}");
    assert_eq!(lines(&[&unknown, &drawn])[0]["inverted"], false);
}

#[test]
fn a_model_of_colours_gets_colours_that_are_not_inverted() {
    let workspace = Workspace::new();
    let layers = Sequential::new([3, 3, 3]).add(Flatten {}).add(Dense::new(4).activation(Activation::Softmax));
    let model = Model::from(layers);
    let weights = weights_file(&workspace, &model, &ImagesInfo { class_names: vec![], bright_border: Some(false) });
    let picture = image::RgbImage::from_fn(3, 3, |x, y| image::Rgb([250 - 10 * x as u8, 255, 200 + 20 * y as u8]));
    picture.save(workspace.path("bright.png")).unwrap();
    let output = run(&[
        "predict",
        &weights,
        &workspace.name("bright.png"),
        "--adapter",
        "cpu",
        "--format",
        "jsonl",
        "--top-k",
        "4",
    ]);
    assert!(output.status.success() && !stderr(&output).contains("invert"), "{}", stderr(&output));
    assert_eq!(row(&json_of(&output)[0]), expected(&model, picture.as_raw())[0]);
    let two = Sequential::new([3, 3, 2]).add(Flatten {}).add(Dense::new(4).activation(Activation::Softmax));
    let weights = weights_file(&workspace, &Model::from(two), &ImagesInfo::default());
    fails(&["predict", &weights, &workspace.name("bright.png"), "--adapter", "cpu"], 2, "images of 2 channels");
}
