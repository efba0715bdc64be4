//! What is published, and what is packed for Debian.

use crate::architecture::sources;
use crate::support::tool_or_skip;
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Output};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn cargo(arguments: &[&str]) -> Output {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Command::new(cargo).args(arguments).current_dir(root()).output().unwrap()
}

/// `path` without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// The files that `code`, of the file `path`, has inside: by `include_str!`, `include_bytes!`, `wgsl!` and `#[path]`.
fn included(path: &Path, code: &str) -> Vec<PathBuf> {
    let starts = ["include_str!(", "include_bytes!(", "#[path = "];
    let named = starts.iter().flat_map(|start| code.split(start).skip(1));
    let names = named.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next());
    let beside = names.map(|name| plain(&path.parent().unwrap().join(name)));
    let shaders = code.split("wgsl!(\"").skip(1).filter_map(|rest| rest.split('"').next());
    beside.chain(shaders.map(|name| root().join("shaders").join(name))).collect()
}

#[test]
fn every_file_that_is_compiled_is_published_and_cargo_has_nothing_to_complain_of() {
    let output = cargo(&["package", "--list", "--offline", "--allow-dirty"]);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !complaints.contains("warning"), "{complaints}");
    let listed = String::from_utf8(output.stdout).unwrap();
    let published: BTreeSet<PathBuf> = listed.lines().map(|name| root().join(name)).collect();
    let mut paths = Vec::new();
    ["src", "tests", "examples"].iter().for_each(|folder| sources(&root().join(folder), &mut paths));
    let (mut missing, mut count) = (BTreeSet::new(), 0);
    for path in paths {
        let code = std::fs::read_to_string(&path).unwrap();
        // This file has the words in its texts.
        let inside = if path.ends_with("tests/package.rs") { Vec::new() } else { included(&path, &code) };
        count += inside.len();
        missing.extend(inside.into_iter().chain([path]).filter(|path| !published.contains(path)));
    }
    assert!(count > 150, "only {count} files inside of others were found");
    assert!(missing.is_empty(), "Cargo.toml's `include` is without {missing:#?}");
    // What a target names is there, or cargo would leave the target out with a warning.
    for name in ["src/main.rs", "tests/main.rs", "examples/train.rs", "README.md", "LICENSE", "assets/fonts/LICENSE"] {
        assert!(published.contains(&root().join(name)), "{name}");
    }
    assert!(!listed.contains("corpus/grown-") && !listed.contains("benches/"), "{listed}");
}

#[test]
fn included_files_are_found_in_code() {
    let code = "const A: &str = include_str!(\"../b.txt\");\n#[path = \"x/y.rs\"]\nmod y;\ninclude_bytes!(\n    \"c\")";
    let found = included(Path::new("/p/src/a.rs"), code);
    assert_eq!(found, ["/p/b.txt", "/p/src/c", "/p/src/x/y.rs"].map(PathBuf::from));
}

/// Not a build of the program: that which the tests have is packed.
#[cfg(target_os = "linux")]
#[test]
fn a_debian_package_has_the_command_its_pages_and_completions() {
    if !tool_or_skip("dpkg-deb") || !tool_or_skip("python3") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target");
    std::fs::create_dir_all(target.join("release")).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_gpu-cnn"), target.join("release/gpu-cnn")).unwrap();
    let output = Command::new(root().join("scripts/deb"))
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("DEBEMAIL")
        .output()
        .unwrap();
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{errors}");
    let package = text.lines().last().unwrap();
    let ask = |arguments: &[&str]| {
        let output = Command::new("dpkg-deb").args(arguments).arg(package).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let control = ask(&["--field"]);
    for word in
        ["Package: gpu-cnn", "Depends: libc6 (>= ", "Recommends: libvulkan1, mesa-vulkan-drivers", "Section: science"]
    {
        assert!(control.contains(word), "{word}: {control}");
    }
    let listed = ask(&["--contents"]);
    for name in [
        "./usr/bin/gpu-cnn",
        "./usr/share/man/man1/gpu-cnn.1.gz",
        "./usr/share/man/man1/gpu-cnn-train.1.gz",
        "./usr/share/bash-completion/completions/gpu-cnn",
        "./usr/share/zsh/vendor-completions/_gpu-cnn",
        "./usr/share/fish/vendor_completions.d/gpu-cnn.fish",
        "./usr/share/doc/gpu-cnn/copyright",
        "./usr/share/doc/gpu-cnn/changelog.gz",
        "./usr/share/doc/gpu-cnn/changelog.Debian.gz",
    ] {
        assert!(listed.lines().any(|line| line.ends_with(name)), "{name}: {listed}");
    }
    assert!(listed.lines().all(|line| line.contains("root/root")), "{listed}");
}

#[test]
fn documents_have_no_gaps_left_to_fill() {
    let files = std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let documents: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    assert!(documents.len() > 5, "{documents:?}");
    for path in documents {
        let text = std::fs::read_to_string(&path).unwrap();
        let is_gap = |word: &str| {
            word.len() > 2
                && word.starts_with('@')
                && word.trim_matches('@').bytes().all(|byte| byte.is_ascii_uppercase())
        };
        let found = text.split_whitespace().find(|word| is_gap(word));
        assert!(found.is_none(), "{}: {found:?}", path.display());
    }
}
