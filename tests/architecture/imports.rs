//! Reads from the sources which file imports from which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub(super) fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

pub(crate) fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
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
pub(super) type Module = Vec<String>;

pub(super) struct Source {
    pub(super) path: PathBuf,
    /// The text without comments and unit tests.
    pub(super) code: String,
}

pub(super) fn modules() -> BTreeMap<Module, Source> {
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
pub(super) fn expand(tree: &str, prefix: &[String], found: &mut Vec<Vec<String>>) {
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
pub(super) fn uses(code: &str) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
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
pub(super) fn inline_paths(code: &str) -> impl Iterator<Item = Vec<String>> {
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
pub(super) fn resolve(
    modules: &BTreeMap<Module, Source>,
    from: &Module,
    path: &[String],
    depth: usize,
) -> Option<Module> {
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
pub(super) fn imports() -> (BTreeMap<Module, Source>, BTreeMap<Module, BTreeSet<Module>>) {
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
