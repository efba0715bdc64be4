//! The layering, read from the `use` lines: which module may import which, no cycles between files, and what stays in its
//! place.

mod imports;

pub(crate) use imports::sources;

use imports::{Module, imports, modules};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Modules from the lowest up; each may import itself and those named beside it. ARCHITECTURE.md says why.
const LAYERS: [(&str, &[&str]); 27] = [
    ("error", &[]),
    ("bounds", &["error"]),
    ("clock", &[]),
    ("digest", &[]),
    ("files", &[]),
    ("functions", &[]),
    ("hint", &[]),
    ("one_thread", &[]),
    ("real", &["functions"]),
    ("rng", &[]),
    ("simd", &[]),
    ("threads", &["error"]),
    ("plan", &["error", "real", "simd"]),
    ("kernels", &["error", "real", "simd", "plan"]),
    ("layers", &["error", "plan", "kernels"]),
    ("graph", &["error", "bounds", "hint", "rng", "plan", "kernels", "layers"]),
    ("onnx", &["error", "real", "kernels", "layers", "graph"]),
    ("backend", &["error", "clock", "real", "simd", "threads", "plan"]),
    ("data", &["error", "digest", "files", "rng", "threads"]),
    ("ranks", &["error", "digest"]),
    ("trainer", &["error", "bounds", "clock", "digest", "real", "plan", "layers", "graph", "backend", "data", "ranks"]),
    ("page", &["error", "clock", "plan", "graph", "backend", "data", "trainer"]),
    ("verify", &["error", "clock", "rng", "simd", "plan", "layers", "graph", "backend", "data", "trainer"]),
    ("bench", &["error", "clock", "rng", "real", "threads", "plan", "kernels", "graph", "backend", "data", "trainer"]),
    ("blocking", &["error", "graph", "backend", "data", "trainer", "bench"]),
    ("report", &["error", "digest", "files", "threads", "backend", "graph", "trainer", "page", "bench", "verify"]),
    (
        "cli",
        &[
            "error", "bounds", "digest", "files", "hint", "simd", "threads", "plan", "graph", "onnx", "backend",
            "data", "ranks", "trainer", "page", "verify", "bench", "blocking", "report",
        ],
    ),
];

#[test]
fn no_module_imports_a_higher_one() {
    let allowed: BTreeMap<&str, &[&str]> = LAYERS.into_iter().collect();
    let order: Vec<&str> = LAYERS.iter().map(|(name, _)| *name).collect();
    for (i, (name, imports)) in LAYERS.iter().enumerate() {
        assert!(imports.iter().all(|import| order[..i].contains(import)), "{name} is above what it may import");
    }
    let (modules, edges) = imports();
    let mut wrong = Vec::new();
    for (from, to) in edges.iter().flat_map(|(from, tos)| tos.iter().map(move |to| (from, to))) {
        let may = allowed.get(from[0].as_str()).unwrap_or_else(|| panic!("{} is not in the table", from[0]));
        if from[0] != to[0] && !may.contains(&to[0].as_str()) {
            wrong.push(format!("{}: {}", modules[from].path.display(), to.join("::")));
        }
    }
    let count: usize = edges.values().map(BTreeSet::len).sum();
    assert!(count > 300, "only {count} imports were read");
    assert!(wrong.is_empty(), "imports against the layering:\n{}", wrong.join("\n"));
}

#[test]
fn no_files_import_each_other_in_a_cycle() {
    let (_, mut edges) = imports();
    // Files without imports are taken away until none is left; what then remains is in a cycle, or leads to one.
    loop {
        let leaves: BTreeSet<Module> = edges
            .iter()
            .filter(|(_, tos)| tos.iter().all(|to| !edges.contains_key(to)))
            .map(|(m, _)| m.clone())
            .collect();
        if leaves.is_empty() {
            break;
        }
        edges.retain(|module, _| !leaves.contains(module));
    }
    let cycle: Vec<String> = edges
        .iter()
        .map(|(from, tos)| {
            let tos: Vec<String> = tos.iter().filter(|to| edges.contains_key(*to)).map(|to| to.join("::")).collect();
            format!("{} -> {}", from.join("::"), tos.join(", "))
        })
        .collect();
    assert!(cycle.is_empty(), "files import each other:\n{}", cycle.join("\n"));
}

#[test]
fn devices_time_the_environment_and_files_stay_in_their_modules() {
    let rules: [(&str, &[&str]); 13] = [
        ("wgpu::", &["backend"]),
        ("pollster::", &["blocking"]),
        // The settings of a run are its options: each stands once.
        ("clap::", &["cli", "trainer"]),
        ("std::thread", &["threads"]),
        // The global pool panics where no thread can be started.
        ("ThreadPoolBuilder", &["threads"]),
        ("rayon::current_num_threads", &["kernels"]),
        ("std::env::", &["cli"]),
        ("std::time::", &["cli", "report", "data", "threads"]),
        ("std::fs", &["files", "data", "graph", "cli", "report"]),
        ("println!", &[]),
        ("eprintln!", &[]),
        ("std::io::std", &["report"]),
        ("unsafe {", &["real", "cli", "backend"]),
    ];
    let mut wrong = Vec::new();
    for (module, source) in modules().into_iter().filter(|(module, _)| !module.is_empty()) {
        for (word, allowed) in rules {
            if source.code.contains(word) && !allowed.contains(&module[0].as_str()) {
                wrong.push(format!("{}: {word}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether a line of code has a text with an option in it, such as `--batch-size`.
fn names_option(line: &str) -> bool {
    let texts = line.split('"').skip(1).step_by(2);
    texts.flat_map(|text| text.split("--").skip(1)).any(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
}

#[test]
fn the_library_names_no_option_of_the_command() {
    let (mut wrong, mut read) = (Vec::new(), 0);
    for (_, source) in modules().into_iter().filter(|(module, _)| !module.is_empty() && module[0] != "cli") {
        read += 1;
        if let Some(line) = source.code.lines().find(|line| names_option(line)) {
            wrong.push(format!("{}: {}", source.path.display(), line.trim()));
        }
    }
    // The run folder belongs to the command.
    wrong.retain(|line| !line.contains("report/run/"));
    assert!(read > 50 && wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn source_files_have_at_most_300_lines() {
    let mut paths = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    ["src", "tests", "benches", "examples"].iter().for_each(|folder| sources(&root.join(folder), &mut paths));
    assert!(paths.len() > 150, "{} files", paths.len());
    for path in paths {
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 300, "{} has {lines} lines", path.display());
    }
}
