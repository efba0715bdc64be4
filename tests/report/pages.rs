//! The page that each run writes, and `gpu-cnn report`.

use crate::cli::{Workspace, fails, run, stderr};
use image::GenericImageView;
use std::collections::BTreeSet;
use std::path::Path;

pub(super) const MODEL: &str = "[[layers]]\ntype = \"Conv2D\"\nfilters = 8\nkernel_size = 3\nactivation = \"relu\"\n[[layers]]\ntype = \
    \"MaxPooling2D\"\n[[layers]]\ntype = \"Flatten\"\n[[layers]]\ntype = \"Dense\"\nunits = 10\nactivation = \"softmax\"\n";

/// A run of a convolution, in `conv`.
pub(super) fn trained(workspace: &Workspace) {
    std::fs::write(workspace.path("model.toml"), MODEL).unwrap();
    let trained = workspace.train_model(&workspace.name("model.toml"), "conv", &["--adapter", "cpu"]);
    assert!(trained.status.success(), "{}", stderr(&trained));
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The values of an attribute of the elements `element`.
fn attributes<'a>(page: &'a str, element: &str, name: &str) -> Vec<&'a str> {
    let (start, name) = (format!("<{element} "), format!("{name}=\""));
    let elements = page.split(&start).skip(1).map(|rest| rest.split('>').next().unwrap());
    elements.filter_map(|tag| tag.split(&name).nth(1)?.split('"').next()).collect()
}

const FIGURES: [&str; 9] = [
    "loss",
    "accuracy",
    "learning-rate",
    "confusion-matrix",
    "classes",
    "mistakes",
    "filters",
    "feature-maps-conv2d",
    "feature-maps-max_pooling2d",
];

#[test]
fn a_run_writes_a_page_that_needs_nothing_else() {
    let workspace = Workspace::new();
    trained(&workspace);
    let page = read(&workspace.path("conv/report.html"));
    assert!(page.len() < 2 << 20, "{} bytes", page.len());
    assert_eq!(attributes(&page, "figure", "id"), FIGURES);
    assert!(page.contains("default-src 'none'") && page.contains("prefers-color-scheme:dark"));
    assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("https://"), "it loads something");
    assert!(attributes(&page, "image", "href").iter().all(|address| address.starts_with("data:image/png;base64,")));
    let metrics = crate::cli::json_lines(&workspace.path("conv/metrics.jsonl"));
    let accuracy = metrics.last().unwrap()["accuracy"].as_f64().unwrap();
    assert!(page.contains(&format!("<dt>Test accuracy</dt><dd>{accuracy:.4}</dd>")), "no {accuracy:.4}");
    // The matrix adds up: what is on its diagonal is right.
    let right = format!("{} of 50 images are right", (accuracy * 50.0).round());
    assert!(page.contains(&right), "no `{right}`");
}

