//! The layering, read from the `use` lines: which module may import which, no cycles between files, and what stays in its
//! place.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Modules from the lowest up; each may import itself and those named beside it. ARCHITECTURE.md says why.
const LAYERS: [(&str, &[&str]); 19] = [
    ("error", &[]),
    ("clock", &[]),
    ("files", &[]),
    ("real", &[]),
    ("rng", &[]),
    ("simd", &[]),
    ("threads", &["error"]),
    ("plan", &["error", "real", "simd"]),
    ("kernels", &["error", "real", "simd", "plan"]),
    ("layers", &["error", "plan", "kernels"]),
    ("graph", &["error", "rng", "plan", "kernels", "layers"]),
    ("backend", &["error", "clock", "real", "simd", "threads", "plan"]),
    ("data", &["error", "files", "rng", "threads"]),
    ("trainer", &["error", "clock", "real", "plan", "layers", "graph", "backend", "data"]),
    ("verify", &["error", "rng", "plan", "layers", "graph", "backend"]),
    ("bench", &["error", "clock", "rng", "real", "threads", "plan", "kernels", "graph", "backend", "data", "trainer"]),
    ("blocking", &["error", "graph", "backend", "data", "trainer", "bench"]),
    ("report", &["error", "files", "backend", "graph", "trainer", "bench"]),
    ("cli", &["error", "files", "simd", "plan", "graph", "backend", "data", "trainer", "bench", "blocking", "report"]),
];

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

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

/// A source file as a module: `["kernels", "conv2d", "dims"]`; the crate's root is empty.
type Module = Vec<String>;

struct Source {
    path: PathBuf,
    /// The text without comments and unit tests.
    code: String,
}

fn modules() -> BTreeMap<Module, Source> {
    let mut paths = Vec::new();
    sources(&src(), &mut paths);
    let module = |path: PathBuf| {
        let relative = path.strip_prefix(src()).unwrap().with_extension("");
        let mut module: Module = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if module.last().is_some_and(|last| last == "mod" || last == "lib") {
            module.pop();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned();
        let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
        (module, Source { code: lines.collect::<Vec<_>>().join("\n"), path })
    };
    paths.into_iter().filter(|path| !path.ends_with("main.rs")).map(module).collect()
}

/// The paths of a `use` tree: `a::{b, c::{d, self}}` is a::b, a::c::d, a::c.
fn expand(tree: &str, prefix: &[String], found: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    let (head, group) = match tree.split_once('{') {
        Some((head, rest)) => (head.trim().trim_end_matches("::"), rest.rsplit_once('}').map(|(group, _)| group)),
        None => (tree, None),
    };
    let head = head.split(" as ").next().unwrap_or_default();
    let names = head.split("::").map(str::trim).filter(|part| !part.is_empty() && *part != "self" && *part != "*");
    let path: Vec<String> = prefix.iter().cloned().chain(names.map(String::from)).collect();
    let Some(group) = group else {
        found.push(path);
        return;
    };
    let (mut depth, mut start) = (0, 0);
    for (i, c) in group.char_indices().chain([(group.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !group[start..i].trim().is_empty() {
                    expand(&group[start..i], &path, found);
                }
                start = i + 1;
            }
            _ => {}
        }
    }
}

/// The `use` declarations of a file, those that re-export apart.
fn uses(code: &str) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
    let (mut own, mut exported) = (Vec::new(), Vec::new());
    for (i, _) in code.match_indices("use ") {
        let line_start = code[..i].rfind('\n').map_or(0, |n| n + 1);
        let before = code[line_start..i].trim();
        let Some((tree, _)) = code[i + 4..].split_once(';') else { continue };
        match before {
            "" => expand(tree, &[], &mut own),
            "pub" | "pub(crate)" | "pub(super)" => expand(tree, &[], &mut exported),
            other if other.starts_with("pub(in ") => expand(tree, &[], &mut exported),
            _ => {}
        }
    }
    (own, exported)
}

