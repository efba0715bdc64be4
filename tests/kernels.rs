//! Every dispatch of every case: GPU against its CPU twin, and no word written past a buffer's end.

use crate::cases::{Case, cases, presets};
use crate::support::{adapter, filled, step};
use gpu_cnn::backend::check_dispatches;
use gpu_cnn::plan::{Phase, Profile};

/// ||gpu - cpu|| / ||cpu|| of any output.
const TOLERANCE: f64 = 5e-6;

fn check(cases: &[Case], profile: Profile) {
    let Some(adapter) = adapter() else { return };
    let profile = if adapter.profile().exchange == profile.exchange { profile } else { Profile::GENERIC };
    let mut failures = Vec::new();
    let mut outputs = 0;
    for case in cases {
        let (plan, mut cpu) = filled::<f32>(case, profile);
        // Twice, so that Adam's second step meets moments that are not zero; then the probabilities.
        for phase in [Phase::Train, Phase::Train, Phase::Predict] {
            let found = check_dispatches(&adapter, &plan, &mut cpu, plan.phase(phase), step(case.images)).unwrap();
            outputs += found.len();
            failures.extend(
                found
                    .into_iter()
                    .filter(|d| d.error > TOLERANCE)
                    .map(|d| format!("{}: `{}` into `{}`: {:.1e}", case.name, d.label, d.buffer, d.error)),
            );
        }
    }
    assert!(outputs > 0, "nothing was compared");
    assert!(
        failures.is_empty(),
        "{} of {outputs} outputs over {TOLERANCE:.0e}:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn gpu_kernels_agree_with_their_twins_on_the_adapters_own_profile() {
    check(&cases(), Profile::SOFTWARE);
}

#[test]
fn gpu_kernels_agree_with_their_twins_on_the_generic_profile() {
    check(&cases(), Profile::GENERIC);
}

#[test]
fn gpu_kernels_agree_with_their_twins_on_the_presets() {
    check(&presets(), Profile::SOFTWARE);
}

#[test]
fn gpu_kernels_agree_with_their_twins_on_the_presets_on_the_generic_profile() {
    check(&presets(), Profile::GENERIC);
}
