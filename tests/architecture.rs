//! The layering: which module may import which.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Modules from the lowest up; each may import itself and those named beside it. ARCHITECTURE.md says why.
const LAYERS: [(&str, &[&str]); 17] = [
    ("error", &[]),
    ("real", &[]),
    ("simd", &["error"]),
    ("rng", &[]),
    ("data", &["error", "rng"]),
    ("plan", &["error", "real", "simd"]),
    ("kernels", &["error", "real", "simd", "plan"]),
    ("model", &["error", "rng", "plan", "kernels"]),
    ("backend", &["error", "real", "simd", "plan"]),
    ("queue", &["error", "plan", "backend", "data"]),
    ("compile", &["error", "plan", "model", "backend", "data", "queue"]),
    ("train", &["error", "plan", "kernels", "data", "queue", "compile"]),
    ("predict", &["error", "plan", "data", "queue", "compile"]),
    ("evaluate", &["error", "plan", "data", "compile", "train"]),
    ("bench", &["error", "real", "rng", "data", "plan", "kernels", "model", "backend", "compile"]),
    ("report", &[]),
    ("cli", &["report"]),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every source file with its module of the first level and its text without the unit tests.
fn files() -> Vec<(PathBuf, String, String)> {
    let mut paths = Vec::new();
    sources(&src(), &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let first = path.strip_prefix(src()).unwrap().components().next().unwrap();
            let module = Path::new(&first).file_stem().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
            (path, module, code)
        })
        .collect()
}

/// Modules of this crate that a text names after `crate::`.
fn imports(code: &str) -> Vec<String> {
    let names = code.split("crate::").skip(1);
    names.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()).collect()
}

#[test]
fn no_module_imports_a_higher_one() {
    let allowed: BTreeMap<&str, &[&str]> = LAYERS.into_iter().collect();
    let mut wrong = Vec::new();
    let mut edges = 0;
    for (path, module, code) in files().iter().filter(|(_, module, _)| module != "lib" && module != "main") {
        let may = allowed.get(module.as_str()).unwrap_or_else(|| panic!("{module} is not in the table"));
        // Types that lib.rs lifts to the crate's root are documented there, not imported from there.
        for import in
            imports(&code.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n"))
        {
            edges += 1;
            if import != *module && !may.contains(&import.as_str()) {
                wrong.push(format!("{}: crate::{import}", path.display()));
            }
        }
    }
    assert!(edges > 50, "only {edges} imports were read");
    assert!(wrong.is_empty(), "imports against the layering:\n{}", wrong.join("\n"));
}

#[test]
fn devices_and_files_stay_where_they_belong() {
    let rules: [(&str, &[&str]); 5] = [
        ("wgpu::", &["backend"]),
        ("pollster::", &["backend"]),
        ("std::thread", &[]),
        ("std::fs", &["data", "model", "cli", "report"]),
        ("unsafe {", &["real"]),
    ];
    let mut wrong = Vec::new();
    for (path, module, code) in files() {
        for (word, places) in rules {
            if code.contains(word) && !places.contains(&module.as_str()) {
                wrong.push(format!("{}: {word}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_fit_a_room() {
    for (path, _, _) in files() {
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 400, "{} has {lines} lines", path.display());
    }
}