/// Paths in the code, such as `crate::plan::DispatchId`, `super::step` or, of a child, `forward::Method`.
fn inline_paths(code: &str) -> impl Iterator<Item = Vec<String>> {
    // Declarations are read by `uses`.
    let is_use = |line: &str| line.split_whitespace().take(2).any(|word| word == "use");
    let statements = code.split_inclusive(';').flat_map(move |statement| {
        let start = statement.lines().position(is_use);
        statement.lines().take(start.unwrap_or(usize::MAX))
    });
    let words = statements.flat_map(|line| line.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')));
    let paths = words.filter(|word| word.contains("::") && !word.starts_with("::"));
    paths.map(|path| path.split("::").filter(|name| !name.is_empty()).map(String::from).collect())
}

/// The file in which what `path` names, seen from `from`, is defined: through modules and re-exports.
fn resolve(modules: &BTreeMap<Module, Source>, from: &Module, path: &[String], depth: usize) -> Option<Module> {
    assert!(depth < 20, "re-exports in a cycle: {path:?} from {from:?}");
    let (mut at, mut rest): (Module, &[String]) = match path.first().map(String::as_str) {
        Some("crate") => (Vec::new(), &path[1..]),
        Some("super") => (from[..from.len() - 1].to_vec(), &path[1..]),
        // A child, as in `pub use child::Name`.
        Some(first) => {
            let child: Module = from.iter().cloned().chain([first.to_owned()]).collect();
            modules.contains_key(&child).then_some(())?;
            (from.clone(), path)
        }
        None => return None,
    };
    while let Some((name, after)) = rest.split_first() {
        if name == "super" {
            at.pop();
            rest = after;
            continue;
        }
        let child: Module = at.iter().cloned().chain([name.clone()]).collect();
        if modules.contains_key(&child) {
            (at, rest) = (child, after);
            continue;
        }
        let exported = uses(&modules[&at].code).1.into_iter().find(|export| export.last() == Some(name));
        return match exported {
            // What a module passes on from another is its own offer.
            Some(export) if export.first().is_some_and(|first| first == "crate") => Some(at),
            Some(export) => resolve(modules, &at, &export, depth + 1).or(Some(at)),
            None => Some(at),
        };
    }
    Some(at)
}

/// For each file, the files that it imports from.
fn imports() -> (BTreeMap<Module, Source>, BTreeMap<Module, BTreeSet<Module>>) {
    let modules = modules();
    let mut edges: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
    for (module, source) in modules.iter().filter(|(module, _)| !module.is_empty()) {
        let (mut paths, exported) = uses(&source.code);
        // Re-exports are only passed on, unless they reach into another module.
        paths.extend(exported.into_iter().filter(|path| path.first().is_some_and(|first| first == "crate")));
        paths.extend(inline_paths(&source.code));
        let resolved = paths.iter().filter_map(|path| resolve(&modules, module, path, 0));
        edges.entry(module.clone()).or_default().extend(resolved.filter(|to| to != module && !to.is_empty()));
    }
    (modules, edges)
}

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
fn the_reader_of_use_lines_finds_groups_and_reexports() {
    let mut found = Vec::new();
    expand("crate::plan::{Cost, kernel::{Io, self}}", &[], &mut found);
    let found: Vec<String> = found.iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["crate::plan::Cost", "crate::plan::kernel::Io", "crate::plan::kernel"]);
    let modules = modules();
    let path = ["crate", "plan", "Cost"].map(String::from);
    let resolved = resolve(&modules, &vec!["bench".into(), "run".into()], &path, 0);
    assert_eq!(resolved, Some(vec!["plan".to_owned(), "kernel".to_owned()]));
    let inline = inline_paths("fn f(a: &super::gate::Gate) -> crate::Result<Vec<child::Name>> { a.b(|x| x) }");
    let inline: Vec<String> = inline.map(|path| path.join("::")).collect();
    assert_eq!(inline, ["super::gate::Gate", "crate::Result", "child::Name"]);
}

#[test]
fn devices_time_the_environment_and_files_stay_in_their_modules() {
    let rules: [(&str, &[&str]); 11] = [
        ("wgpu::", &["backend"]),
        ("pollster::", &["blocking"]),
        // The settings of a run are its options: each stands once.
        ("clap::", &["cli", "trainer"]),
        ("std::thread", &["threads"]),
        ("std::env::", &["cli"]),
        ("std::time::", &["cli", "report", "data", "threads"]),
        ("std::fs", &["files", "data", "graph", "cli", "report"]),
        ("println!", &[]),
        ("eprintln!", &[]),
        ("std::io::std", &["report"]),
        ("unsafe {", &["real", "cli"]),
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
    wrong.retain(|line| !line.contains("report/run_folder.rs"));
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
