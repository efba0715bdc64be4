//! The plans of the tutorial's two networks, dispatch by dispatch: a change of the recorder that should change nothing shows here.

use gpu_cnn::internals::plan::{Profile, Program};
use gpu_cnn::internals::simd::{PLAIN, SimdLevel};
use gpu_cnn::internals::verify::presets;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// A section for each preset and profile that this machine has, with a line for each dispatch of a training step: label, workgroups,
/// elements of each output, and the algorithm where there are several; `+` before what is launched with the line before.
fn sections() -> BTreeMap<String, String> {
    let cpu = SimdLevel::available().into_iter().map(Some).chain([None]);
    let cpu = cpu.map(|level| (format!("cpu {}", level.map_or(PLAIN, SimdLevel::name)), Profile::cpu(level)));
    let profiles: Vec<_> =
        Profile::ADAPTERS.map(|profile| (profile.name.to_owned(), profile)).into_iter().chain(cpu).collect();
    let mut sections = BTreeMap::new();
    for (case, (name, profile)) in presets()[..2].iter().flat_map(|case| profiles.iter().map(move |p| (case, p))) {
        let plan = case.plan(*profile).unwrap().pair_dispatches();
        let mut text = String::new();
        let ids = plan.dispatch_ids(&Program::TRAIN);
        let in_launches = plan.launches(&ids).into_iter().flat_map(|launch| launch.iter().enumerate());
        for (of_launch, id) in in_launches {
            let dispatch = plan.dispatch(*id);
            let outputs: Vec<usize> = dispatch.outputs.iter().map(|slice| slice.len).collect();
            let algorithm = dispatch.algorithm.map(|name| format!(", {name}")).unwrap_or_default();
            let grid = dispatch.kernel.shader().grid;
            let sign = ["  ", "  + "][of_launch];
            writeln!(text, "{sign}{}: {grid:?} -> {outputs:?}{algorithm}", dispatch.label).unwrap();
        }
        sections.insert(format!("{}, batch {}, {name}", case.name, case.batch), text);
    }
    sections
}

/// The sections of `tests/plans.txt`, each a line that starts at its margin and those indented after it.
fn read(text: &str) -> BTreeMap<String, String> {
    let mut sections: BTreeMap<String, String> = BTreeMap::new();
    let mut head = "";
    for line in text.lines() {
        if !line.starts_with(' ') {
            head = line;
        } else {
            *sections.entry(head.to_owned()).or_default() += &format!("{line}\n");
        }
    }
    sections
}

#[test]
fn the_presets_record_the_dispatches_that_they_always_have() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans.txt");
    let found = sections();
    let mut expected = read(&std::fs::read_to_string(&path).unwrap());
    if std::env::var_os("GPU_CNN_WRITE_PLANS").is_some() {
        expected.extend(found.clone());
        let text: String = expected.iter().map(|(head, lines)| format!("{head}\n{lines}")).collect();
        std::fs::write(&path, text).unwrap();
    }
    for head in expected.keys().filter(|head| !found.contains_key(*head)) {
        // Of a SIMD level that this machine lacks.
        assert!(head.contains(", cpu "), "{head} is recorded no more");
        eprintln!("skipped: {head}");
    }
    for (head, found) in &found {
        let expected = expected.get(head).map_or("", String::as_str);
        let differing = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
        assert!(
            found == expected,
            "{head}, first difference: {differing:?}; if the change is meant, write {} anew with GPU_CNN_WRITE_PLANS=1",
            path.display()
        );
    }
}

#[test]
fn softmax_in_the_last_layer_and_as_a_layer_of_its_own_are_one_plan() {
    use gpu_cnn::internals::verify::Case;
    use gpu_cnn::{Activation::Softmax, ActivationLayer, Dense, Flatten, Sequential};
    let start = || Sequential::new([4, 4, 1]).add(Flatten {});
    let models =
        [start().add(Dense::new(3).activation(Softmax)), start().add(Dense::new(3)).add(ActivationLayer::new(Softmax))];
    let [inside, alone] = models.map(|model| {
        let plan = Case::new("softmax", 2, model).plan(Profile::REFERENCE).unwrap();
        let dispatch = |d: gpu_cnn::internals::plan::Dispatch| format!("{} {:?} {:?}", d.label, d.inputs, d.outputs);
        plan.dispatches.into_iter().map(dispatch).collect::<Vec<_>>()
    });
    assert_eq!(inside, alone);
}
