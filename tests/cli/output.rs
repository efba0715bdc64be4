//! How much the command prints, how wide, and in what colours.

use super::*;

#[test]
fn tables_fit_a_narrow_terminal() {
    let workspace = Workspace::new();
    assert!(workspace.train("run", &["--adapter", "cpu"]).status.success());
    let out = workspace.name("run");
    for columns in [50, 80] {
        for arguments in [
            &["summary", "--model", "resnet-small"][..],
            &["evaluate", &out, "--adapter", "cpu"],
            &["bench", "--adapter", "cpu", "--model", "dnn", "--steps", "1", "--rounds", "1", "--kernels"],
            &["verify", "--adapter", "cpu", "--case", "dense alone"],
            &["adapters"],
        ] {
            let output = command(arguments).env("COLUMNS", columns.to_string()).output().unwrap();
            assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
            let text = stdout(&output);
            let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > columns).collect();
            // Words such as paths stay whole.
            let wide: Vec<_> = wide.into_iter().filter(|line| line.trim().contains(' ')).collect();
            assert!(
                wide.is_empty() && text.lines().count() > 2,
                "{arguments:?} at {columns} columns: {wide:#?}\n{text}"
            );
        }
    }
}

#[test]
fn quiet_prints_results_and_warnings_alone_and_verbose_says_how() {
    let workspace = Workspace::new();
    let quiet = workspace.train("quiet", &["--adapter", "cpu", "-q"]);
    assert!(quiet.status.success());
    assert_eq!(stderr(&quiet), "");
    assert!(stdout(&quiet).starts_with("test accuracy: ") && stdout(&quiet).lines().count() == 1, "{}", stdout(&quiet));
    let warned = workspace.train("warned", &["--adapter", "cpu", "-q", "--data-dir", "/"]);
    assert!(stderr(&warned).starts_with("warning: ") && stderr(&warned).lines().count() == 1, "{}", stderr(&warned));
    fails(&["train", "--quiet", "--model", "none"], 2, "error: no such model file: none");

    let verbose = workspace.train_model("cnn", "verbose", &["--adapter", "cpu", "-v"]);
    for line in [
        "profile cpu: ",
        "conv2d_1+max_pooling2d_1 forward: ",
        "train-images-idx3-ubyte: sha256 ",
        "wrote a checkpoint after 20 steps",
    ] {
        assert!(stderr(&verbose).contains(line), "{line}: {}", stderr(&verbose));
    }
    let usual = workspace.train("usual", &["--adapter", "cpu"]);
    assert!(!stderr(&usual).contains("sha256"), "{}", stderr(&usual));
    fails(&["train", "-q", "-v"], 2, "cannot be used with");
}

#[test]
fn messages_have_colours_only_where_they_are_asked_for() {
    let error = |arguments: &[&str], variables: &[(&str, &str)]| {
        let output = command(arguments).envs(variables.iter().copied()).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        stderr(&output)
    };
    let plain = "error: no such model file: none";
    let wrong = ["summary", "--model", "none"];
    let always = ["--color", "always", "summary", "--model", "none"];
    assert!(error(&wrong, &[]).starts_with(plain));
    assert!(error(&always, &[]).starts_with("\u{1b}[31m\u{1b}[1merror:\u{1b}[0m no such"), "{:?}", error(&always, &[]));
    assert!(error(&wrong, &[("CLICOLOR_FORCE", "1")]).starts_with('\u{1b}'));
    assert!(error(&wrong, &[("NO_COLOR", "1")]).starts_with(plain));
    let never = ["summary", "--model", "none", "--color=never"];
    assert!(error(&never, &[("CLICOLOR_FORCE", "1")]).starts_with(plain));
    let usage = |color: &str| error(&["train", "--epochs", "none", color], &[]);
    assert!(usage("--color=always").contains('\u{1b}') && !usage("--color=never").contains('\u{1b}'));
}
