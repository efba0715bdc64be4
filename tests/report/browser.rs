//! Pages in headless Chromium: tests/browser/check.mjs loads them at phone and desk width, light and dark.

use super::live_run::LiveRun;
use super::pages::trained;
use crate::cli::{Workspace, run};
use crate::support::tool;
use std::process::Command;

/// What drives the browser.
fn modules() -> Option<String> {
    tool("GPU_CNN_TEST_BROWSER", "no browser", "scripts/browser installs it and prints its folder")
}

/// Runs check.mjs on the files; what it found wrong.
fn faults(modules: &str, files: &[String]) -> String {
    let addresses: Vec<String> = files.iter().map(|file| format!("file://{file}")).collect();
    node("check.mjs", modules, &addresses)
}

/// What a script beside check.mjs finds wrong with the pages.
fn node(script: &str, modules: &str, addresses: &[String]) -> String {
    let script = format!("{}/tests/browser/{script}", env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("node").args([&script, modules, "-"]).args(addresses).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.success(), text.trim().is_empty(), "{text}\n{errors}");
    assert!(errors.is_empty(), "{errors}");
    text
}

#[test]
fn pages_are_drawn_without_an_error_and_are_no_wider_than_the_screen() {
    let Some(modules) = modules() else { return };
    let workspace = Workspace::new();
    trained(&workspace);
    assert!(workspace.train("dense", &["--adapter", "cpu", "--log-steps"]).status.success());
    let [page, dense, both] = ["conv/report.html", "dense/report.html", "both.html"].map(|name| workspace.name(name));
    assert!(
        run(&["report", &workspace.name("conv"), "--compare", &workspace.name("dense"), "-o", &both]).status.success()
    );
    assert_eq!(faults(&modules, &[page.clone(), dense, both]).trim(), "");
    // What is wrong is seen.
    let good = std::fs::read_to_string(&page).unwrap();
    for (from, to, fault) in [
        ("<main", "<main style=\"width:2000px\"", "wider than the screen"),
        ("<footer", "<img src=\"https://example.org/x.png\" alt=\"\"><footer", "a request to https://example.org"),
        ("<svg role=\"img\"", "<svg role=\"img\" width=\"1\" style=\"width:1px\"", "is not drawn"),
        ("<html lang=\"en\"", "<html", "html-has-lang"),
    ] {
        std::fs::write(&page, good.replacen(from, to, 1)).unwrap();
        let found = faults(&modules, std::slice::from_ref(&page));
        assert!(found.contains(fault), "`{fault}` is not seen: {found}");
    }
}

/// In four tabs at once: a reader who has opened, focused and selected something keeps all that while the figures change.
#[test]
fn the_live_page_changes_in_place_and_stays_when_the_run_is_over() {
    let Some(modules) = modules() else { return };
    let workspace = Workspace::new();
    // Half a minute and more.
    let run = LiveRun::start(&workspace, &["--epochs", "2500", "--live"]);
    let address = format!("http://127.0.0.1:{}/", run.port);
    assert_eq!(node("live.mjs", &modules, &[address]).trim(), "");
    let (status, text) = run.wait();
    assert!(status.success(), "{text}");
}
