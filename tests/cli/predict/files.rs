//! Which files are pictures, in what order, and what becomes of the others.

use super::*;
use std::process::Stdio;

/// A workspace with weights, and five pictures in `pngs`.
fn with_pictures() -> (Workspace, String, String) {
    let workspace = Workspace::new();
    let weights = weights_file(&workspace, &dnn(), &known(Some(false)));
    let folder = as_pngs(&workspace, "pngs", &garments(5));
    (workspace, weights, folder)
}

/// The names of the files in the output, below the workspace.
fn names(workspace: &Workspace, lines: &[Value]) -> Vec<String> {
    let root = format!("{}/", workspace.path("").to_str().unwrap().trim_end_matches('/'));
    lines.iter().map(|line| line["file"].as_str().unwrap().replace(&root, "")).collect()
}

#[test]
fn an_unreadable_file_is_skipped_and_the_others_are_predicted() {
    let (workspace, weights, folder) = with_pictures();
    let whole = std::fs::read(workspace.path("pngs/0001.png")).unwrap();
    std::fs::write(workspace.path("pngs/0001.png"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(workspace.path("pngs/0003.png"), "no picture").unwrap();
    let missing = workspace.name("missing.png");
    for format in ["table", "json", "csv", "jsonl"] {
        let output = run(&["predict", &weights, &missing, &folder, "--adapter", "cpu", "--format", format]);
        assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
        let (text, said) = (stdout(&output), stderr(&output));
        for name in ["0000.png", "0002.png", "0004.png"] {
            assert!(text.contains(name), "{format}, {name}: {text}");
        }
        for name in ["missing.png", "0001.png", "0003.png"] {
            assert!(!text.contains(name), "{format}, {name}: {text}");
            let of_file = said.lines().filter(|line| line.starts_with("warning: skipped: ") && line.ends_with(name));
            assert_eq!(of_file.count(), 1, "{name}: {said}");
        }
        assert!(said.contains("error: 3 pictures or folders were skipped"), "{said}");
    }
    let quiet = run(&["predict", &weights, &folder, "--adapter", "cpu", "-q"]);
    assert_eq!(stderr(&quiet).lines().count(), 3, "{}", stderr(&quiet));
    // Of one alone the error says it all.
    fails(&["predict", &weights, &missing, "--adapter", "cpu"], 4, "error: cannot read the picture: ");
    fails(&["predict", &weights, &workspace.name("pngs/0003.png"), "--adapter", "cpu"], 4, "error: not a PNG, JPEG");
}

#[test]
fn a_folder_is_searched_to_its_depth_in_the_order_of_bytes() {
    let (workspace, weights, folder) = with_pictures();
    for inner in ["b/z", "B", ".hidden", "empty"] {
        std::fs::create_dir_all(workspace.path("pngs").join(inner)).unwrap();
    }
    let copy = |name: &str| std::fs::copy(workspace.path("pngs/0000.png"), workspace.path("pngs").join(name)).unwrap();
    for name in
        ["b/z/deep.JPG", "b/a.PnG", "B/upper.webp", "b.png", "ä.gif", ".hidden/no.png", "._0000.png", "note.txt", "png"]
    {
        copy(name);
    }
    let found = lines(&[&weights, &folder]);
    let expected = [
        "0000.png",
        "0001.png",
        "0002.png",
        "0003.png",
        "0004.png",
        "B/upper.webp",
        "b.png",
        "b/a.PnG",
        "b/z/deep.JPG",
        "ä.gif",
    ];
    assert_eq!(names(&workspace, &found), expected.map(|name| format!("pngs/{name}")));
    let verbose = run(&["predict", &weights, &folder, "--adapter", "cpu", "-v"]);
    assert!(stderr(&verbose).contains("ignored 4 other files"), "{}", stderr(&verbose));
    // Named files come in their order, whatever their names, also twice.
    let [text, first] = [workspace.name("pngs/note.txt"), workspace.name("pngs/0000.png")];
    let found = lines(&[&weights, &text, &first, &text]);
    assert_eq!(names(&workspace, &found), ["pngs/note.txt", "pngs/0000.png", "pngs/note.txt"]);
}

#[test]
fn folders_without_pictures_are_errors_and_beside_others_warnings() {
    let (workspace, weights, folder) = with_pictures();
    std::fs::create_dir_all(workspace.path("empty/inner")).unwrap();
    let empty = workspace.name("empty");
    fails(&["predict", &weights, &empty, "--adapter", "cpu"], 4, "no pictures, whose names end in .bmp, .gif");
    std::fs::write(workspace.path("empty/note.txt"), "").unwrap();
    fails(&["predict", &weights, &empty, "--adapter", "cpu"], 4, "other file");
    let output = run(&["predict", &weights, &empty, &folder, "--adapter", "cpu", "--format", "jsonl"]);
    assert_eq!((output.status.code(), stdout(&output).lines().count()), (Some(4), 5), "{}", stderr(&output));
    fails(&["predict", &weights], 2, "IMAGE");
}

#[cfg(unix)]
#[test]
fn links_that_lead_in_circles_end_and_pipes_are_left_alone() {
    use std::os::unix::fs::symlink;
    let (workspace, weights, folder) = with_pictures();
    std::fs::create_dir(workspace.path("pngs/inner")).unwrap();
    symlink("..", workspace.path("pngs/inner/up")).unwrap();
    symlink(".", workspace.path("pngs/inner/here")).unwrap();
    symlink(&folder, workspace.path("pngs/whole")).unwrap();
    symlink("0000.png", workspace.path("pngs/link.png")).unwrap();
    symlink("nowhere.txt", workspace.path("pngs/broken.txt")).unwrap();
    assert!(Command::new("mkfifo").arg(workspace.path("pngs/pipe.png")).status().unwrap().success());
    let found = lines(&[&weights, &folder]);
    assert_eq!(names(&workspace, &found).last().unwrap(), "pngs/link.png");
    assert_eq!(found.len(), 6);
    symlink("nowhere.png", workspace.path("pngs/broken.png")).unwrap();
    let output = run(&["predict", &weights, &folder, "--adapter", "cpu", "--format", "jsonl"]);
    assert_eq!((output.status.code(), stdout(&output).lines().count()), (Some(4), 6));
    assert!(stderr(&output).contains("broken.png"), "{}", stderr(&output));
}

#[test]
fn one_picture_comes_from_standard_input() {
    let (workspace, weights, _) = with_pictures();
    let predict = |more: &[&str], input: Stdio| {
        let all = [&["predict", &weights, "-", "--adapter", "cpu", "--format", "jsonl"], more].concat();
        command(&all).stdin(input).output().unwrap()
    };
    let file = || Stdio::from(std::fs::File::open(workspace.path("pngs/0002.png")).unwrap());
    let output = predict(&[], file());
    assert!(output.status.success(), "{}", stderr(&output));
    let [line] = &json_of(&output)[..] else { panic!("{}", stdout(&output)) };
    assert_eq!(line["file"], "-");
    let of_file =
        run(&["predict", &weights, &workspace.name("pngs/0002.png"), "--adapter", "cpu", "--format", "jsonl"]);
    assert_eq!(line["predictions"], json_of(&of_file)[0]["predictions"]);
    // Beside a file.
    let both = predict(&[&workspace.name("pngs/0001.png")], file());
    assert!(both.status.success() && stdout(&both).lines().count() == 2, "{}", stderr(&both));
    let nothing = predict(&[], Stdio::null());
    assert_eq!(nothing.status.code(), Some(4));
    assert!(stderr(&nothing).contains("error: an empty file, not a picture: standard input"), "{}", stderr(&nothing));
    let twice = predict(&["-"], file());
    assert!(twice.status.code() == Some(2) && stderr(&twice).contains("named twice"), "{}", stderr(&twice));
}

#[test]
fn many_files_come_in_order_and_none_is_lost() {
    let (workspace, weights, _) = with_pictures();
    let images = garments(1100);
    let folder = as_pngs(&workspace, "many", &images);
    for i in (0..1100).step_by(50) {
        std::fs::write(workspace.path(&format!("many/{i:04}.png")), "damaged").unwrap();
    }
    let all =
        ["predict", &weights, &folder, "--adapter", "cpu", "--format", "jsonl", "--top-k", "10", "--invert", "no"];
    let output = run(&all);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let found = json_of(&output);
    let expected = expected(&dnn(), &images.pixels);
    let kept: Vec<usize> = (0..1100).filter(|i| i % 50 != 0).collect();
    assert_eq!(names(&workspace, &found), kept.iter().map(|i| format!("many/{i:04}.png")).collect::<Vec<_>>());
    assert!(kept.iter().zip(&found).all(|(i, line)| row(line) == expected[*i]));
    assert_eq!(stderr(&output).matches("warning: skipped: ").count(), 22);
}
