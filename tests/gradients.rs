//! Every gradient of the reference implementations against central differences of the loss, in double precision.

use gpu_cnn::internals::plan::Profile;
use gpu_cnn::internals::verify::{Outcome, cases, check_gradients};

#[test]
fn gradients_of_every_parameter_agree_with_finite_differences() {
    let mut outcome = Outcome::default();
    // The twins of the tile kernels, unfused and fused, and those of Winograd's algorithm.
    let profiles = [Profile { fuse: false, ..Profile::REFERENCE }, Profile::REFERENCE, Profile::SOFTWARE];
    // Few pixel values make windows tie, where the loss has a corner and no derivative.
    for case in cases().iter().filter(|case| case.levels == 256) {
        profiles.iter().for_each(|profile| outcome.add(check_gradients(case, *profile).unwrap()));
    }
    assert!(outcome.compared > 3000, "only {} gradients were compared", outcome.compared);
    let failures = &outcome.failures;
    assert!(failures.is_empty(), "{} of {} gradients:\n{}", failures.len(), outcome.compared, failures.join("\n"));
}
