//! `gpu-cnn data`, and runs on folders of pictures.

use super::*;
use gpu_cnn::data::read_folder;

/// The command with caches of its own in `home`.
fn at_home(home: &Path, arguments: &[&str]) -> Command {
    let mut command = command(arguments);
    command.env("HOME", home).env_remove("XDG_CACHE_HOME").env_remove("GPU_CNN_DATA_DIR").env_remove("KERAS_HOME");
    command
}

fn run_at_home(home: &Path, arguments: &[&str]) -> Output {
    let output = at_home(home, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    output
}

/// A workspace with a folder `pictures` of what `data show --export` writes of its data set, all of it.
fn with_pictures() -> Workspace {
    let workspace = Workspace::new();
    for split in ["train", "test"] {
        let to = workspace.name(&format!("pictures/{split}"));
        let show = ["data", "show", &workspace.name("data"), "--export", &to, "--split", split, "--count", "1000"];
        let shown = run(&show);
        assert!(shown.status.success() && shown.stdout.is_empty(), "{}", stderr(&shown));
        fails(&show, 7, "the folder is not empty");
    }
    workspace
}

#[test]
fn exported_pictures_are_the_data_set() {
    let workspace = with_pictures();
    let info = run_at_home(&workspace.path(""), &["data", "info", &workspace.name("pictures"), "--format", "json"]);
    let info: Value = serde_json::from_str(&stdout(&info)).unwrap();
    let data = read_folder(&workspace.path("data")).unwrap();
    assert_eq!(info["image"], serde_json::json!([28, 28, 1]));
    assert_eq!((&info["train_images"], &info["test_images"]), (&Value::from(320), &Value::from(50)));
    assert_eq!(info["bright_border"], false);
    let mut counts = [0; 10];
    data.train.labels.iter().for_each(|label| counts[usize::from(*label)] += 1);
    let classes = info["classes"].as_array().unwrap();
    assert_eq!(classes.len(), 10);
    for (i, class) in classes.iter().enumerate() {
        assert_eq!((&class["name"], &class["train"]), (&Value::from(i.to_string()), &Value::from(counts[i])));
    }
    // Pixels, too: those of the first image of class 3.
    let first = data.train.labels.iter().position(|label| *label == 3).unwrap();
    let picture =
        gpu_cnn::data::read_picture(&workspace.path(&format!("pictures/train/3/{first:03}.png")), [28, 28, 1]);
    assert_eq!(picture.unwrap(), data.train.pixels_of(first));
}

#[test]
fn a_run_on_pictures_is_evaluated_and_resumed_on_them_again() {
    let workspace = with_pictures();
    let (home, out, pictures) = (workspace.path("home"), workspace.name("run"), workspace.name("pictures"));
    std::fs::create_dir(&home).unwrap();
    let train =
        ["train", "--data", &pictures, "--model", "dnn", "--adapter", "cpu", "--epochs", "1", "-v", "--out", &out];
    let first = run_at_home(&home, &[&train[..], &["--image-size", "14x10"]].concat());
    assert!(stderr(&first).contains("320 training and 50 test images of 14x10x1, 10 classes"), "{}", stderr(&first));
    assert!(stderr(&first).contains("the decoded pictures are kept: "), "{}", stderr(&first));
    let cached = |output: &Output| stderr(output).contains("the pictures were decoded before: ");
    let evaluated = run_at_home(&home, &["evaluate", &out, "--adapter", "cpu", "-v"]);
    assert!(cached(&evaluated), "{}", stderr(&evaluated));
    let resumed = run_at_home(&home, &["train", "--resume", &out, "--epochs", "2", "-v"]);
    assert!(cached(&resumed) && !stderr(&resumed).contains("warning"), "{}", stderr(&resumed));
    let list = run_at_home(&home, &["data", "list"]);
    assert!(stdout(&list).contains("decoded pictures of") && stdout(&list).contains("pictures"), "{}", stdout(&list));
    // Pictures of another size and colour take the model's.
    std::fs::create_dir_all(workspace.path("other/0")).unwrap();
    std::fs::create_dir_all(workspace.path("other/1")).unwrap();
    for (i, class) in [0, 0, 1, 1].into_iter().enumerate() {
        let picture = image::RgbImage::from_pixel(20 + i as u32, 30, image::Rgb([200, 10, 30]));
        picture.save(workspace.path(&format!("other/{class}/{i}.bmp"))).unwrap();
    }
    let other = run_at_home(&home, &["evaluate", &out, "--adapter", "cpu", "--data", &workspace.name("other")]);
    assert!(stderr(&other).contains("test images of 14x10x1, 2 classes"), "{}", stderr(&other));
    // As many as the model has are needed otherwise.
    fails(&["evaluate", &out, "--adapter", "cpu", "--data", &workspace.name("other"), "--image-size", "5x5"], 2, "");
}

#[test]
fn pictures_without_a_test_folder_are_split_and_options_of_pictures_are_for_pictures() {
    let workspace = with_pictures();
    let home = workspace.path("");
    let train = workspace.name("pictures/train");
    let info = run_at_home(&home, &["data", "info", &train, "--test-split", "0.5", "--split-seed", "7"]);
    assert!(
        stderr(&info).contains("of 320 pictures are held out as test images (test_split 0.5, split_seed 7)"),
        "{}",
        stderr(&info)
    );
    for share in ["0", "1", "-0.5", "nan"] {
        fails(&["data", "info", &train, "--test-split", share], 2, "test_split");
    }
    fails(&["data", "info", &train, "--image-size", "0x3"], 2, "an image size is HEIGHTxWIDTH, such as 64x64");
    fails(&["data", "info", &train, "--color-mode", "cmyk"], 2, "a color mode is grayscale or rgb, not `cmyk`");
    let other = run_at_home(&home, &["data", "info", &workspace.name("data"), "--color-mode", "rgb"]);
    assert!(stderr(&other).contains("warning: --color-mode is for folders of pictures"), "{}", stderr(&other));
    let narrow = at_home(&home, &["data", "info", &workspace.name("data")]).env("COLUMNS", "50").output().unwrap();
    let text = stdout(&narrow);
    let table: Vec<&str> =
        text.lines().skip_while(|line| !line.starts_with("class")).take_while(|line| !line.is_empty()).collect();
    assert!(table.len() == 12 && table.iter().all(|line| line.len() <= 50), "{text}");
}

#[test]
fn samples_of_each_class_are_one_picture() {
    let workspace = Workspace::new();
    let file = workspace.name("samples.png");
    let shown = run(&["data", "show", "synthetic", "-o", &file, "--count", "6"]);
    assert!(shown.status.success() && shown.stdout.is_empty(), "{}", stderr(&shown));
    let picture = image::open(workspace.path("samples.png")).unwrap();
    assert!(picture.width() > 500 && picture.height() > 700, "{}x{}", picture.width(), picture.height());
    fails(&["data", "show", "synthetic"], 2, "--output");
    fails(&["data", "show", "synthetic", "-o", &file, "--count", "41"], 2, "rows of 40 images at most");
    fails(&["data", "show", "synthetic", "-o", &workspace.name("none/x.png")], 7, "cannot write");
    fails(&["data", "show", "synthetic", "-o", &workspace.name("x.jpg")], 2, "the name of --output ends in .png");
    let exported = run(&["data", "show", "synthetic", "--export", &workspace.name("single"), "--count", "2", "-q"]);
    assert!(exported.status.success() && exported.stderr.is_empty(), "{}", stderr(&exported));
    let names = |folder: &str| std::fs::read_dir(workspace.path(folder)).unwrap().count();
    assert_eq!((names("single"), names("single/T-shirt_top"), names("single/Ankle boot")), (10, 2, 2));
}

#[test]
fn data_that_are_not_there_are_said_to_be_so() {
    let workspace = Workspace::new();
    fails(
        &["data", "info", "nowhere"],
        4,
        "no folder `nowhere`, nor a file; --data takes fashion-mnist, mnist, kmnist, cifar10",
    );
    fails(
        &["data", "fetch", "minst"],
        2,
        "no published set `minst`; there are fashion-mnist, mnist, kmnist, cifar10; did you mean `mnist`?",
    );
    fails(
        &["data", "verify", "mnist", "kmnist", "--data-dir", &workspace.name("data")],
        2,
        "--data-dir is the folder of one set",
    );
    fails(&["data", "verify", "kmnist", "--data-dir", &workspace.name("run")], 4, "no file of KMNIST is in any of");
    let home = workspace.path("home");
    for set in ["mnist", "kmnist", "cifar10"] {
        let output = at_home(&home, &["train", "--data", set]).output().unwrap();
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(4), "{text}");
        assert!(text.contains("could not be downloaded") && text.contains(&format!(".cache/gpu-cnn/{set}")), "{text}");
    }
    let verified = at_home(&home, &["data", "verify"]).output().unwrap();
    assert!(verified.status.success() && stderr(&verified).contains("no published set is on this machine"));
    // Another set's files have the same names.
    let output = at_home(&home, &["data", "verify", "mnist", "--data-dir", &workspace.name("data")]).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(stdout(&output).matches("WRONG: not the published file").count(), 4, "{}", stdout(&output));
    assert!(stderr(&output).contains("4 of 4 files are missing or not as they were published"), "{}", stderr(&output));
}
