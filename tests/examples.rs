//! The programs in `examples/`, each run as part of the tests: small enough for every change of the interface to show.

#[path = "../examples/predict.rs"]
mod predict;
#[path = "../examples/residual.rs"]
mod residual;
#[path = "../examples/train.rs"]
mod train;

#[test]
fn train_runs() {
    train::main().unwrap();
}

#[test]
fn residual_runs() {
    residual::main().unwrap();
}

#[test]
fn predict_runs() {
    predict::main().unwrap();
}

#[test]
fn each_is_under_forty_lines() {
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples")).unwrap() {
        let path = entry.unwrap().path();
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines < 40, "{} has {lines} lines", path.display());
    }
}
