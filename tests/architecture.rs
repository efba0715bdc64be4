//! The rules of ARCHITECTURE.md: which module may import which, where devices and files are used, and file sizes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Modules from the lowest layer to the highest; each may import itself and the modules listed with it. ARCHITECTURE.md
/// gives the reasons.
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

/// Collects the `.rs` files under `folder` into `found`.
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

/// Every source file: its path, its top-level module, and its text up to the unit tests.
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

/// The names that follow `crate::` in `code`: the modules it imports.
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
        let importable = allowed.get(module.as_str()).unwrap_or_else(|| panic!("{module} is not in the table"));
        // Comments are skipped: doc links may refer to types by their re-export at the crate root.
        for import in
            imports(&code.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n"))
        {
            edges += 1;
            if import != *module && !importable.contains(&import.as_str()) {
                wrong.push(format!("{}: crate::{import}", path.display()));
            }
        }
    }
    assert!(edges > 50, "only {edges} imports were read");
    assert!(wrong.is_empty(), "imports against the layering:\n{}", wrong.join("\n"));
}

#[test]
fn devices_threads_files_and_unsafe_are_used_only_in_their_modules() {
    let rules: [(&str, &[&str]); 5] = [
        ("wgpu::", &["backend"]),
        ("pollster::", &["backend"]),
        ("std::thread", &[]),
        ("std::fs", &["data", "model", "cli", "report"]),
        ("unsafe {", &["real"]),
    ];
    let mut wrong = Vec::new();
    for (path, module, code) in files() {
        for (pattern, modules) in rules {
            if code.contains(pattern) && !modules.contains(&module.as_str()) {
                wrong.push(format!("{}: {pattern}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn source_files_have_at_most_400_lines() {
    for (path, _, _) in files() {
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 400, "{} has {lines} lines", path.display());
    }
}
