//! Every file of the fuzzing corpora through the functions that are fuzzed: what fuzzing found stays mended. `scripts/fuzz` finds more.

mod targets;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Seconds that a file may take, as in `scripts/fuzz`.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The folder of cargo-fuzz, which is a package of its own: the published one is without it.
fn fuzz() -> Option<PathBuf> {
    let found = Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")).filter(|fuzz| fuzz.exists());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "no folder fuzz");
        eprintln!("skipped: no folder fuzz");
    }
    found
}

#[test]
fn every_file_of_the_corpora_is_read_or_refused() {
    let Some(fuzz) = fuzz() else { return };
    let mut replayed = 0;
    for (name, target) in targets::TARGETS {
        let folder = fuzz.join("corpus").join(name);
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("no corpus {}: {e}", folder.display()));
        let files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        assert!(!files.is_empty(), "{} is empty", folder.display());
        for file in &files {
            let bytes = std::fs::read(file).unwrap();
            let start = Instant::now();
            let outcome = std::panic::catch_unwind(|| target(&bytes));
            assert!(outcome.is_ok(), "{}: see the panic above", file.display());
            assert!(start.elapsed() < TIMEOUT, "{}: {:?}", file.display(), start.elapsed());
        }
        replayed += files.len();
    }
    eprintln!("{replayed} files");
}

#[test]
fn each_target_is_one_of_cargo_fuzz_with_a_corpus_of_its_name() {
    let Some(fuzz) = fuzz() else { return };
    let stems = |folder: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(fuzz.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    let targets: BTreeSet<String> = targets::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(stems("fuzz_targets"), targets);
    assert_eq!(stems("corpus"), targets);
    let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for name in &targets {
        let text = std::fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(text.contains(&format!("targets::run(\"{name}\", bytes)")), "{name}: {text}");
        assert!(manifest.contains(&format!("name = \"{name}\"\n")), "fuzz/Cargo.toml has no {name}");
    }
    // The name that the fuzzer gives is found.
    targets::run("idx", &[]);
}
