//! The files of the page, which the program has in itself.

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// Type and content of a file of the page.
pub(super) fn file(path: &str) -> Option<(&'static str, String)> {
    let name = path.strip_prefix('/')?;
    if name.is_empty() {
        // Where the page looks for its engine.
        let [of_browser, own] =
            ["worker", "server"].map(|engine| format!("<meta name=\"engine\" content=\"{engine}\">"));
        return Some((HTML, INDEX.replace(&of_browser, &own)));
    }
    let (_, content) = FILES.iter().find(|(known, _)| *known == name)?;
    Some((if name.ends_with(".css") { STYLE } else { SCRIPT }, (*content).to_owned()))
}

const INDEX: &str = include_str!("../../../assets/page/index.html");

macro_rules! page_files {
    ($($name:literal),* $(,)?) => { &[$(($name, include_str!(concat!("../../../assets/page/", $name)))),*] };
}

/// All other files, but for the worker that has the browser's engine.
const FILES: &[(&str, &str)] = page_files![
    "arithmetic.js",
    "curves.js",
    "dom.js",
    "editor.js",
    "engine.js",
    "explain.js",
    "files.js",
    "filters.js",
    "form.js",
    "layers.js",
    "look.js",
    "mistakes.js",
    "opened.js",
    "own.js",
    "pad.js",
    "page.js",
    "run.js",
    "same.js",
    "state.js",
    "style.css",
    "training.js",
    "walk.js",
    "watching.js"
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_file_of_the_page_is_served() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/page")).expect("the page");
        let names: BTreeSet<String> =
            folder.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        let served = FILES.iter().map(|(name, _)| *name).chain(["index.html", "worker.js"]).map(String::from);
        assert_eq!(names, served.collect());
        assert!(
            file("/")
                .is_some_and(|(_, page)| page.contains("content=\"server\"") && !page.contains("content=\"worker\""))
        );
    }
}