#[test]
fn the_report_is_written_again_with_its_figures_as_files() {
    let workspace = Workspace::new();
    trained(&workspace);
    let first = read(&workspace.path("conv/report.html"));
    std::fs::remove_file(workspace.path("conv/report.html")).unwrap();
    let figures = workspace.path("conv/report-figures");
    std::fs::create_dir(&figures).unwrap();
    std::fs::write(figures.join("feature-maps-gone.svg"), "").unwrap();
    std::fs::write(figures.join("mine.svg"), "").unwrap();
    let output = run(&["report", &workspace.name("conv"), "--adapter", "cpu"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(read(&workspace.path("conv/report.html")), first);
    let names: BTreeSet<String> =
        std::fs::read_dir(&figures).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let expected = FIGURES.iter().flat_map(|name| [format!("{name}.svg"), format!("{name}.png")]);
    assert_eq!(names, expected.chain(["mine.svg".to_owned()]).collect());
    for name in FIGURES {
        let svg = read(&figures.join(format!("{name}.svg")));
        assert!(!svg.contains("var(--") && svg.contains("<title>") && svg.contains("<desc>"), "{name}");
        let picture = image::open(figures.join(format!("{name}.png"))).unwrap();
        let (width, height) = picture.dimensions();
        assert!(width >= 700 && height >= 100, "{name}: {width}x{height}");
        let colours: BTreeSet<[u8; 4]> = picture.pixels().map(|(_, _, pixel)| pixel.0).collect();
        assert!(colours.len() > 20 && colours.contains(&[255; 4]), "{name}: {} colours", colours.len());
    }
}

#[test]
fn runs_are_compared_in_what_they_came_to_and_in_the_settings_that_differ() {
    let workspace = Workspace::new();
    trained(&workspace);
    assert!(workspace.train("dense", &["--adapter", "cpu", "--seed", "7", "--log-steps"]).status.success());
    let page = workspace.name("both.html");
    let output = run(&["report", &workspace.name("conv"), "--compare", &workspace.name("dense"), "-o", &page]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = read(Path::new(&page));
    let found = attributes(&text, "figure", "id");
    assert_eq!(found[..3], ["compared-training-loss", "compared-training-accuracy", "compared-learning-rate"]);
    assert!(workspace.path("both-figures/compared-training-loss.png").exists());
    assert!(text.contains("<th scope=\"row\">seed</th><td>0</td><td>7</td>"), "no row of the seeds");
    assert!(!text.contains("<th scope=\"row\">batch size</th>"), "a setting that does not differ");
    // Not over the run's own page; two of one name have their paths.
    std::fs::create_dir(workspace.path("sub")).unwrap();
    std::fs::rename(workspace.path("dense"), workspace.path("sub/conv")).unwrap();
    let (own, other) = (read(&workspace.path("conv/report.html")), workspace.name("sub/conv"));
    let output = run(&["report", &workspace.name("conv"), "--compare", &other]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(read(&workspace.path("conv/report.html")), own);
    let text = read(&workspace.path("conv/comparison.html"));
    assert!(text.contains(&format!("<h1>{} beside {other}</h1>", workspace.name("conv"))), "no title");
    assert!(!text.contains("id=\"tiles\""), "figures of one of two runs");
    let many = ["conv"; 6].map(|name| workspace.name(name));
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    fails(&[&["report", many[0], "--compare"], &many[..]].concat(), 2, "--compare with 6 runs; 5 at the most");
    fails(&["report", &workspace.name("data")], 2, "no run there, no run.json");
    fails(&["report", many[0], "-o", &workspace.name("no/folder.html")], 7, "no/folder.html");
    fails(&["report", many[0], "-o", &workspace.name("conv/run.json")], 2, "the name of --output ends in .html");
    fails(&["report", &workspace.name("none")], 2, "none");
}

#[test]
fn a_run_without_weights_or_data_has_a_page_of_what_is_known() {
    let workspace = Workspace::new();
    trained(&workspace);
    let before = read(&workspace.path("conv/report.html"));
    let report = || {
        // A page with all that is known is not lost.
        fails(&["report", &workspace.name("conv"), "--adapter", "cpu"], 4, "The page that is there stays");
        assert_eq!(read(&workspace.path("conv/report.html")), before);
        let page = workspace.name("page.html");
        let output = run(&["report", &workspace.name("conv"), "--adapter", "cpu", "--output", &page]);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(
            stderr(&output).contains("warning: without what the model makes of test images"),
            "{}",
            stderr(&output)
        );
        let page = read(&workspace.path("page.html"));
        assert_eq!(attributes(&page, "figure", "id"), FIGURES[..3]);
        page
    };
    std::fs::rename(workspace.path("data"), workspace.path("elsewhere")).unwrap();
    assert!(report().contains("<h2 id=\"section-test-images-title\">Test images</h2><p>"));
    std::fs::rename(workspace.path("elsewhere"), workspace.path("data")).unwrap();
    std::fs::remove_file(workspace.path("conv/model.safetensors")).unwrap();
    report();
}

#[cfg(unix)]
#[test]
fn runs_that_were_stopped_or_failed_have_a_page_that_says_so() {
    let workspace = Workspace::new();
    let failing = ["--adapter", "cpu", "--learning-rate", "1e30"];
    let output = workspace.train("failed", &failing);
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    let page = read(&workspace.path("failed/report.html"));
    let error =
        crate::cli::json_file(&workspace.path("failed/run.json"))["final"]["error"].as_str().unwrap().to_owned();
    assert!(page.contains("the run failed: ") && page.contains(error.split('\'').next().unwrap()), "{error}: {page}");
    assert!(page.contains("The run ended before the test images."), "{page}");
    // Of one step there is a mark, as there is no line.
    assert!(page.contains("<path class=\"f0\""), "{page}");
    trained(&workspace);
    let path = workspace.path("conv/run.json");
    let running = read(&path).replacen("\"status\": \"done\"", "\"status\": \"running\"", 1);
    std::fs::write(&path, running).unwrap();
    let report = || {
        assert!(run(&["report", &workspace.name("conv"), "--adapter", "cpu"]).status.success());
        read(&workspace.path("conv/report.html"))
    };
    assert!(report().contains("the run was killed, so that nothing says how it ended."));
    let held = std::fs::File::open(workspace.path("conv")).unwrap();
    held.lock().unwrap();
    assert!(report().contains("the run is still going on."));
}

/// Names come from files; nothing in them is read as HTML.
#[test]
fn names_are_text_on_the_page() {
    let workspace = Workspace::new();
    let named = MODEL.replacen("[[layers]]", "[[layers]]\nname = \"a/b\"", 1).replacen(
        "\n[[layers]]",
        "\n[[layers]]\nname = \"a:b\"",
        1,
    );
    std::fs::write(workspace.path("<b>&.toml"), named).unwrap();
    let trained = workspace.train_model(&workspace.name("<b>&.toml"), "conv", &["--adapter", "cpu"]);
    assert!(trained.status.success(), "{}", stderr(&trained));
    let page = read(&workspace.path("conv/report.html"));
    assert!(page.contains("&lt;b&gt;&amp;.toml") && !page.contains("<b>"));
    // Names of files, of which no two are the same.
    assert_eq!(attributes(&page, "figure", "id")[7..], ["feature-maps-a_b", "feature-maps-a_b_"]);
}
