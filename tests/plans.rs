//! The plans of the tutorial's two networks, dispatch by dispatch: a change of the recorder that should change nothing shows here.

use gpu_cnn::internals::plan::{Profile, Program};
use gpu_cnn::internals::simd::SimdLevel;
use gpu_cnn::internals::verify::presets;
use std::fmt::Write;
use std::path::Path;

/// A line for each dispatch of a training step: label, workgroups, elements of each output.
fn description() -> String {
    let mut text = String::new();
    for case in &presets()[..2] {
        for profile in Profile::ADAPTERS.into_iter().chain([Profile::cpu(SimdLevel::best())]) {
            let plan = case.plan(profile).unwrap();
            writeln!(text, "{}, batch {}, {}", case.name, case.batch, profile.name).unwrap();
            for id in plan.dispatch_ids(&Program::TRAIN) {
                let dispatch = plan.dispatch(id);
                let outputs: Vec<usize> = dispatch.outputs.iter().map(|slice| slice.len).collect();
                writeln!(text, "  {}: {:?} -> {outputs:?}", dispatch.label, dispatch.kernel.shader().grid).unwrap();
            }
        }
    }
    text
}

#[test]
fn the_presets_record_the_dispatches_that_they_always_have() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans.txt");
    let found = description();
    if std::env::var_os("GPU_CNN_WRITE_PLANS").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    let differing = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
    assert!(
        found == expected,
        "first difference: {differing:?}; if the change is meant, write {} anew with GPU_CNN_WRITE_PLANS=1",
        path.display()
    );
}

#[test]
fn softmax_in_the_last_layer_and_as_a_layer_of_its_own_are_one_plan() {
    use gpu_cnn::internals::verify::Case;
    use gpu_cnn::{Activation::Softmax, ActivationLayer, Dense, Flatten, Sequential};
    let start = || Sequential::new([4, 4, 1]).add(Flatten {});
    let models =
        [start().add(Dense::new(3).activation(Softmax)), start().add(Dense::new(3)).add(ActivationLayer::new(Softmax))];
    let [inside, apart] = models.map(|model| {
        let plan = Case::new("softmax", 2, model).plan(Profile::REFERENCE).unwrap();
        let dispatch = |d: gpu_cnn::internals::plan::Dispatch| format!("{} {:?} {:?}", d.label, d.inputs, d.outputs);
        plan.dispatches.into_iter().map(dispatch).collect::<Vec<_>>()
    });
    assert_eq!(inside, apart);
}
