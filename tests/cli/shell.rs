//! What shells and people read of the command: completions, manual pages, its version.

use super::*;
use crate::support::tool_or_skip;
use std::process::Stdio;

/// What `script` prints in `shell`, given the completions for that shell as its first argument.
fn complete(shell: &str, script: &str) -> Option<String> {
    if !Command::new(shell).arg("--version").output().is_ok_and(|output| output.status.success()) {
        // Bash is everywhere that tests run.
        assert!(shell != "bash" || std::env::var_os("CI").is_none(), "no bash");
        eprintln!("skipped: no {shell}");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gpu-cnn");
    std::fs::write(&path, run(&["completions", shell]).stdout).unwrap();
    let output = Command::new(shell).args(["-c", script]).arg(&path).arg(&path).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{shell}: {}", stderr(&output));
    Some(stdout(&output))
}

#[test]
fn shells_complete_subcommands_options_and_their_values() {
    let script = |words: &str, at: usize| {
        let mut from_the_end = words.split(' ').rev();
        let [current, previous] = [(); 2].map(|()| from_the_end.next().unwrap());
        let words: Vec<String> = words.split(' ').map(|word| format!("'{word}'")).collect();
        let words = words.join(" ");
        format!(
            "source \"$1\"; COMP_WORDS=({words}); COMP_CWORD={at}; _gpu__cnn gpu-cnn '{current}' '{previous}'; echo \"${{COMPREPLY[@]}}\""
        )
    };
    for (words, at, expected) in [
        ("gpu-cnn tr", 1, "train\n"),
        ("gpu-cnn train --tens", 2, "--tensorboard\n"),
        ("gpu-cnn evaluate --color a", 3, "auto always\n"),
        ("gpu-cnn export --format weights", 3, "weights-h5\n"),
    ] {
        let Some(found) = complete("bash", &script(words, at)) else { return };
        assert_eq!(found, expected, "{words}");
    }
    if let Some(found) =
        complete("fish", "source $argv[1]; complete -C 'gpu-cnn tr'; complete -C 'gpu-cnn export --format ker'")
    {
        assert!(found.starts_with("train\t") && found.contains("keras\t"), "{found}");
    }
    // Loads, with the file's own first line, as one of zsh's functions.
    if let Some(found) = complete("zsh", "autoload -U compinit; compinit -u -D; source \"$1\"; echo $_comps[gpu-cnn]") {
        assert_eq!(found, "_gpu-cnn\n");
    }
    for shell in ["powershell", "elvish"] {
        assert!(stdout(&run(&["completions", shell])).contains("gpu-cnn"), "{shell}");
    }
    fails(&["completions", "none"], 2, "invalid value 'none'");
}

#[test]
fn a_pipe_that_is_closed_early_is_no_error() {
    for arguments in [&["completions", "bash"][..], &["--version", "--verbose"], &["--help"]] {
        let mut child = command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn the_manual_has_a_page_for_each_subcommand_without_empty_sections() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("a folder/man1");
    let written = run(&["man", pages.to_str().unwrap()]);
    assert!(written.status.success() && written.stdout.is_empty(), "{}", stderr(&written));
    let help = stdout(&run(&["--help"]));
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = commands.lines().filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    let of_data = ["fetch", "info", "list", "show", "verify"].map(|name| format!("gpu-cnn-data-{name}.1"));
    let mut expected: Vec<String> = names.map(|name| format!("gpu-cnn-{name}.1")).chain(["gpu-cnn.1".into()]).collect();
    expected.extend(of_data);
    expected.sort();
    let mut found: Vec<String> =
        std::fs::read_dir(&pages).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    found.sort();
    assert!(found == expected && found.len() > 10, "{found:?} {expected:?}");
    for name in found {
        let text = std::fs::read_to_string(pages.join(&name)).unwrap();
        assert!(!text.contains("see a summary"), "{name} refers to another help");
        let lines: Vec<&str> = text.lines().collect();
        for (i, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with(".SH")) {
            assert!(lines.get(i + 1).is_some_and(|next| !next.starts_with(".SH")), "{name}: {line} is empty");
        }
        for title in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "\"EXIT STATUS\"", "ENVIRONMENT"] {
            assert!(lines.contains(&&*format!(".SH {title}")), "{name}: {title}");
        }
        if tool_or_skip("man") {
            let page = pages.join(&name);
            let output =
                Command::new("man").args(["--warnings", "-l"]).arg(page).env("MANWIDTH", "80").output().unwrap();
            assert!(output.status.success() && output.stderr.is_empty(), "{name}: {}", stderr(&output));
            let shown = stdout(&output);
            assert!(shown.contains(name.trim_end_matches(".1")) && shown.contains("EXIT STATUS"), "{shown}");
        }
    }
    // Again into the same folder, and where a file is in the way.
    assert!(run(&["man", pages.to_str().unwrap()]).status.success());
    std::fs::write(folder.path().join("file"), "").unwrap();
    fails(&["man", folder.path().join("file").to_str().unwrap()], 7, "file");
}

#[test]
fn the_version_says_more_with_verbose_in_any_form() {
    let plain = stdout(&run(&["--version"]));
    assert_eq!(plain, format!("gpu-cnn {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!((stdout(&run(&["-V"])), stdout(&run(&["-qV"]))), (plain.clone(), plain));
    let verbose = stdout(&run(&["--version", "--verbose"]));
    let lines: Vec<&str> = verbose.lines().collect();
    assert_eq!(lines[0], format!("gpu-cnn {}", env!("CARGO_PKG_VERSION")));
    let lock = include_str!("../../Cargo.lock");
    for name in ["wgpu", "naga"] {
        let version = lines.iter().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap();
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"")), "{name} {version}");
    }
    assert!(lines.contains(&"features: cli, download") && verbose.contains(std::env::consts::ARCH), "{verbose}");
    for form in [&["-V", "-v"][..], &["-vV"], &["-Vv"], &["-v", "--version"], &["--verbose", "-V"]] {
        assert_eq!(stdout(&run(form)), verbose, "{form:?}");
    }
    assert!(verbose.lines().all(|line| line.chars().count() <= 80), "{verbose}");
}
